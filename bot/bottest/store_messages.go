package bottest

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/bot"
)

// messageCommit is a commit of messages and nothing else, "KEY: BODY" each.
func messageCommit(id string, messages ...string) bot.Commit {
	c := bot.Commit{At: Epoch, Incident: id}
	for _, m := range messages {
		key, body, _ := strings.Cut(m, ": ")
		c.Messages = append(c.Messages, bot.StoredMessage{Key: key, Body: []byte(body)})
	}
	return c
}

// joinMessages returns messages as "SEQ KEY: BODY", separated by commas.
func joinMessages(t *testing.T, s bot.Store, id string, before, limit int) string {
	t.Helper()
	var all []string
	for _, m := range must1(s.Messages(t.Context(), id, before, limit))(t) {
		all = append(all, fmt.Sprintf("%d %s: %s", m.Seq, m.Key, m.Body))
	}
	return strings.Join(all, ", ")
}

func wantMessages(t *testing.T, s bot.Store, id, want string) {
	t.Helper()
	if got := joinMessages(t, s, id, 0, 100); got != want {
		t.Fatalf("the conversation of %s is\n%q, want\n%q", id, got, want)
	}
}

// testMessages: messages are in the order of their commits, each key once.
func testMessages(t *testing.T, s bot.Store) {
	ctx := t.Context()
	wantMessages(t, s, "INC-1", "")
	c := commitOf("INC-1", 0, 1) // the commit that creates an incident may have messages
	c.Messages = messageCommit("", "a: hello", "b: who is on it?").Messages
	must1(s.Commit(ctx, c))(t)
	wantMessages(t, s, "INC-1", "1 a: hello, 2 b: who is on it?")

	// A message does not depend on the version and does not change it, so that messages
	// and steps never conflict.
	if r := must1(s.Commit(ctx, messageCommit("INC-1", "c: me")))(t); r.Version != 1 || r.Repeated {
		t.Errorf("receipt %+v", r)
	}
	c = commitOf("INC-1", 1, 2)
	c.Messages = messageCommit("", "d: done").Messages
	must1(s.Commit(ctx, c))(t)
	const four = "1 a: hello, 2 b: who is on it?, 3 c: me, 4 d: done"
	wantMessages(t, s, "INC-1", four)

	// A message whose key exists is ignored; keys are unique per incident.
	again := messageCommit("INC-1", "b: changed", "e: one", "e: two", "a: changed")
	again.Messages[1].Seq = 77 // ignored: the store assigns it
	must1(s.Commit(ctx, again))(t)
	wantMessages(t, s, "INC-1", four+", 5 e: one")
	take(t, s, Epoch, fire("alert", "g"))
	must1(s.Commit(ctx, messageCommit("INC-2", "a: to a stub")))(t)
	wantMessages(t, s, "INC-2", "1 a: to a stub")
	if l := must1(s.Load(ctx, "INC-2"))(t); !isStub(t, l, "g") || len(l.Mail) != 1 {
		t.Errorf("a message has changed a stub: %+v", l)
	}
	must1(s.Commit(ctx, messageCommit("INC-1", "f: last")))(t)
	wantMessages(t, s, "INC-1", four+", 5 e: one, 6 f: last")
	if history := must1(s.History(ctx, "INC-1", 0, 10))(t); len(history) != 2 {
		t.Errorf("messages are in the history: %s", history)
	}
}

// testMessagePages: pages go from the newest back, each oldest first.
func testMessagePages(t *testing.T, s bot.Store) {
	c := commitOf("INC-1", 0)
	for n := range 12 {
		c.Messages = append(c.Messages, bot.StoredMessage{Key: fmt.Sprint("k", n+1), Body: []byte("x")})
	}
	must1(s.Commit(t.Context(), c))(t)
	for _, page := range []struct {
		before, limit int
		want          string
	}{
		{0, 3, "10 11 12"},
		{10, 3, "7 8 9"},
		{7, 5, "2 3 4 5 6"},
		{2, 5, "1"},
		{1, 5, ""},
		{13, 1, "12"},
		{1000, 2, "11 12"},
		{0, 0, ""},
		{0, 100, "1 2 3 4 5 6 7 8 9 10 11 12"},
	} {
		seqs := make([]string, 0, page.limit)
		for _, m := range must1(s.Messages(t.Context(), "INC-1", page.before, page.limit))(t) {
			seqs = append(seqs, fmt.Sprint(m.Seq))
			if m.Key != fmt.Sprint("k", m.Seq) {
				t.Errorf("message %d has the key %s", m.Seq, m.Key)
			}
		}
		if got := strings.Join(seqs, " "); got != page.want {
			t.Errorf("before %d, at most %d: %q, want %q", page.before, page.limit, got, page.want)
		}
	}
}

// testMessagesAtomic: a message is stored with everything of its commit, or not at all.
func testMessagesAtomic(t *testing.T, s bot.Store) {
	ctx := t.Context()
	for _, id := range []string{"INC-1", ""} {
		c := messageCommit(id, "a: hello?")
		c.Operation, c.Reply = "op-nowhere", []byte("reply")
		c.Records = []bot.RecordChange{{Kind: "k", ID: "a", Body: []byte("1")}}
		_, err := s.Commit(ctx, c)
		wantError(t, err, bot.ErrNotFound)
		_, err = s.Load(ctx, "INC-1")
		wantError(t, err, bot.ErrNotFound)
		_, err = s.Get(ctx, "k", "a")
		wantError(t, err, bot.ErrNotFound)
		_, err = s.Reply(ctx, "op-nowhere")
		wantError(t, err, bot.ErrNotFound)
		if all := must1(s.List(ctx, bot.Query{Limit: 10}))(t); len(all) != 0 {
			t.Fatalf("a message has created an incident: %+v", all)
		}
	}
	if n := mustReserve(t, s); n != 1 {
		t.Fatalf("the first number is %d", n)
	}
	_, err := s.Commit(ctx, messageCommit("INC-1", "a: not yet")) // the number is reserved, the incident does not exist
	wantError(t, err, bot.ErrNotFound)
	must1(s.Commit(ctx, commitOf("INC-1", 0, 1)))(t)
	wantMessages(t, s, "INC-1", "")

	c := commitOf("INC-1", 7, 2)
	c.Messages = messageCommit("", "a: on what has changed").Messages
	_, err = s.Commit(ctx, c)
	wantError(t, err, bot.ErrConflict)
	wantMessages(t, s, "INC-1", "")

	c = messageCommit("INC-1", "a: once")
	c.Operation, c.Reply = "op", []byte("reply")
	must1(s.Commit(ctx, c))(t)
	c.Messages = messageCommit("", "b: twice").Messages
	if r := must1(s.Commit(ctx, c))(t); !r.Repeated || string(r.Reply) != "reply" {
		t.Errorf("receipt of the repeat %+v", r)
	}
	wantMessages(t, s, "INC-1", "1 a: once")
}
