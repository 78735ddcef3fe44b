package dispatch_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/card"
	"tocsin/commands"
)

// TestP2EveryCopyOfATitle: the title of an incident that is made private later, or declared
// private, is in nothing that a person who is not a member reads afterwards: replies of
// every query, pages, and the stored form of the incidents that it was linked to and merged
// with (P2: private means members only).
func TestP2EveryCopyOfATitle(t *testing.T) {
	const marker = "Quetzalcoatl"
	w := bottest.NewApp(t, memory.New())
	for _, line := range []string{
		"declare " + marker + " leaks --sev 2 --service search", // INC-1 becomes private later
		"declare Checkout is down --sev 2 --service search",     // INC-2
		"declare " + marker + " merged --sev 2",                 // INC-3 is merged, then private
		"declare " + marker + " secret --sev 2 --private",       // INC-4
		"declare Search is slow --sev 3",                        // INC-5
		"link INC-2 INC-1", "link INC-5 INC-1", "link INC-1 INC-2", "link INC-5 INC-4",
		"merge INC-3 INC-2", "private INC-3", "private INC-1",
		"update INC-1 " + marker + " is contained", "update INC-2 Looking", "escalate INC-1",
	} {
		if reply := w.Say("ben", line); !reply.OK {
			t.Fatalf("%s: %s", line, reply.Text)
		}
	}
	w.Advance(time.Second)
	w.Paged = nil
	w.Say("ben", "severity INC-1 1")
	w.Say("ben", "severity INC-4 1")
	w.Advance(time.Hour)
	for _, p := range w.Paged {
		if raw, err := json.Marshal(p); err != nil || strings.Contains(string(raw), marker) {
			t.Errorf("a page to %s says %s, %v", p.Person, card.Text(p.Content), err)
		}
	}
	for _, who := range []access.Speaker{{Person: "eve", Name: "Eve", Access: commands.Admin}, {Person: "eve", Name: "Eve", Access: commands.Guest}, {Name: "stranger", Access: commands.Responder}} {
		for _, id := range []string{"", "INC-1", "INC-2", "INC-3", "INC-4", "INC-5"} {
			for _, word := range []string{"show", "timeline", "timers", "who", "list", "list --all", "web", "alerts", "link", "merge"} {
				reply := w.Run(who, "", strings.TrimSpace(word+" "+id))
				if raw, err := json.Marshal(reply); err != nil || strings.Contains(string(raw), marker) {
					t.Errorf("%s reads by `%s %s`: %s, %v", who.Name, word, id, reply.Text, err)
				}
			}
		}
	}
	for _, id := range []string{"INC-2", "INC-5"} {
		i, err := w.Engine.LoadUnchecked(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		events, err := w.Store.History(t.Context(), id, 0, 1000)
		if err != nil || len(events) == 0 {
			t.Fatal(err)
		}
		raw, err := json.Marshal(i)
		if err != nil || strings.Contains(string(raw), marker) {
			t.Errorf("%s holds the title, %v", id, err)
		}
		for _, body := range events {
			if strings.Contains(string(body), marker) {
				t.Errorf("%s holds the title: %s", id, body)
			}
		}
	}
}
