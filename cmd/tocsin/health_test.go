package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"tocsin/adapters/redis/redistest"
)

// unwritableStore is a store that can be read and takes no writes.
type unwritableStore struct {
	store
	why error
}

// CheckWrites implements store.
func (s unwritableStore) CheckWrites(context.Context) error { return s.why }

// TestX4NotReady: a server whose store can be read and takes no writes is not ready, and
// says what to do (X4: go on without the store).
func TestX4NotReady(t *testing.T) {
	one := unwritableStore{store: openTest(t, t.TempDir())}
	for _, why := range []error{nil, errors.New("the disk is full, free some space"), nil} {
		one.why = why
		s := &server{store: one, log: slog.New(slog.DiscardHandler)}
		detail, err := s.checkReady()
		switch {
		case why == nil && (err != nil || len(detail) == 0):
			t.Errorf("it is not ready: %v", err)
		case why != nil && (err == nil || err.Error() != "the store takes no writes: the disk is full, free some space"):
			t.Errorf("%v gives %v", why, err)
		}
	}
}

// TestDoctorUnwritable: the doctor names a Redis that takes no writes.
func TestDoctorUnwritable(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	t.Setenv("REDIS_URL", server.URL())
	if text, failed := runDoctor(t, t.TempDir(), "organization: Example\n"); failed {
		t.Fatalf("it fails:\n%s", text)
	}
	if _, err := server.Do("CONFIG", "SET", "maxmemory", "1"); err != nil {
		t.Fatal(err)
	}
	text, failed := runDoctor(t, t.TempDir(), "organization: Example\n")
	if !failed || !strings.Contains(text, "FAIL  store: ") || !strings.Contains(text, "raise its maxmemory") {
		t.Errorf("it says:\n%s", text)
	}
}
