package bottest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// HostedChat is a platform whose rooms are its own.
type HostedChat interface {
	bot.Chat
	bot.RoomManager
}

// RoomsFixture is such a platform with the other side that a test can look at.
type RoomsFixture struct {
	// Process returns the adapter as a process has it that has just started: it
	// knows nothing of what others have done.
	Process func() HostedChat
	// AddUser creates an account for a person and returns its ID.
	AddUser func(name, email string) string
	// Room returns how a room is now.
	Room func(r workflow.Room) RoomState
	// Rooms returns the IDs of all rooms of incidents, archived ones too.
	Rooms func() []string
	// Announcements returns what is read where incidents are announced, oldest first,
	// without what stands below; nil where the platform has no such place.
	Announcements func() []string
	// Below returns what Tocsin has written below an announcement, by its ref; nil where
	// the fixture cannot tell.
	Below func(ref string) []string
	// Interrupt lets the next change of a kind fail: after it was carried out, so
	// that only its answer is lost, or before.
	Interrupt func(change string, after bool)
	// WriteMessages writes messages of people into a room.
	WriteMessages func(r workflow.Room, messages int)
	// Delete deletes a message as people do: a card by its ref.
	Delete func(ref string)
	// Archive archives a room as people do.
	Archive func(r workflow.Room)
}

// RoomState is a room as its members see it.
type RoomState struct {
	Name     string
	Private  bool
	Archived bool
	Topic    string
	Links    []string // addresses
	Members  []string // accounts, without Tocsin's own
	Posts    []string // what Tocsin has written, oldest first, cards too
	Pinned   []string // which of that is pinned
}

// The changes that [RoomsFixture.Interrupt] can make fail, beside the steps of a
// room (workflow.StepTopic …).
const (
	ChangeOpen = "open"
	ChangePost = "post"
	// ChangeDelete deletes a message.
	ChangeDelete = "delete"
)

// Rooms is the conformance suite of platforms whose rooms are their own. open
// returns a platform without rooms.
func Rooms(t *testing.T, open func(t *testing.T) RoomsFixture) {
	for _, c := range []struct {
		name string
		run  func(c *roomsTest)
	}{
		{"OpenedOnce", testOpenedOnce},
		{"ArchivedAndBack", testArchivedAndBack},
		{"ArchivedByPeople", testArchivedByPeople},
		{"PostedOnce", testPostedOnce},
		{"CardStaysTrue", testCardStaysTrue},
		{"CardDeletedByPeople", testCardDeletedByPeople},
		{"Announced", testAnnouncement},
		{"SetUpOnce", testSetUpOnce},
		{"Invited", testInvitations},
		{"NotFoundInvitees", testNotFoundInvitees},
		{"PrivateStaysPrivate", testPrivateStaysPrivate},
		{"MadePrivateLater", testMadePrivateLater},
		{"AnnouncementMadePrivate", testAnnouncementMadePrivate},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(&roomsTest{T: t, RoomsFixture: open(t)}) })
	}
}

// roomsTest is one case under way.
type roomsTest struct {
	*testing.T
	RoomsFixture
}

// request asks for the room of an incident, as package rooms does.
func (*roomsTest) request(i workflow.Incident) bot.RoomRequest {
	r := bot.RoomRequest{
		Key: i.ID + "/2.0", Incident: i.ID, Name: strings.ToLower(i.ID) + "-checkout-is-down", Severity: i.Severity, Since: i.DeclaredAt,
	}
	if r.Private = i.Visibility == workflow.Private; r.Private {
		r.Name = strings.ToLower(i.ID)
	}
	return r
}

func (c *roomsTest) open(i workflow.Incident) workflow.Room {
	c.Helper()
	return must1(c.Process().OpenRoom(c.Context(), c.request(i)))(c.T)
}

func (*roomsTest) post(r workflow.Room, n int, again bool) bot.RoomPost {
	return bot.RoomPost{
		Key: fmt.Sprintf("INC-7/%d.0", n), Incident: "INC-7", Room: r, Again: again, Since: Epoch, Event: n, Through: n,
		Content: card.Content{Title: "Ana Silva", Text: fmt.Sprintf("Note number %d.", n)},
	}
}

func (c *roomsTest) card(r workflow.Room, place workflow.Place, ref, title string, again bool) bot.RoomCard {
	return bot.RoomCard{
		Key: "INC-7/" + r.Platform + "/" + r.ID + string(place), Incident: "INC-7", Place: place, Room: r, Severity: workflow.SEV1,
		Ref: ref, Again: again, Since: Epoch, Content: card.Content{Title: title},
	}
}

func (c *roomsTest) show(b bot.RoomCard) string {
	c.Helper()
	return must1(c.Process().ShowCard(c.Context(), b))(c.T)
}

// requireTemporary fails unless an unclear outcome may be tried again.
func (c *roomsTest) requireTemporary(err error) {
	c.Helper()
	if err == nil || bot.IsPermanent(err) {
		c.Fatalf("an interrupted change answers %v, want an error that may be tried again", err)
	}
}

// containing returns the texts that contain a part.
func containing(texts []string, part string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !strings.Contains(text, part) })
}

// testOpenedOnce: wherever opening a room was interrupted, another process goes on with
// the same room (G2: one room per platform).
func testOpenedOnce(c *roomsTest) {
	for _, i := range []workflow.Incident{checkout(), payroll()} {
		for _, after := range []bool{false, true} {
			before := len(c.Rooms())
			i.Number++
			i.ID = fmt.Sprintf("INC-%d%t", i.Number, after)
			c.Interrupt(ChangeOpen, after)
			_, err := c.Process().OpenRoom(c.Context(), c.request(i))
			c.requireTemporary(err)
			room := c.open(i)
			again := c.open(i)
			if n := len(c.Rooms()) - before; n != 1 || again.ID != room.ID {
				c.Errorf("%s: %d rooms: %+v, then %+v", i.ID, n, room, again)
			}
			if private := i.Visibility == workflow.Private; room.Private != private || c.Room(room).Private != private {
				c.Errorf("P2: %s is %s, and its room is %+v", i.ID, i.Visibility, room)
			}
		}
	}
}

// testArchivedAndBack: a room is archived once, however often; a reopened incident has
// one that can be written into.
func testArchivedAndBack(c *roomsTest) {
	for _, i := range []workflow.Incident{checkout(), payroll()} {
		room := c.open(i)
		for range 2 {
			if err := c.Process().CloseRoom(c.Context(), bot.RoomWork{Key: i.ID + "/9.0", Incident: i.ID, Room: room}); err != nil {
				c.Fatalf("archive %s: %v", room.ID, err)
			}
		}
		if !c.Room(room).Archived {
			c.Errorf("room %s is not archived", room.ID)
		}
		r := c.request(i)
		r.Key, r.Was = i.ID+"/10.0", room
		back := must1(c.Process().OpenRoom(c.Context(), r))(c.T)
		state := c.Room(back)
		if state.Archived || state.Private != room.Private || back.Private != room.Private {
			c.Errorf("%+v came back as %+v: %+v", room, back, state)
		}
		p := c.post(back, 11, false)
		p.Incident = i.ID
		if err := c.Process().Post(c.Context(), p); err != nil {
			c.Errorf("post into the room that came back: %v", err)
		}
	}
	if err := c.Process().CloseRoom(c.Context(), bot.RoomWork{Key: "INC-404/9.0", Incident: "INC-404", Room: workflow.Room{Platform: c.open(search()).Platform, ID: "INC-404"}}); err != nil {
		c.Errorf("archive a room that is not there: %v", err)
	}
}

// testArchivedByPeople: a post into a room that people have archived says that the room
// is gone, so that the incident continues in another.
func testArchivedByPeople(c *roomsTest) {
	room := c.open(checkout())
	c.Archive(room)
	if err := c.Process().Post(c.Context(), c.post(room, 3, false)); !isRoomGone(err) {
		c.Errorf("a post into an archived room answers %v, want bot.ErrRoomGone", err)
	}
	r := c.request(checkout())
	r.Key, r.Was = "INC-7/4.0", room
	back := must1(c.Process().OpenRoom(c.Context(), r))(c.T)
	if err := c.Process().Post(c.Context(), c.post(back, 3, true)); err != nil || len(containing(c.Room(back).Posts, "Note number 3.")) != 1 {
		c.Errorf("posted into the next room: %v, %q", err, c.Room(back).Posts)
	}
}

// testPostedOnce: a post whose outcome is unknown is written once, whichever process
// continues and however many messages followed (X1: a crash loses nothing).
func testPostedOnce(c *roomsTest) {
	room := c.open(checkout())
	for n, after := range []bool{false, true} {
		c.WriteMessages(room, 120)
		c.Interrupt(ChangePost, after)
		c.requireTemporary(c.Process().Post(c.Context(), c.post(room, 3+n, false)))
		c.WriteMessages(room, 120)
		if err := c.Process().Post(c.Context(), c.post(room, 3+n, true)); err != nil {
			c.Fatal(err)
		}
		if posts := containing(c.Room(room).Posts, fmt.Sprintf("Note number %d.", 3+n)); len(posts) != 1 {
			c.Errorf("carried out=%t: posted %d times", after, len(posts))
		}
	}
}

// testCardStaysTrue: a card is written once, found by a process that does not know
// whether it was, and edited in place.
func testCardStaysTrue(c *roomsTest) {
	room := c.open(checkout())
	for _, after := range []bool{true, false} {
		c.Interrupt(ChangePost, after)
		_, err := c.Process().ShowCard(c.Context(), c.card(room, workflow.InRoom, "", "first", false))
		c.requireTemporary(err)
		ref := c.show(c.card(room, workflow.InRoom, "", "second", true))
		if again := c.show(c.card(room, workflow.InRoom, ref, "third", false)); again != ref {
			c.Errorf("edited in place, the card moved from %s to %s", ref, again)
		}
		if posts := c.Room(room).Posts; len(posts) != 1 || !strings.Contains(posts[0], "third") {
			c.Errorf("carried out=%t: the room holds %q, want the third card alone", after, posts)
		}
		c.Delete(ref)
	}
}

// testCardDeletedByPeople: a card that people have deleted is written anew, once.
func testCardDeletedByPeople(c *roomsTest) {
	room := c.open(checkout())
	ref := c.show(c.card(room, workflow.InRoom, "", "first", false))
	c.Delete(ref)
	anew := c.show(c.card(room, workflow.InRoom, ref, "second", false))
	if again := c.show(c.card(room, workflow.InRoom, ref, "third", false)); anew == ref || again != anew {
		c.Errorf("the card was %s, then %s, then %s", ref, anew, again)
	}
	if posts := c.Room(room).Posts; len(posts) != 1 || !strings.Contains(posts[0], "third") {
		c.Errorf("the room holds %q, want the third card alone", posts)
	}
}

// testAnnouncement: an announcement is a card in a place of its own; what is posted below it
// is not in the room.
func testAnnouncement(c *roomsTest) {
	room := c.open(checkout())
	if c.Announcements == nil || !slices.Contains(c.Process().Platform().Steps, workflow.StepAnnounce) {
		c.Skip("the platform has no place for announcements")
	}
	ref := c.show(c.card(room, workflow.Announce, "", "INC-7 · Checkout is down", false))
	c.show(c.card(room, workflow.Announce, "", "INC-7 · Checkout is slow", true))
	p := c.post(room, 3, false)
	p.ReplyTo = ref
	if err := c.Process().Post(c.Context(), p); err != nil {
		c.Fatal(err)
	}
	if all := c.Announcements(); len(all) != 1 || !strings.Contains(all[0], "Checkout is slow") {
		c.Errorf("announced %q", all)
	}
	if posts := c.Room(room).Posts; len(posts) != 0 {
		c.Errorf("the room holds %q, and nothing was posted there", posts)
	}
}

// testSetUpOnce: each step that the platform gives its rooms is taken once, wherever it
// was interrupted.
func testSetUpOnce(c *roomsTest) {
	for n, after := range []bool{false, true} {
		i := chatIncident(7+n, "Checkout is down")
		room := c.open(i)
		ref := c.show(c.card(room, workflow.InRoom, "", "INC-7 · Checkout is down", false))
		steps := slices.DeleteFunc(c.Process().Platform().Steps, func(s string) bool { return s == workflow.StepInvite || s == workflow.StepAnnounce })
		for _, step := range steps {
			w := bot.RoomWork{
				Key: i.ID + "/5." + step, Incident: i.ID, Room: room, Step: step, Card: ref, Title: "INC-7 · " + strings.Repeat("Checkout <is> & down ", 30),
				Links: []card.Button{{Label: "In the browser", URL: "https://tocsin.example.com/incidents/INC-7"}, {Label: "Runbook", URL: "https://wiki.example.com/checkout"}},
			}
			c.Interrupt(step, after)
			c.requireTemporary(c.Process().SetUpRoom(c.Context(), w))
			w.Again = true
			for range 2 {
				if err := c.Process().SetUpRoom(c.Context(), w); err != nil {
					c.Fatalf("%s: %v", step, err)
				}
			}
		}
		state := c.Room(room)
		if slices.Contains(steps, workflow.StepTopic) && !strings.HasPrefix(state.Topic, "INC-7 · Checkout <is> & down") {
			c.Errorf("the topic is %q", state.Topic)
		}
		if slices.Contains(steps, workflow.StepPin) && (len(state.Pinned) != 1 || len(state.Posts) != 1) {
			c.Errorf("pinned %q of %q, want the card alone", state.Pinned, state.Posts)
		}
		if slices.Contains(steps, workflow.StepBookmarks) && len(state.Links) != 2 {
			c.Errorf("the room has the links %q, want two", state.Links)
		}
	}
}

// testInvitations: people are found by their account or their address; being in the room
// already, or invited again, is fine.
func testInvitations(c *roomsTest) {
	room := c.open(checkout())
	ana, ben := c.AddUser("Ana Silva", "ana@example.com"), c.AddUser("Ben", "ben@example.com")
	i := bot.Invitation{Key: "INC-7/8.0", Incident: "INC-7", Room: room, People: []bot.Invitee{
		{ID: "ana", Name: "Ana Silva", Handle: ana}, {ID: "ben", Name: "Ben", Email: "ben@example.com"},
	}}
	for range 2 {
		if err := c.Process().Invite(c.Context(), i); err != nil {
			c.Fatal(err)
		}
	}
	members := c.Room(room).Members
	slices.Sort(members)
	want := []string{ana, ben}
	slices.Sort(want)
	if !slices.Equal(members, want) {
		c.Errorf("members %q, want %q", members, want)
	}
}

// testNotFoundInvitees: a person who is not on the platform is named once all others are in.
func testNotFoundInvitees(c *roomsTest) {
	room := c.open(checkout())
	ana := c.AddUser("Ana Silva", "ana@example.com")
	err := c.Process().Invite(c.Context(), bot.Invitation{Key: "INC-7/8.0", Incident: "INC-7", Room: room, People: []bot.Invitee{
		{ID: "zed", Name: "Zed", Email: "zed@example.org"}, {ID: "ana", Name: "Ana Silva", Handle: ana}, {ID: "yan", Name: "Yan"},
	}})
	if !bot.IsPermanent(err) || !strings.Contains(err.Error(), "Zed") || !strings.Contains(err.Error(), "Yan") || strings.Contains(err.Error(), "Ana") {
		c.Errorf("answered %v, want a permanent error that names Zed and Yan", err)
	}
	if members := c.Room(room).Members; !slices.Contains(members, ana) {
		c.Errorf("members %q without %s, who could be invited", members, ana)
	}
}

// testPrivateStaysPrivate: a private room is never the public one of the same incident,
// whatever it is called (P2: private means members only).
func testPrivateStaysPrivate(c *roomsTest) {
	public := c.open(checkout())
	secret := checkout()
	secret.Visibility = workflow.Private
	room := c.open(secret)
	if room.ID == public.ID || !room.Private || !c.Room(room).Private {
		c.Errorf("the incident is private, and its room is %+v; it was %+v", room, public)
	}
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	if _, err := c.Process().OpenRoom(ctx, c.request(payroll())); bot.IsPermanent(err) {
		c.Errorf("opening a room in a canceled context is refused for good: %v", err)
	}
}

func isRoomGone(err error) bool { return bot.IsPermanent(err) && errors.Is(err, bot.ErrRoomGone) }
