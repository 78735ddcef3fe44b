package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

// heard reports whether a watcher has been told since it was asked last.
func isNotified(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// amid runs do while a transaction is open that has written these commits and
// has not ended, and returns what each of them was answered in the end.
func duringTransaction(t *testing.T, s *sqlite.Store, do func(), commits ...bot.Commit) []error {
	t.Helper()
	begin := s.Hold()
	errs := make([]error, len(commits))
	var wg sync.WaitGroup
	for n, c := range commits {
		wg.Go(func() { _, errs[n] = s.Commit(context.WithoutCancel(t.Context()), c) })
		awaitQueue(s, n+1)
	}
	written := make(chan func())
	go func() { written <- s.Hold() }()
	awaitQueue(s, len(commits)+1)
	begin()
	end := <-written
	do()
	end()
	wg.Wait()
	return errs
}

// TestToldWhenDurable: nobody is told of what is written and not committed.
func TestWatchersNotifiedAfterCommit(t *testing.T) {
	s := open(t, file(t))
	one, all := s.Watch(t.Context(), "INC-1"), s.Watch(t.Context(), "")
	first := wake("INC-1", 0, time.Time{})
	first.Messages = say("", "a").Messages
	errs := duringTransaction(t, s, func() {
		if isNotified(one) || isNotified(all) {
			t.Error("told before the commit")
		}
	}, first, wake("INC-2", 0, time.Time{}))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if !isNotified(one) || !isNotified(all) || isNotified(one) || isNotified(all) {
		t.Error("a transaction is not one signal once it is answered")
	}
}

// TestWatchAmid: whoever begins to watch during a transaction reads what was
// there before it, and is therefore told of it, even if nobody watched when it
// was written.
func TestWatchDuringTransaction(t *testing.T) {
	s := open(t, file(t))
	if _, err := s.Commit(t.Context(), wake("INC-1", 0, time.Time{})); err != nil {
		t.Fatal(err)
	}
	var one, two <-chan struct{}
	errs := duringTransaction(t, s, func() {
		one, two = s.Watch(t.Context(), "INC-1"), s.Watch(t.Context(), "INC-2")
		if said, err := s.Messages(t.Context(), "INC-1", 0, 9); err != nil || len(said) != 0 {
			t.Errorf("read before the commit: %+v, %v", said, err)
		}
		if _, err := s.Load(t.Context(), "INC-2"); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("read before the commit: %v", err)
		}
	}, say("INC-1", "a"), wake("INC-2", 0, time.Time{}))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if !isNotified(one) || !isNotified(two) {
		t.Error("not told")
	}
}

func say(id, key string) bot.Commit {
	return bot.Commit{At: bottest.Epoch, Incident: id, Messages: []bot.StoredMessage{{Key: key, Body: []byte("hello")}}}
}

// TestCulpritUntold: when a transaction is rolled back because of one, nobody
// is told of that one, and watchers of the others are told once these are
// there.
func TestFailedCommitNotifiesNoWatcher(t *testing.T) {
	s := open(t, file(t))
	culprit, other := s.Watch(t.Context(), "INC-2"), s.Watch(t.Context(), "INC-1")
	release := s.Hold()
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() {
			c := wake(fmt.Sprint("INC-", n+1), 0, time.Time{})
			c.Messages = say("", "a").Messages
			if n == 1 {
				c.Events = append(c.Events, c.Events[0])
			}
			if _, err := s.Commit(context.WithoutCancel(t.Context()), c); (err != nil) != (n == 1) {
				t.Errorf("commit %d: %v", n, err)
			}
		})
	}
	awaitQueue(s, 3)
	release()
	wg.Wait()
	if isNotified(culprit) || !isNotified(other) {
		t.Error("told of what was rolled back, or not told of what was written")
	}
	for n, want := range []int{1, 0, 1} {
		if said, err := s.Messages(t.Context(), fmt.Sprint("INC-", n+1), 0, 9); err != nil || len(said) != want {
			t.Errorf("commit %d: %+v, %v", n, said, err)
		}
	}
}
