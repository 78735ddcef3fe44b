package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// TestLostStore: a store that is missing or empty beside the secrets of an earlier run is
// refused with what to do, by doctor too. An import may write a new one, and without the
// secrets a new one begins (X1b: a lost store is not a first start).
func TestLostStore(t *testing.T) {
	data := t.TempDir()
	p, err := findLocation(data)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	start := func(p location) error {
		return p.withStore(t.Context(), log, func(s store) error {
			_, err := readSecrets(t.Context(), s)
			return err
		})
	}
	for range 2 {
		if err := start(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(p.name, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the empty file, then none
		err := start(p)
		if err == nil {
			t.Fatal("it starts with an empty store")
		}
		wantsLine(t, err.Error(), "tocsin import")
		wantsLine(t, err.Error(), "to begin anew without its incidents, remove "+filepath.Join(data, signingFile))
		if err := os.RemoveAll(p.name); err != nil {
			t.Fatal(err)
		}
	}
	imported := p
	imported.fresh = true
	if err := start(imported); err != nil {
		t.Error(err)
	}
	if err := os.Remove(p.name); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(data, signingFile)); err != nil {
		t.Fatal(err)
	}
	if err := start(p); err != nil {
		t.Error(err)
	}
}
