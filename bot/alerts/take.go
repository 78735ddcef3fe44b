package alerts

import (
	"cmp"
	"fmt"
	"maps"
	"time"

	"tocsin/workflow"
)

// Tx is what [Take] needs of a store, within one transaction.
type Tx interface {
	// Row returns the alert under (integration, key), or nil.
	Row(integration, key string) (*Row, error)
	// PutRow writes an alert.
	PutRow(r Row) error
	// Owner returns the incident that a group belonged to last, and whether it
	// still owns the group at the batch's instant. incident is "" when the
	// group is new.
	Owner(group string) (incident string, holds bool, err error)
	// Open reserves an incident: a number, and a stub that is listed at once.
	Open(o Opening) (incident string, err error)
	// Mail puts mail into an incident's mailbox and wakes it.
	Mail(incident string, m workflow.Mail) error
}

// Opening is an incident that an alert opens.
type Opening struct {
	Group    string
	Previous string // the incident that held the group before; "": none
	Stub     []byte // what [EncodeStub] returned
	Listing  workflow.Listing
}

// seenInterval is how old an alert's SeenAt may be: repeats write nothing more
// often.
const seenInterval = time.Minute

// MailInterval is the minimum time between two readings of one mailbox.
const MailInterval = 100 * time.Millisecond

// MailDue returns when mail that comes at an instant wakes its incident: at
// once, but not sooner than MailInterval after the mailbox was last read. If
// the clock was set back since then, it waits for MailInterval at most. What goes
// ahead is due that much earlier than it came, because the agenda wakes the incident
// that is due first.
func MailDue(readAt, at time.Time, ahead time.Duration) time.Time {
	due := at.Add(-ahead)
	if next := readAt.Add(MailInterval); !readAt.IsZero() && next.After(due) {
		due = next
	}
	if latest := at.Add(MailInterval); due.After(latest) {
		due = latest
	}
	return due
}

// shareAhead is how far a batch within its integration's share goes ahead of a flood: more
// than the worst severity of the flood, and more than the intake lets a flood wait.
// With it, no task looks overdue to the auditor, which waits for a minute.
const shareAhead = 30 * time.Second

// severityAhead is how far mail goes ahead of that of the next lower severity. Less severe
// mail that has waited longer than that goes first, so that none waits for ever.
const severityAhead = 3 * time.Second

// MaxAhead is how far mail goes ahead of other mail at most.
const MaxAhead = shareAhead + severityAhead*time.Duration(workflow.SEV5-workflow.SEV1)

// ahead returns how far mail about alerts of a severity goes ahead of other mail: that of
// an integration within its share before a flood, and then the worst first (E10c:
// integrations share fairly).
func ahead(b Batch, worst workflow.Severity) time.Duration {
	var by time.Duration
	if !b.Flood {
		by = shareAhead
	}
	if worst >= workflow.SEV1 && worst <= workflow.SEV5 {
		by += severityAhead * time.Duration(workflow.SEV5-worst)
	}
	return by
}

// maxHeld is how many alerts of one batch are held at most: the mail about them is one
// record.
const maxHeld = 100

// Take records a batch. All changes for one incident become one piece of mail.
func Take(tx Tx, b Batch) ([]Receipt, error) {
	receipts := make([]Receipt, 0, len(b.Arrivals))
	var order []string
	mail := map[string]*workflow.Mail{}
	truncated := map[string]int{}
	held := 0
	for _, a := range b.Arrivals {
		receipt, m, err := takeOne(tx, a, b.At, held < maxHeld)
		if err != nil {
			return nil, fmt.Errorf("take alert %s of %s: %w", a.Alert.Key, a.Integration, err)
		}
		receipts = append(receipts, receipt)
		held += len(m.Held)
		truncated[receipt.Incident] = max(truncated[receipt.Incident], a.Alert.Truncated)
		if receipt.Incident == "" || !m.HasChanges() {
			continue
		}
		if sum, seen := mail[receipt.Incident]; seen {
			sum.Add(m)
			continue
		}
		mail[receipt.Incident] = &m
		order = append(order, receipt.Incident)
	}
	for _, incident := range order {
		mail[incident].Truncated = truncated[incident] // flagged once, with a change (I7: a truncated batch is flagged)
		mail[incident].Ahead = ahead(b, mail[incident].Worst)
		if err := tx.Mail(incident, *mail[incident]); err != nil {
			return nil, fmt.Errorf("put mail for %s: %w", incident, err)
		}
	}
	return receipts, nil
}

// takeOne records one arrival. It returns the mail for the incident of the receipt.
func takeOne(tx Tx, a Arrival, at time.Time, mayHold bool) (Receipt, workflow.Mail, error) {
	row, err := tx.Row(a.Integration, a.Alert.Key)
	if err != nil {
		return Receipt{}, workflow.Mail{}, err
	}
	if !a.Held.IsZero() {
		var ok bool
		if a, ok = row.judge(a.Held, a.Group); !ok {
			return Receipt{Change: Ignored}, workflow.Mail{}, nil
		}
	}
	next, change := apply(row, a, at, mayHold)
	receipt := Receipt{Change: change, Incident: next.Incident}
	write := true
	switch change {
	case Stale:
		write = false
	case Repeated:
		write = row == nil || at.Sub(row.SeenAt) >= seenInterval || !next.EventAt.Equal(row.EventAt) || !sameText(next.Alert, row.Alert) ||
			next.Held != row.Held // a worse one replaces it
	case Ignored:
		write = a.From == "" && (a.Alert.State != Resolved || row != nil && row.Held != nil)
		receipt.Incident = ""
	case Started, Again:
		if receipt, err = joinIncident(tx, a, &next, change); err != nil {
			return Receipt{}, workflow.Mail{}, err
		}
	case Ended, Raised, Changed, Held:
	}
	if write {
		err = tx.PutRow(next)
	}
	return receipt, Mail(a, receipt.Change, at), err
}

// sameText reports whether two versions of an alert read the same.
func sameText(a, b Alert) bool {
	return a.Description == b.Description && a.Runbook == b.Runbook && maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations)
}

// joinIncident assigns a row that fires to the incident that owns its group, and opens
// one when there is none.
func joinIncident(tx Tx, a Arrival, next *Row, change Change) (Receipt, error) {
	owner, holds, err := tx.Owner(a.Group)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Incident: owner}
	if !holds {
		receipt.New = true
		if receipt.Incident, err = openIncident(tx, a, owner, next.AppliedAt); err != nil {
			return Receipt{}, err
		}
	}
	receipt.Change = next.join(receipt.Incident, a.Group, change)
	return receipt, nil
}

// openIncident reserves an incident for the arrival's group. The stub is
// encoded only here, because most arrivals join an open incident.
func openIncident(tx Tx, a Arrival, previous string, at time.Time) (incident string, err error) {
	d := declaration(a)
	stub, err := EncodeStub(d)
	if err != nil {
		return "", fmt.Errorf("encode stub: %w", err)
	}
	return tx.Open(Opening{Group: a.Group, Previous: previous, Stub: stub, Listing: workflow.StubListing(d.Severity, at, previous != "")})
}

// declaration returns the arrival's declaration, or a minimal one when it has
// no title.
func declaration(a Arrival) workflow.Declare {
	if a.Declare.Title != "" {
		return a.Declare
	}
	return workflow.Declare{
		Title: cmp.Or(clean(a.Alert.Title, workflow.MaxTitle+1), "Alert from "+a.Integration), Source: workflow.SourceAlert,
		Severity: cmp.Or(a.Severity, workflow.SEV3), Group: a.Group, Reporter: workflow.Reporter{Name: a.Integration},
	}
}
