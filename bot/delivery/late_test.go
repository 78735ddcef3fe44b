package delivery_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/bottest"
)

// TestX1LatePages: after a downtime every page says how late it is, for a private incident
// too: the page of a step, the last page when escalation has run out of steps, and the
// notice of an overdue update.
func TestX1LatePages(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("dan", "declare Checkout is down --sev 1 --service search")
	w.Say("dan", "declare Data leak --sev 1 --service search --private")
	for range 40 { // until escalation has run out of steps
		w.Advance(0)
		w.Paged = nil
		w.Advance(time.Hour)
		if len(w.Paged) == 0 {
			t.Fatal("nothing is paged any more")
		}
		for _, p := range w.Paged {
			if !strings.Contains(p.Content.Title, "(late by ") {
				t.Errorf("a late page to %s says %q", p.Person, p.Content.Title)
			}
		}
	}
	w.Expect(w.Say("dan", "timeline INC-1"), true, "STILL UNATTENDED")
	w.Expect(w.Say("ben", "ack INC-1"), true, "")
	w.Expect(w.Say("ben", "update INC-1 Looking --next 5m"), true, "")
	w.Paged = nil
	w.Advance(time.Hour)
	found := false
	for _, p := range w.Paged {
		found = found || strings.Contains(p.Content.Title, "The status update is overdue. · Checkout is down (late by 55 min)")
	}
	if !found {
		t.Errorf("no late notice of the overdue update in %d pages", len(w.Paged))
	}
}
