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

// ChatFixture is a chat platform with the other side that a test can look at.
type ChatFixture struct {
	Chat bot.Chat
	// Prepare makes an incident known to the other side; nil where it need not
	// know of it before it has a room. INC-404 is never prepared, and there is no
	// room of that ID.
	Prepare func(i workflow.Incident)
	// Rooms returns the IDs of the rooms that there are.
	Rooms func() []string
	// Posts returns what a member of a room reads in it, oldest first: a text
	// each, its title included, with what is markup to the platform carried out,
	// so that what was meant as text is missed if it was taken for markup.
	Posts func(r workflow.Room) []string
	// Outside returns all that a person reads who is a member of no private
	// incident, of whatever the tests have made: names, messages, errors.
	Outside func() string
	// LoseAnswer makes the other side carry the next change out and lose its
	// answer. Nil where no answer can be lost.
	LoseAnswer func()
	// Longest is how many characters of a message the adapter lets through before
	// it cuts, with an ellipsis; 0: it never cuts. What is too long may also come
	// as several messages.
	Longest int
	// Secrets must reach no error.
	Secrets []string
}

// Chat is the conformance suite of [bot.Chat]. open returns a platform without
// rooms.
func Chat(t *testing.T, open func(t *testing.T) ChatFixture) {
	for _, c := range []struct {
		name string
		run  func(c *chatTest)
	}{
		{"SameKeySameRoom", testSameRoom},
		{"LostAnswerSameRoom", testLostRoom},
		{"RoomsApart", testRoomsApart},
		{"RoomIsKept", testRoomIsKept},
		{"PostsInOrder", testPostsInOrder},
		{"SameKeyOnePost", testOnePost},
		{"SameKeyAtOnce", testOnePostAtOnce},
		{"LostAnswerOnePost", testLostPost},
		{"HostileTexts", testHostileTexts},
		{"Private", testPrivateRoom},
		{"NotThere", testNotThere},
		{"Canceled", testCanceledContext},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(&chatTest{T: t, ChatFixture: open(t), known: map[string]bool{}, began: map[string]int{}})
		})
	}
}

// chatTest is one case under way.
type chatTest struct {
	*testing.T
	ChatFixture
	known map[string]bool // incidents that are prepared
	began map[string]int  // room → how many posts were in it before those that the case looks at: perhaps the card
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

// prepare makes an incident known to the other side.
func (c *chatTest) prepare(i workflow.Incident) workflow.Incident {
	if c.Prepare != nil && !c.known[i.ID] {
		c.Prepare(i)
		c.known[i.ID] = true
	}
	return i
}

// open opens an incident's room, with a request such as package rooms makes.
func (c *chatTest) open(ctx context.Context, i workflow.Incident) (workflow.Room, error) {
	c.Helper()
	r := bot.RoomRequest{
		Key: i.ID + "/2.0", Incident: i.ID, Name: strings.ToLower(i.ID) + "-checkout-is-down", Private: i.Visibility == workflow.Private,
	}
	if r.Private {
		r.Name = strings.ToLower(i.ID)
	}
	room, err := c.Chat.OpenRoom(ctx, r)
	c.requireNoSecrets(err)
	return room, err
}

// room opens the room of an incident that is there.
func (c *chatTest) room(i workflow.Incident) workflow.Room {
	c.Helper()
	room, err := c.open(c.Context(), c.prepare(i))
	if err != nil {
		c.Fatalf("open the room of %s: %v", i.ID, err)
	}
	if _, known := c.began[room.ID]; !known {
		c.turnPage(room)
	}
	return room
}

// post posts a text under a key, as the agenda does: the message says who, and
// what.
func (c *chatTest) post(ctx context.Context, r workflow.Room, key, text string) error {
	c.Helper()
	incident, _, _ := strings.Cut(key, "/")
	err := c.Chat.Post(ctx, bot.RoomPost{Key: key, Incident: incident, Room: r, Event: 3, Content: card.Content{Title: "Ana Silva", Text: text}})
	c.requireNoSecrets(err)
	return err
}

func (c *chatTest) mustPost(r workflow.Room, key, text string) {
	c.Helper()
	if err := c.post(c.Context(), r, key, text); err != nil {
		c.Fatalf("post %s: %v", key, err)
	}
}

// turnPage forgets what is in a room so far.
func (c *chatTest) turnPage(r workflow.Room) { c.began[r.ID] = len(c.Posts(r)) }

// posts returns what came into a room since it was opened, or since the page
// was turned.
func (c *chatTest) posts(r workflow.Room) []string {
	c.Helper()
	all := c.Posts(r)
	if len(all) < c.began[r.ID] {
		c.Fatalf("%d of %d posts are gone", c.began[r.ID]-len(all), c.began[r.ID])
	}
	return all[c.began[r.ID]:]
}

// wantPosts fails unless each post reads as one of the texts, in order.
func (c *chatTest) wantPosts(r workflow.Room, texts ...string) {
	c.Helper()
	got := c.posts(r)
	if !slices.EqualFunc(got, texts, strings.Contains) {
		c.Errorf("in the room stands %q, want %q", got, texts)
	}
}

// requireNoSecrets fails when an error contains a secret (P4: secrets are never shown).
func (c *chatTest) requireNoSecrets(err error) {
	c.Helper()
	for _, s := range c.Secrets {
		if err != nil && strings.Contains(err.Error(), s) {
			c.Error("P4: an error tells a secret")
		}
	}
}

// testSameRoom: a key stands for one room, however often it comes, and also when it
// comes again while it is still being worked on.
func testSameRoom(c *chatTest) {
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

// testLostRoom: what was opened although its answer was lost is found again.
func testLostRoom(c *chatTest) {
	if c.LoseAnswer == nil {
		c.Skip("no answer can be lost")
	}
	i := c.prepare(checkout())
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

// testRoomsApart: each incident has a room of its own.
func testRoomsApart(c *chatTest) {
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

// testRoomIsKept: what the incident keeps of a room is enough to find it again.
func testRoomIsKept(c *chatTest) {
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
		c.Fatalf("kept as %+v, want %+v", out.Incident.Rooms, want)
	}
	c.mustPost(out.Incident.Rooms[0], "INC-7/3.0", "after a restart")
	c.wantPosts(room, "after a restart")
}

// testNotThere: what will never be there is no reason to try again.
func testNotThere(c *chatTest) {
	room := c.room(checkout())
	there := c.Rooms()
	room.ID, room.Name, room.URL = "INC-404", "inc-404", ""
	err := c.post(c.Context(), room, "INC-404/3.0", "is anyone there?")
	if !bot.IsPermanent(err) {
		c.Errorf("a post to a room that is not there answers %v, which is not permanent", err)
	}
	if now := c.Rooms(); len(now) != len(there) {
		c.Errorf("it has made a room: %q, there were %q", now, there)
	}
}

// testCanceledContext: what may not last any longer ends, and can be tried again.
func testCanceledContext(c *chatTest) {
	i := c.prepare(checkout())
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
