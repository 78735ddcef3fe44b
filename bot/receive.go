package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Alerts are taken in pieces of this size, so that a delivery of a hundred
// thousand holds up nobody's page. A delivery that fails half way is answered
// with an error and comes again: what was taken is then a repeat.
const takeAtMost = 1000

// overload is how old unread mail may be before more is refused (rule I2).
const overload = 5 * time.Second

// Receive takes alerts of an integration in. When it returns without an error
// every one of them is durable. ErrOverload asks the sender to come again.
func (b *Bot) Receive(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error) {
	if time.Duration(b.lag.Load()) > overload {
		return nil, fmt.Errorf("receive alerts of %s: %w", integration, ErrOverload)
	}
	org := b.org.Load()
	now := b.Now()
	receipts := make([]alerts.Receipt, 0, len(all))
	for piece := range slices.Chunk(all, takeAtMost) {
		batch := alerts.Batch{At: now, Arrivals: make([]alerts.Arrival, len(piece))}
		for n, a := range piece {
			batch.Arrivals[n], _ = org.route(integration, a)
		}
		taken, err := b.take(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("receive alerts of %s: %w", integration, err)
		}
		receipts = append(receipts, taken...)
	}
	return receipts, nil
}

// route decides where one alert goes.
func (s *snapshot) route(integration string, a alerts.Alert) (alerts.Arrival, alerts.Decision) {
	sender := alerts.Sender{Name: integration}
	if i, ok := s.Integration(integration); ok {
		sender.Severities = i.Severities
	}
	d := s.router.Decide(sender, a)
	declare := workflow.Declare{}
	if service, ok := s.Service(d.Service); ok {
		declare.Services, declare.Category = []string{service.ID}, service.Category
		if a.Runbook == "" {
			a.Runbook = service.Runbook
		}
	} else if d.Service != "" {
		declare.Services = []string{d.Service}
	}
	return alerts.Arrive(sender, a, d, declare), d
}

func (b *Bot) take(ctx context.Context, batch alerts.Batch) ([]alerts.Receipt, error) {
	receipts, err := b.cfg.Store.Take(ctx, batch)
	if err != nil {
		return nil, err
	}
	for _, r := range receipts {
		if r.Change == alerts.Started || r.Change == alerts.Again || r.Change == alerts.Ended {
			b.nudge()
			break
		}
	}
	return receipts, nil
}

// Lagged tells the bot how old the oldest unread mail is, so that intake can
// refuse more of it (rule I2).
func (b *Bot) Lagged(by time.Duration) { b.lag.Store(int64(by)) }

// Reroute takes the alerts that still fire for an incident through the intake
// again: each opens, or joins, a new incident (rule I6). before is when they
// were given up.
func (b *Bot) Reroute(ctx context.Context, incident string, before time.Time) error {
	after := ""
	for {
		rows, err := b.cfg.Store.Firing(ctx, incident, after, 500)
		if err != nil {
			return fmt.Errorf("list what still fires for %s: %w", incident, err)
		}
		org := b.org.Load()
		batch := alerts.Batch{At: b.Now()}
		for _, row := range rows {
			after = row.Integration + "\x00" + row.Key
			row.Alert.State = alerts.Firing
			arrival, _ := org.route(row.Integration, row.Alert)
			arrival.From, arrival.Before = incident, before
			if arrival.Group == "" { // ignored by now; but it pages until somebody resolves it
				arrival.Group = row.Group
			}
			batch.Arrivals = append(batch.Arrivals, arrival)
		}
		if len(batch.Arrivals) > 0 {
			if _, err := b.take(ctx, batch); err != nil {
				return fmt.Errorf("take the alerts of %s again: %w", incident, err)
			}
		}
		if len(rows) < 500 {
			return nil
		}
	}
}

// DeadLetter is a delivery that was authenticated and could not be read.
type DeadLetter struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Integration string    `json:"integration"`
	Reason      string    `json:"reason"`
	Body        []byte    `json:"-"`             // a record of its own, so that a list reads no bodies
	Cut         bool      `json:"cut,omitempty"` // only the head was kept: it cannot be replayed
	Size        int       `json:"size"`
}

// Kinds of records for dead letters, both by the letter's ID.
const (
	kindDeadLetter = "deadletter"
	kindDeadBody   = "deadletter-body"
)

// unreadableKey is the dedup key of the alert that stands for a dead letter.
func unreadableKey(id string) string { return "unreadable:" + id }

// Unreadable keeps a delivery that could not be read as a dead letter, and
// opens or joins one incident that pages the integration's owner (rule I1).
// It is durable when Unreadable returns.
func (b *Bot) Unreadable(ctx context.Context, integration string, body []byte, reason string) error {
	now := b.Now()
	sum := sha256.Sum256(body)
	why, _ := workflow.CleanLine(reason, 300)
	letter := DeadLetter{
		ID: now.Format("20060102T150405.000000") + "-" + hex.EncodeToString(sum[:4]), At: now,
		Integration: integration, Reason: why, Body: body, Size: len(body),
		Cut: len(body) == keptHead,
	}
	raw, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("encode dead letter: %w", err)
	}
	put := []RecordChange{
		{Kind: kindDeadLetter, ID: letter.ID, Version: AnyVersion, Body: raw},
		{Kind: kindDeadBody, ID: letter.ID, Version: AnyVersion, Body: append([]byte{}, body...)},
	}
	if _, err = b.cfg.Store.Commit(ctx, Commit{At: now, Records: put}); err != nil {
		return fmt.Errorf("keep dead letter: %w", err)
	}
	_, err = b.take(ctx, b.letterBatch(letter, alerts.Firing))
	return err
}

// keptHead is how much of a body that is too large is kept.
const keptHead = 64 << 10

// letterBatch is the alert that stands for a dead letter.
func (b *Bot) letterBatch(l DeadLetter, state alerts.State) alerts.Batch {
	a := alerts.Alert{
		Key: unreadableKey(l.ID), State: state, Severity: "SEV2", StartedAt: l.At, EndedAt: b.Now(),
		Title:       fmt.Sprintf("Alerts from %s cannot be read", l.Integration),
		Description: fmt.Sprintf("%s\nNothing is lost: `tocsin deadletter list` shows what came, `tocsin deadletter replay` reads it again.", l.Reason),
	}
	d := alerts.Decision{Severity: workflow.SEV2, Group: l.Integration + "|unreadable"}
	declare := workflow.Declare{}
	if i, ok := b.Organization().Integration(l.Integration); ok && i.Owner != "" {
		declare.Owner = workflow.Target("team:" + i.Owner)
	}
	arrival := alerts.Arrive(alerts.Sender{Name: l.Integration}, a, d, declare)
	return alerts.Batch{At: b.Now(), Arrivals: []alerts.Arrival{arrival}}
}

// DeadLetters lists dead letters, oldest first, without their bodies.
func (b *Bot) DeadLetters(ctx context.Context) ([]DeadLetter, error) {
	records, err := b.cfg.Store.Records(ctx, kindDeadLetter, "", 1000)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	all := make([]DeadLetter, 0, len(records))
	for _, r := range records {
		var l DeadLetter
		if err := json.Unmarshal(r.Body, &l); err != nil {
			return nil, fmt.Errorf("read dead letter %s: %w", r.ID, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// Replay reads a dead letter again. When that works its alerts are taken, and
// the letter is done with; else a refusal says what is still wrong.
func (b *Bot) Replay(ctx context.Context, id string) ([]alerts.Receipt, error) {
	l, err := b.letter(ctx, id)
	if err != nil {
		return nil, err
	}
	integration, ok := b.Organization().Integration(l.Integration)
	source, known := b.cfg.Sources.Find(integration.Type)
	switch {
	case !ok || !known:
		return nil, &workflow.Refusal{Message: fmt.Sprintf("The integration %s is not configured any more.", l.Integration), Hint: "Configure it again, or discard the letter."}
	case l.Cut:
		return nil, &workflow.Refusal{Message: fmt.Sprintf("Only the first %d bytes of it were kept, because it was too large.", keptHead), Hint: "Discard it once you have seen to it."}
	}
	all, err := decodeSafely(source, alerts.Request{Method: "POST", Body: l.Body})
	if err != nil {
		return nil, &workflow.Refusal{Message: "It still cannot be read: " + err.Error() + ".", Hint: "Mend the sender, or discard the letter."}
	}
	receipts, err := b.Receive(ctx, l.Integration, all)
	if err != nil {
		return nil, err
	}
	return receipts, b.Discard(ctx, id)
}

// decodeSafely turns a decoder's panic into an error: the letter that caused
// it must not end the process when it is replayed.
func decodeSafely(source alerts.Source, r alerts.Request) (all []alerts.Alert, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its decoder failed: %v", p)
		}
	}()
	return source.Decode(r)
}

// Discard is done with a dead letter.
func (b *Bot) Discard(ctx context.Context, id string) error {
	l, err := b.letter(ctx, id)
	if err != nil {
		return err
	}
	if _, err := b.take(ctx, b.letterBatch(l, alerts.Resolved)); err != nil {
		return err
	}
	drop := []RecordChange{{Kind: kindDeadLetter, ID: id, Version: AnyVersion}, {Kind: kindDeadBody, ID: id, Version: AnyVersion}}
	if _, err := b.cfg.Store.Commit(ctx, Commit{At: b.Now(), Records: drop}); err != nil {
		return fmt.Errorf("discard dead letter: %w", err)
	}
	return nil
}

func (b *Bot) letter(ctx context.Context, id string) (DeadLetter, error) {
	rec, err := b.cfg.Store.Get(ctx, kindDeadLetter, id)
	if errors.Is(err, ErrNotFound) {
		return DeadLetter{}, &workflow.Refusal{Message: "There is no dead letter " + id + ".", Hint: "`tocsin deadletter list` shows them."}
	}
	if err != nil {
		return DeadLetter{}, err
	}
	var l DeadLetter
	if err = json.Unmarshal(rec.Body, &l); err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %s: %w", id, err)
	}
	body, err := b.cfg.Store.Get(ctx, kindDeadBody, id)
	if err != nil {
		return DeadLetter{}, err
	}
	l.Body = body.Body
	return l, nil
}
