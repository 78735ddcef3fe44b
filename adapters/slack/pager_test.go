package slack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
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

// TestPageGoesFirst: a page waits for no post: not for those that wait for the
// same channel, nor for those of the whole workspace.
func TestPageGoesFirst(t *testing.T) {
	h := newHouse(t, slacktest.Options{})
	ops := h.slack.AddChannel(slacktest.Channel{Name: "ops", Members: []string{h.slack.BotUser}})
	for n := range 30 {
		one := post(workflow.Room{ID: ops}, fmt.Sprintf("INC-%d/3.0", n), false)
		one.Severity = workflow.SEV1
		if err := h.Post(t.Context(), one); (err == nil) != (n == 0) {
			t.Fatal(err)
		}
	}
	err := h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Keys: []string{"INC-7/p1"}, Address: "slack:#ops", Message: card.Message{Title: "INC-7 needs you"}})
	if wait, later := bot.RetryDelay(err); later && wait > 2*time.Second {
		t.Errorf("a page waits for posts: %v", err)
	}
}

// TestInvitationsLeaveRoom: that many people are looked up for an invitation
// holds up no page to somebody who is known by address alone.
func TestInvitationsLeaveRoom(t *testing.T) {
	h := newHouse(t, slacktest.Options{})
	room, err := h.OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	in := bot.Invitation{Key: "INC-7/3.1", Incident: "INC-7", Room: room, Severity: workflow.SEV1}
	for n := range 60 {
		name := fmt.Sprint("p", n)
		h.slack.AddUser(slacktest.User{Name: name, Email: name + "@example.com"})
		in.People = append(in.People, bot.Invitee{ID: name, Email: name + "@example.com"})
	}
	h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	if _, later := bot.RetryDelay(h.Invite(t.Context(), in)); !later {
		t.Fatal("sixty people are looked up at once")
	}
	if err = h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Keys: []string{"INC-7/p1"}, Address: "email:ana@example.com"}); err != nil {
		t.Errorf("a page waits for an invitation: %v", err)
	}
}
