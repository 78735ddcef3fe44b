package redis_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/redis"
	"tocsin/adapters/redis/redistest"
)

// awaitWrites calls CheckWrites until it says what is wanted, or "" for no error.
func awaitWrites(t *testing.T, s *redis.Store, want string) {
	t.Helper()
	var err error
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err = s.CheckWrites(ctx)
		cancel()
		if want == "" && err == nil || err != nil && want != "" && strings.Contains(err.Error(), want) {
			return
		}
	}
	t.Fatalf("it says %v, want %q", err, want)
}

// TestX4WritesFail: each reason for which a Redis that answers takes no writes is said, after
// a write that has failed and without one, and it recovers by itself (X4: go on without the
// store).
func TestX4WritesFail(t *testing.T) {
	primary := redistest.Start(t, redistest.Config{})
	host, port, _ := strings.Cut(primary.Addr(), ":")
	folder := filepath.Join(t.TempDir(), "away")
	for _, c := range []struct {
		name, want    string
		breaks, mends [][]string
		folder        bool
	}{
		{"full", "raise its maxmemory", [][]string{{"CONFIG", "SET", "maxmemory", "1"}}, [][]string{{"CONFIG", "SET", "maxmemory", "0"}}, false},
		{"replica", "name the primary, or Sentinel", [][]string{{"REPLICAOF", host, port}}, [][]string{{"REPLICAOF", "NO", "ONE"}}, false},
		{"too few replicas", "min-replicas-to-write", [][]string{{"CONFIG", "SET", "min-replicas-to-write", "1"}}, [][]string{{"CONFIG", "SET", "min-replicas-to-write", "0"}}, false},
		{"no snapshot", "cannot write to its disk", [][]string{{"CONFIG", "SET", "save", "1 1"}, {"CONFIG", "SET", "dir", folder}}, [][]string{{"CONFIG", "SET", "save", ""}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := redistest.Start(t, redistest.Config{Directives: []string{"enable-protected-configs yes", "appendonly no"}})
			s := open(t, server.URL())
			awaitWrites(t, s, "")
			do := func(all [][]string) {
				t.Helper()
				for _, command := range all {
					if _, err := server.Do(command...); err != nil {
						t.Fatalf("%q: %v", command, err)
					}
				}
			}
			if c.folder {
				if err := os.MkdirAll(folder, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			do(c.breaks)
			if c.folder { // the snapshot fails because its folder is gone
				if err := os.RemoveAll(folder); err != nil {
					t.Fatal(err)
				}
				do([][]string{{"SET", "other", "1"}, {"BGSAVE"}})
				<-time.After(300 * time.Millisecond)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := s.Commit(ctx, step("INC-1", 0)); err == nil {
				t.Fatal("the write has not failed")
			}
			awaitWrites(t, s, c.want)
			<-time.After(1100 * time.Millisecond)
			awaitWrites(t, s, c.want) // by a write of its own
			do(c.mends)
			awaitWrites(t, s, "")
		})
	}
}

// TestP4WritesFail: why Redis takes no writes is said without its address.
func TestP4WritesFail(t *testing.T) {
	server := redistest.Start(t, redistest.Config{Password: "invented"})
	s := open(t, server.URL())
	server.Kill()
	s.Take(t.Context(), batchOf("a")) //nolint:errcheck // it fails
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err := s.CheckWrites(ctx)
	if err == nil {
		t.Fatal("it says nothing")
	}
	for _, secret := range []string{"invented", server.Addr(), "127.0.0.1"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("it says %v", err)
		}
	}
}
