package bottest

import (
	"bytes"
	_ "embed" // for the recorded export
	"encoding/json"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/bot"
	"tocsin/workflow"
)

// recordedExport is an export with every kind of item and record, one item per line.
// Its values are invented. Files that earlier releases wrote must be readable for ever:
// from the first release on, lines are added and never changed.
//
//go:embed testdata/export.jsonl
var recordedExport []byte

// RecordedExport imports the recorded export into an empty store and exports it again,
// and wants the same bytes. keepsReadMail says whether the store keeps mail that has been
// read (see [bot.ArchivedIncident]).
func RecordedExport(t *testing.T, s bot.Store, keepsReadMail bool) {
	items := recordedItems(t)
	for part := range slices.Chunk(items, 5) {
		if err := s.Import(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.TrimSpace(string(recordedExport))
	if !keepsReadMail {
		want = lines(t, unreadOnly(items))
	}
	if diff := gocmp.Diff(want, lines(t, export(t, s, 4))); diff != "" {
		t.Fatalf("exported again (-recorded +exported):\n%s", diff)
	}
	archived := 0
	for _, item := range items {
		if item.Incident == nil {
			continue
		}
		ok, err := s.Archive(t.Context(), workflow.ID(item.Incident.Number))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			archived++
		}
	}
	if archived == 0 {
		t.Error("no incident of the recorded export can be archived: the test checks too little")
	}
	if diff := gocmp.Diff(want, lines(t, export(t, s, 100))); diff != "" {
		t.Errorf("exported after archiving (-recorded +exported):\n%s", diff)
	}
}

// recordedItems decodes the recorded export.
func recordedItems(t *testing.T) []bot.ArchiveItem {
	t.Helper()
	var all []bot.ArchiveItem
	for line := range bytes.Lines(recordedExport) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		var item bot.ArchiveItem
		if err := d.Decode(&item); err != nil {
			t.Fatalf("decode line %d of the recorded export: %v", len(all)+1, err)
		}
		if err := item.Validate(); err != nil {
			t.Fatalf("line %d of the recorded export: %v", len(all)+1, err)
		}
		all = append(all, item)
	}
	return all
}
