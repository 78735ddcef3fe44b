package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
)

func openTest(t *testing.T, data string) store {
	t.Helper()
	p, err := findLocation(data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.open(t.Context(), slog.New(slog.DiscardHandler))
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

// failing is a store whose Import fails from a call on, as with a full disk.
type failing struct {
	store
	left int
}

func (f *failing) Import(ctx context.Context, pieces []bot.ArchiveItem) error {
	f.left--
	if f.left < 0 {
		return errors.New("the disk is full")
	}
	return f.store.Import(ctx, pieces)
}

// TestImportInterrupted: wherever an import is interrupted, the store is known
// to be incomplete, another file is refused, and the same file completes it.
func TestImportInterrupted(t *testing.T) {
	from := openTest(t, t.TempDir())
	for n := range 3 * maxImportItems {
		id := fmt.Sprint("INC-", n+1)
		if _, err := from.Commit(t.Context(), bot.Commit{At: time.Unix(int64(n), 0), Incident: id, Snapshot: []byte("{}"), Operation: id, Reply: []byte("yes")}); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if _, err := writeExport(t.Context(), from, &file); err != nil {
		t.Fatal(err)
	}
	this := func(sum string) exportFile {
		return exportFile{name: "backup.jsonl", from: bytes.NewReader(file.Bytes()), sum: sum}
	}
	for calls := range 8 {
		to := openTest(t, t.TempDir())
		_, err := importInto(t.Context(), &failing{to, calls}, this("this"), location{name: "new"})
		if calls == 7 {
			if err != nil {
				t.Fatal(err) // else the loop is too short
			}
			continue
		}
		wantText(t, err, "the disk is full", "again with the same file")
		if calls == 0 { // nothing was written
			if err = checkImportFinished(t.Context(), to, "new"); err != nil {
				t.Error(err)
			}
			continue
		}
		wantText(t, checkImportFinished(t.Context(), to, "new"), "an import into new was interrupted: run `tocsin import` again with the same file")
		_, err = importInto(t.Context(), to, this("another"), location{name: "new"})
		wantText(t, err, "an import of another file into new was interrupted")
		done, err := importInto(t.Context(), to, this("this"), location{name: "new"})
		if err != nil || done.incidents != 3*maxImportItems || done.replies != 3*maxImportItems {
			t.Fatalf("imported %s, %v", done, err)
		}
		if err = checkImportFinished(t.Context(), to, "new"); err != nil {
			t.Error(err)
		}
		var again bytes.Buffer
		if _, err := writeExport(t.Context(), to, &again); err != nil || !bytes.Equal(again.Bytes(), file.Bytes()) {
			t.Errorf("after %d calls and a second import it is another store: %v", calls, err)
		}
	}
}

func wantText(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Fatalf("%v, want %q", err, w)
		}
	}
}

// TestUnfinishedIsNotServed: an incomplete store is neither served nor
// exported.
func TestUnfinishedIsNotServed(t *testing.T) {
	data := t.TempDir()
	s := openTest(t, data)
	mark := bot.Record{Kind: kindImport, ID: unfinished, Version: 1, Body: []byte("x")}
	if err := s.Import(t.Context(), []bot.ArchiveItem{{Key: "record/" + kindImport + "/" + unfinished, Record: &mark}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--data", data, "--listen", "127.0.0.1:0"}, {"export", "--data", data, "-"}} {
		var out, stderr bytes.Buffer
		if code := run(platforms(), args, &out, &stderr); code != 1 || !strings.Contains(stderr.String(), "was interrupted: run `tocsin import` again") || out.Len() > 0 {
			t.Errorf("%s: exit %d, %s%s", args[0], code, out.String(), stderr.String())
		}
	}
}

// TestExportReader: which lines of a file are valid, and the errors of the
// others.
func TestExportReader(t *testing.T) {
	const first, counter = `{"tocsin":"export","version":2}` + "\n", `{"key":"counter","counter":7}` + "\n"
	for file, want := range map[string]string{
		first + counter + `{"tocsin":"end","items":1}` + "\n": "",
		first + counter + `{"tocsin":"end","items":1}`:        "",
		first + `{"tocsin":"end","items":0}`:                  "",
		"":                                                    "is empty",
		"{":                                                   "is not an export",
		strings.Repeat("x", 1<<20):                            "is not an export",
		`{"tocsin":"end","items":0}`:                          "is not an export",
		`{"tocsin":"export","version":0}`:                     "is not an export",
		`{"tocsin":"export","vers`:                            "is incomplete: it ends after line 0",
		`{"tocsin":"export","version":9}`:                     "a newer version of Tocsin (its format is 9, this version reads 2)",
		`{"tocsin":"export","version":1}`:                     "an unreleased build (its format is 1, this version reads 2)",
		first:                                                 "is incomplete: it ends after line 1",
		first + counter:                                       "is incomplete: it ends after line 2",
		first + counter + `{"key":"rec`:                       "is incomplete: it ends after line 2",
		first + counter + `{"tocsin":"end","items":2}`:        "says 2 items, and it has 1",
		first + counter + `{"tocsin":"end"}`:                  "line 3: this is neither",
		first + counter + first:                               "line 3: this is neither",
		first + counter + `{"tocsin":"end","items":1}` + "\n" + "\n": "line 4: this follows",
		first + "\n" + counter:                              "line 2: this line is not an item of an export: EOF",
		first + strings.TrimSuffix(counter, "\n") + counter: "line 2: this line is not an item of an export: there is more than one",
		first + `{"key":"counter"}` + "\n":                  "line 2: an item has exactly one content",
		first + counter + "null\n":                          "line 3: an item has exactly one content",
	} {
		_, err := readExport("FILE", strings.NewReader(file), func(bot.ArchiveItem, int) error { return nil })
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "FILE")) {
			t.Errorf("%.80q: %v, want %q", file, err, want)
		}
	}
}
