package bottest

import (
	"fmt"
	"sync"
	"testing"

	"tocsin/bot"
)

// resay is a commit that replaces messages and does nothing else, "key: body"
// each.
func resay(id string, messages ...string) bot.Commit {
	c := say(id, messages...)
	c.Messages, c.EditedMessages = nil, c.Messages
	return c
}

// resaid: a body takes the place of another, and the message stays where it is.
func resaid(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Messages, c.EditedMessages = say("", "a: hello", "b: who is on it?", "c: me").Messages, say("", "x: nowhere", "c: ben").Messages
	must1(s.Commit(ctx, c))(t)
	wantTalk(t, s, "INC-1", "1 a: hello, 2 b: who is on it?, 3 c: ben")

	c = resay("INC-1", "b: who?", "x: nowhere", "a: good morning")
	c.EditedMessages[0].Seq = 77 // its place stays
	if r := must1(s.Commit(ctx, c))(t); r.Version != 1 || r.Repeated {
		t.Errorf("receipt %+v", r)
	}
	wantTalk(t, s, "INC-1", "1 a: good morning, 2 b: who?, 3 c: ben")
	must1(s.Commit(ctx, say("INC-1", "a: a key stays taken", "d: done")))(t)
	must1(s.Commit(ctx, resay("INC-1", "d: ", "a: one", "a: two")))(t) // a body may be empty, and the last one counts
	wantTalk(t, s, "INC-1", "1 a: two, 2 b: who?, 3 c: ben, 4 d: ")

	c = commitOf("INC-1", 1, 2) // with a step
	c.EditedMessages = say("", "d: closed").Messages
	must1(s.Commit(ctx, c))(t)
	wantTalk(t, s, "INC-1", "1 a: two, 2 b: who?, 3 c: ben, 4 d: closed")
	if got := talk(t, s, "INC-1", 3, 1); got != "2 b: who?" {
		t.Errorf("a page is %q", got)
	}

	take(t, s, Epoch, fire("alert", "g")) // in a stub, where the same key is another message
	must1(s.Commit(ctx, say("INC-2", "a: to a stub")))(t)
	must1(s.Commit(ctx, resay("INC-2", "a: to a stub, again", "b: nowhere")))(t)
	wantTalk(t, s, "INC-2", "1 a: to a stub, again")
	wantTalk(t, s, "INC-1", "1 a: two, 2 b: who?, 3 c: ben, 4 d: closed")
	if history := must1(s.History(ctx, "INC-1", 0, 10))(t); len(history) != 2 {
		t.Errorf("talk is no part of the history: %s", history)
	}
}

// resaidAtomic: what is not done replaces nothing.
func resaidAtomic(t *testing.T, s bot.Store) {
	ctx := t.Context()
	for _, id := range []string{"INC-1", ""} {
		c := resay(id, "a: is anybody there?")
		c.Records = []bot.RecordChange{{Kind: "k", ID: "a", Body: []byte("1")}}
		_, err := s.Commit(ctx, c)
		wants(t, err, bot.ErrNotFound)
		_, err = s.Get(ctx, "k", "a")
		wants(t, err, bot.ErrNotFound)
	}
	c := commitOf("INC-1", 0, 1)
	c.EditedMessages = say("", "a: what makes an incident may speak in it").Messages
	must1(s.Commit(ctx, c))(t)
	wantTalk(t, s, "INC-1", "")
	must1(s.Commit(ctx, say("INC-1", "a: hello")))(t)

	c = commitOf("INC-1", 7, 2)
	c.EditedMessages = say("", "a: on what has changed").Messages
	_, err := s.Commit(ctx, c)
	wants(t, err, bot.ErrConflict)
	wantTalk(t, s, "INC-1", "1 a: hello")

	c = resay("INC-1", "a: once")
	c.Operation, c.Reply = "op", []byte("edited")
	must1(s.Commit(ctx, c))(t)
	c.EditedMessages = say("", "a: twice").Messages
	if r := must1(s.Commit(ctx, c))(t); !r.Repeated || string(r.Reply) != "edited" {
		t.Errorf("receipt of the repeat %+v", r)
	}
	wantTalk(t, s, "INC-1", "1 a: once")
}

// resaidWatch: watchers are told when there was something to replace.
func resaidWatch(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Messages = say("", "a: hello").Messages
	must1(s.Commit(ctx, c))(t)
	one, other, all := s.Watch(ctx, "INC-1"), s.Watch(ctx, "INC-2"), s.Watch(ctx, "")
	must1(s.Commit(ctx, resay("INC-1", "a: good morning")))(t)
	if !told(one) || !told(all) {
		t.Error("nobody is told that a message was replaced")
	}
	must1(s.Commit(ctx, resay("INC-1", "b: nowhere")))(t)
	if told(one) || told(all) || told(other) {
		t.Error("told of a message that is not there")
	}
}

// resaidShelved: it brings an incident back from the shelf, where the places of
// its messages are as before.
func resaidShelved(t *testing.T, s bot.Store) {
	past(t, s)
	for _, c := range []struct{ body, want string }{
		{"who?", "1 m1: hello, 2 m2: who?, 3 m3: me"},
		{"anybody?", "1 m1: hello, 2 m2: anybody?, 3 m3: me"},
	} {
		shelve(t, s, "INC-1", true)
		wantOver(t, s, " | INC-1")
		must1(s.Commit(t.Context(), resay("INC-1", "m2: "+c.body)))(t)
		wantOver(t, s, "INC-1 | ")
		wantTalk(t, s, "INC-1", c.want)
	}
	shelve(t, s, "INC-1", true)
	wantTalk(t, s, "INC-1", "1 m1: hello, 2 m2: anybody?, 3 m3: me")
}

// resaidRace: what is replaced while the compact form is made is in it, or
// brings the incident back.
func resaidRace(t *testing.T, s bot.Store) {
	past(t, s)
	for n := range 100 {
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := s.Archive(t.Context(), "INC-1"); err != nil {
				t.Error(err)
			}
		})
		body := fmt.Sprint("edit ", n)
		both.Go(func() {
			if _, err := s.Commit(t.Context(), resay("INC-1", "m2: "+body)); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		wantTalk(t, s, "INC-1", "1 m1: hello, 2 m2: "+body+", 3 m3: me")
	}
}
