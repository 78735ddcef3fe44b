package bottest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// isNotified reports whether a watcher has been notified since the last call. Commit and
// Take notify before they return, so there is nothing to wait for.
func isNotified(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// testWatch: a watcher is notified of changes of what it watches, and of no others.
func testWatch(t *testing.T, s bot.Store) {
	ctx := t.Context()
	// Watchers may begin before the incident exists.
	one, two, all, also := s.Watch(ctx, "INC-1"), s.Watch(ctx, "INC-2"), s.Watch(ctx, ""), s.Watch(ctx, "INC-1")
	expect := func(what string, wantOne, wantTwo, wantAll bool) {
		t.Helper()
		if gotOne, gotTwo, gotAll := isNotified(one), isNotified(two), isNotified(all); gotOne != wantOne || gotTwo != wantTwo || gotAll != wantAll {
			t.Errorf("%s: notified of INC-1 %v, of INC-2 %v, of all %v; want %v, %v, %v", what, gotOne, gotTwo, gotAll, wantOne, wantTwo, wantAll)
		}
		if isNotified(also) != wantOne {
			t.Errorf("%s: only one of two watchers of INC-1 is notified", what)
		}
	}
	commit := func(c bot.Commit) { t.Helper(); must1(s.Commit(ctx, c))(t) }
	expect("nothing has happened", false, false, false)
	first := commitOf("INC-1", 0, 1)
	first.Group = &bot.GroupHold{Key: "g", Always: true}
	commit(first)
	expect("INC-1 is declared", true, false, true)
	commit(commitOf("INC-2", 0, 1))
	expect("INC-2 is declared", false, true, true)
	commit(commitOf("INC-1", 1, 2))
	expect("a step of INC-1", true, false, true)
	commit(messageCommit("INC-1", "a: hello"))
	expect("a message in INC-1", true, false, true)

	take(t, s, at(1), fire("a", "g"))
	expect("mail for INC-1", true, false, true)
	take(t, s, at(2), fire("b", "new"))
	expect("INC-3 is reserved", false, false, true)
	three := s.Watch(ctx, "INC-3")
	take(t, s, at(3), resolved(fire("a", "g"), at(3)), resolved(fire("b", "new"), at(3)))
	expect("mail for INC-1 and INC-3", true, false, true)
	if !isNotified(three) {
		t.Error("the watcher of INC-3 is not notified of its mail")
	}
	read := commitOf("INC-1", 2, 3)
	read.At, read.ReadMail = at(4), 2
	commit(read)
	expect("INC-1 reads its mail", true, false, true)
}

// testWatchInvisible: watchers are not notified of changes that readers cannot see.
func testWatchInvisible(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.WakeAt, c.Operation, c.Reply, c.Messages = at(50), "op", []byte("yes"), messageCommit("", "a: hello").Messages
	c.Group = &bot.GroupHold{Key: "g", Always: true}
	c.Tasks = []bot.Task{task("INC-1", "INC-1/1.0", workflow.ClassPage, "p"), task("INC-1", "INC-1/1.1", workflow.ClassPage, "p")}
	must1(s.Commit(ctx, c))(t)
	take(t, s, at(1), fire("a", "g"))
	one, all := s.Watch(ctx, "INC-1"), s.Watch(ctx, "")
	quiet := func(what string) {
		t.Helper()
		if isNotified(one) || isNotified(all) {
			t.Errorf("%s: watchers are notified", what)
		}
	}
	quiet("what happened before")
	leases := claim(t, s, at(0))
	quiet("a claim")
	if err := settle(t, s, leases[0]); err != nil {
		t.Fatal(err)
	}
	quiet("a task is settled")
	leases = claim(t, s, at(0))
	if err := s.Postpone(ctx, leases[0], at(1000)); err != nil {
		t.Fatal(err)
	}
	quiet("a task is put off")
	wake := claim(t, s, at(60))
	if joinNames(wake) != "INC-1:wake" {
		t.Fatalf("claimed %s", joinNames(wake))
	}
	must1(s.Commit(ctx, bot.Commit{At: at(60), Incident: "INC-1", Version: 1, WakeAt: at(90), Settle: &wake[0]}))(t)
	quiet("it is woken for nothing")
	must1(s.Commit(ctx, bot.Commit{At: Epoch, Records: []bot.RecordChange{{Kind: "k", ID: "a", Body: []byte("1")}}}))(t)
	must1(s.Commit(ctx, bot.Commit{At: Epoch, Incident: "INC-1", Records: []bot.RecordChange{{Kind: "k", ID: "a", Version: 1}}}))(t)
	quiet("a record")
	mustReserve(t, s)
	quiet("a number that is reserved")
	if r := must1(s.Commit(ctx, c))(t); !r.Repeated {
		t.Errorf("receipt of the repeat %+v", r)
	}
	quiet("an operation that comes again")
	must1(s.Commit(ctx, messageCommit("INC-1", "a: hello")))(t)
	quiet("a message that comes again")
	_, err := s.Commit(ctx, commitOf("INC-1", 7, 2))
	wantError(t, err, bot.ErrConflict)
	_, err = s.Commit(ctx, messageCommit("INC-77", "a: hello"))
	wantError(t, err, bot.ErrNotFound)
	quiet("a commit that fails")
	take(t, s, at(2), fire("a", "g"), fire("nowhere", ""))
	quiet("an alert that says nothing new")
}

// testWatchOnce: all changes since a watcher last received are one signal, and a watcher
// that does not receive blocks no writer.
func testWatchOnce(t *testing.T, s bot.Store) {
	one, all := s.Watch(t.Context(), "INC-1"), s.Watch(t.Context(), "")
	for n := range 100 {
		must1(s.Commit(t.Context(), commitOf("INC-1", n, n+1)))(t)
	}
	if !isNotified(one) || !isNotified(all) {
		t.Error("not notified of a hundred commits")
	}
	if isNotified(one) || isNotified(all) {
		t.Error("a hundred commits are more than one signal")
	}
	must1(s.Commit(t.Context(), commitOf("INC-1", 100, 101)))(t)
	if !isNotified(one) || !isNotified(all) {
		t.Error("not notified of a change after the signal")
	}
}

// testWatchEnds: a watcher is not notified after its context has ended, and other watchers
// still are. (Each store's tests check for goroutines that are left.)
func testWatchEnds(t *testing.T, s bot.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	one, all, stays := s.Watch(ctx, "INC-1"), s.Watch(ctx, ""), s.Watch(t.Context(), "INC-1")
	must1(s.Commit(t.Context(), commitOf("INC-1", 0, 1)))(t)
	if !isNotified(one) || !isNotified(all) || !isNotified(stays) {
		t.Error("not notified before the end")
	}
	cancel()
	late := s.Watch(ctx, "INC-1")
	must1(s.Commit(t.Context(), commitOf("INC-1", 1, 2)))(t)
	take(t, s, Epoch, fire("a", "g"))
	if isNotified(one) || isNotified(all) || isNotified(late) {
		t.Error("notified after the end")
	}
	if !isNotified(stays) {
		t.Error("another watcher is not notified any more")
	}
}

// testWatchReads: a notified watcher can read the change at once. Each change is made only
// after the one before was read, so that a later signal cannot hide one that came too
// early.
func testWatchReads(t *testing.T, s bot.Store) {
	first := commitOf("INC-1", 0)
	first.Group = &bot.GroupHold{Key: "g", Always: true}
	must1(s.Commit(t.Context(), first))(t)
	for _, watched := range []string{"INC-1", ""} {
		testWatchedReads(t, s, watched)
	}
}

func testWatchedReads(t *testing.T, s bot.Store, watched string) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	found := make(chan int)
	c := s.Watch(ctx, watched)
	go func() {
		for {
			select {
			case <-c:
			case <-ctx.Done():
				return
			}
			select {
			case found <- countVisible(ctx, t, s):
			case <-ctx.Done():
				return
			}
		}
	}()
	sum := countVisible(ctx, t, s)
	change := func(what string, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		sum++
		for n := -1; n < sum; {
			select {
			case n = <-found:
			case <-ctx.Done():
				t.Fatalf("a watcher of %q was notified of %s too early or not at all", watched, what)
			}
		}
	}
	for n := range 40 {
		version := must1(s.Load(ctx, "INC-1"))(t).Version
		key := fmt.Sprintf("%q %d", watched, n)
		change("a step", func() error { _, err := s.Commit(ctx, commitOf("INC-1", version)); return err })
		change("a message", func() error { _, err := s.Commit(ctx, messageCommit("INC-1", key)); return err })
		change("mail", func() error { take(t, s, Epoch, fire(key, "g")); return nil })
	}
}

// countVisible adds up what readers can see of INC-1: versions, messages, pieces of mail.
func countVisible(ctx context.Context, t *testing.T, s bot.Store) int {
	l, err := s.Load(ctx, "INC-1")
	if err != nil {
		t.Error(err)
	}
	messages, err := s.Messages(ctx, "INC-1", 0, 1)
	if err != nil {
		t.Error(err)
	}
	n := l.Version + len(l.Mail)
	for _, m := range messages {
		n += m.Seq
	}
	return n
}
