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

// isNotified reports whether a watcher has been notified since the last call.
func isNotified(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// duringTransaction calls do while a transaction that has written the commits is open,
// and returns the answers to the commits.
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

// TestWatchersNotifiedAfterCommit: watchers are not notified of changes that are written
// but not yet committed.
func TestWatchersNotifiedAfterCommit(t *testing.T) {
	s := open(t, file(t))
	one, all := s.Watch(t.Context(), "INC-1"), s.Watch(t.Context(), "")
	first := wakeCommit("INC-1", 0, time.Time{})
	first.Messages = say("", "a").Messages
	errs := duringTransaction(t, s, func() {
		if isNotified(one) || isNotified(all) {
			t.Error("notified before the commit")
		}
	}, first, wakeCommit("INC-2", 0, time.Time{}))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if !isNotified(one) || !isNotified(all) || isNotified(one) || isNotified(all) {
		t.Error("one transaction is not exactly one signal")
	}
}

// TestWatchDuringTransaction: a watcher that begins during a transaction reads the state
// before it, and is notified after the commit, even if there was no watcher when the
// change was written.
func TestWatchDuringTransaction(t *testing.T) {
	s := open(t, file(t))
	if _, err := s.Commit(t.Context(), wakeCommit("INC-1", 0, time.Time{})); err != nil {
		t.Fatal(err)
	}
	var one, two <-chan struct{}
	errs := duringTransaction(t, s, func() {
		one, two = s.Watch(t.Context(), "INC-1"), s.Watch(t.Context(), "INC-2")
		if messages, err := s.Messages(t.Context(), "INC-1", 0, 9); err != nil || len(messages) != 0 {
			t.Errorf("read before the commit: %+v, %v", messages, err)
		}
		if _, err := s.Load(t.Context(), "INC-2"); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("read before the commit: %v", err)
		}
	}, say("INC-1", "a"), wakeCommit("INC-2", 0, time.Time{}))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if !isNotified(one) || !isNotified(two) {
		t.Error("not notified")
	}
}

// say is a commit with one message.
func say(id, key string) bot.Commit {
	return bot.Commit{At: bottest.Epoch, Incident: id, Messages: []bot.StoredMessage{{Key: key, Body: []byte("hello")}}}
}

// TestFailedCommitNotifiesNoWatcher: when a transaction is rolled back because of one
// commit, watchers of that commit's incident are not notified, and watchers of the
// others are notified once these are written.
func TestFailedCommitNotifiesNoWatcher(t *testing.T) {
	s := open(t, file(t))
	faulty, other := s.Watch(t.Context(), "INC-2"), s.Watch(t.Context(), "INC-1")
	release := s.Hold()
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() {
			c := wakeCommit(fmt.Sprint("INC-", n+1), 0, time.Time{})
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
	if isNotified(faulty) || !isNotified(other) {
		t.Error("notified of a rolled back commit, or not notified of a written one")
	}
	for n, want := range []int{1, 0, 1} {
		if messages, err := s.Messages(t.Context(), fmt.Sprint("INC-", n+1), 0, 9); err != nil || len(messages) != want {
			t.Errorf("commit %d: %+v, %v", n, messages, err)
		}
	}
}
