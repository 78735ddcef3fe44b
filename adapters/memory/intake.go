package memory

import (
	"cmp"
	"context"
	"fmt"
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

// book writes straight into the store: under the lock nothing here can fail
// half way.
type alertsTx struct {
	*Store
	at     time.Time
	mailed []string // incidents; those that were reserved are among them
}

// Row implements [alerts.Tx].
func (b *alertsTx) Row(integration, key string) (*alerts.Row, error) {
	if r, ok := b.alerts[[2]string{integration, key}]; ok {
		return &r, nil
	}
	return nil, nil //nolint:nilnil // a row that is not there is no error, and this is how Book says so
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
func (b *alertsTx) Open(key, follows string, stub []byte) (string, error) {
	s := b.Store
	s.number++
	id := fmt.Sprintf("INC-%d", s.number)
	s.incidents[id] = &incident{open: true, Loaded: bot.Loaded{ID: id, Number: s.number, Stub: stub, Previous: follows}}
	b.groups[key] = group{owner: id, always: true}
	return id, nil
}

// Mail implements [alerts.Tx]. The first mail wakes the incident at once,
// later ones at most every 100 ms.
func (b *alertsTx) Mail(id string, m workflow.Mail) error {
	i := b.incidents[id]
	i.mailSeq, i.archived = i.mailSeq+1, false
	m.Seq = i.mailSeq
	i.Mail = append(i.Mail, m)
	b.mailed = append(b.mailed, id)
	if i.mailDue.IsZero() {
		i.mailDue = alerts.MailDue(i.readAt, b.at)
	}
	b.wake(i)
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

// List implements [bot.Library].
func (s *Store) List(_ context.Context, q bot.Query) ([]bot.Loaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bot.Loaded
	for _, i := range s.incidents {
		if (i.open || !q.Open) && (q.Before == 0 || i.Number < q.Before) {
			all = append(all, i.Loaded)
		}
	}
	slices.SortFunc(all, func(a, b bot.Loaded) int { return cmp.Compare(b.Number, a.Number) })
	return all[:min(q.Limit, len(all))], nil
}

// History implements [bot.Library].
func (s *Store) History(_ context.Context, id string, after, limit int) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.incidents[id]
	if !ok {
		return nil, fmt.Errorf("read the history of %s: %w", id, bot.ErrNotFound)
	}
	var all [][]byte
	for _, e := range i.events {
		if e.Seq > after && len(all) < limit {
			all = append(all, e.Body)
		}
	}
	return all, nil
}

// Get implements [bot.Records].
func (s *Store) Get(_ context.Context, kind, id string) (bot.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[[2]string{kind, id}]
	if !ok {
		return bot.Record{}, fmt.Errorf("get %s %s: %w", kind, id, bot.ErrNotFound)
	}
	return r, nil
}

// Records implements [bot.Records].
func (s *Store) Records(_ context.Context, kind, after string, limit int) ([]bot.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bot.Record
	for _, r := range s.records {
		if r.Kind == kind && r.ID > after {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b bot.Record) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(limit, len(all))], nil
}
