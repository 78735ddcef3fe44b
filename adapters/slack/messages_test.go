package slack

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

func post(room workflow.Room, key string, again bool) bot.RoomPost {
	return bot.RoomPost{Key: key, Incident: "INC-7", Room: room, Again: again, Content: card.Content{Title: "Ana", Text: "Message " + key}}
}

// TestX1PostOnce: another process finds a message that may have been written, however many
// came after it; and writes one that was not.
func TestX1PostOnce(t *testing.T) {
	for name, fault := range map[string]slacktest.Fault{"before": {CutBefore: true}, "after": {LoseAnswer: true}, "500": {Status: 500}} {
		t.Run(name, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			p := h.anotherProcess()
			room, err := p.OpenRoom(t.Context(), request(false))
			if err != nil {
				t.Fatal(err)
			}
			one := post(room, "INC-7/3.0", false)
			one.Since = h.clock.Now()
			ana := h.slack.AddUser(slacktest.User{Name: "ana"})
			h.slack.Join(ana, room.ID)
			for range 250 {
				h.slack.Say(ana, room.ID, "it is slow", "")
			}
			h.slack.Fail("chat.postMessage", fault)
			if err = p.Post(t.Context(), one); err == nil || bot.IsPermanent(err) {
				t.Fatalf("an unclear outcome answers %v", err)
			}
			for range 250 {
				h.slack.Say(ana, room.ID, "what is going on?", "")
			}
			one.Again = true
			if err = h.anotherProcess().Post(t.Context(), one); err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(time.Minute)
			if err = h.anotherProcess().Post(t.Context(), post(room, "INC-7/4.0", false)); err != nil {
				t.Fatal(err)
			}
			if posts := h.slack.Posts(room.ID); len(posts) != 2 || !strings.Contains(posts[0].Plain(), "INC-7/3.0") || !strings.Contains(posts[1].Plain(), "INC-7/4.0") {
				t.Errorf("%d posts: %+v", len(posts), posts)
			}
		})
	}
}

// TestRetryAfter: a call that Slack puts off is repeated when Slack says, and counts as not
// written.
func TestRetryAfter(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	room, err := h.anotherProcess().OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	h.slack.Fail("chat.postMessage", slacktest.Fault{Status: 429, RetryAfter: 17 * time.Second})
	w := h.connect()
	err = w.Post(t.Context(), post(room, "INC-7/3.0", false))
	if d, later := bot.RetryDelay(err); !later || d != 17*time.Second {
		t.Fatalf("answered %v", err)
	}
	// The gate stays shut: nothing is even sent until then.
	calls := h.slack.Count("chat.postMessage")
	err = w.Post(t.Context(), post(room, "INC-7/4.0", false))
	if d, later := bot.RetryDelay(err); !later || d < 16*time.Second || h.slack.Count("chat.postMessage") != calls {
		t.Fatalf("answered %v", err)
	}
	h.clock.Advance(18 * time.Second)
	if err = w.Post(t.Context(), post(room, "INC-7/3.0", false)); err != nil {
		t.Fatal(err)
	}
	if n := h.slack.Count("conversations.history"); n != 0 {
		t.Errorf("a delayed post is searched for in the history, %d times", n)
	}
}

// TestShow: a card is written once, updated in place, found and updated after a crash, and
// written again when a person has deleted it. The announcement creates its channel when
// there is none.
func TestShow(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	p := h.anotherProcess()
	room, err := p.OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	show := func(p retryingWorkspace, place workflow.Place, at, title string, again bool) string {
		t.Helper()
		c := bot.RoomCard{Key: "INC-7/" + string(place), Incident: "INC-7", Place: place, Room: room, Ref: at, Again: again, Content: card.Content{Title: title}}
		at, err := p.ShowCard(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, place := range []workflow.Place{workflow.InRoom, workflow.Announce} {
		channel := room.ID
		at := show(p, place, "", "first", false)
		if place == workflow.Announce {
			channel = h.slack.Channel("#incidents").ID
		}
		if again := show(h.anotherProcess(), place, "", "second", true); again != at {
			t.Errorf("%q: found at %s, it is at %s", place, again, at)
		}
		show(h.anotherProcess(), place, at, "third", false)
		posts := h.slack.Posts(channel)
		if len(posts) != 1 || !strings.Contains(posts[0].Plain(), "third") {
			t.Errorf("%q: %+v", place, posts)
		}
		h.slack.Delete(h.slack.BotUser, channel, posts[0].TS)
		if anew := show(h.anotherProcess(), place, at, "fourth", false); anew == at {
			t.Errorf("%q: a card that was deleted is not written anew", place)
		}
	}
}

// TestDeletedCardOnce: a card that a person has deleted is written again once, also when
// it has to wait or its outcome is unclear.
func TestDeletedCardOnce(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	p := h.anotherProcess()
	room, err := p.OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	if err = p.Post(t.Context(), post(room, "INC-7/3.0", false)); err != nil { // the channel has had its message of this second
		t.Fatal(err)
	}
	shown := bot.RoomCard{
		Key: "INC-7/card", Incident: "INC-7", Room: room, Ref: room.ID + ":1111111111.000001", Since: h.clock.Now(), Content: card.Content{Title: "INC-7 · Checkout is down"},
	}
	h.slack.Fail("chat.postMessage", slacktest.Fault{LoseAnswer: true})
	if _, err = p.ShowCard(t.Context(), shown); err == nil || bot.IsPermanent(err) {
		t.Fatalf("an unclear outcome answers %v", err)
	}
	shown.Again = true
	at, err := h.anotherProcess().ShowCard(t.Context(), shown)
	if err != nil {
		t.Fatal(err)
	}
	if posts := h.slack.Posts(room.ID); len(posts) != 2 || ref(room.ID, posts[1].TS) != at {
		t.Errorf("the card is at %s; %d posts: %+v", at, len(posts), posts)
	}
}

// TestDeletedCardOnceByOthers: a card that a person has deleted is written again once, also
// when the process that wrote it died before it could record that.
func TestDeletedCardOnceByOthers(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	room, err := h.anotherProcess().OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	c := bot.RoomCard{Key: "INC-7/slack/" + room.ID, Incident: "INC-7", Room: room, Content: card.Content{Title: "first"}}
	if c.Ref, err = h.anotherProcess().ShowCard(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.slack.Delete(h.slack.BotUser, room.ID, h.slack.Posts(room.ID)[0].TS)
	for range 2 {
		h.clock.Advance(time.Minute)
		if _, err = h.anotherProcess().ShowCard(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if posts := h.slack.Posts(room.ID); len(posts) != 1 {
		t.Errorf("%d cards", len(posts))
	}
}

// TestRemovedFromRoom: an app that is removed from an incident's public channel joins it
// again, and its posts are not lost.
func TestRemovedFromRoom(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	var scopes []string
	for _, s := range Scopes() {
		scopes = append(scopes, s.Name)
	}
	h.slack.SetScopes(scopes)
	room, err := h.anotherProcess().OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	h.slack.Leave(h.slack.BotUser, room.ID)
	if err = h.anotherProcess().Post(t.Context(), post(room, "INC-7/3.0", false)); err != nil || len(h.slack.Posts(room.ID)) != 1 {
		t.Errorf("%d posts, %v", len(h.slack.Posts(room.ID)), err)
	}
}
