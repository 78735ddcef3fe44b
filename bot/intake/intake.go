// Package intake receives alerts: it routes them, stores each batch in one durable step,
// and stores a delivery that cannot be decoded as a dead letter. [Simulate] shows what
// an alert would do, without storing it.
//
// It does not decode or authenticate deliveries (adapter hooks and the sources do), and
// loads no incident: a batch goes into the mailboxes of incidents. Begin reading at
// [Receiver.Receive].
package intake

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Store is the part of the store that holds alerts and dead letters.
type Store interface {
	bot.Intake
	bot.Records
	bot.Committer
	// Load returns an incident with its unread mail, or bot.ErrNotFound.
	Load(ctx context.Context, id string) (bot.Loaded, error)
}

// Config configures a receiver.
type Config struct {
	Engine  *bot.Engine
	Store   Store
	Sources alerts.Sources
	Log     *slog.Logger
}

// Receiver receives alerts.
type Receiver struct {
	engine  *bot.Engine
	store   Store
	sources alerts.Sources
	log     *slog.Logger
	shares  shares
}

// New returns a receiver.
func New(c Config) *Receiver {
	return &Receiver{engine: c.Engine, store: c.Store, sources: c.Sources, log: c.Log}
}

// maxBatch is how many alerts are stored in one step, so that a delivery of a hundred
// thousand alerts does not block the store for pages, nor for other integrations. When a later step fails, the
// sender repeats the whole delivery, and alerts that were stored count as repeats.
const maxBatch = 250

// maxLag is how old unread mail of an integration may be before more of its alerts are
// refused (I2: overload is a 503).
const maxLag = 5 * time.Second

// Receive stores the alerts of an integration. Each of them is durable when it returns
// without an error (I1: a 2xx means durable). After bot.ErrOverload the sender must try
// again later.
func (r *Receiver) Receive(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error) {
	share := r.shares.of(integration)
	receipts := make([]alerts.Receipt, 0, len(all))
	for chunk := range slices.Chunk(all, maxBatch) {
		taken, err := r.receiveBatch(ctx, share, integration, chunk)
		if err != nil {
			return nil, fmt.Errorf("receive alerts of %s: %w", integration, err)
		}
		receipts = append(receipts, taken...)
	}
	return receipts, nil
}

// receiveBatch stores a part of a delivery when it is the integration's turn (E10c:
// integrations share fairly).
func (r *Receiver) receiveBatch(ctx context.Context, s *share, integration string, part []alerts.Alert) ([]alerts.Receipt, error) {
	if err := r.waitUntilRead(ctx, s); err != nil {
		return nil, err
	}
	release, err := s.acquire(ctx, len(part))
	if err != nil {
		return nil, err
	}
	defer release()
	org := r.engine.Organization()
	arrivals := make([]alerts.Arrival, len(part))
	for n, a := range part {
		arrivals[n], _ = org.Route(integration, a)
	}
	return r.takeShare(ctx, s, arrivals)
}

// takeShare stores alerts of one integration and counts them toward its share.
func (r *Receiver) takeShare(ctx context.Context, s *share, arrivals []alerts.Arrival) ([]alerts.Receipt, error) {
	now := r.engine.Now()
	batch := alerts.Batch{At: now, Arrivals: arrivals, Flood: s.isFlood(now)}
	receipts, err := r.take(ctx, batch)
	if err != nil {
		return nil, err
	}
	s.add(batch, receipts)
	return receipts, nil
}

// take stores a batch and wakes the incidents that it changed.
func (r *Receiver) take(ctx context.Context, batch alerts.Batch) ([]alerts.Receipt, error) {
	receipts, err := r.store.Take(ctx, batch)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(receipts, func(one alerts.Receipt) bool { return one.Change.HasMail() }) {
		r.engine.Wake(workflow.ClassWake)
	}
	return receipts, nil
}

// Reroute passes the firing alerts of an incident through the intake again: each opens
// or joins another incident (I6: firing again reopens or links). An alert that was
// delivered again at or after before is left out: that delivery was routed already.
func (r *Receiver) Reroute(ctx context.Context, incident string, before time.Time) error {
	after := ""
	for {
		rows, err := r.store.Firing(ctx, incident, after, maxBatch)
		if err != nil {
			return fmt.Errorf("list what still fires for %s: %w", incident, err)
		}
		org := r.engine.Organization()
		var arrivals []alerts.Arrival
		for _, row := range rows {
			after = row.Integration + "\x00" + row.Key
			row.Alert.State = alerts.Firing
			arrival, _ := org.Route(row.Integration, row.Alert)
			arrival.From, arrival.Before = incident, before
			if arrival.Group == "" { // the routes ignore it by now, but it has paged and still fires
				arrival.Group = row.Group
			}
			arrivals = append(arrivals, arrival)
		}
		if err := r.takeAgain(ctx, arrivals); err != nil {
			return fmt.Errorf("take the alerts of %s again: %w", incident, err)
		}
		if len(rows) < maxBatch {
			return nil
		}
	}
}

// Judge judges held firing notices again: those that nothing newer has superseded fire
// (I5c: an old start is judged again after a minute). One that was judged before changes
// nothing, so after an error all of them are judged again.
func (r *Receiver) Judge(ctx context.Context, held []workflow.HeldAlert) error {
	arrivals := make([]alerts.Arrival, len(held))
	for n, h := range held {
		arrivals[n] = alerts.Arrival{Integration: h.Integration, Group: h.Group, Alert: alerts.Alert{Key: h.Key}, Held: h.Since}
	}
	if err := r.takeAgain(ctx, arrivals); err != nil {
		return fmt.Errorf("judge %d held alerts: %w", len(held), err)
	}
	return nil
}

// takeAgain stores alerts that were stored before. They count toward the share of their
// integration as those of a delivery do (E10c: integrations share fairly).
func (r *Receiver) takeAgain(ctx context.Context, arrivals []alerts.Arrival) error {
	byIntegration := func(a, b alerts.Arrival) int { return strings.Compare(a.Integration, b.Integration) }
	slices.SortStableFunc(arrivals, byIntegration)
	for len(arrivals) > 0 {
		integration := arrivals[0].Integration
		end := slices.IndexFunc(arrivals, func(a alerts.Arrival) bool { return a.Integration != integration })
		if end < 0 {
			end = len(arrivals)
		}
		for part := range slices.Chunk(arrivals[:end], maxBatch) {
			if _, err := r.takeShare(ctx, r.shares.of(integration), part); err != nil {
				return err
			}
		}
		arrivals = arrivals[end:]
	}
	return nil
}
