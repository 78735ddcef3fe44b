package bot

import (
	"context"
	"time"

	"tocsin/bot/alerts"
)

// Archive stores incidents that have ended in a compact form, deletes them, and
// exports and imports a whole store.
type Archive interface {
	// ListEnded returns the IDs of incidents that are not open and were last
	// changed before an instant, least recently changed first.
	ListEnded(ctx context.Context, q EndedQuery) ([]string, error)
	// Archive moves an incident into its compact form (see [Compact]). Readers
	// find the incident as before, and watchers are not notified. The next change
	// restores it within the same commit: a step, a message, a task that another
	// commit owes in its name, or mail. Archive returns false and changes nothing
	// when the incident does not exist, is open, has unread mail, or still owes
	// something (a task or a wake-up). It returns true when the incident is
	// archived already.
	Archive(ctx context.Context, incident string) (bool, error)
	// Forget deletes an incident with everything that belongs to it: history,
	// conversation, alerts, alert group and records (see [OwnedKinds]). It returns
	// false and changes nothing when the incident is open, has unread mail, still
	// owes something, or has a firing alert. It returns true when the incident
	// does not exist. The number is never given to another incident. Watchers of
	// the incident are notified.
	Forget(ctx context.Context, incident string) (bool, error)
	// Export returns at most limit items of the store, starting just after the
	// item with the key after ("": at the beginning), and none at the end. The
	// order is: "counter", then "record/KIND/ID" by kind and ID, "incident/N" by
	// number, "group/KEY" by key, "alert/INTEGRATION\x00KEY" by both, and
	// "operation/ID" by ID. Names are compared as bytes, and a kind contains no
	// slash. An archived incident is exported as if it were not archived. Leases
	// are not exported. Nothing may write to the store during an export.
	Export(ctx context.Context, after string, limit int) ([]ArchiveItem, error)
	// Import writes items that Export returned. The items of one call are written
	// together or not at all; an item that exists is overwritten.
	Import(ctx context.Context, items []ArchiveItem) error
}

// OwnedKinds returns the kinds of records that [Archive.Forget] deletes with
// their incident: records whose ID is the incident's ID, a slash and a name. A
// record of the same kind whose ID is that name, and whose body is the
// incident's ID, is deleted too: a room is stored both ways, so that it is found
// by its name and by its incident.
func OwnedKinds() []string { return []string{KindCard, KindRoom, KindAttempt} }

// OwnedIDs returns the range of the IDs of an incident's own records, compared
// as bytes: from is included, below is not.
func OwnedIDs(incident string) (from, below string) {
	return incident + "/", incident + string(rune('/'+1))
}

// EndedQuery selects incidents that have ended.
type EndedQuery struct {
	Before   time.Time // last changed before this instant
	Archived bool      // true: the archived ones; false: those that are not
	Limit    int
}

// ArchiveItem is one item of an export. Exactly one field beside Key is set.
type ArchiveItem struct {
	Key       string             `json:"key"`               // unique; the position of the item in an export, see Archive.Export
	Counter   *int               `json:"counter,omitempty"` // the last incident number that was given out
	Record    *Record            `json:"record,omitempty"`
	Incident  *ArchivedIncident  `json:"incident,omitempty"`
	Group     *ArchivedGroup     `json:"group,omitempty"`
	Alert     *ArchivedAlert     `json:"alert,omitempty"`
	Operation *ArchivedOperation `json:"operation,omitempty"`
}

// ArchivedGroup is an alert group and the incident that holds it.
type ArchivedGroup struct {
	Key       string    `json:"key"`
	Owner     string    `json:"owner"`
	Always    bool      `json:"always,omitempty"`
	HoldUntil time.Time `json:"hold_until,omitzero"`
}

// ArchivedAlert is one alert, identified by its integration and its key.
type ArchivedAlert struct {
	Integration string     `json:"integration"`
	Key         string     `json:"key"`
	Row         alerts.Row `json:"row"`
}

// ArchivedOperation is an operation ID with the reply that a repeat gets.
type ArchivedOperation struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Reply []byte    `json:"reply,omitempty"`
}

// ArchivedIncident is everything a store holds of one incident except its
// alerts and its alert group. Its JSON is also the content of the compact form.
// The standing wake-up is left out: it follows from WakeAt and the unread mail.
type ArchivedIncident struct {
	Number   int             `json:"number"`
	Version  int             `json:"version"`
	Open     bool            `json:"open,omitempty"`
	Previous string          `json:"previous,omitempty"`  // the incident that held the alert group before
	Changed  time.Time       `json:"changed_at,omitzero"` // the instant of the last commit with a snapshot
	WakeAt   time.Time       `json:"wake_at,omitzero"`
	ReadSeq  int             `json:"read_seq,omitempty"` // mail up to this number has been read
	ReadAt   time.Time       `json:"read_at,omitzero"`
	Body     []byte          `json:"body"` // the snapshot; the stub while Version is 0
	Events   []StoredEvent   `json:"events,omitempty"`
	Mail     []StoredMail    `json:"mail,omitempty"` // read or unread; a store may drop mail that has been read
	Messages []StoredMessage `json:"messages,omitempty"`
	Tasks    []Task          `json:"tasks,omitempty"` // by class and destination, then in the order of their lane
}

// StoredMail is one piece of mail: the JSON of a [workflow.Mail].
type StoredMail struct {
	Seq  int    `json:"seq"`
	Body []byte `json:"body"`
}
