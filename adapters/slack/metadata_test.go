package slack

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// TestKeysCarryTheMark: two installations write into the same conversations, for
// incidents with the same ID. None takes a message of the other for its own, and each
// finds its own again (E3: check again before each send).
func TestKeysCarryTheMark(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ana := h.slack.AddUser(slacktest.User{Name: "ana"})
	page := bot.Page{Key: "INC-1/p1", Keys: []string{"INC-1/p1"}, Address: ana, Since: h.clock.Now(), Content: card.Content{Title: "INC-1 needs you"}}
	announcement := bot.RoomCard{
		Key: "INC-1/slack/announce", Incident: "INC-1", Place: workflow.Announce, Again: true, Since: h.clock.Now(), Content: card.Content{Title: "INC-1 is here"},
	}
	for range 2 {
		for _, mark := range []string{"aaaaaaaa", "bbbbbbbb"} {
			w := h.anotherProcess()
			w.API.cfg.Mark = mark
			if err := w.retry(func() error { return w.PageAgain(t.Context(), page) }); err != nil {
				t.Fatal(err)
			}
			if _, err := w.ShowCard(t.Context(), announcement); err != nil {
				t.Fatal(err)
			}
		}
	}
	if posts := h.slack.Posts(h.slack.Direct(ana).ID); len(posts) != 2 {
		t.Errorf("%d pages, want one from each installation", len(posts))
	}
	if posts := h.slack.Posts("#incidents"); len(posts) != 2 {
		t.Errorf("%d announcements, want one from each installation", len(posts))
	}
}

// TestMessagesWithoutMark: a message that an earlier version wrote has no mark, and its
// list of keys holds texts. It counts as written in the incident's own room, and not
// where others write too (E3: check again before each send).
func TestMessagesWithoutMark(t *testing.T) {
	for name, c := range map[string]struct {
		o    outgoing
		want bool
	}{
		"in its own room":         {outgoing{key: "INC-7/3.0", own: true}, true},
		"elsewhere":               {outgoing{key: "INC-7/3.0"}, false},
		"one of several":          {outgoing{key: "INC-8/3.0", own: true}, true},
		"for another key":         {outgoing{key: "INC-9/3.0", own: true}, false},
		"beginning with that key": {outgoing{key: "INC-7/3", own: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			self, err := h.API.identity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m := h.messageWith(t, self.Bot, `{"key":"INC-7/3.0","keys":["INC-7/3.0","INC-8/3.0"]}`)
			if got := h.Messages.isWrittenFor(&m, c.o); got != c.want {
				t.Errorf("written for %q: %t", c.o.key, got)
			}
			m = h.messageWith(t, "B0OTHER", `{"key":"`+c.o.key+`","mark":"0a1b2c3d"}`)
			if h.Messages.isWrittenFor(&m, c.o) {
				t.Error("a message of another app counts as its own")
			}
		})
	}
}

// TestKeysOfBundle: the message for several pages holds the key of each, in a form that
// Slack takes: lists hold objects.
func TestKeysOfBundle(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ana := h.slack.AddUser(slacktest.User{Name: "ana"})
	both := bot.Page{Key: "INC-7/p1", Keys: []string{"INC-7/p1", "INC-8/p1"}, Address: ana, Since: h.clock.Now(), Content: card.Content{Title: "2 incidents need you"}}
	if err := h.Page(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	posts := h.slack.Posts(h.slack.Direct(ana).ID)
	if len(posts) != 1 || !strings.Contains(string(posts[0].Metadata.EventPayload), `"keys":[{"key":"INC-7/p1"},{"key":"INC-8/p1"}]`) {
		t.Fatalf("%d messages: %s", len(posts), posts[0].Metadata.EventPayload)
	}
	second := bot.Page{Key: "INC-8/p1", Keys: []string{"INC-8/p1"}, Address: ana, Since: both.Since, Content: card.Content{Title: "INC-8 needs you"}}
	if err := h.anotherProcess().PageAgain(t.Context(), second); err != nil || len(h.slack.Posts(h.slack.Direct(ana).ID)) != 1 {
		t.Errorf("the second page of the bundle is written again: %v", err)
	}
}

// messageWith returns a message with metadata, as Slack returns it.
func (*testApp) messageWith(t *testing.T, botID, payload string) (m slack.Message) {
	t.Helper()
	raw := `{"bot_id":"` + botID + `","metadata":{"event_type":"` + eventType + `","event_payload":` + payload + `}}`
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
