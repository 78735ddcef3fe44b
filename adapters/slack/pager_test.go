package slack

import (
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/card"
)

// TestCancelOneOfSeveral: one message may carry several pages. That one of them
// is answered ends none of the others: the message stays, with its buttons.
func TestCancelOneOfSeveral(t *testing.T) {
	h := newHouse(t, slacktest.Options{})
	ana := h.slack.AddUser(slacktest.User{Name: "ana"})
	both := bot.Page{
		Key: "INC-7/p1", Keys: []string{"INC-7/p1", "INC-8/p1"}, Address: "slack:" + ana,
		Message: card.Message{Title: "2 incidents need you", Actions: []card.Action{{Label: "Acknowledge INC-8", Command: "ack INC-8"}}},
	}
	if err := h.Page(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	alone := bot.Page{Key: "INC-9/p1", Keys: []string{"INC-9/p1"}, Address: both.Address, Message: card.Message{Title: "INC-9 needs you"}}
	h.clock.pass(perChannel)
	if err := h.Page(t.Context(), alone); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"INC-7/p1", "INC-8/p1", "INC-9/p1"} {
		if err := h.Cancel(t.Context(), bot.Page{Key: key, Address: both.Address, Message: card.Message{Title: key}}, "acknowledged by ben"); err != nil {
			t.Fatal(err)
		}
	}
	posts := h.slack.Posts(h.slack.Direct(ana).ID)
	if len(posts) != 2 || !strings.Contains(posts[0].Plain(), "2 incidents need you") || !strings.Contains(posts[0].Plain(), "Acknowledge INC-8") {
		t.Errorf("whoever is paged for two reads %+v", posts)
	}
	if len(posts) == 2 && !strings.Contains(posts[1].Plain(), "not needed any more: acknowledged by ben") {
		t.Errorf("whoever is paged for one reads %q", posts[1].Plain())
	}
}
