package bottest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// ChatFixture is a chat platform under test, with access to what its users see.
type ChatFixture struct {
	Chat bot.Chat
	// Prepare makes an incident known to the platform before its room is opened;
	// nil where that is not needed. INC-404 is never prepared: it has no room.
	Prepare func(i workflow.Incident)
	// Rooms returns the IDs of all rooms.
	Rooms func() []string
	// Posts returns the messages of a room as a member reads them, oldest first:
	// title and text, after the platform's markup was rendered. So a test sees when
	// plain text was taken for markup.
	Posts func(r workflow.Room) []string
	// Outside returns everything that a user who is a member of no private incident
	// can read: names of rooms, messages, errors.
	Outside func() string
	// LoseAnswer makes the platform carry out the next change and lose its response.
	// It is nil where no response can be lost.
	LoseAnswer func()
	// Longest is the number of characters of a message after which the adapter cuts
	// it, with an ellipsis; 0: it never cuts. A long text may also arrive as several
	// messages.
	Longest int
	// Secrets must not appear in an error.
	Secrets []string
}

// Chat is the conformance suite of [bot.Chat]. open returns a platform without
// rooms.
func Chat(t *testing.T, open func(t *testing.T) ChatFixture) {
	for _, c := range []struct {
		name string
		run  func(c *chatTest)
	}{
		{"SameKeySameRoom", sameRoom},
		{"LostAnswerSameRoom", lostRoom},
		{"RoomsApart", roomsApart},
		{"RoomIsStored", roomIsStored},
		{"PostsInOrder", postsInOrder},
		{"SameKeyOnePost", onePost},
		{"SameKeyAtOnce", onePostAtOnce},
		{"LostAnswerOnePost", lostPost},
		{"HostileTexts", hostileTexts},
		{"Private", privateRoom},
		{"UnknownRoom", unknownRoom},
		{"Canceled", canceledContext},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(&chatTest{T: t, ChatFixture: open(t), known: map[string]bool{}, began: map[string]int{}})
		})
	}
}

// chatTest is the state of one case of the suite.
type chatTest struct {
	*testing.T
	ChatFixture
	known map[string]bool // incidents that are prepared
	began map[string]int  // room → number of posts before those that the case checks, such as the card
}

// The incidents of the suite.
func chatIncident(n int, title string) workflow.Incident {
	return workflow.Incident{
		ID: fmt.Sprintf("INC-%d", n), Number: n, Title: title, Severity: workflow.SEV1, SeverityBasis: workflow.FromPerson, Status: workflow.Investigating,
		Kind: workflow.Real, Source: workflow.SourcePerson, Visibility: workflow.Public, DetectedAt: Epoch, DeclaredAt: Epoch,
	}
}

func checkout() workflow.Incident { return chatIncident(7, "Checkout is down") }

func search() workflow.Incident { return chatIncident(8, "Search is slow") }

// payroll is private, and ana is a member.
func payroll() workflow.Incident {
	i := chatIncident(9, "Payroll has leaked")
	i.Visibility, i.Invited = workflow.Private, []string{"ana"}
	return i
}

// prepared returns an incident that is known to the platform.
func (c *chatTest) prepared(i workflow.Incident) workflow.Incident {
	if c.Prepare != nil && !c.known[i.ID] {
		c.Prepare(i)
		c.known[i.ID] = true
	}
	return i
}

// open opens an incident's room with the request that package rooms makes.
func (c *chatTest) open(ctx context.Context, i workflow.Incident) (workflow.Room, error) {
	c.Helper()
	r := bot.RoomRequest{
		Key: i.ID + "/2.0", Incident: i.ID, Name: strings.ToLower(i.ID) + "-checkout-is-down", Private: i.Visibility == workflow.Private,
	}
	if r.Private {
		r.Name = strings.ToLower(i.ID)
	}
	room, err := c.Chat.OpenRoom(ctx, r)
	c.keepsSecrets(err)
	return room, err
}

// room opens the room of an incident, and fails the test on an error.
func (c *chatTest) room(i workflow.Incident) workflow.Room {
	c.Helper()
	room, err := c.open(c.Context(), c.prepared(i))
	if err != nil {
		c.Fatalf("open the room of %s: %v", i.ID, err)
	}
	if _, known := c.began[room.ID]; !known {
		c.skipPosts(room)
	}
	return room
}

// post posts a text under a key, as package rooms does: the title is the actor.
func (c *chatTest) post(ctx context.Context, r workflow.Room, key, text string) error {
	c.Helper()
	incident, _, _ := strings.Cut(key, "/")
	err := c.Chat.Post(ctx, bot.RoomPost{Key: key, Incident: incident, Room: r, Event: 3, Content: card.Content{Title: "Ana Silva", Text: text}})
	c.keepsSecrets(err)
	return err
}

func (c *chatTest) mustPost(r workflow.Room, key, text string) {
	c.Helper()
	if err := c.post(c.Context(), r, key, text); err != nil {
		c.Fatalf("post %s: %v", key, err)
	}
}

// skipPosts makes posts return only what arrives in a room from now on.
func (c *chatTest) skipPosts(r workflow.Room) { c.began[r.ID] = len(c.Posts(r)) }

// posts returns what arrived in a room since it was opened, or since skipPosts.
func (c *chatTest) posts(r workflow.Room) []string {
	c.Helper()
	all := c.Posts(r)
	if len(all) < c.began[r.ID] {
		c.Fatalf("%d of %d posts are gone", c.began[r.ID]-len(all), c.began[r.ID])
	}
	return all[c.began[r.ID]:]
}

// wantPosts fails unless the posts contain the texts, in order.
func (c *chatTest) wantPosts(r workflow.Room, texts ...string) {
	c.Helper()
	got := c.posts(r)
	if !slices.EqualFunc(got, texts, strings.Contains) {
		c.Errorf("the posts are %q, want %q", got, texts)
	}
}

// keepsSecrets: no secret appears in an error (P4: secrets are never shown).
func (c *chatTest) keepsSecrets(err error) {
	c.Helper()
	for _, s := range c.Secrets {
		if err != nil && strings.Contains(err.Error(), s) {
			c.Error("P4: an error tells a secret")
		}
	}
}

// sameRoom: a key always opens the same room, also when two calls with it overlap.
func sameRoom(c *chatTest) {
	first := c.room(checkout())
	there := c.Rooms()
	if !slices.Contains(there, first.ID) {
		c.Fatalf("the room %q is not there: %q", first.ID, there)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			again, err := c.open(c.Context(), checkout())
			if err != nil || !reflect.DeepEqual(again, first) {
				c.Errorf("opened again: %+v %v, want %+v", again, err, first)
			}
		})
	}
	all.Wait()
	if now := c.Rooms(); len(now) != len(there) {
		c.Errorf("opening it again made rooms: %q, there were %q", now, there)
	}
}

// lostRoom: a room that was opened, and whose response was lost, is found again.
func lostRoom(c *chatTest) {
	if c.LoseAnswer == nil {
		c.Skip("no answer can be lost")
	}
	i := c.prepared(checkout())
	c.LoseAnswer()
	lost, err := c.open(c.Context(), i)
	if bot.IsPermanent(err) {
		c.Fatalf("an unclear outcome is permanent: %v", err)
	}
	there := c.Rooms()
	if len(there) != 1 {
		c.Fatalf("the fixture has lost more than the answer: rooms %q", there)
	}
	room := c.room(checkout())
	if err == nil && !reflect.DeepEqual(room, lost) {
		c.Errorf("opened again: %+v, want %+v", room, lost)
	}
	if now := c.Rooms(); len(now) != 1 || now[0] != room.ID {
		c.Errorf("rooms %q, opened %q", now, room.ID)
	}
}

// roomsApart: each incident has its own room.
func roomsApart(c *chatTest) {
	one, two := c.room(checkout()), c.room(search())
	if one.ID == two.ID || one.Platform != two.Platform {
		c.Fatalf("rooms %+v and %+v", one, two)
	}
	c.mustPost(one, "INC-7/3.0", "in the first")
	c.mustPost(two, "INC-8/3.0", "in the second")
	c.mustPost(one, "INC-7/4.0", "again in the first")
	c.wantPosts(one, "in the first", "again in the first")
	c.wantPosts(two, "in the second")
}

// roomIsStored: what the incident stores of a room is enough to find it again.
func roomIsStored(c *chatTest) {
	room := c.room(checkout())
	if room.Platform == "" || room.ID == "" || room.State == workflow.RoomFailed {
		c.Fatalf("room %+v", room)
	}
	if room.URL != "" && !strings.HasPrefix(room.URL, "https://") && !strings.HasPrefix(room.URL, "http://") {
		c.Errorf("the address of the room is %q", room.URL)
	}
	declared, err := workflow.Step(workflow.Incident{ID: "INC-7", Number: 7}, workflow.Input{
		At: Epoch, Command: workflow.Declare{Title: "Checkout is down"}, Known: workflow.Known{Platforms: []workflow.Platform{{Name: room.Platform}}},
	})
	if err != nil {
		c.Fatal(err)
	}
	out, err := workflow.Step(declared.Incident, workflow.Input{
		At: Epoch, Command: workflow.RoomReady{Platform: room.Platform, ID: room.ID, Name: room.Name, URL: room.URL},
	})
	if err != nil {
		c.Fatal(err)
	}
	want := room
	want.State, want.Managed = workflow.RoomOpen, true
	if len(out.Incident.Rooms) != 1 || !reflect.DeepEqual(out.Incident.Rooms[0], want) {
		c.Fatalf("stored as %+v, want %+v", out.Incident.Rooms, want)
	}
	c.mustPost(out.Incident.Rooms[0], "INC-7/3.0", "after a restart")
	c.wantPosts(room, "after a restart")
}

// unknownRoom: a post into a room that does not exist fails for good.
func unknownRoom(c *chatTest) {
	room := c.room(checkout())
	there := c.Rooms()
	room.ID, room.Name, room.URL = "INC-404", "inc-404", ""
	err := c.post(c.Context(), room, "INC-404/3.0", "hello?")
	if !bot.IsPermanent(err) {
		c.Errorf("a post into a room that does not exist returns %v, which is not permanent", err)
	}
	if now := c.Rooms(); len(now) != len(there) {
		c.Errorf("a room was created: %q, before there were %q", now, there)
	}
}

// canceledContext: a call with a canceled context ends, and can be retried.
func canceledContext(c *chatTest) {
	i := c.prepared(checkout())
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	if _, err := c.open(ctx, i); bot.IsPermanent(err) {
		c.Errorf("opening a room in a canceled context is refused for good: %v", err)
	}
	room := c.room(checkout())
	if err := c.post(ctx, room, "INC-7/3.0", "once"); bot.IsPermanent(err) {
		c.Errorf("a post in a canceled context is refused for good: %v", err)
	}
	c.mustPost(room, "INC-7/3.0", "once")
	c.wantPosts(room, "once")
}
