package inbound

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
)

// stampMarks are the characters between which a time stands in a text.
const stampMarks = "\U0010FE00\U0010FE01\U0010FE02\U0010FE03"

// TestTimesInReadersZone: two people read the same channel, one in Lisbon and one in
// Tokyo, and each sees the times of their own zone.
func TestTimesInReadersZone(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	ana, _ := access.Person(h.bot.Organization(), "ana")
	say := func(text string) time.Time {
		t.Helper()
		at := h.clock.Now()
		if reply, err := h.bot.Dispatcher.Run(t.Context(), dispatch.Request{Text: text, Speaker: ana}); err != nil || !reply.OK {
			t.Fatalf("%s: %+v %v", text, reply, err)
		}
		for range 60 {
			if _, err := r.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(time.Second)
		}
		return at
	}
	declared := say("declare Checkout is down --sev 1 --service checkout")
	h.clock.Advance(20 * time.Minute)
	acknowledged := say("ack INC-1")
	updated := say("update INC-1 Rolling back --next 30m")
	lisbon, tokyo := time.FixedZone("WET", 0), time.FixedZone("JST", 9*3600)
	channel := h.slack.Channel("inc-1-checkout-is-down")
	messages := slices.Concat(h.slack.Posts(channel.ID), h.slack.Posts(h.slack.Channel("incidents").ID))
	if len(messages) < 4 {
		t.Fatalf("%d messages", len(messages))
	}
	seen := map[time.Time]bool{}
	for _, m := range messages {
		there, here, plain := m.PlainIn(tokyo), m.PlainIn(lisbon), m.Plain()
		if strings.ContainsAny(there+here+plain+m.Text+string(m.Blocks), stampMarks) {
			t.Errorf("a stamp is seen: %q", m.Text)
		}
		for _, d := range m.Dates() {
			seen[d.At] = true
			clock := func(zone *time.Location) string { return d.At.In(zone).Format("15:04") }
			if !strings.Contains(there, clock(tokyo)) || !strings.Contains(here, clock(lisbon)) || !strings.Contains(plain, d.Fallback) || !strings.Contains(m.Text, d.Fallback) {
				t.Errorf("%+v is read in Tokyo in %q, in Lisbon in %q, elsewhere in %q, and notified of in %q", d, there, here, plain, m.Text)
			}
			if at, err := time.Parse("15:04 MST", d.Fallback[max(0, len(d.Fallback)-9):]); err != nil || at.Format("15:04") != clock(time.UTC) {
				t.Errorf("%+v has another fallback: %v", d, err)
			}
		}
	}
	for name, at := range map[string]time.Time{"declared": declared, "acknowledged": acknowledged, "updated": updated, "the next update": updated.Add(30 * time.Minute)} {
		if !seen[at] {
			t.Errorf("%s at %s is on no message: %v", name, at, seen)
		}
	}
}
