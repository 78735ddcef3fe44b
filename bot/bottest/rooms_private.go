package bottest

import (
	"slices"
	"strings"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// testMadePrivateLater: the public room of an incident that has become private shows nothing
// of it any more, wherever hiding it was interrupted: not in its name, its topic, its links
// or what Tocsin has written there (P2: private means members only).
func testMadePrivateLater(c *roomsTest) {
	for n, change := range []string{"", workflow.StepTopic, ChangeDelete} {
		i := chatIncident(7+n, "Checkout is down")
		room := c.open(i)
		ref := c.show(c.card(room, workflow.InRoom, "", i.ID+" · Checkout is down", false))
		c.WriteMessages(room, 3)
		for k := range 3 {
			if err := c.Process().Post(c.Context(), c.post(room, 20+10*n+k, false)); err != nil {
				c.Fatal(err)
			}
		}
		for _, step := range []string{workflow.StepTopic, workflow.StepPin, workflow.StepBookmarks} {
			w := bot.RoomWork{Key: i.ID + "/5." + step, Incident: i.ID, Room: room, Step: step, Card: ref, Title: i.ID + " · Checkout is down"}
			w.Links = []card.Button{{Label: "Checkout's runbook", URL: "https://wiki.example.com/checkout"}}
			if err := c.Process().SetUpRoom(c.Context(), w); err != nil && slices.Contains(c.Process().Platform().Steps, step) {
				c.Fatal(err)
			}
		}
		w := bot.RoomWork{Key: i.ID + "/9.0", Incident: i.ID, Room: workflow.Room{Platform: room.Platform, ID: room.ID}, Severity: i.Severity, Hide: true}
		if change != "" {
			c.Interrupt(change, false)
			c.requireTemporary(c.Process().CloseRoom(c.Context(), w))
		}
		for range 2 {
			if err := c.Process().CloseRoom(c.Context(), w); err != nil {
				c.Fatal(err)
			}
		}
		state := c.Room(room)
		shown := strings.ToLower(strings.Join(append(append([]string{state.Name, state.Topic}, state.Links...), state.Posts...), "\n"))
		if !state.Archived || strings.Contains(shown, "checkout") || strings.Contains(shown, "note number") {
			c.Errorf("interrupted at %q: the room shows %q, archived %t", change, shown, state.Archived)
		}
	}
}

// testAnnouncementMadePrivate: what was posted below the announcement of an incident that has
// become private is removed with it (P2: private means members only).
func testAnnouncementMadePrivate(c *roomsTest) {
	room := c.open(checkout())
	if c.Announcements == nil || !slices.Contains(c.Process().Platform().Steps, workflow.StepAnnounce) {
		c.Skip("the platform has no place for announcements")
	}
	ref := c.show(c.card(room, workflow.Announce, "", "INC-7 · Checkout is down", false))
	other := c.card(room, workflow.Announce, "", "INC-8 · Search is slow", false)
	other.Key, other.Incident = "INC-8/announce", "INC-8"
	elsewhere := c.show(other)
	for n, at := range []string{ref, ref, elsewhere} {
		p := c.post(room, 30+n, false)
		p.ReplyTo = at
		if err := c.Process().Post(c.Context(), p); err != nil {
			c.Fatal(err)
		}
	}
	hidden := c.card(room, workflow.Announce, ref, "INC-7 is private now", false)
	hidden.Hide = true
	c.show(hidden)
	if all := c.Announcements(); len(all) != 2 || strings.Contains(strings.Join(all, "\n"), "Checkout") {
		c.Errorf("announced %q", all)
	}
	if c.Below != nil && (len(c.Below(ref)) != 0 || len(c.Below(elsewhere)) != 1) {
		c.Errorf("below the hidden announcement stands %q, below the other %q", c.Below(ref), c.Below(elsewhere))
	}
}
