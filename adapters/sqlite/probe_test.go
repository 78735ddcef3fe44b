package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

// checkWrites calls CheckWrites until it says what is wanted, or "" for no error. A failure
// counts for a second.
func checkWrites(t *testing.T, s *sqlite.Store, want string) {
	t.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err = s.CheckWrites(ctx)
		cancel()
		if want == "" && err == nil || err != nil && want != "" && strings.Contains(err.Error(), want) {
			return
		}
	}
	t.Fatalf("it says %v, want %q", err, want)
}

// tryWrite writes a record of 100 kB.
func tryWrite(t *testing.T, s *sqlite.Store, id string) error {
	t.Helper()
	_, err := s.Commit(t.Context(), bot.Commit{At: bottest.Epoch, Records: []bot.RecordChange{{Kind: "test", ID: id, Body: []byte(strings.Repeat("x", 100_000))}}})
	return err
}

// TestX4WritesFail: the store says that it takes no writes, and why, as soon as one has
// failed, and when nothing else writes; a transaction that writes nothing does not hide that.
// It recovers by itself (X4: go on without the store).
func TestX4WritesFail(t *testing.T) {
	s := open(t, file(t))
	checkWrites(t, s, "")
	execRaw(t, s, "PRAGMA max_page_count = 1") // becomes the size of the file
	if err := tryWrite(t, s, "a"); err == nil {
		t.Fatal("the file is not full")
	}
	if err := s.CheckWrites(t.Context()); err == nil || err.Error() != "the disk is full, free some space" {
		t.Fatalf("after a write that has failed: %v", err)
	}
	c := wakeCommit("INC-1", 7, time.Time{}) // a conflict: it writes nothing
	if _, err := s.Commit(t.Context(), c); err == nil {
		t.Fatal("the commit is no conflict")
	}
	if err := s.CheckWrites(t.Context()); err == nil {
		t.Error("a conflict counts as a write")
	}
	<-time.After(1100 * time.Millisecond) // now it writes something itself
	checkWrites(t, s, "the disk is full")
	execRaw(t, s, "PRAGMA max_page_count = 100000")
	checkWrites(t, s, "")
	if n, err := s.Count(t.Context(), "probe"); err != nil || n != 0 {
		t.Errorf("%d probes are left, %v", n, err)
	}
}

// TestX4WriteStalls: while a write does not end the store says so, and CheckWrites does not
// wait for it.
func TestX4WriteStalls(t *testing.T) {
	s := open(t, file(t))
	release := sync.OnceFunc(s.Hold()) // like a disk that does not answer
	t.Cleanup(release)
	s.ForgetWrites()
	began := time.Now()
	checkWrites(t, s, "a write has not ended in time")
	if waited := time.Since(began); waited > 4*time.Second {
		t.Errorf("it waits %s", waited)
	}
	release()
	checkWrites(t, s, "")
}

// TestX4FullDisk: the same on a disk that is really full. It needs the right to mount one.
func TestX4FullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no disk can be mounted: %v", err)
		}
		t.Skipf("SKIPPED: no disk can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := open(t, filepath.Join(disk, "tocsin.db"))
	checkWrites(t, s, "")
	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 64<<10)
	for err == nil {
		_, err = filler.Write(chunk)
	}
	if err = filler.Close(); err != nil {
		t.Fatal(err)
	}
	for n := 0; tryWrite(t, s, fmt.Sprint(n)) == nil; n++ { // SQLite's log may have room for some
		if n == 100 {
			t.Fatal("the disk is not full")
		}
	}
	if err := s.CheckWrites(t.Context()); err == nil {
		t.Fatal("it says nothing")
	} else if !strings.Contains(err.Error(), "free some space") && !strings.Contains(err.Error(), "the disk cannot be") {
		t.Errorf("it says %v", err)
	}
	if err := os.Remove(filler.Name()); err != nil {
		t.Fatal(err)
	}
	checkWrites(t, s, "")
}
