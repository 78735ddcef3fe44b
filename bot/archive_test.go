package bot_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/bot"
	"tocsin/workflow"
)

func archivedIncident() bot.ArchivedIncident {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	d := bot.ArchivedIncident{Number: 7, Version: 3, Previous: "INC-2", Changed: noon, ReadSeq: 1, ReadAt: noon, Body: bytes.Repeat([]byte("state "), 100)}
	for n := range 30 {
		d.Events = append(d.Events, bot.StoredEvent{Seq: n + 1, Body: fmt.Appendf(nil, `{"event":%d}`, n)})
	}
	d.Mail = []bot.StoredMail{{Seq: 1, Body: []byte(`{"started":2}`)}}
	d.Messages = []bot.StoredMessage{{Key: "a\x00b", Seq: 1, Body: []byte("<hello>")}, {Key: "c", Seq: 2}}
	return d
}

// TestCompact: Expand returns what Compact encoded, and encoding twice gives the
// same bytes.
func TestCompact(t *testing.T) {
	want := archivedIncident()
	compact, err := bot.Compact(want)
	if err != nil {
		t.Fatal(err)
	}
	again, err := bot.Compact(want)
	if err != nil || !bytes.Equal(compact, again) {
		t.Errorf("encoded twice it differs: %v", err)
	}
	got, err := bot.Expand(compact)
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("expanded: %v\n%s", err, diff)
	}
	body, err := bot.ExpandSnapshot(compact)
	if err != nil || !bytes.Equal(body, want.Body) {
		t.Errorf("the body is %q, %v", body, err)
	}
	for n := range len(compact) - 1 {
		if _, err := bot.Expand(compact[:n]); err == nil {
			t.Fatalf("%d of %d bytes are accepted as the whole", n, len(compact))
		}
	}
	if _, err := bot.ExpandSnapshot([]byte("nonsense")); err == nil {
		t.Error("nonsense has a body")
	}
}

// TestReadSections: pages of every size, read from any key, give the same items.
func TestReadSections(t *testing.T) {
	keys := []string{"a", "a/b", "b", "c"}
	sections := []bot.Section{
		{Name: "counter", Read: func(string, int) ([]bot.ArchiveItem, error) { return []bot.ArchiveItem{{Counter: new(7)}}, nil }},
		{Name: "record", Read: func(string, int) ([]bot.ArchiveItem, error) { return nil, nil }},
		{Name: "group", Read: func(after string, limit int) ([]bot.ArchiveItem, error) {
			var all []bot.ArchiveItem
			for _, k := range keys {
				if k > after && len(all) < limit {
					all = append(all, bot.ArchiveItem{Group: &bot.ArchivedGroup{Key: k}})
				}
			}
			return all, nil
		}},
	}
	for limit := 1; limit < 8; limit++ {
		var keysRead []string
		for after := ""; ; after = keysRead[len(keysRead)-1] {
			page, err := bot.ReadSections(after, limit, sections)
			if err != nil || len(page) > limit {
				t.Fatalf("%d items, %v", len(page), err)
			}
			if len(page) == 0 {
				break
			}
			for _, p := range page {
				keysRead = append(keysRead, p.Key)
			}
		}
		if want := []string{"counter", "group/a", "group/a/b", "group/b", "group/c"}; !slices.Equal(keysRead, want) {
			t.Errorf("in pages of %d: %q", limit, keysRead)
		}
	}
	if _, err := bot.ReadSections("nowhere/x", 1, sections); err == nil {
		t.Error("an unknown section is exported")
	}
}

// TestArchiveItemValidate: each kind of invalid item is refused with its reason.
func TestArchiveItemValidate(t *testing.T) {
	valid := archivedIncident()
	faulty := func(change func(d *bot.ArchivedIncident)) bot.ArchiveItem {
		d := archivedIncident()
		change(&d)
		return bot.ArchiveItem{Key: fmt.Sprintf("incident/%d", d.Number), Incident: &d}
	}
	for _, c := range []struct {
		item bot.ArchiveItem
		want string
	}{
		{bot.ArchiveItem{Key: "incident/7", Incident: &valid}, ""},
		{bot.ArchiveItem{Key: "alert/p\x00k", Alert: &bot.ArchivedAlert{Integration: "p", Key: "k"}}, ""},
		{bot.ArchiveItem{Key: "record/k/a/b", Record: &bot.Record{Kind: "k", ID: "a/b", Version: 1, Body: []byte{}}}, ""},
		{bot.ArchiveItem{Key: "record/k/a", Record: &bot.Record{Kind: "k", ID: "a", Version: 1}}, "a record has a body"},
		{bot.ArchiveItem{Key: "record/k/a/b", Record: &bot.Record{Kind: "k/a", ID: "b", Version: 1, Body: []byte{}}}, "has no slash"},
		{bot.ArchiveItem{Key: "counter"}, "exactly one content, this one has 0"},
		{bot.ArchiveItem{Key: "counter", Counter: new(1), Group: &bot.ArchivedGroup{}}, "exactly one content, this one has 2"},
		{bot.ArchiveItem{Key: "group/a", Group: &bot.ArchivedGroup{Key: "b"}}, `the key of its content is "group/b"`},
		{faulty(func(d *bot.ArchivedIncident) { d.Number = 0 }), "a number from 1"},
		{faulty(func(d *bot.ArchivedIncident) { d.Events[3].Seq = 3 }), "not in ascending order"},
		{faulty(func(d *bot.ArchivedIncident) { d.Tasks = []bot.Task{{ID: "x", Owner: "INC-8", Lane: workflow.Lane{}}} }), `belongs to "INC-8"`},
	} {
		switch err := c.item.Validate(); {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.item.Key, err, c.want)
		}
	}
}
