package sqlite_test

import (
	"fmt"
	"maps"
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

// content reads all files in the folder of the file. The index of the log is left out
// if there is a log: every reader that needs the log rebuilds its index.
func content(t *testing.T, path string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(path), f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(b)
	}
	if all[filepath.Base(path)+"-wal"] != "" {
		delete(all, filepath.Base(path)+"-shm")
	}
	return all
}

// wantUnchanged opens the file, which must be refused with an error that contains the
// words, and fails if a file in its folder was created, changed or removed.
func wantUnchanged(t *testing.T, path string, words ...string) {
	t.Helper()
	before := content(t, path)
	for range 2 {
		wantError(t, openRefused(t, path), append(words, "open "+path)...)
	}
	if after := content(t, path); !maps.Equal(before, after) {
		t.Errorf("the folder had %q and has %q, or the content of a file has changed", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
	if before[filepath.Base(path)] == "" {
		t.Error("the file is empty: the test checks nothing")
	}
}

// TestEarlierLayoutRefused: a file that an earlier build wrote is refused with
// the reason and what to do, and stays as it is.
func TestEarlierLayoutRefused(t *testing.T) {
	for layout := 1; layout <= 3; layout++ {
		words := []string{
			fmt.Sprintf("it was written by an earlier, unreleased build (layout %d; this build reads 4)", layout),
			"move the folder away and start with an empty one", "--data",
		}
		stopped := earlierFile(t, layout)
		writeFile(t, stopped+".lock", "process 1 on host earlier since 2026-03-02T03:00:00Z\n")
		wantUnchanged(t, stopped, words...)
		writeFile(t, stopped+"-wal", "") // a log that was never written to
		wantUnchanged(t, stopped, words...)

		copied := earlierFile(t, layout)
		if err := os.Remove(copied + ".lock"); err != nil {
			t.Fatal(err)
		}
		wantUnchanged(t, copied, words...)
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
		writeFile(t, killed+end, string(b))
	}
	wantUnchanged(t, killed, "it was written by an earlier, unreleased build (layout 3; this build reads 4)", "move the folder away")
	writeFile(t, killed+".lock", "process 1 on host earlier since 2026-03-02T03:00:00Z\n")
	wantUnchanged(t, killed, "it was written by an earlier, unreleased build (layout 3; this build reads 4)", "move the folder away")
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
