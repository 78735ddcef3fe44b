package bottest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Take implements [bot.Intake].
func (s *faultyStore) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	if err := s.before("take"); err != nil {
		return nil, err
	}
	receipts, err := s.Store.Take(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, r := range receipts {
		if r.Change == alerts.Started {
			s.w.started++
		}
		s.w.logf("take %s %s", r.Change, r.Incident)
	}
	return receipts, s.after("take")
}

// fakePager is a pager that at random accepts a page, at once or after eleven seconds,
// refuses it for good or for now, puts it off, does not say whether it accepts it, or
// crashes before or after sending. It always refuses the address "unknown", and puts off
// "busy" for ever.
type fakePager struct{ w *World }

// Page implements [bot.Pager].
func (p *fakePager) Page(ctx context.Context, page bot.Page) error {
	w := p.w
	for n, i := range page.Incidents {
		p.checkWanted(i.ID, page.Keys[n], page)
	}
	if w.chance(20) {
		p.takeLong(ctx, page)
	}
	switch {
	case page.Address == "unknown":
		return bot.Permanent(errFault)
	case page.Address == "busy":
		return bot.RetryAfter(5*time.Second, errFault)
	case w.chance(100):
		w.logf("crash before page %s", page.Key)
		panic(crash{})
	case w.chance(6):
		return errFault
	case w.chance(30):
		return bot.RetryAfter(time.Second, errFault)
	case w.chance(60):
		return bot.RetryAfter(20*time.Second, fmt.Errorf("%w: %w", bot.ErrPaced, errFault))
	case w.chance(50):
		return fmt.Errorf("%w: %w", bot.ErrUnknownOutcome, errFault)
	case w.chance(40):
		return bot.Permanent(errFault)
	}
	for _, key := range page.Keys {
		w.sent[key]++
	}
	w.logf("page %s", page.Key)
	switch {
	case w.chance(30):
		w.logf("answer lost after page %s", page.Key)
		return fmt.Errorf("%w: %w", bot.ErrUnknownOutcome, errFault)
	case w.chance(60):
		w.logf("crash after page %s", page.Key)
		panic(crash{})
	}
	return nil
}

// takeLong lets the time pass after which a page is slow, and reports that as the sender
// does beside its send (E4c: slow is not failed).
func (p *fakePager) takeLong(ctx context.Context, page bot.Page) {
	w := p.w
	w.now = w.now.Add(11 * time.Second)
	for n, i := range page.Incidents {
		id := strings.TrimPrefix(page.Keys[n], i.ID+"/")
		_, err := w.replicas[0].bot.Apply(ctx, i.ID, bot.Change{By: workflow.Actor{Kind: workflow.BySystem}, Command: workflow.Undeliverable{
			Page: id, Why: "no answer for 10 s", Retrying: true, Slow: true,
		}})
		w.logf("slow page %s: %v", page.Keys[n], err)
	}
}

// checkWanted fails the world when a page is sent that was delivered, acknowledged or
// canceled before (E3: check again before each send; G7: all alerts resolved means
// monitoring), unless it went out because the store could not be read.
func (p *fakePager) checkWanted(incident, key string, page bot.Page) {
	if p.w.settled[key] {
		p.w.fail("E3: page %s is sent again after its delivery was on record", key)
	}
	if p.w.unchecked {
		return
	}
	i := p.w.loadIncident(incident)
	purpose := page.Purpose
	for _, state := range i.Paging.Pages {
		if incident+"/"+state.ID == key {
			purpose = state.Purpose
		}
	}
	if i.IsAcknowledged() && purpose == workflow.PurposeEscalation {
		p.w.fail("E3: %s is acknowledged, and %s is sent", incident, key)
	}
	if !i.IsOpen() {
		p.w.fail("E3: %s is %s, and %s is sent", incident, i.Status, key)
	}
	if i.Status == workflow.Monitoring && i.Paging.State == workflow.Stopped && purpose == workflow.PurposeEscalation {
		p.w.fail("G7: all alerts of %s have resolved, and %s is sent", incident, key)
	}
}

// Cancel implements [bot.Canceler].
func (p *fakePager) Cancel(_ context.Context, page bot.Page, _ string) error {
	if p.w.chance(6) {
		return errFault
	}
	if p.w.sent[page.Key] == 0 {
		p.w.fail("E5: %s is taken back and was never sent", page.Key)
	}
	return nil
}
