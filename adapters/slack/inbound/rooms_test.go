package inbound

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack"
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

// TestP2MadePrivateLater: once an incident is private, no public channel shows anything of it:
// neither the name, topic, links and messages of its former room, nor what stands below its
// announcement; also when there is more to delete than the limits allow at once, and when
// the app was put out of the room (P2: private means members only).
func TestP2MadePrivateLater(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	r := h.bot.Agenda(0)
	ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	h.run("declare Payroll has leaked --sev 1 --service checkout")
	h.run("ack INC-1")
	h.runUntil(r, time.Minute, func() bool { return h.hasRooms(1) })
	for n := range 70 {
		h.run(fmt.Sprintf("note INC-1 payroll file %d", n))
	}
	h.run("update INC-1 the payroll is being taken down")
	h.pass(r, 3*time.Minute, time.Second)
	former := h.rooms()[0].ID
	question := h.slack.Say(ana, former, "who has seen it?", "").Message.TS
	answer := slack.Reply{Key: "reply/1", Channel: former, Thread: question, Rendered: slack.RenderReply("INC-1 · Payroll has leaked")}
	if err := h.workspace.Messages.Reply(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	if posts := h.slack.Posts(former); len(posts) < 70 {
		t.Fatalf("%d posts", len(posts))
	}
	h.slack.Leave(h.slack.BotUser, former)
	h.run("private INC-1")
	h.pass(r, 5*time.Minute, time.Second)
	rooms := h.rooms()
	if len(rooms) != 2 || !rooms[0].Archived || rooms[1].Archived || !rooms[1].Private {
		t.Fatalf("rooms: %+v", rooms)
	}
	for _, c := range h.slack.Channels() {
		if c.Private || c.Direct {
			continue
		}
		shown := c.Name + " " + c.Topic + " " + c.Purpose
		for _, m := range h.slack.Posts(c.ID) {
			shown += "\n" + m.Plain()
		}
		for _, b := range h.slack.Bookmarks(c.ID) {
			shown += "\n" + b.Title + " " + b.Link
		}
		if strings.Contains(strings.ToLower(shown), "payroll") || c.ID == former && strings.Contains(shown, "incidents/INC-1") {
			t.Errorf("#%s shows:\n%s", c.Name, shown)
		}
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
