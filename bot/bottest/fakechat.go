package bottest

import (
	"context"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// worldPlatform is the chat platform of the simulated world.
const worldPlatform = "chat"

// fakeChat is a chat platform that fails at random and reports misuse as a fault of the
// world: a post or a card that is repeated without Again, since it would be there
// twice; a post into a wrong room; private content in a public place.
type fakeChat struct {
	w        *World
	rooms    map[string]*fakeRoom       // by ID
	last     map[string]int             // place → event of the last post there
	posts    map[string]bool            // keys
	replaced map[string]bool            // incidents with a post that was repeated in the next room
	cards    map[string]string          // by key: their titles
	reported map[string]map[int]bool    // incident → events that were posted, or refused for good
	refused  map[string]map[string]bool // incident → keys of posts that were refused for good at last
}

type fakeRoom struct {
	incident string
	private  bool
	closed   bool
	people   []string
}

func newFakeChat(w *World) *fakeChat {
	return &fakeChat{
		w: w, rooms: map[string]*fakeRoom{}, last: map[string]int{}, posts: map[string]bool{}, replaced: map[string]bool{}, cards: map[string]string{},
		reported: map[string]map[int]bool{}, refused: map[string]map[string]bool{},
	}
}

// Platform implements [bot.RoomManager].
func (c *fakeChat) Platform() workflow.Platform {
	return workflow.Platform{
		Name: worldPlatform, ArchiveAfter: 2 * time.Hour,
		Steps: []string{workflow.StepTopic, workflow.StepPin, workflow.StepInvite, workflow.StepAnnounce},
	}
}

// OpenRoom implements [bot.Chat].
func (c *fakeChat) OpenRoom(_ context.Context, r bot.RoomRequest) (workflow.Room, error) {
	if c.w.chance(8) {
		return workflow.Room{}, errFault
	}
	id := r.Was.ID
	if id == "" {
		id = r.Incident
		if r.Private {
			id += "-private"
		}
	}
	room := c.rooms[id]
	if room == nil {
		room = &fakeRoom{incident: r.Incident, private: r.Private}
		c.rooms[id] = room
	}
	room.closed = false
	c.w.logf("room %s", id)
	if c.w.chance(20) {
		return workflow.Room{}, errFault
	}
	return workflow.Room{Platform: worldPlatform, ID: id, Name: r.Name, Private: room.private}, nil
}

// Post implements [bot.Chat].
func (c *fakeChat) Post(_ context.Context, p bot.RoomPost) error {
	place := p.Room.ID
	if p.ReplyTo != "" {
		place = p.ReplyTo
	} else if room := c.rooms[p.Room.ID]; room == nil || room.incident != p.Incident {
		c.w.fail("a post to %s before its room %q is open", p.Incident, p.Room.ID)
	}
	if room := c.rooms[place]; room != nil && room.closed { // as on real platforms
		return bot.Permanent(bot.ErrRoomGone)
	}
	if c.w.chance(10) {
		return errFault
	}
	c.checkPrivate(p.Incident, place)
	if c.posts[p.Key] {
		if !p.Again {
			c.w.fail("X1: %s is posted twice", p.Key)
		}
		return nil
	}
	if c.w.chance(100) {
		c.recordPost(p)
		if !p.Failure { // a refused report of a failure is not reported again
			c.refused[p.Incident][p.Key] = true
		}
		return bot.Permanent(errFault)
	}
	c.posts[p.Key] = true
	if p.Event < c.last[place] && !c.replaced[p.Incident] {
		c.w.fail("X1: event %d of %s is posted after event %d", p.Event, p.Incident, c.last[place])
	}
	c.last[place] = p.Event
	c.recordPost(p)
	c.w.logf("post %s", p.Key)
	c.maybeCrash("post " + p.Key)
	if c.w.chance(30) {
		return errFault
	}
	return nil
}

// recordPost records the events that a post reports.
func (c *fakeChat) recordPost(p bot.RoomPost) {
	if c.reported[p.Incident] == nil {
		c.reported[p.Incident] = map[int]bool{}
	}
	if c.refused[p.Incident] == nil {
		c.refused[p.Incident] = map[string]bool{}
	}
	delete(c.refused[p.Incident], p.Key)
	for seq := p.Event; seq <= p.Through && p.ReplyTo == ""; seq++ {
		c.reported[p.Incident][seq] = true
	}
}

// checkPrivate fails the world when a private incident is posted outside of a private
// room (P2: private means members only).
func (c *fakeChat) checkPrivate(incident, place string) {
	room := c.rooms[place]
	if c.w.loadIncident(incident).Visibility == workflow.Private && (room == nil || !room.private) {
		c.w.fail("P2: %s is private, and something is posted in %q", incident, place)
	}
}

// ShowCard implements [bot.RoomManager].
func (c *fakeChat) ShowCard(_ context.Context, s bot.RoomCard) (string, error) {
	if c.w.chance(10) {
		return "", errFault
	}
	if c.w.chance(20) {
		return "", bot.RetryAfter(3*time.Second, errFault)
	}
	i := c.w.loadIncident(s.Incident)
	if s.Place == workflow.Announce {
		if i.Visibility == workflow.Private && !strings.Contains(s.Content.Title, "is private now") {
			c.w.fail("P2: %s is private, and announced as %q", s.Incident, s.Content.Title)
		}
	} else {
		c.checkPrivate(s.Incident, s.Room.ID)
	}
	_, ok := c.cards[s.Key]
	switch {
	case ok && s.Ref == "" && !s.Again:
		c.w.fail("X1: the card %s is there twice", s.Key)
	case s.Ref != "" && s.Ref != s.Key:
		c.w.fail("X1: the card %s is at %q", s.Key, s.Ref)
	}
	c.cards[s.Key] = s.Content.Title
	c.w.logf("card %s", s.Key)
	c.maybeCrash("card " + s.Key)
	if c.w.chance(20) {
		return "", errFault
	}
	return s.Key, nil
}

// SetUpRoom implements [bot.RoomManager].
func (c *fakeChat) SetUpRoom(_ context.Context, w bot.RoomWork) error {
	switch {
	case c.w.chance(10):
		return errFault
	case c.w.chance(15):
		return bot.Permanent(errFault)
	}
	if w.Step == workflow.StepPin && w.Card == "" {
		c.w.fail("X1: a card of %s is pinned before it is written", w.Incident)
	}
	return nil
}

// Invite implements [bot.RoomManager].
func (c *fakeChat) Invite(_ context.Context, i bot.Invitation) error {
	if c.w.chance(10) {
		return errFault
	}
	room := c.rooms[i.Room.ID]
	if room == nil {
		c.w.fail("X1: people are invited into %q, which does not exist", i.Room.ID)
		return nil
	}
	for _, p := range i.People {
		if !slices.Contains(room.people, p.ID) {
			room.people = append(room.people, p.ID)
		}
	}
	c.maybeCrash("invite " + i.Key)
	return nil
}

// CloseRoom implements [bot.RoomManager].
func (c *fakeChat) CloseRoom(_ context.Context, w bot.RoomWork) error {
	if c.w.chance(10) {
		return errFault
	}
	i := c.w.loadIncident(w.Incident)
	if r, _ := i.Room(worldPlatform); r.ID == w.Room.ID && i.IsOpen() {
		c.w.fail("X1: the room of %s is archived, and it is %s", w.Incident, i.Status)
	}
	if room := c.rooms[w.Room.ID]; room != nil {
		if r, _ := i.Room(worldPlatform); i.Visibility == workflow.Private && !room.private && r.ID != w.Room.ID && !w.Hide {
			c.w.fail("P2: %s is private, and its former public room still shows it", w.Incident)
		}
		room.closed = true
	}
	return nil
}

// maybeCrash crashes the process at random after the platform has done its part.
func (c *fakeChat) maybeCrash(after string) {
	if c.w.chance(200) {
		c.w.logf("crash after %s", after)
		panic(crash{})
	}
}

// judgeRooms checks the room of an incident at rest: it is not archived while the
// incident is open, its members were invited, and its card is up to date.
func (w *World) judgeRooms(i workflow.Incident) {
	r, _ := i.Room(worldPlatform)
	room := w.chat.rooms[r.ID]
	if r.State != workflow.RoomOpen || room == nil {
		return
	}
	if room.closed {
		w.fail("X1: the room of %s is archived, and it is %s", i.ID, i.Status)
	}
	if room.private != r.Private || i.Visibility == workflow.Private && !room.private {
		w.fail("P2: %s is %s, and its room is %+v", i.ID, i.Visibility, room)
	}
	for _, p := range []string{i.Acknowledgement.Person, i.Reporter.Person, i.Roles[workflow.Commander]} {
		if p != "" && !slices.Contains(room.people, p) {
			w.fail("%s of %s is not in its room: %q", p, i.ID, room.people)
		}
	}
	if title := w.chat.cards[i.ID+"/"+worldPlatform+"/"+r.ID]; !strings.Contains(title, i.Title) {
		w.fail("X1: the card of %s, %q, says %q", i.ID, i.Title, title)
	}
}
