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

func dossier() bot.Dossier {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	d := bot.Dossier{Number: 7, Version: 3, Follows: "INC-2", Changed: noon, ReadSeq: 1, ReadAt: noon, Body: bytes.Repeat([]byte("state "), 100)}
	for n := range 30 {
		d.Events = append(d.Events, bot.StoredEvent{Seq: n + 1, Body: fmt.Appendf(nil, `{"event":%d}`, n)})
	}
	d.Mail = []bot.StoredMail{{Seq: 1, Body: []byte(`{"started":2}`)}}
	d.Said = []bot.Said{{Key: "a\x00b", Seq: 1, Body: []byte("<hello>")}, {Key: "c", Seq: 2}}
	return d
}

// TestPack: what was packed comes back, byte for byte and the same each time.
func TestPack(t *testing.T) {
	want := dossier()
	packed, err := bot.Pack(want)
	if err != nil {
		t.Fatal(err)
	}
	again, err := bot.Pack(want)
	if err != nil || !bytes.Equal(packed, again) {
		t.Errorf("packed twice it differs: %v", err)
	}
	got, err := bot.Unpack(packed)
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("unpacked: %v\n%s", err, diff)
	}
	body, err := bot.UnpackBody(packed)
	if err != nil || !bytes.Equal(body, want.Body) {
		t.Errorf("the body is %q, %v", body, err)
	}
	for n := range len(packed) - 1 {
		if _, err := bot.Unpack(packed[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken for the whole", n, len(packed))
		}
	}
	if _, err := bot.UnpackBody([]byte("nonsense")); err == nil {
		t.Error("nonsense has a body")
	}
}

// TestReadSections: pages of any size, from any place, are the same whole.
func TestReadSections(t *testing.T) {
	keys := []string{"a", "a/b", "b", "c"}
	sections := []bot.Section{
		{Name: "counter", Read: func(string, int) ([]bot.Piece, error) { return []bot.Piece{{Counter: new(7)}}, nil }},
		{Name: "record", Read: func(string, int) ([]bot.Piece, error) { return nil, nil }},
		{Name: "group", Read: func(after string, limit int) ([]bot.Piece, error) {
			var all []bot.Piece
			for _, k := range keys {
				if k > after && len(all) < limit {
					all = append(all, bot.Piece{Group: &bot.GroupPiece{Key: k}})
				}
			}
			return all, nil
		}},
	}
	for limit := 1; limit < 8; limit++ {
		var places []string
		for after := ""; ; after = places[len(places)-1] {
			page, err := bot.ReadSections(after, limit, sections)
			if err != nil || len(page) > limit {
				t.Fatalf("%d pieces, %v", len(page), err)
			}
			if len(page) == 0 {
				break
			}
			for _, p := range page {
				places = append(places, p.Place)
			}
		}
		if want := []string{"counter", "group/a", "group/a/b", "group/b", "group/c"}; !slices.Equal(places, want) {
			t.Errorf("in pages of %d: %q", limit, places)
		}
	}
	if _, err := bot.ReadSections("nowhere/x", 1, sections); err == nil {
		t.Error("a place that is nowhere is exported from")
	}
}

// TestPieceValidate: each fault is named.
func TestPieceValidate(t *testing.T) {
	whole := dossier()
	faulty := func(change func(d *bot.Dossier)) bot.Piece {
		d := dossier()
		change(&d)
		return bot.Piece{Place: fmt.Sprintf("incident/%d", d.Number), Incident: &d}
	}
	for _, c := range []struct {
		piece bot.Piece
		want  string
	}{
		{bot.Piece{Place: "incident/7", Incident: &whole}, ""},
		{bot.Piece{Place: "alert/p\x00k", Alert: &bot.AlertPiece{Integration: "p", Key: "k"}}, ""},
		{bot.Piece{Place: "record/k/a/b", Record: &bot.Record{Kind: "k", ID: "a/b", Version: 1, Body: []byte{}}}, ""},
		{bot.Piece{Place: "record/k/a", Record: &bot.Record{Kind: "k", ID: "a", Version: 1}}, "a record has a body"},
		{bot.Piece{Place: "record/k/a/b", Record: &bot.Record{Kind: "k/a", ID: "b", Version: 1, Body: []byte{}}}, "no kind"},
		{bot.Piece{Place: "counter"}, "one thing, and this one 0"},
		{bot.Piece{Place: "counter", Counter: new(1), Group: &bot.GroupPiece{}}, "one thing, and this one 2"},
		{bot.Piece{Place: "group/a", Group: &bot.GroupPiece{Key: "b"}}, `belongs at "group/b"`},
		{faulty(func(d *bot.Dossier) { d.Number = 0 }), "a number from 1"},
		{faulty(func(d *bot.Dossier) { d.Events[3].Seq = 3 }), "not in order"},
		{faulty(func(d *bot.Dossier) { d.Tasks = []bot.Task{{ID: "x", Owner: "INC-8", Lane: workflow.Lane{}}} }), `belongs to "INC-8"`},
	} {
		switch err := c.piece.Validate(); {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.piece.Place, err, c.want)
		}
	}
}
