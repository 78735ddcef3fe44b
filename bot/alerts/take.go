package alerts

import (
	"cmp"
	"fmt"
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
	// Open reserves an incident for a group: a number, and a stub that is listed
	// at once. follows is the incident that owned the group before.
	Open(group, follows string, stub []byte) (incident string, err error)
	// Mail puts mail into an incident's mailbox and wakes it.
	Mail(incident string, m workflow.Mail) error
}

// seenInterval is how old an alert's SeenAt may be: repeats write nothing more
// often.
const seenInterval = time.Minute

// MailInterval is the minimum time between two readings of one mailbox.
const MailInterval = 100 * time.Millisecond

// MailDue returns when mail that comes at an instant wakes its incident: at
// once, but not sooner than MailInterval after the mailbox was last read. If
// the clock was set back since then, it waits for MailInterval at most.
func MailDue(readAt, at time.Time) time.Time {
	due := at
	if next := readAt.Add(MailInterval); !readAt.IsZero() && next.After(at) {
		due = next
	}
	if latest := at.Add(MailInterval); due.After(latest) {
		due = latest
	}
	return due
}

// Take records a batch. All changes for one incident become one piece of mail.
func Take(tx Tx, b Batch) ([]Receipt, error) {
	receipts := make([]Receipt, 0, len(b.Arrivals))
	var order []string
	mail := map[string]*workflow.Mail{}
	truncated := map[string]int{}
	for _, a := range b.Arrivals {
		receipt, err := takeOne(tx, a, b.At)
		if err != nil {
			return nil, fmt.Errorf("take alert %s of %s: %w", a.Alert.Key, a.Integration, err)
		}
		receipts = append(receipts, receipt)
		m := Mail(a, receipt.Change, b.At)
		truncated[receipt.Incident] = max(truncated[receipt.Incident], a.Alert.Truncated)
		if receipt.Incident == "" || m.Started+m.Refired+m.Ended == 0 {
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
		if err := tx.Mail(incident, *mail[incident]); err != nil {
			return nil, fmt.Errorf("put mail for %s: %w", incident, err)
		}
	}
	return receipts, nil
}

func takeOne(tx Tx, a Arrival, at time.Time) (Receipt, error) {
	row, err := tx.Row(a.Integration, a.Alert.Key)
	if err != nil {
		return Receipt{}, err
	}
	next, change := apply(row, a, at)
	switch change {
	case Stale:
		return Receipt{Change: Stale, Incident: next.Incident}, nil
	case Repeated:
		if row != nil && at.Sub(row.SeenAt) < seenInterval && next.EventAt.Equal(row.EventAt) {
			return Receipt{Change: Repeated, Incident: row.Incident}, nil
		}
		return Receipt{Change: Repeated, Incident: next.Incident}, tx.PutRow(next)
	case Ignored:
		if a.From != "" || a.Alert.State == Resolved {
			return Receipt{Change: Ignored}, nil
		}
		return Receipt{Change: Ignored}, tx.PutRow(next)
	case Ended:
		return Receipt{Change: Ended, Incident: next.Incident}, tx.PutRow(next)
	case Started, Again:
	}
	owner, holds, err := tx.Owner(a.Group)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Incident: owner}
	if !holds {
		receipt.New = true
		if receipt.Incident, err = openIncident(tx, a, owner); err != nil {
			return Receipt{}, err
		}
	}
	receipt.Change = next.join(receipt.Incident, a.Group, change)
	return receipt, tx.PutRow(next)
}

// openIncident reserves an incident for the arrival's group. The stub is
// encoded only here, because most arrivals join an open incident.
func openIncident(tx Tx, a Arrival, follows string) (incident string, err error) {
	stub, err := EncodeStub(declaration(a))
	if err != nil {
		return "", fmt.Errorf("encode stub: %w", err)
	}
	return tx.Open(a.Group, follows, stub)
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
