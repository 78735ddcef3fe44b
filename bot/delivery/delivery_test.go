package delivery_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/bottest"
	"tocsin/bot/card"
)

// TestE4Retry: a page that failed for now is retried while escalation goes on.
func TestE4Retry(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.PagerError = errors.New("connection refused")
	w.Say("ben", "declare Checkout is down --sev 1 --service search")
	w.Advance(0)
	w.Expect(w.Say("ana", "who INC-1"), true, "failed, retrying: connection refused")
	w.Expect(w.Say("ana", "list"), true, "UNATTENDED")
	w.PagerError = nil
	w.Advance(6 * time.Second)
	w.Expect(w.Say("ana", "who INC-1"), true, "delivered at")
}

// TestE10Bundle: a person who was paged three times in two minutes gets the next pages
// as one message with their number.
func TestE10Bundle(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for range 7 {
		w.Say("dan", "declare Something --sev 1 --service search")
	}
	w.Advance(0)
	sizes := func() (all []int) {
		for _, p := range w.Paged {
			if p.Person == "ben" {
				all = append(all, len(p.Incidents))
			}
		}
		return all
	}
	if got := sizes(); !slices.Equal(got, []int{1, 1, 1, 4}) {
		t.Fatalf("pages: %v", got)
	}
	title := w.Paged[len(w.Paged)-1].Content.Title
	if title != "4 incidents need you" {
		t.Errorf("the bundle says %q", title)
	}
	if since := w.Paged[len(w.Paged)-1].Since; !since.Equal(w.Clock) {
		t.Errorf("the bundle is looked for since %s", since)
	}
	// Two more, one after the other: they wait for each other.
	for range 2 {
		w.Say("dan", "declare Something --sev 1 --service search")
		w.Advance(time.Second)
	}
	if got := sizes(); len(got) != 4 {
		t.Fatalf("pages at once: %v", got)
	}
	w.Advance(31 * time.Second)
	if got := sizes(); len(got) != 5 || got[4] != 2 {
		t.Fatalf("pages after half a minute: %v", got)
	}
	w.Expect(w.Say("ana", "who INC-7"), true, "delivered")
}

// TestSamePageOnce: a message to one person lists an incident once, although they are
// paged for it twice with the same words.
func TestSamePageOnce(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for range 3 {
		w.Say("dan", "declare Something --sev 1 --service search")
	}
	w.Advance(0) // from now on Ben gets bundles
	w.Say("dan", "declare Checkout is down --sev 1 --service search")
	w.Say("dan", "page INC-4 @ben")
	w.Advance(31 * time.Second)
	last := w.Paged[len(w.Paged)-1]
	if last.Person != "ben" || len(last.Keys) != 2 {
		t.Fatalf("%s gets %q", last.Person, last.Keys)
	}
	if n := strings.Count(card.Text(last.Content), "Checkout is down"); n != 1 {
		t.Errorf("the message lists the incident %d times:\n%s", n, card.Text(last.Content))
	}
}
