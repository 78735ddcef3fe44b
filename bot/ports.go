package bot

import (
	"context"
	"errors"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Incidents keeps incidents: a snapshot each, which is the truth for reads,
// and the events that made it.
type Incidents interface {
	// Load returns an incident with its unread mail, or ErrNotFound.
	Load(ctx context.Context, id string) (Loaded, error)
	// Reserve takes the next incident number. A number that is never committed
	// leaves a gap and nothing else.
	Reserve(ctx context.Context) (int, error)
	// Reply returns what an earlier commit of this operation answered, or
	// ErrNotFound. Operations are kept for 25 hours.
	Reply(ctx context.Context, operation string) ([]byte, error)
	Committer
}

// Committer writes.
type Committer interface {
	// Commit makes one change, whole or not at all. It fails with ErrConflict
	// when what it was based on has changed, with ErrTaken when the alert group
	// has another owner, and with ErrLeaseLost when Settle is not held any more.
	Commit(ctx context.Context, c Commit) (Receipt, error)
}

// Agenda keeps what is owed at which instant. It holds one entry per lane, due
// when the lane's head is due; order within a lane is strict.
type Agenda interface {
	// Claim leases the heads of lanes that are due, most urgent class first,
	// earliest due first, at most one a lane. What falls due while it is under
	// way may be left to the next one.
	Claim(ctx context.Context, q Claim) ([]Lease, error)
	// Postpone gives a leased task back, due again at due, one attempt later.
	// A newer revision of the task stays due as it is.
	Postpone(ctx context.Context, l Lease, due time.Time) error
	// NextDue returns the earliest instant at which Claim may find something;
	// zero when there is nothing at all.
	NextDue(ctx context.Context, classes Classes) (time.Time, error)
	// Repair compares the index with the records of a slice of the open
	// incidents, and repairs it (rule E13).
	Repair(ctx context.Context, q RepairQuery) (Repairs, error)
}

// Intake takes alerts in.
type Intake interface {
	// Take records a whole batch in one atomic, durable step: each alert under
	// (integration, key), its group's incident found or reserved, the
	// difference put into that incident's mailbox. The receipts are in the
	// order of the arrivals.
	Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error)
	// Firing lists the alerts of an incident that still fire, by key.
	Firing(ctx context.Context, incident, after string, limit int) ([]alerts.Row, error)
}

// Library reads many.
type Library interface {
	// List returns incidents by descending number. Stubs are among them.
	List(ctx context.Context, q Query) ([]Loaded, error)
	// History returns an incident's encoded events with Seq > after.
	History(ctx context.Context, id string, after, limit int) ([][]byte, error)
	// Watch tells of changes until ctx ends: of one incident, or of all when
	// incident is "". The channel receives once something has been committed
	// that a reader could see (state, mail, conversation), whoever committed
	// it; changes that nobody has received yet are one. It is never closed, and
	// a reader who is slow holds nobody up. When Commit or Take has returned,
	// watchers in the same process have been told, and whoever is told can read
	// what changed.
	Watch(ctx context.Context, incident string) <-chan struct{}
}

// Talk keeps what is said in incidents' rooms. It is no part of the events, and
// is written through Commit.
type Talk interface {
	// Talk returns the newest messages of an incident with Seq < before (0: of
	// all), at most limit, oldest first. An incident that is not there has
	// said nothing.
	Talk(ctx context.Context, incident string, before, limit int) ([]StoredMessage, error)
}

// StoredMessage is one message of a conversation.
type StoredMessage struct {
	Key  string `json:"key"` // unique in the incident: the origin's ID of the message, or the effect's
	Seq  int    `json:"seq"` // its place in the conversation, from 1; the store gives it
	Body []byte `json:"body"`
}

// Records keeps small versioned documents by kind and id: everything that is
// not an incident. They are written through Commit.
type Records interface {
	// Get returns a record, or ErrNotFound.
	Get(ctx context.Context, kind, id string) (Record, error)
	// Records returns the records of a kind with ID > after, by ID.
	Records(ctx context.Context, kind, after string, limit int) ([]Record, error)
}

// Store is everything a store adapter implements.
type Store interface { //nolint:interfacebloat // the sum of the ports; whoever uses one of them takes that one
	Incidents
	Agenda
	Intake
	Library
	Talk
	Records
	Archive
}

// Loaded is an incident as a store keeps it. A stub has no snapshot: alerts
// have reserved its number, and its first step is still to come.
type Loaded struct {
	ID       string
	Number   int
	Version  int    // counts commits; 0 for a stub
	Snapshot []byte // workflow.EncodeIncident; nil for a stub
	Stub     []byte // alerts.EncodeStub; nil once the first step is taken
	Previous string // for a stub: the incident that had its alert group before
	Mail     []workflow.Mail
}

// Commit is one change: an incident's step, changes of records, or both.
type Commit struct {
	At       time.Time
	Incident string // "" when only records change
	Version  int    // that was loaded; 0 for a new incident or a stub
	Snapshot []byte // nil: the state is unchanged, and so are Open, WakeAt and Group
	Open     bool
	WakeAt   time.Time // the incident's one standing wake-up; zero: none
	Group    *GroupHold
	Events   []StoredEvent
	Tasks    []Task
	ReadMail int    // mail up to this number has been read; 0: none
	Settle   *Lease // the task that this commit answers

	Operation      string // kept with Reply, so that a repeat gets the same answer
	Reply          []byte
	Records        []RecordChange
	Messages       []StoredMessage // appended to the incident's conversation; a Key that is there already is left as it is
	EditedMessages []StoredMessage // their bodies take the place of those under their keys; a Key that is not there is let be
}

// GroupHold says until when the incident answers for its alert group. Giving
// the group up while mail is unread is a conflict.
type GroupHold struct {
	Key    string
	Always bool      // while the incident is open
	Until  time.Time // else, until then
}

// Receipt is what Commit answers. Repeated says that the operation had been
// committed before: nothing was changed, and Reply is what it answered then.
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

// Task is something owed. The task named WakeTask is the standing wake-up of
// its owner: it stands outside the order of lanes and is overwritten. So is any
// task that is written with a Rev: it takes the place of whatever its lane
// holds, and no other task is written into such a lane. Revisions of one lane
// grow.
type Task struct {
	ID      string        `json:"id"`    // the effect's ID, or WakeTask
	Owner   string        `json:"owner"` // incident
	Lane    workflow.Lane `json:"lane"`
	Due     time.Time     `json:"due"`
	Attempt int           `json:"attempt,omitempty"`
	Rev     int           `json:"rev,omitempty"`  // grows when a standing task is rewritten
	Body    []byte        `json:"body,omitempty"` // workflow.EncodeDeed; nil for WakeTask
}

// WakeTask is the ID of the standing wake-up.
const WakeTask = "wake"

// Lease is a task claimed until some instant.
type Lease struct {
	Task
	Token string // fencing token
	Until time.Time
}

// Classes is an inclusive range of classes.
type Classes struct{ From, To workflow.Class }

// Claim asks for work.
type Claim struct {
	At      time.Time
	For     time.Duration // how long the lease lasts
	Limit   int
	Classes Classes
}

// RepairQuery asks for a slice of the audit: incidents with Number > After.
type RepairQuery struct {
	At    time.Time
	After int
	Limit int
}

// Repairs reports what the audit found and repaired. Next is where the next
// slice begins; zero when all is done.
type Repairs struct {
	Checked  int
	Repaired []string // what was wrong, a line each
	Overdue  int      // tasks past their deadline by more than a minute, and unclaimed
	Next     int
}

// Query selects incidents.
type Query struct {
	Open   bool // only open ones, stubs included
	Before int  // Number < Before; 0: from the newest
	Limit  int
}

// Record is a small versioned document.
type Record struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Version int    `json:"version"`
	Body    []byte `json:"body"`
}

// RecordChange writes a record. Version is the one that was read, 0 when there
// was none; AnyVersion overwrites whatever is there. A nil Body deletes.
type RecordChange struct {
	Kind    string
	ID      string
	Version int
	Body    []byte
}

// AnyVersion in a RecordChange means that the last writer wins.
const AnyVersion = -1

// The errors that stores answer with.
var (
	ErrNotFound  = errors.New("not found")
	ErrConflict  = errors.New("changed meanwhile")
	ErrTaken     = errors.New("the alert group has another owner")
	ErrLeaseLost = errors.New("the lease was lost")
	ErrOverload  = errors.New("too many alerts are unread")
)
