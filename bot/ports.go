package bot

import (
	"context"
	"errors"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Incidents stores incidents: for each a snapshot, which is the truth for reads,
// and the events that led to it.
type Incidents interface {
	// Load returns an incident with its unread mail, or ErrNotFound.
	Load(ctx context.Context, id string) (Loaded, error)
	// Reserve gives out the next incident number. A number that is never committed
	// leaves a gap in the numbering and nothing else.
	Reserve(ctx context.Context) (int, error)
	// Reply returns the reply of an earlier commit with this operation ID, or
	// ErrNotFound. Operations are kept for 25 hours.
	Reply(ctx context.Context, operation string) ([]byte, error)
	Committer
}

// Committer writes to a store.
type Committer interface {
	// Commit makes one change, completely or not at all. It fails with ErrConflict
	// when the incident or a record has changed since it was read, with ErrTaken
	// when another incident holds the alert group, with ErrLeaseLost when the lease
	// in Settle is not held any more, and with ErrNotFound when it has messages for
	// an incident that does not exist.
	Commit(ctx context.Context, c Commit) (Receipt, error)
}

// Agenda is the queue of tasks and wake-ups by due time. It has one entry per
// lane, due when the first task of the lane is due; order within a lane is strict.
type Agenda interface {
	// Claim leases the first tasks of lanes that are due: most urgent class first,
	// then earliest due, at most one task per lane. A task that falls due during
	// the call may be left to the next call.
	Claim(ctx context.Context, q Claim) ([]Lease, error)
	// Postpone returns a leased task to the agenda, due again at due, with one
	// attempt more than the lease says. A newer revision of the task keeps its own due
	// time.
	Postpone(ctx context.Context, l Lease, due time.Time) error
	// Renew extends a lease until an instant. It fails with ErrLeaseLost when the lease
	// is not held any more; one that has ended and was not claimed again is held.
	Renew(ctx context.Context, l Lease, until time.Time) error
	// NextDue returns the earliest instant at which Claim may find something;
	// zero when the agenda is empty.
	NextDue(ctx context.Context, classes Classes) (time.Time, error)
	// Repair compares the agenda with what a slice of the open incidents owe, and
	// corrects it (E13: the auditor repairs and reports).
	Repair(ctx context.Context, q RepairQuery) (Repairs, error)
}

// Intake stores incoming alerts.
type Intake interface {
	// Take records a batch of alerts in one atomic, durable step: it stores each
	// alert under (integration, key), finds or reserves the incident of its alert
	// group, and puts what has changed into that incident's mailbox. The receipts
	// are in the order of the arrivals.
	Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error)
	// Firing lists the firing alerts of an incident, ordered by integration and
	// key, after the alert named "INTEGRATION\x00KEY" ("": from the first).
	Firing(ctx context.Context, incident, after string, limit int) ([]alerts.Row, error)
}

// Library lists incidents, reads their history, and reports changes.
type Library interface {
	// List returns incidents by descending number, including stubs.
	List(ctx context.Context, q Query) ([]Loaded, error)
	// ListOpen returns open incidents, including stubs, by need and then by number
	// (E14: lists are by need), from an index that is written with each incident.
	ListOpen(ctx context.Context, q OpenQuery) ([]Loaded, error)
	// CountOpen counts open incidents with a tag; "" counts all.
	CountOpen(ctx context.Context, tag string) (OpenCounts, error)
	// History returns an incident's encoded events with Seq > after.
	History(ctx context.Context, id string, after, limit int) ([][]byte, error)
	// Watch reports changes until ctx ends: changes of one incident, or of all
	// when incident is "". The channel receives after a commit that changed
	// something readers can see (state, mail, conversation), whichever process made
	// it; changes that have not been received yet are one signal. The channel is
	// never closed, and a slow reader blocks no writer. Watchers in the same process
	// are notified before Commit or Take returns, and a notified watcher can read
	// the change.
	Watch(ctx context.Context, incident string) <-chan struct{}
}

// Messages reads the conversation of an incident. It is not part of the events,
// and is written through Commit.
type Messages interface {
	// Messages returns the newest messages of an incident with Seq < before (0: the
	// newest of all), at most limit, oldest first. An incident that does not exist
	// has no messages.
	Messages(ctx context.Context, incident string, before, limit int) ([]StoredMessage, error)
}

// StoredMessage is one message of a conversation.
type StoredMessage struct {
	Key  string `json:"key"` // unique in the incident: the platform's ID of the message, or the ID of an effect
	Seq  int    `json:"seq"` // its position in the conversation, from 1; the store assigns it
	Body []byte `json:"body"`
}

// Records reads small versioned documents by kind and ID: everything that is not
// an incident. They are written through Commit.
type Records interface {
	// Get returns a record, or ErrNotFound.
	Get(ctx context.Context, kind, id string) (Record, error)
	// Records returns the records of a kind with ID > after, by ID.
	Records(ctx context.Context, kind, after string, limit int) ([]Record, error)
}

// Store is everything a store adapter implements.
type Store interface { //nolint:interfacebloat // the sum of the ports; each caller declares only the ports it uses
	Incidents
	Agenda
	Intake
	Library
	Messages
	Records
	Archive
}

// Loaded is an incident as it is stored. A stub has no snapshot: alerts have
// reserved its number, and its first step has not been committed yet.
type Loaded struct {
	ID       string
	Number   int
	Version  int    // counts commits; 0 for a stub
	Snapshot []byte // workflow.EncodeIncident; nil for a stub
	Stub     []byte // alerts.EncodeStub; nil once the first step is taken
	Previous string // for a stub: the incident that held its alert group before
	Mail     []workflow.Mail
	Need     workflow.Need // only of an incident that ListOpen returns
}

// Commit is one change: an incident's step, changes of records, or both.
type Commit struct {
	At       time.Time
	Incident string // "" when only records change
	Version  int    // the version that was loaded; 0 for a new incident or a stub
	Snapshot []byte // nil: the state is unchanged, and so are Open, Listing, WakeAt and Group
	Open     bool
	Listing  workflow.Listing // where the incident is listed while it is open
	WakeAt   time.Time        // the incident's one standing wake-up; zero: none
	Group    *GroupHold
	Events   []StoredEvent
	Tasks    []Task
	ReadMail int    // mail up to this number has been read; 0: none
	Settle   *Lease // the task that this commit completes

	Operation      string // stored with Reply, so that a repeat gets the same reply
	Reply          []byte
	Records        []RecordChange
	Messages       []StoredMessage // appended to the incident's conversation; a message whose Key exists is ignored
	EditedMessages []StoredMessage // replace the bodies of the messages with their keys; a message whose Key does not exist is ignored
}

// GroupHold says how long the incident holds its alert group: alerts of the group
// go to this incident. Releasing the group while mail is unread is a conflict.
type GroupHold struct {
	Key    string
	Always bool      // while the incident is open
	Until  time.Time // otherwise, until this instant
}

// Receipt is the result of a Commit. Repeated says that the operation had been
// committed before: nothing was changed, and Reply is the reply of that commit.
type Receipt struct {
	Version  int
	Repeated bool
	Reply    []byte
}

// StoredEvent is an encoded event.
type StoredEvent struct {
	Seq  int    `json:"seq"`
	Body []byte `json:"body"`
}

// Task is a piece of owed work. The task with the ID [WakeTask] is the standing
// wake-up of its incident: it is outside the order of lanes and is overwritten.
// Every task that is written with a Rev is a standing task: it replaces whatever
// its lane holds, and no task without a Rev is written into such a lane. The
// revisions of one lane grow.
type Task struct {
	ID      string        `json:"id"`    // the effect's ID, or WakeTask
	Owner   string        `json:"owner"` // the incident's ID
	Lane    workflow.Lane `json:"lane"`
	Due     time.Time     `json:"due_at"`
	Attempt int           `json:"attempt,omitempty"`
	Rev     int           `json:"rev,omitempty"`  // grows when a standing task is rewritten
	Body    []byte        `json:"body,omitempty"` // workflow.EncodeAction; nil for WakeTask
}

// WakeTask is the ID of the standing wake-up.
const WakeTask = "wake"

// Lease is a task that a worker has claimed until some instant.
type Lease struct {
	Task
	Token string // fencing token: a commit with an outdated one fails with ErrLeaseLost
	Until time.Time
}

// Classes is an inclusive range of classes.
type Classes struct{ From, To workflow.Class }

// Claim asks for tasks that are due.
type Claim struct {
	At      time.Time
	For     time.Duration // how long the leases last
	Limit   int
	Classes Classes
}

// RepairQuery selects a slice of the audit: incidents with Number > After.
type RepairQuery struct {
	At    time.Time
	After int
	Limit int
}

// Repairs reports what the audit found and repaired. Next is the After of the
// next slice; zero when the audit is complete.
type Repairs struct {
	Checked  int
	Repaired []string // what was wrong, one line each
	Overdue  int      // tasks that are overdue by more than a minute and not leased
	Next     int
}

// Query selects incidents.
type Query struct {
	Open   bool // only open incidents, including stubs
	Ended  bool // only incidents that are not open
	Before int  // Number < Before; 0: from the newest
	Limit  int
}

// OpenQuery selects open incidents.
type OpenQuery struct {
	Tag   string // one of [workflow.Listing]; "": all
	After Place  // after this place; zero: from the first
	Limit int
}

// Place is the place of an open incident in the order of need.
type Place struct {
	Need   workflow.Need
	Number int
}

// OpenCounts are numbers of open incidents.
type OpenCounts struct {
	Open           int
	Unacknowledged int // including the unattended ones
	Unattended     int
}

// Record is a small versioned document.
type Record struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Version int    `json:"version"`
	Body    []byte `json:"body"`
}

// RecordChange writes or deletes a record. Version is the version that was read,
// 0 when there was no record; AnyVersion overwrites any version. A nil Body deletes.
type RecordChange struct {
	Kind    string
	ID      string
	Version int
	Body    []byte
}

// AnyVersion in a RecordChange writes without a version check: the last writer wins.
const AnyVersion = -1

// The errors that stores return.
var (
	ErrNotFound  = errors.New("not found")
	ErrConflict  = errors.New("changed meanwhile")
	ErrTaken     = errors.New("the alert group has another owner")
	ErrLeaseLost = errors.New("the lease was lost")
	ErrOverload  = errors.New("too many alerts are unread")
)
