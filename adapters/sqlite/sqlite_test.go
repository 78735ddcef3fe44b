package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		child(path)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "tocsin.db") }

func TestConformance(t *testing.T) {
	bottest.Store(t, func(t *testing.T) bot.Store { return open(t, file(t)) })
}

func TestRecordedExport(t *testing.T) { bottest.RecordedExport(t, open(t, file(t)), true) }

func TestLinearizable(t *testing.T) {
	bottest.Linearizable(t, func(t *testing.T) []bot.Store { return []bot.Store{open(t, file(t))} })
}

// wantError fails unless the error contains all words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that contains %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not contain %q: %v", w, err)
		}
	}
}

// openRefused opens a file that must be refused, and returns the error.
func openRefused(t *testing.T, path string) error {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err == nil {
		s.Close()
	}
	return err
}

// execRaw runs statements on the file that the store does not know of.
func execRaw(t *testing.T, s *sqlite.Store, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if err := s.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneProcess(t *testing.T) {
	path := file(t)
	s := open(t, path)
	wantError(t, openRefused(t, path), path+" is in use by process "+fmt.Sprint(os.Getpid()), "on host", "since", "one process a file")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestOpenRefuses(t *testing.T) {
	t.Run("no path", func(t *testing.T) { wantError(t, openRefused(t, ""), "no path") })
	t.Run("no database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "notes.txt")
		text := strings.Repeat("These are notes. ", 100)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, openRefused(t, path), path, "is not a tocsin store", "--data")
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("the file was changed: %v", err)
		}
	})
	t.Run("another program's", func(t *testing.T) {
		path := file(t)
		s := open(t, path)
		execRaw(t, s, "PRAGMA user_version = 0")
		s.Close()
		wantError(t, openRefused(t, path), path, "another program", "--data")
	})
	t.Run("no folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, openRefused(t, filepath.Join(path, "tocsin.db")), path, "data folder", "--data")
	})
	t.Run("read-only folder", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil { //nolint:gosec // the point of the test
			t.Fatal(err)
		}
		if f, err := os.Create(filepath.Join(dir, "probe")); err == nil {
			f.Close()
			dir = "/sys" // root may write everywhere else
		}
		wantError(t, openRefused(t, filepath.Join(dir, "tocsin.db")), dir, "let this user write", "--data")
	})
}

func TestModes(t *testing.T) {
	path := file(t)
	s := open(t, path)
	if _, err := s.Reserve(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600, path + ".lock": 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func wakeCommit(id string, version int, at time.Time) bot.Commit {
	return bot.Commit{
		At: bottest.Epoch, Incident: id, Version: version, Snapshot: fmt.Appendf(nil, "state %d", version+1), Open: true, WakeAt: at,
		Events: []bot.StoredEvent{{Seq: version + 1, Body: []byte("event")}},
	}
}

func alertOf(key, group string) alerts.Arrival {
	return alerts.Arrival{Integration: "i", Group: group, Severity: workflow.SEV1, Declare: workflow.Declare{Title: "stub"}, Alert: alerts.Alert{Key: key, State: alerts.Firing}}
}

// TestReopen: everything except the leases is there after a restart.
func TestReopen(t *testing.T) {
	ctx, path := t.Context(), file(t)
	s := open(t, path)
	if _, err := s.Take(ctx, alerts.Batch{At: bottest.Epoch, Arrivals: []alerts.Arrival{alertOf("a", "g")}}); err != nil {
		t.Fatal(err)
	}
	q := bot.Claim{At: bottest.Epoch, For: time.Hour, Limit: 9, Classes: everyClass}
	before, err := s.Claim(ctx, q)
	if err != nil || len(before) != 1 {
		t.Fatalf("claimed %v, %v", before, err)
	}
	s.Close()
	if _, err = s.Reserve(ctx); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("a closed store writes: %v", err)
	}
	if _, err = s.Load(ctx, "INC-1"); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("a closed store reads: %v", err)
	}
	s = open(t, path)
	after, err := s.Claim(ctx, q)
	if err != nil || len(after) != 1 || after[0].Rev != before[0].Rev {
		t.Fatalf("claimed %v, %v", after, err)
	}
	if err := s.Postpone(ctx, before[0], bottest.Epoch); !errors.Is(err, bot.ErrLeaseLost) {
		t.Errorf("the lease of an earlier process: %v", err)
	}
	if n, err := s.Reserve(ctx); err != nil || n != 2 {
		t.Errorf("the next number is %d, %v", n, err)
	}
	if l, err := s.Load(ctx, "INC-1"); err != nil || len(l.Mail) != 1 || !strings.Contains(string(l.Stub), `"title":"stub"`) {
		t.Errorf("loaded %+v, %v", l, err)
	}
}

// TestClose: changes that were accepted before Close are written; later ones get
// ErrClosed.
func TestClose(t *testing.T) {
	path := file(t)
	s := open(t, path)
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := map[string]bool{}
	for n := range 50 {
		wg.Go(func() {
			id := fmt.Sprint("INC-", n+1)
			_, err := s.Commit(context.WithoutCancel(t.Context()), wakeCommit(id, 0, time.Time{}))
			if err != nil && !errors.Is(err, sqlite.ErrClosed) {
				t.Error(err)
			}
			mu.Lock()
			done[id] = err == nil
			mu.Unlock()
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	s = open(t, path)
	for id, ok := range done {
		if _, err := s.Load(t.Context(), id); (err == nil) != ok {
			t.Errorf("%s: written %v, found %v", id, ok, err)
		}
	}
}

// TestCanceledBeforeWrite: a commit whose context ends before the writer picks it up is
// not written.
func TestCanceledBeforeWrite(t *testing.T) {
	s := open(t, file(t))
	release := s.Hold()
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() {
		_, err := s.Commit(ctx, wakeCommit("INC-1", 0, time.Time{}))
		answer <- err
	}()
	awaitQueue(s, 1)
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("answer: %v", err)
	}
	release()
	if _, err := s.Load(t.Context(), "INC-1"); !errors.Is(err, bot.ErrNotFound) {
		t.Errorf("it was written: %v", err)
	}
}

func awaitQueue(s *sqlite.Store, many int) {
	for s.Waiting() < many {
		runtime.Gosched()
	}
}

// TestOnlyFaultyCommitFails: of the commits that share a transaction, only the one that
// cannot be written fails, and nothing of it is written.
func TestOnlyFaultyCommitFails(t *testing.T) {
	s := open(t, file(t))
	release := s.Hold()
	const many = 30
	errs := make([]error, many)
	var wg sync.WaitGroup
	for n := range many {
		wg.Go(func() {
			c := wakeCommit(fmt.Sprint("INC-", n+1), 0, bottest.Epoch)
			c.Operation = fmt.Sprint("op-", n)
			if n == 7 {
				c.Events = append(c.Events, c.Events[0])
			}
			_, errs[n] = s.Commit(context.WithoutCancel(t.Context()), c)
		})
	}
	awaitQueue(s, many)
	release()
	wg.Wait()
	for n, err := range errs {
		_, found := s.Load(t.Context(), fmt.Sprint("INC-", n+1))
		if (err != nil) != (n == 7) || (found != nil) != (n == 7) {
			t.Errorf("commit %d: %v, found: %v", n, err, found)
		}
	}
	if _, err := s.Reply(t.Context(), "op-7"); !errors.Is(err, bot.ErrNotFound) {
		t.Errorf("a part of it was written: %v", err)
	}
}

// TestCommitsBeforeTakes: a commit does not wait for a flood of alerts.
func TestCommitsBeforeTakes(t *testing.T) {
	s := open(t, file(t))
	release := s.Hold()
	var mu sync.Mutex
	var order []string
	var wg sync.WaitGroup
	answered := func(name string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		order = append(order, name)
	}
	ctx := context.WithoutCancel(t.Context())
	const takes = 5
	for n := range takes {
		wg.Go(func() {
			big := alerts.Batch{At: bottest.Epoch}
			for k := range 2000 {
				a := alertOf(fmt.Sprintf("%d-%d", n, k), "g")
				a.Alert.Description = strings.Repeat("x", 1000)
				big.Arrivals = append(big.Arrivals, a)
			}
			_, err := s.Take(ctx, big)
			answered("take", err)
		})
	}
	awaitQueue(s, takes)
	wg.Go(func() {
		_, err := s.Commit(ctx, wakeCommit("INC-900", 0, bottest.Epoch))
		answered("commit", err)
	})
	awaitQueue(s, takes+1)
	release()
	wg.Wait()
	// The first transaction holds the commit, and two takes at most beside it.
	if at := strings.Index(strings.Join(order, " "), "commit"); at > 2*len("take ") {
		t.Errorf("answered in the order %v", order)
	}
}

// TestDiskFull: while the disk is full, changes fail with advice and nothing is
// half-written; they work again once there is room.
func TestDiskFull(t *testing.T) {
	s := open(t, file(t))
	if _, err := s.Commit(t.Context(), wakeCommit("INC-1", 0, time.Time{})); err != nil {
		t.Fatal(err)
	}
	execRaw(t, s, "PRAGMA max_page_count = 60")
	b := alerts.Batch{At: bottest.Epoch}
	for n := range 500 {
		a := alertOf(fmt.Sprint("k", n), "g")
		a.Alert.Description = strings.Repeat("x", 1000)
		b.Arrivals = append(b.Arrivals, a)
	}
	_, err := s.Take(t.Context(), b)
	wantError(t, err, "the disk is full", "free some space")
	all, err := s.List(t.Context(), bot.Query{Limit: 9})
	if err != nil || len(all) != 1 {
		t.Fatalf("after a take that failed: %v, %v", all, err)
	}
	rows, err := s.Firing(t.Context(), "INC-2", "", 9)
	if err != nil || len(rows) != 0 {
		t.Fatalf("after a take that failed: %v, %v", rows, err)
	}
	execRaw(t, s, "PRAGMA max_page_count = 100000")
	got, err := s.Take(t.Context(), b)
	if err != nil || !got[0].New || got[0].Incident != "INC-2" {
		t.Fatalf("with room again: %v, %v", got[0], err)
	}
}
