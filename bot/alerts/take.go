package alerts

import (
	"cmp"
	"fmt"
	"time"

	"tocsin/workflow"
)

// Book is what [Take] needs of a store, within one transaction.
type Book interface {
	// Row returns the alert under (integration, key), or nil.
	Row(integration, key string) (*Row, error)
	// PutRow writes an alert.
	PutRow(r Row) error
	// Owner returns the incident that a group belonged to last, and whether it
	// still answers for it at the batch's instant. incident is "" when the
	// group was never seen.
	Owner(group string) (incident string, holds bool, err error)
	// Open reserves an incident for a group: a number and a stub that is
	// listed at once. follows is the incident that had the group before.
	Open(group, follows string, stub []byte) (incident string, err error)
	// Mail puts mail into an incident's mailbox and wakes it.
	Mail(incident string, m workflow.Mail) error
}

// seenEvery is how stale an alert's SeenAt may be: repeats write nothing more
// often.
const seenEvery = time.Minute

// MailPause is between two readings of one mailbox.
const MailPause = 100 * time.Millisecond

// MailDue says when mail that comes at an instant wakes its incident: at once,
// but not sooner than MailPause after the mailbox was read last. The clock may
// have been set back since then: no mail waits longer than that.
func MailDue(readAt, at time.Time) time.Time {
	due := at
	if next := readAt.Add(MailPause); !readAt.IsZero() && next.After(at) {
		due = next
	}
	if latest := at.Add(MailPause); due.After(latest) {
		due = latest
	}
	return due
}

// Take records a batch in a book. What the batch changes for one incident is
// one piece of mail.
func Take(book Book, b Batch) ([]Receipt, error) {
	receipts := make([]Receipt, 0, len(b.Arrivals))
	var order []string
	mail := map[string]*workflow.Mail{}
	truncated := map[string]int{}
	for _, a := range b.Arrivals {
		receipt, err := takeOne(book, a, b.At)
		if err != nil {
			return nil, fmt.Errorf("take alert %s of %s: %w", a.Alert.Key, a.Integration, err)
		}
		receipts = append(receipts, receipt)
		m := Mail(a, receipt.Change, b.At)
		truncated[receipt.Incident] = max(truncated[receipt.Incident], a.Alert.Truncated)
		if receipt.Incident == "" || m.Started+m.Again+m.Ended == 0 {
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
		mail[incident].Truncated = truncated[incident] // flagged once, with what changed (rule I7)
		if err := book.Mail(incident, *mail[incident]); err != nil {
			return nil, fmt.Errorf("put mail for %s: %w", incident, err)
		}
	}
	return receipts, nil
}

func takeOne(book Book, a Arrival, at time.Time) (Receipt, error) {
	row, err := book.Row(a.Integration, a.Alert.Key)
	if err != nil {
		return Receipt{}, err
	}
	next, change := Judge(row, a, at)
	switch change {
	case Stale:
		return Receipt{Change: Stale, Incident: next.Incident}, nil
	case Repeated:
		if row != nil && at.Sub(row.SeenAt) < seenEvery && next.EventAt.Equal(row.EventAt) {
			return Receipt{Change: Repeated, Incident: row.Incident}, nil
		}
		return Receipt{Change: Repeated, Incident: next.Incident}, book.PutRow(next)
	case Ignored:
		if a.From != "" || a.Alert.State == Resolved {
			return Receipt{Change: Ignored}, nil
		}
		return Receipt{Change: Ignored}, book.PutRow(next)
	case Ended:
		return Receipt{Change: Ended, Incident: next.Incident}, book.PutRow(next)
	case Started, Again:
	}
	owner, holds, err := book.Owner(a.Group)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Incident: owner}
	if !holds {
		receipt.New = true
		if receipt.Incident, err = open(book, a, owner); err != nil {
			return Receipt{}, err
		}
	}
	receipt.Change = next.Join(receipt.Incident, a.Group, change)
	return receipt, book.PutRow(next)
}

// open reserves an incident for the arrival's group. Only here is a stub
// encoded: most arrivals join an incident that is open.
func open(book Book, a Arrival, follows string) (incident string, err error) {
	stub, err := EncodeStub(declared(a))
	if err != nil {
		return "", fmt.Errorf("encode stub: %w", err)
	}
	return book.Open(a.Group, follows, stub)
}

// declared is what an arrival declares. One without a title of its own gets a
// plain one: no incident without something to declare.
func declared(a Arrival) workflow.Declare {
	if a.Declare.Title != "" {
		return a.Declare
	}
	return workflow.Declare{
		Title: cmp.Or(clean(a.Alert.Title, workflow.MaxTitle+1), "Alert from "+a.Integration), Source: workflow.SourceAlert,
		Severity: cmp.Or(a.Severity, workflow.SEV3), Group: a.Group, Reporter: workflow.Reporter{Name: a.Integration},
	}
}
