package bot

import (
	"context"
	"time"

	"tocsin/bot/alerts"
)

// Archive looks after what is over, and moves everything from one store into
// another.
type Archive interface {
	// ListEnded returns incidents that are not open and were last changed before an
	// instant, those that have been over longest first.
	ListEnded(ctx context.Context, q EndedQuery) ([]string, error)
	// Archive moves an incident into its compact form (see [Compact]). Readers find
	// it as before, and nobody is told. What next touches it brings it back, as
	// part of that change: a step, a message, a task that another commit owes
	// in its name, mail. One that is not there, is open, has mail unread, or
	// still owes something (a task, a wake-up) stays as it is: false. One that
	// is in its compact form already: true.
	Archive(ctx context.Context, incident string) (bool, error)
	// Forget deletes an incident with all that belongs to it: its history,
	// conversation, alerts, group and records (see [OwnedKinds]). One that is open, has mail unread, still
	// owes something, or whose alerts fire stays as it is: false. One that is
	// not there is forgotten already: true. Its number is never given again.
	// Its watchers are told.
	Forget(ctx context.Context, incident string) (bool, error)
	// Export returns what the store holds, from just after the piece at a place
	// ("": from the beginning): at most limit pieces, none at the end. The
	// order: "counter", then "record/KIND/ID" by kind and ID, "incident/N" by
	// number, "group/KEY" by key, "alert/INTEGRATION\x00KEY" by both, and
	// "operation/ID" by ID; all as bytes, and a kind has no slash in it. One in
	// its compact form is exported as if it were not. Leases are not among it.
	// Nobody may write meanwhile.
	Export(ctx context.Context, after string, limit int) ([]ArchiveItem, error)
	// Import writes what Export returned into a store. The pieces of one call
	// are written together or not at all; a piece that is there already is
	// written over.
	Import(ctx context.Context, pieces []ArchiveItem) error
}

// OwnedKinds are the kinds of records that end with an incident (see
// Keep.Forget): those whose ID begins with the incident's and a slash. Where
// what follows the slash has a record of its own, of the same kind, whose body
// is the incident's ID, that one ends with it: so a room is found by its name,
// and by its incident.
func OwnedKinds() []string { return []string{KindCard, KindRoom, KindAttempt} }

// OwnedIDs is the range in which the IDs of an incident's own records are, as
// bytes: at least from, and below below.
func OwnedIDs(incident string) (from, below string) {
	return incident + "/", incident + string(rune('/'+1))
}

// EndedQuery selects incidents that are over.
type EndedQuery struct {
	Before   time.Time // last changed before
	Archived bool      // those in compact form; else, those that are not
	Limit    int
}

// ArchiveItem is one thing that a store holds. One field beside Place is set.
type ArchiveItem struct {
	Key       string             `json:"place"`             // unique, and where the piece stands in an export, see Keep.Export
	Counter   *int               `json:"counter,omitempty"` // the last incident number given out
	Record    *Record            `json:"record,omitempty"`
	Incident  *Dossier           `json:"incident,omitempty"`
	Group     *ArchivedGroup     `json:"group,omitempty"`
	Alert     *ArchivedAlert     `json:"alert,omitempty"`
	Operation *ArchivedOperation `json:"operation,omitempty"`
}

// ArchivedGroup is who answers for an alert group.
type ArchivedGroup struct {
	Key    string    `json:"key"`
	Owner  string    `json:"owner"`
	Always bool      `json:"always,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// ArchivedAlert is an alert under its identity.
type ArchivedAlert struct {
	Integration string     `json:"integration"`
	Key         string     `json:"key"`
	Row         alerts.Row `json:"row"`
}

// ArchivedOperation is what an operation answered.
type ArchivedOperation struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Reply []byte    `json:"reply,omitempty"`
}

// Dossier is everything of one incident but its alerts and its group. Its JSON
// is also what the compact form holds. The standing wake-up is not in it: it
// follows from WakeAt and from the mail that is unread.
type Dossier struct {
	Number   int             `json:"number"`
	Version  int             `json:"version"`
	Open     bool            `json:"open,omitempty"`
	Previous string          `json:"follows,omitempty"`
	Changed  time.Time       `json:"changed,omitzero"` // the instant of the last commit with a snapshot
	WakeAt   time.Time       `json:"wake_at,omitzero"`
	ReadSeq  int             `json:"read_seq,omitempty"` // mail up to this number has been read
	ReadAt   time.Time       `json:"read_at,omitzero"`
	Body     []byte          `json:"body"` // the snapshot; the stub while Version is 0
	Events   []StoredEvent   `json:"events,omitempty"`
	Mail     []StoredMail    `json:"mail,omitempty"` // read or not, as the store kept it
	Messages []StoredMessage `json:"said,omitempty"`
	Tasks    []Task          `json:"tasks,omitempty"` // by class and destination, then in their order
}

// StoredMail is a piece of mail: JSON of [workflow.Mail].
type StoredMail struct {
	Seq  int    `json:"seq"`
	Body []byte `json:"body"`
}
