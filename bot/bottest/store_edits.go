package bottest

import (
	"fmt"
	"sync"
	"testing"

	"tocsin/bot"
)

// editCommit is a commit of edited messages and nothing else, "KEY: BODY" each.
func editCommit(id string, messages ...string) bot.Commit {
	c := messageCommit(id, messages...)
	c.Messages, c.EditedMessages = nil, c.Messages
	return c
}

// testEditedMessages: an edit replaces the body of a message; its position does not change.
func testEditedMessages(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Messages, c.EditedMessages = messageCommit("", "a: hello", "b: who is on it?", "c: me").Messages, messageCommit("", "x: nowhere", "c: ben").Messages
	must1(s.Commit(ctx, c))(t)
	wantMessages(t, s, "INC-1", "1 a: hello, 2 b: who is on it?, 3 c: ben")

	c = editCommit("INC-1", "b: who?", "x: nowhere", "a: good morning")
	c.EditedMessages[0].Seq = 77 // ignored
	if r := must1(s.Commit(ctx, c))(t); r.Version != 1 || r.Repeated {
		t.Errorf("receipt %+v", r)
	}
	wantMessages(t, s, "INC-1", "1 a: good morning, 2 b: who?, 3 c: ben")
	must1(s.Commit(ctx, messageCommit("INC-1", "a: a key stays taken", "d: done")))(t)
	must1(s.Commit(ctx, editCommit("INC-1", "d: ", "a: one", "a: two")))(t) // a body may be empty, and the last edit counts
	wantMessages(t, s, "INC-1", "1 a: two, 2 b: who?, 3 c: ben, 4 d: ")

	c = commitOf("INC-1", 1, 2) // with a step
	c.EditedMessages = messageCommit("", "d: closed").Messages
	must1(s.Commit(ctx, c))(t)
	wantMessages(t, s, "INC-1", "1 a: two, 2 b: who?, 3 c: ben, 4 d: closed")
	if got := joinMessages(t, s, "INC-1", 3, 1); got != "2 b: who?" {
		t.Errorf("a page is %q", got)
	}

	take(t, s, Epoch, fire("alert", "g")) // the same key is another message in a stub
	must1(s.Commit(ctx, messageCommit("INC-2", "a: to a stub")))(t)
	must1(s.Commit(ctx, editCommit("INC-2", "a: to a stub, again", "b: nowhere")))(t)
	wantMessages(t, s, "INC-2", "1 a: to a stub, again")
	wantMessages(t, s, "INC-1", "1 a: two, 2 b: who?, 3 c: ben, 4 d: closed")
	if history := must1(s.History(ctx, "INC-1", 0, 10))(t); len(history) != 2 {
		t.Errorf("messages are in the history: %s", history)
	}
}

// testEditedMessagesAtomic: a commit that fails edits nothing.
func testEditedMessagesAtomic(t *testing.T, s bot.Store) {
	ctx := t.Context()
	for _, id := range []string{"INC-1", ""} {
		c := editCommit(id, "a: hello?")
		c.Records = []bot.RecordChange{{Kind: "k", ID: "a", Body: []byte("1")}}
		_, err := s.Commit(ctx, c)
		wantError(t, err, bot.ErrNotFound)
		_, err = s.Get(ctx, "k", "a")
		wantError(t, err, bot.ErrNotFound)
	}
	c := commitOf("INC-1", 0, 1)
	c.EditedMessages = messageCommit("", "a: what makes an incident may speak in it").Messages
	must1(s.Commit(ctx, c))(t)
	wantMessages(t, s, "INC-1", "")
	must1(s.Commit(ctx, messageCommit("INC-1", "a: hello")))(t)

	c = commitOf("INC-1", 7, 2)
	c.EditedMessages = messageCommit("", "a: on what has changed").Messages
	_, err := s.Commit(ctx, c)
	wantError(t, err, bot.ErrConflict)
	wantMessages(t, s, "INC-1", "1 a: hello")

	c = editCommit("INC-1", "a: once")
	c.Operation, c.Reply = "op", []byte("edited")
	must1(s.Commit(ctx, c))(t)
	c.EditedMessages = messageCommit("", "a: twice").Messages
	if r := must1(s.Commit(ctx, c))(t); !r.Repeated || string(r.Reply) != "edited" {
		t.Errorf("receipt of the repeat %+v", r)
	}
	wantMessages(t, s, "INC-1", "1 a: once")
}

// testEditedMessagesWatch: watchers are notified when a message was edited.
func testEditedMessagesWatch(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Messages = messageCommit("", "a: hello").Messages
	must1(s.Commit(ctx, c))(t)
	one, other, all := s.Watch(ctx, "INC-1"), s.Watch(ctx, "INC-2"), s.Watch(ctx, "")
	must1(s.Commit(ctx, editCommit("INC-1", "a: good morning")))(t)
	if !isNotified(one) || !isNotified(all) {
		t.Error("watchers are not notified of an edit")
	}
	must1(s.Commit(ctx, editCommit("INC-1", "b: nowhere")))(t)
	if isNotified(one) || isNotified(all) || isNotified(other) {
		t.Error("watchers are notified of an edit of a message that does not exist")
	}
}

// testEditedMessagesArchived: an edit restores an archived incident, whose messages have
// the same positions as before.
func testEditedMessagesArchived(t *testing.T, s bot.Store) {
	addEndedIncident(t, s)
	for _, c := range []struct{ body, want string }{
		{"who?", "1 m1: hello, 2 m2: who?, 3 m3: me"},
		{"anyone?", "1 m1: hello, 2 m2: anyone?, 3 m3: me"},
	} {
		archive(t, s, "INC-1", true)
		wantEnded(t, s, " | INC-1")
		must1(s.Commit(t.Context(), editCommit("INC-1", "m2: "+c.body)))(t)
		wantEnded(t, s, "INC-1 | ")
		wantMessages(t, s, "INC-1", c.want)
	}
	archive(t, s, "INC-1", true)
	wantMessages(t, s, "INC-1", "1 m1: hello, 2 m2: anyone?, 3 m3: me")
}

// testEditedMessagesRace: an edit while the compact form is made is either part of it or
// restores the incident.
func testEditedMessagesRace(t *testing.T, s bot.Store) {
	addEndedIncident(t, s)
	for n := range 100 {
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := s.Archive(t.Context(), "INC-1"); err != nil {
				t.Error(err)
			}
		})
		body := fmt.Sprint("edit ", n)
		both.Go(func() {
			if _, err := s.Commit(t.Context(), editCommit("INC-1", "m2: "+body)); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		wantMessages(t, s, "INC-1", "1 m1: hello, 2 m2: "+body+", 3 m3: me")
	}
}
