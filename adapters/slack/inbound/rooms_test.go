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

// run gives a command as Ana.
func (h *testApp) run(line string) {
	h.t.Helper()
	ana, _ := access.Person(h.bot.Organization(), "ana")
	if reply, err := h.bot.Dispatcher.Run(h.t.Context(), dispatch.Request{Text: line, Speaker: ana}); err != nil || !reply.OK {
		h.t.Fatalf("%s: %+v %v", line, reply, err)
	}
}

// TestArchivedByHand: when a person archives the channel of an open incident, the incident
// continues in another channel, into which the missing messages are posted.
func TestArchivedByHand(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	h.run("declare Checkout is down --sev 1 --service checkout")
	h.runUntil(r, time.Minute, func() bool { return h.hasRooms(1) })
	h.slack.Archive(ana, h.rooms()[0].ID)
	h.run("note INC-1 is anyone there?")
	h.runUntil(r, time.Minute, func() bool {
		rooms := h.rooms()
		if len(rooms) < 2 {
			return false
		}
		for _, m := range h.slack.Posts(rooms[1].ID) {
			if strings.Contains(m.Plain(), "is anyone there?") {
				return true
			}
		}
		return false
	})
}

// TestDeletedCardPinned: a card that a person has deleted comes back with the next change,
// pinned as it was.
func TestDeletedCardPinned(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	h.run("declare Checkout is down --sev 1 --service checkout")
	h.run("ack INC-1")
	h.runUntil(r, time.Minute, func() bool { return h.hasRooms(1) })
	room := h.rooms()[0].ID
	for _, severity := range []string{"2", "3"} {
		posts := h.slack.Posts(room)
		card := posts[slices.IndexFunc(posts, func(m slacktest.Message) bool { return m.Pinned })]
		h.slack.Delete(h.slack.BotUser, room, card.TS)
		h.clock.Advance(time.Minute)
		h.run("severity INC-1 " + severity)
		h.pass(r, time.Minute, time.Second)
		pinned := slices.DeleteFunc(h.slack.Posts(room), func(m slacktest.Message) bool { return !m.Pinned })
		if len(pinned) != 1 || pinned[0].TS == card.TS || !strings.Contains(pinned[0].Plain(), "SEV"+severity) {
			t.Fatalf("pinned: %+v", pinned)
		}
	}
	if pins := h.slack.CountDone("pins.add"); pins != 3 {
		t.Errorf("%d pins", pins)
	}
}

// TestUnchangedCardNotEdited: an event that does not change the card does not edit it.
func TestUnchangedCardNotEdited(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	h.run("declare Checkout is down --sev 1 --service checkout")
	h.run("ack INC-1")
	h.runUntil(r, time.Minute, func() bool { return h.hasRooms(1) })
	settle := func() {
		t.Helper()
		for end := h.clock.Now().Add(20 * time.Second); h.clock.Now().Before(end); h.clock.Advance(500 * time.Millisecond) {
			if _, err := r.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	settle()
	edits := h.slack.Count("chat.update")
	h.run("note INC-1 the card does not show this")
	settle()
	if n := h.slack.Count("chat.update") - edits; n > 0 {
		t.Errorf("%d edits that change nothing", n)
	}
	h.run("severity INC-1 2")
	settle()
	if h.slack.Count("chat.update") == edits {
		t.Error("a card is not edited that has changed")
	}
}
