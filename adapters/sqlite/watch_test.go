package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

// heard reports whether a watcher has been told since it was asked last.
func heard(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// amid runs do while a transaction is open that has written these commits and
// has not ended, and returns what each of them was answered in the end.
func amid(t *testing.T, s *sqlite.Store, do func(), commits ...bot.Commit) []error {
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
func TestToldWhenDurable(t *testing.T) {
	s := open(t, file(t))
	one, all := s.Watch(t.Context(), "INC-1"), s.Watch(t.Context(), "")
	first := wake("INC-1", 0, time.Time{})
	first.Messages = say("", "a").Messages
	errs := amid(t, s, func() {
		if heard(one) || heard(all) {
			t.Error("told before the commit")
		}
	}, first, wake("INC-2", 0, time.Time{}))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if !heard(one) || !heard(all) || heard(one) || heard(all) {
		t.Error("a transaction is not one signal once it is answered")
	}
}

// TestWatchAmid: whoever begins to watch during a transaction reads what was
// there before it, and is therefore told of it, even if nobody watched when it
// was written.
func TestWatchAmid(t *testing.T) {
	s := open(t, file(t))
	if _, err := s.Commit(t.Context(), wake("INC-1", 0, time.Time{})); err != nil {
		t.Fatal(err)
	}
	var one, two <-chan struct{}
	errs := amid(t, s, func() {
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
	if !heard(one) || !heard(two) {
		t.Error("not told")
	}
}

func say(id, key string) bot.Commit {
	return bot.Commit{At: bottest.Epoch, Incident: id, Messages: []bot.StoredMessage{{Key: key, Body: []byte("hello")}}}
}

// TestCulpritUntold: when a transaction is rolled back because of one, nobody
// is told of that one, and watchers of the others are told once these are
// there.
func TestCulpritUntold(t *testing.T) {
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
	if heard(culprit) || !heard(other) {
		t.Error("told of what was rolled back, or not told of what was written")
	}
	for n, want := range []int{1, 0, 1} {
		if said, err := s.Messages(t.Context(), fmt.Sprint("INC-", n+1), 0, 9); err != nil || len(said) != want {
			t.Errorf("commit %d: %+v, %v", n, said, err)
		}
	}
}

// TestMigrate: a file of an older version is brought up to date with all that
// is in it, and one that cannot be stays as it was.
func TestMigrate(t *testing.T) {
	old := func(t *testing.T, more ...string) string {
		path := file(t)
		rows := append([]string{
			"INSERT INTO incident VALUES (7, 1, 1, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)",
			"INSERT INTO incident VALUES (5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
			"INSERT INTO incident VALUES (6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
			`INSERT INTO event VALUES (5, 1, CAST('{"seq":1,"at":"2026-03-02T03:00:00Z"}' AS BLOB))`,
			`INSERT INTO event VALUES (5, 2, CAST('{"seq":2,"at":"2026-03-02T03:01:00.123456789Z"}' AS BLOB))`,
			"INSERT INTO event VALUES (6, 1, CAST('event 1' AS BLOB))",
			"INSERT INTO state VALUES (7, CAST('state 1' AS BLOB))",
			"INSERT INTO event VALUES (7, 1, CAST('event 1' AS BLOB))",
			`INSERT INTO mail VALUES (7, 1, CAST('{"started":2}' AS BLOB))`,
			"INSERT INTO record VALUES ('k', 'a', 4, CAST('1' AS BLOB))",
			"UPDATE counter SET value = 7",
		}, more...)
		if err := sqlite.Make(t.Context(), path, 1, rows...); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("from 1", func(t *testing.T) {
		path := old(t)
		for range 2 { // the second time it is up to date
			s := open(t, path)
			if l, err := s.Load(t.Context(), "INC-7"); err != nil || string(l.Snapshot) != "state 1" || l.Previous != "INC-3" || len(l.Mail) != 1 {
				t.Errorf("loaded %+v, %v", l, err)
			}
			if h, err := s.History(t.Context(), "INC-7", 0, 9); err != nil || len(h) != 1 {
				t.Errorf("history %s, %v", h, err)
			}
			if r, err := s.Get(t.Context(), "k", "a"); err != nil || r.Version != 4 {
				t.Errorf("record %+v, %v", r, err)
			}
			if _, err := s.Commit(t.Context(), say("INC-7", "a")); err != nil {
				t.Error(err)
			}
			if said, err := s.Messages(t.Context(), "INC-7", 0, 9); err != nil || len(said) != 1 || string(said[0].Body) != "hello" {
				t.Errorf("talk %+v, %v", said, err)
			}
			s.Close()
		}
		s := open(t, path)
		// One was over at its last event; another, which does not say when, now.
		at := bottest.Epoch.Add(time.Minute)
		for _, c := range []struct {
			before time.Time
			want   []string
		}{{at, nil}, {at.Add(time.Second), []string{"INC-5"}}, {time.Now().Add(time.Hour), []string{"INC-5", "INC-6"}}} {
			if over, err := s.ListEnded(t.Context(), bot.EndedQuery{Before: c.before, Limit: 9}); err != nil || !slices.Equal(over, c.want) {
				t.Errorf("over before %s: %q, %v; want %q", c.before, over, err, c.want)
			}
		}
		if done, err := s.Archive(t.Context(), "INC-5"); err != nil || !done {
			t.Errorf("shelved: %v, %v", done, err)
		}
		if n, err := s.Reserve(t.Context()); err != nil || n != 8 {
			t.Errorf("the next number is %d, %v", n, err)
		}
	})
	t.Run("in the way", func(t *testing.T) {
		path := old(t, "CREATE INDEX talk_key ON op (at)")
		for range 2 { // nothing is left of the first attempt
			wantError(t, refused(t, path), path, "bring the file to schema 2", "talk_key already exists")
		}
	})
}
