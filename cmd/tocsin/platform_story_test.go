package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bot/bottest"
)

// TestNewPlatform runs a whole incident on a chat platform that nothing in Tocsin
// knows of but one line in the table of platforms.
func TestNewPlatform(t *testing.T) {
	chat := &bottest.ChatService{}
	ana, ben := chat.AddUser("Ana Silva", "ana@example.com"), chat.AddUser("Ben Okafor", "ben@example.com")
	startWith(t, chat, fmt.Sprintf(`
url: https://tocsin.example.com
people:
  - { id: ana, name: Ana Silva, testchat: %s, access: admin, notify: { high: [{ via: testchat }], low: [{ via: chat }] } }
  - { id: ben, name: Ben Okafor, email: ben@example.com, access: responder, notify: { high: [{ via: chat }], low: [{ via: chat }] } }
services: [{ id: checkout, name: Checkout }]
policies: [{ id: ana, steps: [{ notify: ["person:ana"], wait: 10m }] }]
default_policy: ana
severities: { SEV1: { urgency: high, invite: ["person:ben"] } }
chat: { testchat: { archive_after: 1s } }
`, ana))
	run := func(user, room, line string) {
		t.Helper()
		if reply, err := chat.Type(t.Context(), user, room, line); err != nil || !reply.OK {
			t.Fatalf("%s: %+v %v", line, reply, err)
		}
	}
	wait := func(what string, so func() bool) {
		t.Helper()
		await(t, 20*time.Second, what, so)
	}
	hasMessage := func(r bottest.ChatRoom, wanted ...string) bool {
		return slices.ContainsFunc(r.Messages, func(m bottest.ChatMessage) bool {
			return !slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(m.Text(), w) })
		})
	}
	room := func() bottest.ChatRoom { r, _ := chat.Room("INC-1"); return r }

	// Declare: the incident has a room, with its card pinned and everybody it needs.
	run(ben, "", "declare Checkout is down --sev 1 --service checkout")
	wait("the room is set up", func() bool {
		r := room()
		pinned := slices.ContainsFunc(r.Messages, func(m bottest.ChatMessage) bool {
			return m.Pinned && strings.Contains(m.Text(), "INC-1 · Checkout is down")
		})
		return pinned && strings.Contains(r.Topic, "Checkout is down") && len(r.Links) > 0 && slices.Contains(r.Members, ben)
	})
	wait("the incident is announced", func() bool { return hasMessage(chat.Announcements(), "INC-1", "Checkout is down") })
	// Page: Ana acknowledges with the button of her page.
	wait("Ana is paged", func() bool { return hasMessage(chat.Direct(ana), "INC-1 SEV1 · Checkout is down") })
	if reply, err := chat.Press(t.Context(), ana, chat.Direct(ana), "Acknowledge"); err != nil || !reply.OK {
		t.Fatalf("Ana's button: %+v %v", reply, err)
	}
	wait("the card says who has it", func() bool { return hasMessage(room(), "INC-1 · Checkout is down", "investigating", "by Ana Silva") })
	// Work: messages in the room are recorded, and decisions are posted in the room.
	if err := chat.Say(t.Context(), ben, room().ID, "It was the certificate"); err != nil {
		t.Fatal(err)
	}
	run(ana, room().ID, "update We are rolling back --next 30m")
	wait("the update is in the room", func() bool { return hasMessage(room(), "We are rolling back") })
	run(ben, room().ID, "resolve Rolled back to 4.2")
	run(ana, room().ID, "cause The certificate had expired")
	run(ana, room().ID, "close")
	// Archive.
	wait("the room is archived", func() bool { return room().Archived })
	if n := len(chat.Rooms()); n != 1 {
		t.Errorf("the incident has had %d rooms", n)
	}
}

// startWith serves with one more platform until the test ends.
func startWith(t *testing.T, chat *bottest.ChatService, config string) {
	t.Helper()
	t.Setenv(bottest.ChatServiceSecret, "testchat-token")
	folder := t.TempDir()
	path := filepath.Join(folder, "tocsin.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	f := serveFlags{table: append(platforms(), chat.Description()), config: path, data: filepath.Join(folder, "data"), listen: "127.0.0.1:0"}
	ctx, stop := context.WithCancel(t.Context())
	var log lockedBuffer
	started, ended := &startSignal{reached: make(chan struct{})}, make(chan error, 1)
	go func() { ended <- serve(ctx, f, started, &log) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v\n%s", err, log.String())
		}
	})
	select {
	case <-started.reached:
	case err := <-ended:
		ended <- nil
		t.Fatalf("serve: %v\n%s", err, log.String())
	}
}

// startSignal takes the output of serve, which begins when it is ready.
type startSignal struct {
	once    sync.Once
	reached chan struct{}
	out     bytes.Buffer
}

// Write implements [io.Writer].
func (s *startSignal) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.reached) })
	return s.out.Write(p)
}
