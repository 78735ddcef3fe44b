package delivery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
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
	w.Expect(w.Say("ana", "who INC-1"), true, "delivered ")
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
			buttons := slices.Clone(p.Content.Buttons)
			for _, s := range p.Content.Sections { // of a bundle
				buttons = append(buttons, s.Button)
			}
			for _, b := range buttons {
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
	if title != "4 incidents need you: 4 SEV1" {
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

// paged returns the severities of the messages that a person got, such as "1" and, for a
// bundle, "1+4+4".
func paged(w *bottest.App, person string) (all []string) {
	for _, p := range w.Paged {
		if p.Person != person {
			continue
		}
		var severities []string
		for _, i := range p.Incidents {
			severities = append(severities, strings.TrimPrefix(i.Severity, "SEV"))
		}
		all = append(all, strings.Join(severities, "+"))
	}
	return all
}

// TestE10WorstFirst: of pages that come at once the worst go alone and first, and the rest
// is one message, worst first, whose title counts them (E10b: a bundle is worst first).
func TestE10WorstFirst(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for _, sev := range []string{"4", "3", "4", "2", "4", "1", "3"} {
		w.Say("dan", "declare Something --sev "+sev+" --service search")
	}
	w.Advance(0)
	if got := paged(w, "ben"); !slices.Equal(got, []string{"1", "2", "3", "3+4+4+4"}) {
		t.Fatalf("pages %q", got)
	}
	last := w.Paged[slices.IndexFunc(w.Paged, func(p bot.Page) bool { return p.Person == "ben" && len(p.Incidents) == 4 })]
	if want := "4 incidents need you: 1 SEV3, 3 SEV4"; last.Content.Title != want {
		t.Errorf("title %q, want %q", last.Content.Title, want)
	}
	for _, s := range last.Content.Sections {
		if s.Link == "" || !strings.HasPrefix(s.Button.Command, "ack INC-") || !strings.Contains(s.Button.URL, "/ack/") {
			t.Errorf("section %+v", s)
		}
	}
	if len(last.Content.Sections) != 4 {
		t.Errorf("%d sections", len(last.Content.Sections))
	}
}

// TestE10WorseAtOnce: a page that is worse than what a person was paged for within the last
// minutes waits for no bundle, nor does one that follows a page that failed, or that a
// person asked for (E10: lanes by priority).
func TestE10WorseAtOnce(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for range 3 {
		w.Say("dan", "declare Something --sev 4 --service search")
		w.Advance(time.Second)
	}
	w.Say("dan", "declare Something --sev 4 --service search")
	w.Advance(time.Second)
	if got := paged(w, "ben"); len(got) != 3 {
		t.Fatalf("the fourth is not held: %q", got)
	}
	w.Say("dan", "declare Checkout is down --sev 1 --service search")
	w.Advance(0)
	if got := paged(w, "ben"); len(got) != 4 || got[3] != "1" {
		t.Fatalf("the SEV1 waits: %q", got)
	}
	w.Say("dan", "declare Something --sev 4")
	w.Say("dan", "page INC-6 @ben please")
	w.Advance(0)
	if got := paged(w, "ben"); len(got) != 5 || got[4] != "4" {
		t.Fatalf("what a person asked for waits: %q", got)
	}
	w.Advance(31 * time.Second)
	if got := paged(w, "ben"); len(got) != 6 || got[5] != "4" {
		t.Errorf("what was held: %q", got)
	}
}

// TestE10OnTheWay: pages that were handed out and not accepted yet count, and one that was
// put off keeps its place (E10: lanes by priority).
func TestE10OnTheWay(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.PagerError = bot.RetryAfter(3*time.Second, fmt.Errorf("one a second: %w", bot.ErrPaced))
	tried := map[int]int{} // messages by their number of incidents
	count := func() {
		clear(tried)
		for _, p := range w.Tried {
			if p.Person == "ben" {
				tried[len(p.Incidents)]++
			}
		}
		w.Tried = nil
	}
	for range 8 {
		w.Say("dan", "declare Something --sev 4 --service search")
		w.Advance(0) // each is claimed by itself
	}
	count()
	if tried[1] != 3 || len(tried) != 1 {
		t.Errorf("handed out: %v", tried)
	}
	w.Advance(4 * time.Second)
	count()
	if tried[1] != 3 || len(tried) != 1 {
		t.Errorf("handed out again: %v", tried)
	}
	w.PagerError = nil
	w.Advance(time.Minute)
	if got := paged(w, "ben"); !slices.Equal(got, []string{"4", "4", "4", "4+4+4+4+4"}) {
		t.Errorf("arrived: %q", got)
	}
}
