package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tocsin/adapters/sqlite"
)

// earlierTables are some tables as layout 3 of unreleased builds had them, with
// invented rows.
var earlierTables = []string{
	`CREATE TABLE incident (number INTEGER PRIMARY KEY, version INTEGER NOT NULL, open INTEGER NOT NULL, follows INTEGER NOT NULL, shelved INTEGER NOT NULL)`,
	`CREATE TABLE talk (number INTEGER NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, body BLOB, PRIMARY KEY (number, seq)) WITHOUT ROWID`,
	`CREATE TABLE grp (key TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID`,
	`INSERT INTO incident VALUES (7, 3, 1, 2, 0), (8, 1, 0, 0, 1)`,
	`INSERT INTO talk VALUES (7, 1, 'C1/17.5', CAST('{"name":"Ana","text":"I am on it"}' AS BLOB))`,
	`INSERT INTO grp VALUES ('checkout', 7)`,
}

// earlierFile creates a file of an earlier layout.
func earlierFile(t *testing.T, layout int) string {
	t.Helper()
	path := file(t)
	statements := slices.Concat(earlierTables, []string{fmt.Sprint("PRAGMA user_version = ", layout), "PRAGMA application_id = 0x746f6373"})
	if err := sqlite.Create(t.Context(), path, statements...); err != nil {
		t.Fatal(err)
	}
	return path
}

// content reads the files whose names begin with the path, except the lock.
func content(t *testing.T, path string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if name == path+".lock" || name == path+"-shm" { // the index of the log is rebuilt by every reader
			continue
		}
		if all[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// wantUnchanged opens the file, which must be refused with an error that
// contains the words, and fails if a byte has changed.
func wantUnchanged(t *testing.T, path string, words ...string) {
	t.Helper()
	before := content(t, path)
	for range 2 {
		wantError(t, openRefused(t, path), append(words, "open "+path)...)
	}
	after := content(t, path)
	for name, was := range before {
		if len(was) > 0 && !bytes.Equal(was, after[name]) {
			t.Errorf("%s has changed: it had %d bytes and has %d", name, len(was), len(after[name]))
		}
	}
	if len(before[filepath.Base(path)]) == 0 {
		t.Error("the file is empty: the test checks nothing")
	}
}

// TestEarlierLayoutRefused: a file that an earlier build wrote is refused with
// the reason and what to do, and stays as it is.
func TestEarlierLayoutRefused(t *testing.T) {
	for layout := 1; layout <= 3; layout++ {
		wantUnchanged(t, earlierFile(t, layout),
			fmt.Sprintf("it was written by an earlier, unreleased build (layout %d; this build reads 4)", layout), "move the folder away and start with an empty one", "--data")
	}
}

// TestEarlierLayoutInLogRefused: the same for a file whose writer was killed, so
// that its content is in the write-ahead log. A reader that checkpoints the log
// would change both files.
func TestEarlierLayoutInLogRefused(t *testing.T) {
	path := file(t)
	s := open(t, path)
	execRaw(t, s, "CREATE TABLE talk (number INTEGER, body BLOB)", "INSERT INTO talk VALUES (7, CAST('hello' AS BLOB))", "PRAGMA user_version = 3")
	killed := filepath.Join(t.TempDir(), "tocsin.db")
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + end)
		if err != nil || len(b) == 0 {
			t.Fatalf("%s%s has %d bytes, %v", path, end, len(b), err)
		}
		if err := os.WriteFile(killed+end, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantUnchanged(t, killed, "it was written by an earlier, unreleased build (layout 3; this build reads 4)", "move the folder away")
}

// TestUnknownLayoutRefused: the same for layouts that this build does not know.
func TestUnknownLayoutRefused(t *testing.T) {
	for _, layout := range []int{5, 7, 1 << 30} {
		wantUnchanged(t, earlierFile(t, layout),
			fmt.Sprintf("it was written by a newer version of tocsin (layout %d; this build reads 4): use that version, or restore a backup", layout))
	}
}

// TestForeignDatabaseRefused: a database of another program is refused, whatever
// version it has.
func TestForeignDatabaseRefused(t *testing.T) {
	for _, version := range []string{"0", "3", "4"} {
		path := file(t)
		if err := sqlite.Create(t.Context(), path, "CREATE TABLE shop (basket TEXT)", "PRAGMA user_version = "+version); err != nil {
			t.Fatal(err)
		}
		wantUnchanged(t, path, "another program", "--data")
	}
}
