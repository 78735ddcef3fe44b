package outbound_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/outbound"
)

// TestE4Breaker: eight timeouts in a row open the circuit of a party for ten seconds;
// then one caller tests it. An answer closes it, and other parties are not concerned.
func TestE4Breaker(t *testing.T) {
	var b outbound.Breaker
	now := bottest.Epoch
	timeOut := func(times int) {
		for range times {
			b.RecordResult("email", true, now)
		}
	}
	timeOut(7)
	b.RecordResult("email", false, now) // an answer: the count begins anew
	timeOut(7)
	if b.IsOpen("email", now) {
		t.Error("open after seven timeouts")
	}
	timeOut(1)
	if !b.IsOpen("email", now) || b.IsOpen("sms", now) {
		t.Error("not open after eight timeouts, or open for another party")
	}
	if d := b.Remaining("email", now.Add(4*time.Second)); d != 6*time.Second {
		t.Errorf("%s remain after 4 s", d)
	}
	now = now.Add(10 * time.Second)
	if b.IsOpen("email", now) || !b.IsOpen("email", now) {
		t.Error("after ten seconds not exactly one caller may send")
	}
	b.RecordResult("email", false, now)
	if b.IsOpen("email", now) || b.Remaining("email", now) != 0 {
		t.Error("open after an answer")
	}
}

// TestE3Attempts: an effect that a process has begun may have been carried out, unless
// it is the same process and the other party has always put it off.
func TestE3Attempts(t *testing.T) {
	store := memory.New()
	clock := func() time.Time { return bottest.Epoch }
	one, other := outbound.NewAttempts(store, clock), outbound.NewAttempts(store, clock)
	begin := func(a *outbound.Attempts, key string, want bool) {
		t.Helper()
		if again, err := a.Begin(t.Context(), key); again != want || err != nil {
			t.Errorf("%s may have run: %v %v, want %v", key, again, err, want)
		}
	}
	later := bot.RetryAfter(time.Second, errors.New("one message a second"))
	begin(one, "a", false)
	begin(one, "a", true) // no result is known
	one.RecordResult("a", false, later)
	begin(one, "a", false)
	begin(other, "a", true) // another process cannot know
	begin(one, "b", false)
	one.RecordResult("b", false, errors.New("timeout"))
	begin(one, "b", true)
	one.RecordResult("b", true, later) // says nothing about the first attempt
	begin(one, "b", true)
	if _, err := store.Commit(t.Context(), bot.Commit{At: clock(), Records: []bot.RecordChange{outbound.EndAttempt("b")}}); err != nil {
		t.Fatal(err)
	}
	begin(other, "b", false)
}

// TestE4gHealth: a platform that refuses work until an operator fixes something has an
// outage with the reason, until the last such work succeeds, or is not tried any more
// (E4g: what an operator can fix waits).
func TestE4gHealth(t *testing.T) {
	var log strings.Builder
	now := bottest.Epoch
	h := outbound.NewHealth(func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	h.ReportBlocked("chat", "INC-1/room", "missing_scope")
	now = now.Add(time.Minute)
	h.ReportBlocked("chat", "INC-2/room", "invalid_auth")
	h.ReportHealth("chat", true, nil) // another call is accepted
	if o, ok := h.Outage("chat"); !ok || !o.Blocked || o.Why != "missing_scope" || !o.Since.Equal(bottest.Epoch) {
		t.Errorf("outage %+v %v", o, ok)
	}
	before := h.Summary()
	h.ReportBlocked("chat", "INC-1/room", "")
	if o, ok := h.Outage("chat"); !ok || o.Why != "invalid_auth" || h.Summary() == before {
		t.Errorf("outage %+v %v, %q", o, ok, h.Summary())
	}
	h.ReportHealth("chat", false, errors.New("connection refused"))
	if o, ok := h.Outage("chat"); !ok || o.Blocked {
		t.Errorf("outage %+v %v", o, ok)
	}
	h.ReportHealth("chat", true, nil)
	now = now.Add(10 * time.Minute) // its incident has ended meanwhile
	if o, ok := h.Outage("chat"); ok || h.Summary() != "" {
		t.Errorf("outage %+v, %q", o, h.Summary())
	}
	if text := log.String(); strings.Count(text, "refuses work until") != 1 {
		t.Errorf("the log says:\n%s", text)
	}
}

// TestHealth: an outage is logged when it begins and when it ends.
func TestHealth(t *testing.T) {
	var log strings.Builder
	h := outbound.NewHealth(func() time.Time { return bottest.Epoch }, slog.New(slog.NewTextHandler(&log, nil)))
	if _, ok := h.Outage("chat"); ok || h.Summary() != "" {
		t.Errorf("outages at the start: %q", h.Summary())
	}
	for range 3 {
		h.ReportHealth("chat", false, errors.New("connection refused"))
	}
	o, ok := h.Outage("chat")
	if !ok || o.Why != "connection refused" || !o.Since.Equal(bottest.Epoch) || h.Summary() == "" {
		t.Errorf("outage %+v %v, %q", o, ok, h.Summary())
	}
	h.ReportHealth("chat", true, errors.New("not_in_channel")) // a refusal is an answer
	if _, ok := h.Outage("chat"); ok || h.Summary() != "" {
		t.Errorf("outages after an answer: %q", h.Summary())
	}
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines are logged:\n%s", n, log.String())
	}
}

// TestE3AttemptTakenOver: an effect that this process had put off was attempted by another
// process since. When this one takes it over and the answer of its record is lost, it may
// have been carried out (E3: check again before each send).
func TestE3AttemptTakenOver(t *testing.T) {
	store := memory.New()
	clock := func() time.Time { return bottest.Epoch }
	one, other := outbound.NewAttempts(store, clock), outbound.NewAttempts(store, clock)
	if again, err := one.Begin(t.Context(), "a"); again || err != nil {
		t.Fatal(again, err)
	}
	one.RecordResult("a", false, bot.RetryAfter(time.Second, errors.New("one message a second")))
	if again, err := other.Begin(t.Context(), "a"); !again || err != nil {
		t.Fatal(again, err)
	}
	for n := range 2 { // of the first, the answer is lost
		if again, err := one.Begin(t.Context(), "a"); !again || err != nil {
			t.Errorf("attempt %d: may have run: %v %v", n, again, err)
		}
	}
}
