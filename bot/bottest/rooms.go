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

// HostedChat is a platform that hosts its rooms itself.
type HostedChat interface {
	bot.Chat
	bot.RoomManager
}

// RoomsFixture is a hosted platform under test, with access to what its users see.
type RoomsFixture struct {
	// Process returns a new adapter, as in a process that has just started: it
	// knows nothing of what other processes have done.
	Process func() HostedChat
	// AddUser creates a user, and returns the ID of the account.
	AddUser func(name, email string) string
	// Room returns the current state of a room.
	Room func(r workflow.Room) RoomState
	// Rooms returns the IDs of all rooms of incidents, archived ones too.
	Rooms func() []string
	// Announcements returns the messages in the room of announcements, oldest first,
	// without replies; nil where the platform has no such room.
	Announcements func() []string
	// Interrupt makes the next change of a kind fail: before it is carried out or,
	// with after, when only its response is lost.
	Interrupt func(change string, after bool)
	// WriteMessages writes as many messages of users into a room.
	WriteMessages func(r workflow.Room, messages int)
	// Delete deletes a card by its ref, as a user does.
	Delete func(ref string)
	// Archive archives a room, as a user does.
	Archive func(r workflow.Room)
}

// RoomState is a room as its members see it.
type RoomState struct {
	Private  bool
	Archived bool
	Topic    string
	Links    []string // addresses
	Members  []string // accounts, without Tocsin's own
	Posts    []string // the messages of Tocsin, oldest first, including cards
	Pinned   []string // the pinned ones
}

// The changes that [RoomsFixture.Interrupt] can make fail, beside the steps of a
// room (workflow.StepTopic …).
const (
	ChangeOpen = "open"
	ChangePost = "post"
)

// Rooms is the conformance suite of platforms that host their rooms themselves. open
// returns a platform without rooms.
func Rooms(t *testing.T, open func(t *testing.T) RoomsFixture) {
	for _, c := range []struct {
		name string
		run  func(c *roomsTest)
	}{
		{"OpenedOnce", openedOnce},
		{"ArchivedAndBack", archivedAndBack},
		{"ArchivedByPeople", archivedByPeople},
		{"PostedOnce", postedOnce},
		{"CardStaysTrue", cardStaysTrue},
		{"CardDeletedByPeople", cardDeletedByPeople},
		{"Announced", announcement},
		{"SetUpOnce", setUpOnce},
		{"Invited", invitation},
		{"NotFoundInvitees", notFoundInvitees},
		{"PrivateStaysPrivate", privateStaysPrivate},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(&roomsTest{T: t, RoomsFixture: open(t)}) })
	}
}

// roomsTest is the state of one case of the suite.
type roomsTest struct {
	*testing.T
	RoomsFixture
}

// request returns the request for the room of an incident, as package rooms makes it.
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

// wantRetry fails if the error of an unclear outcome is permanent.
func (c *roomsTest) wantRetry(err error) {
	c.Helper()
	if err == nil || bot.IsPermanent(err) {
		c.Fatalf("an interrupted change answers %v, want an error that may be tried again", err)
	}
}

// containing returns the texts that contain a part.
func containing(texts []string, part string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !strings.Contains(text, part) })
}

// openedOnce: when opening a room was interrupted, another process continues with
// the same room (G2: one room per platform).
func openedOnce(c *roomsTest) {
	for _, i := range []workflow.Incident{checkout(), payroll()} {
		for _, after := range []bool{false, true} {
			before := len(c.Rooms())
			i.Number++
			i.ID = fmt.Sprintf("INC-%d%t", i.Number, after)
			c.Interrupt(ChangeOpen, after)
			_, err := c.Process().OpenRoom(c.Context(), c.request(i))
			c.wantRetry(err)
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

// archivedAndBack: archiving a room again changes nothing; a reopened incident has a
// room that accepts messages.
func archivedAndBack(c *roomsTest) {
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

// archivedByPeople: a post into a room that users have archived returns that the room
// is gone, so that the incident continues in a new one.
func archivedByPeople(c *roomsTest) {
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

// postedOnce: a post whose outcome is unknown is written once, also by another process
// and after many other messages (X1: a crash loses nothing).
func postedOnce(c *roomsTest) {
	room := c.open(checkout())
	for n, after := range []bool{false, true} {
		c.WriteMessages(room, 120)
		c.Interrupt(ChangePost, after)
		c.wantRetry(c.Process().Post(c.Context(), c.post(room, 3+n, false)))
		c.WriteMessages(room, 120)
		if err := c.Process().Post(c.Context(), c.post(room, 3+n, true)); err != nil {
			c.Fatal(err)
		}
		if posts := containing(c.Room(room).Posts, fmt.Sprintf("Note number %d.", 3+n)); len(posts) != 1 {
			c.Errorf("carried out=%t: posted %d times", after, len(posts))
		}
	}
}

// cardStaysTrue: a card is written once, found again by another process, and edited
// in place.
func cardStaysTrue(c *roomsTest) {
	room := c.open(checkout())
	for _, after := range []bool{true, false} {
		c.Interrupt(ChangePost, after)
		_, err := c.Process().ShowCard(c.Context(), c.card(room, workflow.InRoom, "", "first", false))
		c.wantRetry(err)
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

// cardDeletedByPeople: a card that users have deleted is written again, once.
func cardDeletedByPeople(c *roomsTest) {
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

// announcement: an announcement is a card outside of the room, and so are the replies
// to it.
func announcement(c *roomsTest) {
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

// setUpOnce: each step of setting up a room takes effect once, also when it was
// interrupted.
func setUpOnce(c *roomsTest) {
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
			c.wantRetry(c.Process().SetUpRoom(c.Context(), w))
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

// invitation: people are found by their account or e-mail address; inviting a member
// again is not an error.
func invitation(c *roomsTest) {
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

// notFoundInvitees: the error names those who are not on the platform, after all others
// were invited.
func notFoundInvitees(c *roomsTest) {
	room := c.open(checkout())
	ana := c.AddUser("Ana Silva", "ana@example.com")
	err := c.Process().Invite(c.Context(), bot.Invitation{Key: "INC-7/8.0", Incident: "INC-7", Room: room, People: []bot.Invitee{
		{ID: "zed", Name: "Zed", Email: "zed@example.org"}, {ID: "ana", Name: "Ana Silva", Handle: ana}, {ID: "yan", Name: "Yan"},
	}})
	if !bot.IsPermanent(err) || !strings.Contains(err.Error(), "Zed") || !strings.Contains(err.Error(), "Yan") || strings.Contains(err.Error(), "Ana") {
		c.Errorf("answered %v, want a permanent error that names Zed and Yan", err)
	}
	if members := c.Room(room).Members; !slices.Contains(members, ana) {
		c.Errorf("members %q without %s, who could be asked in", members, ana)
	}
}

// privateStaysPrivate: a private room is never the public one of the same incident,
// even when that has its name (P2: private means members only).
func privateStaysPrivate(c *roomsTest) {
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
