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
	"tocsin/workflow"
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

// TestE5PageButton: the button of a page acknowledges what the page shows: alone, in a
// bundle, or when the store could not be read. After the incident has become worse it is
// refused, and the button of the new page is not (E5: an acknowledgement carries what was
// seen).
func TestE5PageButton(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	command := func(incident string) string {
		t.Helper()
		for _, p := range slices.Backward(w.Paged) {
			for _, b := range p.Content.Buttons {
				if p.Person == "ben" && strings.HasPrefix(b.Command, "ack "+incident+" ") {
					return b.Command
				}
			}
		}
		t.Fatalf("ben was not paged for %s", incident)
		return ""
	}
	for n := range 5 { // the last are bundled
		w.Say("dan", "declare Something --sev 4 --service search")
		if n == 2 {
			w.Advance(0)
		}
	}
	w.Advance(time.Minute)
	for _, id := range []string{"INC-1", "INC-4", "INC-5"} {
		old := command(id)
		w.Say("dan", "severity "+id+" 1")
		w.Expect(w.Say("ben", old), false, "Something new happened since that message was written.")
		w.Advance(time.Minute)
		w.Expect(w.Say("ben", command(id)), true, "Acknowledged")
	}
	if got := card.FallbackPage([]card.PageReference{{Incident: "INC-6", Seen: workflow.EventOf("INC-6/4.0")}}, card.View{}).Buttons[0].Command; got != "ack INC-6 --seen 4" {
		t.Errorf("a page without details acknowledges with %q", got)
	}
	for _, id := range []string{"", "INC-6", "INC-6/x.1", "wake", "card:room", "INC-6/-1.0"} {
		if n := workflow.EventOf(id); n != 0 {
			t.Errorf("the effect %q belongs to event %d", id, n)
		}
	}
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
