package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Take implements [bot.Intake].
func (s *Store) Take(_ context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &alertsTx{Store: s, at: b.At}
	receipts, err := alerts.Take(k, b)
	s.feed.Notify(k.mailed...)
	return receipts, err
}

// alertsTx implements [alerts.Tx]. It writes directly into the store: nothing can fail
// halfway while the mutex is locked.
type alertsTx struct {
	*Store
	at     time.Time
	mailed []string // IDs of the incidents that got mail
}

// Row implements [alerts.Tx].
func (b *alertsTx) Row(integration, key string) (*alerts.Row, error) {
	if r, ok := b.alerts[[2]string{integration, key}]; ok {
		return &r, nil
	}
	return nil, nil //nolint:nilnil // a missing row is not an error: the interface says so
}

// PutRow implements [alerts.Tx].
func (b *alertsTx) PutRow(r alerts.Row) error {
	b.alerts[[2]string{r.Integration, r.Key}] = r
	return nil
}

// Owner implements [alerts.Tx].
func (b *alertsTx) Owner(key string) (incident string, holds bool, err error) {
	g := b.groups[key]
	return g.owner, g.always || g.until.After(b.at), nil
}

// Open implements [alerts.Tx].
func (b *alertsTx) Open(o alerts.Opening) (string, error) {
	s := b.Store
	s.number++
	id := workflow.ID(s.number)
	s.incidents[id] = &incident{open: true, listing: o.Listing, Loaded: bot.Loaded{ID: id, Number: s.number, Stub: o.Stub, Previous: o.Previous}}
	b.groups[o.Group] = group{owner: id, always: true}
	return id, nil
}

// Mail implements [alerts.Tx]. The first mail wakes the incident at once, later mail at
// most every 100 ms.
func (b *alertsTx) Mail(id string, m workflow.Mail) error {
	i := b.incidents[id]
	i.mailSeq, i.archived = i.mailSeq+1, false
	due := alerts.MailDue(i.readAt, b.at, m.Ahead)
	m.Seq, m.Ahead = i.mailSeq, 0
	i.Mail = append(i.Mail, m)
	b.mailed = append(b.mailed, id)
	if i.mailDue.IsZero() || due.Before(i.mailDue) {
		i.mailDue = due
	}
	b.setWakeUp(i)
	return nil
}

// Firing implements [bot.Intake].
func (s *Store) Firing(_ context.Context, incident, after string, limit int) ([]alerts.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rows []alerts.Row
	for _, r := range s.alerts {
		if r.Firing && r.Incident == incident && r.Integration+"\x00"+r.Key > after {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b alerts.Row) int {
		return cmp.Or(cmp.Compare(a.Integration, b.Integration), cmp.Compare(a.Key, b.Key))
	})
	return rows[:min(limit, len(rows))], nil
}
