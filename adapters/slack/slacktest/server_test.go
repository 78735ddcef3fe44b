package slacktest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// When an acknowledgement and the end of its socket are both there to be noticed, the acknowledgement counts.
func TestAcknowledgementCountsBeforeEndOfSocket(t *testing.T) {
	s := New(Options{})
	t.Cleanup(s.Close)
	ended := make(chan struct{})
	close(ended)
	k := &socket{number: 1, read: ended}
	for range 200 {
		w := &pendingAck{acked: make(chan json.RawMessage, 1)}
		w.acked <- json.RawMessage(`{"text":"done"}`)
		if response, err := s.awaitAck(k, w); err != nil || string(response) != `{"text":"done"}` {
			t.Fatalf("got %s, %v", response, err)
		}
	}
	if _, err := s.awaitAck(k, &pendingAck{acked: make(chan json.RawMessage, 1)}); !errors.Is(err, errLost) {
		t.Errorf("without an acknowledgement: %v, want %v", err, errLost)
	}
}

// A panic in anything that runs with the lock held leaves the server usable: the test that caused it fails by itself and
// does not hang in its cleanup.
func TestPanicReleasesTheLock(t *testing.T) {
	down := false
	s := New(Options{Now: func() time.Time {
		if down {
			panic("the clock of the test is broken")
		}
		return time.Unix(1_700_000_000, 0)
	}})
	t.Cleanup(s.Close)
	ana := s.AddUser(User{Name: "ana"})
	room := s.AddChannel(Channel{Name: "inc-1", Members: []string{ana, s.BotUser}})
	message := s.Say(ana, room, "hello", "").Message
	s.React(ana, room, message.TS, "eyes")
	down = true
	for _, c := range []struct {
		name string
		act  func()
	}{
		{"say", func() { s.Say(ana, room, "hello", "") }},
		{"mention", func() { s.Mention(ana, room, "hello", "") }},
		{"edit", func() { s.Edit(ana, room, message.TS, "bye") }},
		{"react", func() { s.React(ana, room, message.TS, "fire") }},
		{"home", func() { s.OpenHome(ana) }},
		{"slash", func() { s.Slash(ana, room, "/incident", "list") }},
		{"shortcut", func() { s.Shortcut(ana, "declare") }},
		{"join", func() { s.Join(s.Installer, room) }},
		{"archive", func() { s.Archive(ana, room) }},
		{"trigger", func() { s.NewTrigger(ana) }},
		{"interaction", func() { s.deliver(func() (*envelope, error) { panic("prepare") }) }},
		{"delete", func() { s.Delete(ana, room, message.TS) }},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: the clock was not read, so this case proves nothing", c.name)
				}
			}()
			c.act()
		}()
		if !s.mu.TryLock() {
			t.Fatalf("%s: the lock is still held", c.name)
		}
		s.mu.Unlock()
	}
}
