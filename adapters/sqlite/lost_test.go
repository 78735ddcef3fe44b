package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"tocsin/adapters/sqlite"
)

// TestLostFile: a file that was there before and is missing, empty or cut off is refused
// with what to do, and nothing in the folder changes: a loss does not look like a first
// start, which still works (X1b: a lost store is not a first start).
func TestLostFile(t *testing.T) {
	for name, c := range map[string]struct {
		damage   func(path string) error
		existing bool
		want     string // "": it opens
	}{
		"first start":            {os.Remove, false, ""},
		"an empty file at first": {func(path string) error { return os.Truncate(path, 0) }, false, ""},
		"missing":                {os.Remove, true, "missing or empty"},
		"empty":                  {func(path string) error { return os.Truncate(path, 0) }, true, "missing or empty"},
		"a database without tables": {func(path string) error {
			return errors.Join(os.Remove(path), sqlite.Create(t.Context(), path, "PRAGMA application_id = 0", "CREATE TABLE x (y)", "DROP TABLE x"))
		}, true, "missing or empty"},
		"missing, with its log": {func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path+"-wal", []byte("x"), 0o600))
		}, false, "its log"},
		"empty, with its log": {func(path string) error {
			return errors.Join(os.Truncate(path, 0), os.WriteFile(path+"-wal", []byte("x"), 0o600))
		}, false, "its log"},
		"cut off":               {func(path string) error { return os.Truncate(path, 8192) }, true, "it has 8192 bytes of"},
		"cut off in its header": {func(path string) error { return os.Truncate(path, 60) }, true, "the file is damaged: keep a copy of it"},
		"intact":                {func(string) error { return nil }, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			s := open(t, path)
			if _, err := s.Reserve(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Close(), c.damage(path)); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			again, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Existing: c.existing})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				again.Close()
				return
			}
			if err == nil {
				again.Close()
			}
			wantError(t, err, path, c.want)
			if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
				t.Error("the file was changed")
			}
		})
	}
}
