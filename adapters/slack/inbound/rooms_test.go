package inbound

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
)

// say gives a command as Ana does.
func (h *house) say(line string) {
	h.t.Helper()
	ana, _ := access.Person(h.bot.Organization(), "ana")
	if reply, err := h.bot.Dispatcher.Run(h.t.Context(), dispatch.Request{Text: line, Speaker: ana}); err != nil || !reply.OK {
		h.t.Fatalf("%s: %+v %v", line, reply, err)
	}
}

// TestArchivedByHand: somebody archives the channel of an incident that is
// worked on: it goes on in another, which hears what could not be said.
func TestArchivedByHand(t *testing.T) {
	h := newHouse(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	h.say("declare Checkout is down --sev 1 --service checkout")
	h.run(r, time.Minute, func() bool { return h.furnished(1) })
	h.slack.Archive(ana, h.rooms()[0].ID)
	h.say("note INC-1 is anybody there?")
	h.run(r, time.Minute, func() bool {
		rooms := h.rooms()
		if len(rooms) < 2 {
			return false
		}
		for _, m := range h.slack.Posts(rooms[1].ID) {
			if strings.Contains(m.Plain(), "is anybody there?") {
				return true
			}
		}
		return false
	})
}

// TestCardIsLeft: what changes nothing on a card edits none.
func TestCardIsLeft(t *testing.T) {
	h := newHouse(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	h.say("declare Checkout is down --sev 1 --service checkout")
	h.say("ack INC-1")
	h.run(r, time.Minute, func() bool { return h.furnished(1) })
	settle := func() {
		t.Helper()
		for end := h.clock.Now().Add(20 * time.Second); h.clock.Now().Before(end); h.clock.pass(500 * time.Millisecond) {
			if _, err := r.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	settle()
	edits := h.slack.Count("chat.update")
	h.say("note INC-1 the card does not show this")
	settle()
	if n := h.slack.Count("chat.update") - edits; n > 0 {
		t.Errorf("%d edits that change nothing", n)
	}
	h.say("severity INC-1 2")
	settle()
	if h.slack.Count("chat.update") == edits {
		t.Error("a card is not edited that has changed")
	}
}
