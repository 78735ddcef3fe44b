package slacktest_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// Where messages can be posted, and the errors of docs.slack.dev/reference/methods/chat.postMessage.
func TestPosting(t *testing.T) {
	a := start(t, slacktest.Options{Unlimited: true})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.channel("inc-1")
	parent := a.post("#inc-1", "to a name")
	reply := a.post(id, "in a thread", "thread_ts", parent)
	a.post(ana, "to a person")
	if dm := a.s.Direct(ana); !strings.HasPrefix(dm.ID, "D") || len(a.s.Posts(dm.ID)) != 1 {
		t.Errorf("direct message %+v", dm)
	}
	for _, c := range []struct {
		code  string
		pairs []string
	}{
		{"no_text", []string{"channel", id}},
		{"no_text", []string{"channel", id, "text", " ", "blocks", "[]"}},
		{"channel_not_found", []string{"channel", "#nowhere", "text", "x"}},
		{"msg_too_long", []string{"channel", id, "text", strings.Repeat("ä", 40_001)}},
		{"thread_not_found", []string{"channel", id, "text", "x", "thread_ts", "1700000000.000001"}},
		{"cannot_reply_to_message", []string{"channel", id, "text", "x", "thread_ts", reply}},
		{"invalid_blocks_format", []string{"channel", id, "blocks", "{"}},
		{"invalid_metadata_format", []string{"channel", id, "text", "x", "metadata", "["}},
		{"invalid_metadata_format", []string{"channel", id, "text", "x", "metadata", `{"event_type":"a"}`}},
		{"invalid_metadata_schema", []string{"channel", id, "text", "x", "metadata", `{"event_type":"a b","event_payload":{}}`}},
		{"invalid_metadata_schema", []string{"channel", id, "text", "x", "metadata", `{"event_type":"a","event_payload":[]}`}},
		{"metadata_too_large", []string{
			"channel", id, "text", "x", "metadata", `{"event_type":"a","event_payload":{"k":"` + strings.Repeat("v", 8000) + `"}}`,
		}},
	} {
		a.expectError(c.code, "chat.postMessage", c.pairs...)
	}
	hidden := a.s.AddChannel(slacktest.Channel{Name: "hidden", Private: true, Members: []string{ana}})
	a.expectError("channel_not_found", "chat.postMessage", "channel", hidden, "text", "x")
	public := a.s.AddChannel(slacktest.Channel{Name: "general", Members: []string{ana}})
	a.post(public, "by chat:write.public")
	a.s.SetScopes([]string{"chat:write"})
	a.expectError("not_in_channel", "chat.postMessage", "channel", public, "text", "x")
}

// What an update keeps and removes: docs.slack.dev/reference/methods/chat.update and chat.delete.
func TestUpdatingAndDeleting(t *testing.T) {
	a := start(t, slacktest.Options{Unlimited: true})
	id := a.channel("inc-1")
	ts := a.post(id, "one", "metadata", `{"event_type":"tocsin_effect","event_payload":{"id":"INC-1/1.1"}}`)
	a.expectError("msg_too_long", "chat.update", "channel", id, "ts", ts, "text", strings.Repeat("x", 4001))
	a.expectError("message_not_found", "chat.update", "channel", id, "ts", "1.000001", "text", "x")
	a.do("chat.update", "channel", id, "ts", ts, "text", "two", "blocks", `[{"type":"divider"}]`)
	if m := a.s.Message(id, ts); m.Text != "two" || m.Edited || m.Edits != 1 || m.Metadata.EventType != "tocsin_effect" {
		t.Errorf("after an update with blocks: %+v", m)
	}
	a.do("chat.update", "channel", id, "ts", ts, "text", "three", "metadata", "{}")
	if m := a.s.Message(id, ts); m.Blocks != nil || !m.Edited || m.Metadata != nil {
		t.Errorf("after an update without blocks: %+v", m)
	}
	a.as(a.s.UserToken).expectError("cant_update_message", "chat.update", "channel", id, "ts", ts, "text", "x")
	a.do("chat.delete", "channel", id, "ts", ts)
	a.expectError("message_not_found", "chat.delete", "channel", id, "ts", ts)
	if len(a.s.Posts(id)) != 0 || !a.s.Message(id, ts).Deleted {
		t.Errorf("after deletion: %+v", a.s.Messages(id))
	}
}

// Order, ranges and pages of docs.slack.dev/reference/methods/conversations.history and conversations.replies.
func TestHistory(t *testing.T) {
	a := start(t, slacktest.Options{Unlimited: true})
	id := a.s.AddChannel(slacktest.Channel{Name: "inc", Members: []string{a.s.BotUser}})
	effect := `{"event_type":"tocsin","event_payload":{"id":"1"}}`
	one := a.post(id, "1", "metadata", effect)
	two := a.post(id, "2")
	a.post(id, "2a", "thread_ts", two)
	a.post(id, "2b", "thread_ts", two, "reply_broadcast", "true")
	three := a.post(id, "3")
	for _, c := range []struct{ want, more string }{
		{"3 2b 2 1", ""},
		{"3 2b", "oldest=" + two},
		{"3 2b 2", "inclusive=true oldest=" + two},
		{"2b 2", "latest=" + three + " oldest=" + one},
		{"3 2b", "limit=2"},
		{"2b 2", "limit=2 oldest=" + one}, // the page next to oldest comes first
	} {
		pairs := []string{"channel", id}
		for field := range strings.FieldsSeq(c.more) {
			name, value, _ := strings.Cut(field, "=")
			pairs = append(pairs, name, value)
		}
		if got := texts(a.do("conversations.history", pairs...)["messages"], "text"); got != c.want {
			t.Errorf("history %s: %q, want %q", c.more, got, c.want)
		}
	}
	a.expectError("invalid_ts_oldest", "conversations.history", "channel", id, "oldest", "yesterday")
	if got := texts(a.do("conversations.replies", "channel", id, "ts", two)["messages"], "text"); got != "2 2a 2b" {
		t.Errorf("replies %q", got)
	}
	a.expectError("thread_not_found", "conversations.replies", "channel", id, "ts", "1.1")
	last := func(more ...string) any {
		got := a.do("conversations.history", append([]string{"channel", id, "latest", one, "inclusive", "1"}, more...)...)
		return got["messages"].([]any)[0].(map[string]any)["metadata"]
	}
	if last() != nil || last("include_all_metadata", "true") == nil {
		t.Error("metadata must come with include_all_metadata, and only then")
	}
}

// Posts in each channel and calls of each method are limited: docs.slack.dev/apis/web-api/rate-limits.
func TestLimits(t *testing.T) {
	c := newClock()
	a := start(t, slacktest.Options{Now: c.now})
	id := a.channel("inc-1")
	a.post(id, "1")
	a.post(id, "2")
	a.expectError("ratelimited", "chat.postMessage", "channel", id, "text", "3")
	other := a.channel("inc-2")
	a.post(other, "another channel has its own limit")
	c.advance(time.Second)
	a.post(id, "3")
	for range 18 {
		a.call("conversations.create", "name", "inc-1")
		c.advance(time.Second)
	}
	got := a.expectError("ratelimited", "conversations.create", "name", "inc-3")
	calls := a.s.Calls("conversations.create")
	if last := calls[len(calls)-1]; last.Status != 429 || last.Done {
		t.Errorf("%v, logged as %+v", got, last)
	}
	c.advance(41 * time.Second)
	a.channel("inc-3")
}

// docs.slack.dev/reference/methods/pins.add, bookmarks.add, reactions.add and chat.postEphemeral.
func TestPinsBookmarksAndReactions(t *testing.T) {
	a := start(t, slacktest.Options{Unlimited: true})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.channel("inc-1")
	ts := a.post(id, "card")
	a.do("pins.add", "channel", id, "timestamp", ts)
	a.expectError("already_pinned", "pins.add", "channel", id, "timestamp", ts)
	a.expectError("message_not_found", "pins.add", "channel", id, "timestamp", "1.000001")
	a.do("pins.remove", "channel", id, "timestamp", ts)
	a.expectError("no_pin", "pins.remove", "channel", id, "timestamp", ts)
	link := []string{"channel_id", id, "title", "Runbook", "type", "link", "link"}
	a.expectError("invalid_link", "bookmarks.add", append(link, "ftp://x")...)
	mark := text(a.do("bookmarks.add", append(link, "https://example.com")...), "bookmark", "id")
	a.do("bookmarks.edit", "channel_id", id, "bookmark_id", mark, "title", "Join")
	if got := a.s.Bookmarks("inc-1"); len(got) != 1 || got[0].Title != "Join" || got[0].Link != "https://example.com" {
		t.Errorf("bookmarks %+v", got)
	}
	a.do("bookmarks.remove", "channel_id", id, "bookmark_id", mark)
	a.expectError("not_found", "bookmarks.remove", "channel_id", id, "bookmark_id", mark)
	react := []string{"channel", id, "timestamp", ts, "name", "pushpin"}
	a.do("reactions.add", react...)
	a.expectError("already_reacted", "reactions.add", react...)
	a.expectError("user_not_in_channel", "chat.postEphemeral", "channel", id, "user", ana, "text", "psst")
	a.s.Join(ana, id)
	a.do("chat.postEphemeral", "channel", id, "user", ana, "text", "psst")
	if e := a.s.Ephemerals(); len(e) != 1 || e[0].User != ana {
		t.Errorf("ephemerals %+v", e)
	}
}
