// Package intake receives alerts: it routes them, takes them in durably, and keeps
// what cannot be read as dead letters.
package intake

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Store is where alerts and dead letters are kept.
type Store interface {
	bot.Intake
	bot.Records
	bot.Committer
}

// Config is what a receiver is made of.
type Config struct {
	Engine  *bot.Engine
	Store   Store
	Sources alerts.Sources
	Log     *slog.Logger
}

// Receiver takes alerts in.
type Receiver struct {
	engine  *bot.Engine
	store   Store
	sources alerts.Sources
	log     *slog.Logger
	lag     atomic.Int64 // how old the oldest unread mail was when last looked, in nanoseconds
}

// New makes a receiver.
func New(c Config) *Receiver {
	return &Receiver{engine: c.Engine, store: c.Store, sources: c.Sources, log: c.Log}
}

// Alerts are taken in pieces of this size, so that a delivery of a hundred
// thousand holds up nobody's page. A delivery that fails half way is answered
// with an error and comes again: what was taken is then a repeat.
const maxBatch = 1000

// overload is how old unread mail may be before more is refused (rule I2).
const maxLag = 5 * time.Second

// Receive takes alerts of an integration in. When it returns without an error
// every one of them is durable. ErrOverload asks the sender to come again.
func (r *Receiver) Receive(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error) {
	if time.Duration(r.lag.Load()) > maxLag {
		return nil, fmt.Errorf("receive alerts of %s: %w", integration, bot.ErrOverload)
	}
	org, now := r.engine.Organization(), r.engine.Now()
	receipts := make([]alerts.Receipt, 0, len(all))
	for piece := range slices.Chunk(all, maxBatch) {
		batch := alerts.Batch{At: now, Arrivals: make([]alerts.Arrival, len(piece))}
		for n, a := range piece {
			batch.Arrivals[n], _ = org.Route(integration, a)
		}
		taken, err := r.take(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("receive alerts of %s: %w", integration, err)
		}
		receipts = append(receipts, taken...)
	}
	return receipts, nil
}

func (r *Receiver) take(ctx context.Context, batch alerts.Batch) ([]alerts.Receipt, error) {
	receipts, err := r.store.Take(ctx, batch)
	if err != nil {
		return nil, err
	}
	changed := func(one alerts.Receipt) bool {
		return one.Change == alerts.Started || one.Change == alerts.Again || one.Change == alerts.Ended
	}
	if slices.ContainsFunc(receipts, changed) {
		r.engine.Wake(workflow.ClassWake)
	}
	return receipts, nil
}

// ReportLag tells the bot how old the oldest unread mail is, so that intake can
// refuse more of it (rule I2).
func (r *Receiver) ReportLag(by time.Duration) { r.lag.Store(int64(by)) }

// Reroute takes the alerts that still fire for an incident through the intake
// again: each opens, or joins, a new incident (rule I6). before is when they
// were given up.
func (r *Receiver) Reroute(ctx context.Context, incident string, before time.Time) error {
	after := ""
	for {
		rows, err := r.store.Firing(ctx, incident, after, 500)
		if err != nil {
			return fmt.Errorf("list what still fires for %s: %w", incident, err)
		}
		org := r.engine.Organization()
		batch := alerts.Batch{At: r.engine.Now()}
		for _, row := range rows {
			after = row.Integration + "\x00" + row.Key
			row.Alert.State = alerts.Firing
			arrival, _ := org.Route(row.Integration, row.Alert)
			arrival.From, arrival.Before = incident, before
			if arrival.Group == "" { // ignored by now; but it pages until somebody resolves it
				arrival.Group = row.Group
			}
			batch.Arrivals = append(batch.Arrivals, arrival)
		}
		if len(batch.Arrivals) > 0 {
			if _, err := r.take(ctx, batch); err != nil {
				return fmt.Errorf("take the alerts of %s again: %w", incident, err)
			}
		}
		if len(rows) < 500 {
			return nil
		}
	}
}
