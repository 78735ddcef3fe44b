package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// DeadLetter is a delivery that was authenticated and could not be decoded.
type DeadLetter struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Integration string    `json:"integration"`
	Reason      string    `json:"reason"`
	Body        []byte    `json:"-"`                      // stored as a record of its own, so that listing reads no bodies
	Truncated   bool      `json:"truncated,omitempty"`    // only the first bytes were stored: it cannot be replayed
	HasNoAlert  bool      `json:"has_no_alert,omitempty"` // it was well-formed and empty: it pages with a low severity
	Size        int       `json:"size"`
}

// Kinds of records of dead letters, by the letter's ID.
const (
	kindDeadLetter = "dead-letter"
	kindDeadBody   = "dead-letter-body"
)

// unreadableKey returns the dedup key of the alert about a dead letter.
func unreadableKey(id string) string { return "unreadable:" + id }

// StoreDeadLetter stores a delivery that could not be decoded as a dead letter, and
// raises an alert that opens or joins an incident and pages the integration's owner
// (I1: a 2xx means durable). Both are durable when it returns nil. The number of dead
// letters has no limit.
func (r *Receiver) StoreDeadLetter(ctx context.Context, integration string, got alerts.Unreadable) error {
	now := r.engine.Now()
	// The ID has the integration too: two of them may send the same body in the same
	// microsecond, and the second letter would replace the first.
	sum := sha256.Sum256(append([]byte(integration+"\x00"), got.Body...))
	reason, _ := workflow.CleanLine(got.Reason, 300)
	letter := DeadLetter{
		ID: now.Format("20060102T150405.000000") + "-" + hex.EncodeToString(sum[:4]), At: now,
		Integration: integration, Reason: reason, Body: got.Body, Size: len(got.Body),
		Truncated: got.Truncated, HasNoAlert: got.HasNoAlert,
	}
	raw, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("encode dead letter: %w", err)
	}
	put := []bot.RecordChange{
		{Kind: kindDeadLetter, ID: letter.ID, Version: bot.AnyVersion, Body: raw},
		{Kind: kindDeadBody, ID: letter.ID, Version: bot.AnyVersion, Body: append([]byte{}, got.Body...)},
	}
	if _, err = r.store.Commit(ctx, bot.Commit{At: now, Records: put}); err != nil {
		return fmt.Errorf("store dead letter: %w", err)
	}
	_, err = r.take(ctx, r.newLetterBatch(letter, alerts.Firing))
	return err
}

// newLetterBatch returns the batch with the alert about a dead letter. One that held no
// alert has an incident of its own, so that the next one that did pages as ever.
func (r *Receiver) newLetterBatch(l DeadLetter, state alerts.State) alerts.Batch {
	a := alerts.Alert{
		Key: unreadableKey(l.ID), State: state, Severity: "SEV2", StartedAt: l.At, EndedAt: r.engine.Now(),
		Title:       fmt.Sprintf("Alerts from %s cannot be read", l.Integration),
		Description: fmt.Sprintf("%s\nNothing is lost: `tocsin deadletter list` shows what came, `tocsin deadletter replay` reads it again.", l.Reason),
	}
	d := alerts.Decision{Severity: workflow.SEV2, Group: l.Integration + "|unreadable"}
	if l.HasNoAlert {
		d = alerts.Decision{Severity: workflow.SEV4, Group: l.Integration + "|no alert"}
		a.Severity, a.Title = "SEV4", fmt.Sprintf("What %s sends holds no alert", l.Integration)
		a.Description = l.Reason + "\n`tocsin deadletter list` shows what came, `tocsin deadletter discard` removes it."
	}
	declare := workflow.Declare{}
	if i, ok := r.engine.Organization().Integration(l.Integration); ok && i.Owner != "" {
		declare.Owner = workflow.Target("team:" + i.Owner)
	}
	arrival := alerts.NewArrival(alerts.Sender{Name: l.Integration}, a, d, declare)
	return alerts.Batch{At: r.engine.Now(), Arrivals: []alerts.Arrival{arrival}}
}

// DeadLetters lists dead letters, oldest first, without their bodies.
func (r *Receiver) DeadLetters(ctx context.Context) ([]DeadLetter, error) {
	all := []DeadLetter{}
	var unreadable error
	err := bot.EachRecord(ctx, r.store, kindDeadLetter, func(rec bot.Record) {
		var l DeadLetter
		if err := json.Unmarshal(rec.Body, &l); err != nil {
			unreadable = errors.Join(unreadable, fmt.Errorf("read dead letter %s: %w", rec.ID, err))
			return
		}
		all = append(all, l)
	})
	if err = errors.Join(err, unreadable); err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return all, nil
}

// Replay decodes a dead letter again. If that succeeds its alerts are received and the
// letter is discarded; else a *workflow.Refusal says what is still wrong.
func (r *Receiver) Replay(ctx context.Context, id string) ([]alerts.Receipt, error) {
	l, err := r.loadLetter(ctx, id)
	if err != nil {
		return nil, err
	}
	integration, ok := r.engine.Organization().Integration(l.Integration)
	source, found := r.sources.Find(integration.Type)
	switch {
	case !ok || !found:
		return nil, &workflow.Refusal{Message: fmt.Sprintf("The integration %s is not configured any more.", l.Integration), Hint: "Configure it again, or discard the letter."}
	case l.Truncated:
		return nil, &workflow.Refusal{Message: fmt.Sprintf("Only the first %d bytes of it were kept, because it was too large.", l.Size), Hint: "Discard it once you have dealt with it."}
	}
	all, err := decodeSafely(source, alerts.Request{Method: "POST", Body: l.Body})
	if err != nil {
		return nil, &workflow.Refusal{Message: "It still cannot be read: " + err.Error() + ".", Hint: "Fix the sender, or discard the letter."}
	}
	receipts, err := r.Receive(ctx, l.Integration, all)
	if err != nil {
		return nil, err
	}
	return receipts, r.Discard(ctx, id)
}

// decodeSafely decodes a request and turns a panic of the decoder into an error, so that
// replaying the letter that causes it does not end the process.
func decodeSafely(source alerts.Source, r alerts.Request) (all []alerts.Alert, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its decoder failed: %v", p)
		}
	}()
	return source.Decode(r)
}

// Discard deletes a dead letter and resolves its alert.
func (r *Receiver) Discard(ctx context.Context, id string) error {
	l, err := r.loadLetter(ctx, id)
	if err != nil {
		return err
	}
	if _, err := r.take(ctx, r.newLetterBatch(l, alerts.Resolved)); err != nil {
		return err
	}
	deletes := []bot.RecordChange{{Kind: kindDeadLetter, ID: id, Version: bot.AnyVersion}, {Kind: kindDeadBody, ID: id, Version: bot.AnyVersion}}
	if _, err := r.store.Commit(ctx, bot.Commit{At: r.engine.Now(), Records: deletes}); err != nil {
		return fmt.Errorf("discard dead letter: %w", err)
	}
	return nil
}

// loadLetter returns a dead letter with its body.
func (r *Receiver) loadLetter(ctx context.Context, id string) (DeadLetter, error) {
	rec, err := r.store.Get(ctx, kindDeadLetter, id)
	if errors.Is(err, bot.ErrNotFound) {
		return DeadLetter{}, &workflow.Refusal{Message: "There is no dead letter " + id + ".", Hint: "`tocsin deadletter list` shows them."}
	}
	if err != nil {
		return DeadLetter{}, err
	}
	var l DeadLetter
	if err = json.Unmarshal(rec.Body, &l); err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %s: %w", id, err)
	}
	body, err := r.store.Get(ctx, kindDeadBody, id)
	if err != nil {
		return DeadLetter{}, err
	}
	l.Body = body.Body
	return l, nil
}
