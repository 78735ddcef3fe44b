package inbound

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/agenda"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// runUntil runs the due tasks until a condition holds, and moves the clock to the next
// task when none is due.
func (h *testApp) runUntil(r *agenda.Runner, most time.Duration, until func() bool) {
	h.t.Helper()
	end := h.clock.Now().Add(most)
	for !until() {
		n, err := r.Tick(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		if n > 0 {
			continue
		}
		next, err := h.store.NextDue(h.t.Context(), bot.Classes{To: workflow.ClassDroppable})
		if err != nil || next.IsZero() || next.After(end) {
			h.t.Fatalf("nothing more is due before %s: next %s %v", end, next, err)
		}
		h.clock.Advance(max(next.Sub(h.clock.Now()), time.Millisecond))
	}
}

// runFor runs what is due, and moves the clock from one due task to the next for a while.
func (h *testApp) runFor(r *agenda.Runner, d time.Duration) {
	h.t.Helper()
	end := h.clock.Now().Add(d)
	for {
		n, err := r.Tick(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		if n > 0 {
			continue
		}
		next, err := h.store.NextDue(h.t.Context(), bot.Classes{To: workflow.ClassDroppable})
		if err != nil {
			h.t.Fatal(err)
		}
		if next.IsZero() || next.After(end) {
			h.clock.Advance(max(0, end.Sub(h.clock.Now())))
			return
		}
		h.clock.Advance(max(next.Sub(h.clock.Now()), time.Millisecond))
	}
}

// storm opens n incidents at once, the least severe first.
func (h *testApp) storm(n int) {
	h.t.Helper()
	for k := range n {
		severity := []string{"warning", "error", "critical"}[k*3/n]
		_, err := h.bot.Intake.Receive(context.Background(), "prometheus", []alerts.Alert{{
			Key: fmt.Sprint("k", k), Title: fmt.Sprintf("Disk %d is full", k), State: alerts.Firing, StartedAt: h.clock.Now(), Severity: severity,
			Labels: map[string]string{"alertname": fmt.Sprint("disk", k), "service": "checkout"},
		}})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// rooms returns the incidents' channels, in the order in which they were created.
func (h *testApp) rooms() []slacktest.Channel {
	return slices.DeleteFunc(h.slack.Channels(), func(c slacktest.Channel) bool { return !strings.HasPrefix(c.Name, "inc-") })
}

// TestStorm: of 50 incidents at once the worst get their rooms first, and all as soon as
// the documented limits allow; no call is refused as too much
// (G4c: the worst incident's room first).
func TestStorm(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	if _, err := h.workspace.ShowCard(t.Context(), bot.RoomCard{Key: "first", Place: workflow.Announce}); err != nil { // the channel is made
		t.Fatal(err)
	}
	h.clock.Advance(time.Hour)
	began := h.clock.Now()
	h.storm(50)
	h.runUntil(r, 10*time.Minute, func() bool { return len(h.rooms()) == 50 })
	rooms := h.rooms()
	at := func(n int) time.Duration { return rooms[n-1].Created.Sub(began) }
	t.Logf("the 1st room exists after %s, the 10th after %s, the 50th after %s", at(1), at(10), at(50))
	if at(10) > 2*time.Second || at(50) > 125*time.Second {
		t.Error("that is later than the limits make it")
	}
	worst := workflow.SEV1
	for n, c := range rooms {
		i, err := h.bot.LoadUnchecked(t.Context(), strings.ToUpper(strings.Join(strings.Split(c.Name, "-")[:2], "-")))
		if err != nil {
			t.Fatal(err)
		}
		if i.Severity < worst {
			t.Errorf("room %d is of a %s, and one of a %s came before", n+1, i.Severity, worst)
		}
		worst = i.Severity
	}
	h.runUntil(r, 20*time.Minute, func() bool { return h.hasRooms(50) })
	t.Logf("every room is set up after %s", h.clock.Now().Sub(began))
	for _, call := range h.slack.Calls("") {
		if call.Status == 429 {
			t.Errorf("%s was refused as too much at %s", call.Method, call.At.Sub(began))
		}
	}
}

// hasRooms reports whether so many incidents have rooms that are set up.
func (h *testApp) hasRooms(n int) bool {
	whole := 0
	all, err := h.bot.Incidents.ListOpen(context.Background(), n)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, i := range all {
		if room, ok := i.Room(slack.Platform); ok && room.State == workflow.RoomOpen && !slices.ContainsFunc(room.Steps, func(s workflow.RoomStep) bool { return s.State == "" }) {
			whole++
		}
	}
	return whole == n
}

// TestCallsPerDeclare counts the calls that one incident takes.
func TestCallsPerDeclare(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	h.storm(1)
	h.runUntil(r, time.Minute, func() bool { return h.hasRooms(1) })
	h.slack.Forget() // the first incident also asks who the app is, and which channels there are
	before := len(h.rooms())
	if _, err := h.bot.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{
		Key: "x", Title: "Checkout is down", State: alerts.Firing, StartedAt: h.clock.Now(), Severity: "critical",
		Labels: map[string]string{"alertname": "CheckoutDown", "service": "search"},
	}}); err != nil {
		t.Fatal(err)
	}
	h.runUntil(r, time.Minute, func() bool { return len(h.rooms()) > before && h.hasRooms(2) })
	for end := h.clock.Now().Add(10 * time.Second); h.clock.Now().Before(end); h.clock.Advance(time.Second) {
		if _, err := r.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	counts, total := map[string]int{}, 0
	for _, c := range h.slack.Calls("") {
		counts[c.Method]++
		total++
	}
	for _, m := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%2d %s", counts[m], m)
	}
	t.Logf("%2d calls per declare", total)
	if total > 16 {
		t.Errorf("that is too many: %v", counts)
	}
}
