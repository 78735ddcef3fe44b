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

// fakeChat is a platform that opens rooms, takes posts, and shows cards. As
// such platforms are, it is strict about what it cannot know: a post or a card
// that comes again without saying that it may have come before is there twice,
// and that is a fault. Now and then it refuses something for good.
type fakeChat struct {
	w       *World
	rooms   map[string]*fakeRoom       // by ID
	last    map[string]int             // place → event of the last post there
	posts   map[string]bool            // keys
	later   map[string]bool            // incidents whose rooms were told of something once they were back
	cards   map[string]string          // by key: what they show
	told    map[string]map[int]bool    // incident → events that it was told of, or refused to be
	refused map[string]map[string]bool // incident → keys of posts whose last answer was a refusal for good
}

type fakeRoom struct {
	incident string
	private  bool
	closed   bool
	people   []string
}

func newFakeChat(w *World) *fakeChat {
	return &fakeChat{
		w: w, rooms: map[string]*fakeRoom{}, last: map[string]int{}, posts: map[string]bool{}, later: map[string]bool{}, cards: map[string]string{},
		told: map[string]map[int]bool{}, refused: map[string]map[string]bool{},
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
	if c.w.one(8) {
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
	if c.w.one(20) {
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
	if c.w.one(10) {
		return errFault
	}
	c.hides(p.Incident, place)
	if c.posts[p.Key] {
		if !p.Again {
			c.w.fail("X1: %s is posted twice", p.Key)
		}
		return nil
	}
	if c.w.one(100) {
		c.note(p)
		if !p.Failure { // a failure to tell of a failure is let be
			c.refused[p.Incident][p.Key] = true
		}
		return bot.Permanent(errFault)
	}
	c.posts[p.Key] = true
	if p.Event < c.last[place] && !c.later[p.Incident] {
		c.w.fail("X1: event %d of %s is posted after event %d", p.Event, p.Incident, c.last[place])
	}
	c.last[place] = p.Event
	c.note(p)
	c.w.logf("post %s", p.Key)
	c.crash("post " + p.Key)
	if c.w.one(30) {
		return errFault
	}
	return nil
}

// note remembers what a room was told of.
func (c *fakeChat) note(p bot.RoomPost) {
	if c.told[p.Incident] == nil {
		c.told[p.Incident] = map[int]bool{}
	}
	if c.refused[p.Incident] == nil {
		c.refused[p.Incident] = map[string]bool{}
	}
	delete(c.refused[p.Incident], p.Key)
	for seq := p.Event; seq <= p.Through && p.ReplyTo == ""; seq++ {
		c.told[p.Incident][seq] = true
	}
}

// hides: what is private is said in private rooms only (P2).
func (c *fakeChat) hides(incident, place string) {
	room := c.rooms[place]
	if c.w.truth(incident).Visibility == workflow.Private && (room == nil || !room.private) {
		c.w.fail("P2: %s is private, and something is said in %q", incident, place)
	}
}

// Show implements [bot.RoomManager].
func (c *fakeChat) ShowCard(_ context.Context, s bot.RoomCard) (string, error) {
	if c.w.one(10) {
		return "", errFault
	}
	if c.w.one(20) {
		return "", bot.RetryAfter(3*time.Second, errFault)
	}
	i := c.w.truth(s.Incident)
	if s.Place == workflow.Announce {
		if i.Visibility == workflow.Private && !strings.Contains(s.Content.Title, "is private now") {
			c.w.fail("P2: %s is private, and announced as %q", s.Incident, s.Content.Title)
		}
	} else {
		c.hides(s.Incident, s.Room.ID)
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
	c.crash("card " + s.Key)
	if c.w.one(20) {
		return "", errFault
	}
	return s.Key, nil
}

// SetUpRoom implements [bot.RoomManager].
func (c *fakeChat) SetUpRoom(_ context.Context, w bot.RoomWork) error {
	switch {
	case c.w.one(10):
		return errFault
	case c.w.one(15):
		return bot.Permanent(errFault)
	}
	if w.Step == workflow.StepPin && w.Card == "" {
		c.w.fail("X1: a card of %s is pinned that is not there", w.Incident)
	}
	return nil
}

// Invite implements [bot.RoomManager].
func (c *fakeChat) Invite(_ context.Context, i bot.Invitation) error {
	if c.w.one(10) {
		return errFault
	}
	room := c.rooms[i.Room.ID]
	if room == nil {
		c.w.fail("X1: people are asked into %q, which is not there", i.Room.ID)
		return nil
	}
	for _, p := range i.People {
		if !slices.Contains(room.people, p.ID) {
			room.people = append(room.people, p.ID)
		}
	}
	c.crash("invite " + i.Key)
	return nil
}

// CloseRoom implements [bot.RoomManager].
func (c *fakeChat) CloseRoom(_ context.Context, w bot.RoomWork) error {
	if c.w.one(10) {
		return errFault
	}
	i := c.w.truth(w.Incident)
	if r, _ := i.Room(worldPlatform); r.ID == w.Room.ID && i.IsOpen() {
		c.w.fail("X1: the room of %s is put away, and it is %s", w.Incident, i.Status)
	}
	if room := c.rooms[w.Room.ID]; room != nil {
		room.closed = true
	}
	return nil
}

// crash ends the process once the other side has done what it was asked to.
func (c *fakeChat) crash(after string) {
	if c.w.one(200) {
		c.w.logf("crash after %s", after)
		panic(crash{})
	}
}

// housed judges the rooms of an incident at rest: there is one that is not put
// away while it is open, whoever belongs to it was asked in, and its cards say
// what is true.
func (w *World) housed(i workflow.Incident) {
	r, _ := i.Room(worldPlatform)
	room := w.chat.rooms[r.ID]
	if r.State != workflow.RoomOpen || room == nil {
		return
	}
	if room.closed {
		w.fail("X1: the room of %s is put away, and it is %s", i.ID, i.Status)
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
