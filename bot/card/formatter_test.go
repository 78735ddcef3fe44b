package card_test

import (
	"testing"
	"time"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// TestFormatTime: a time that is not of the reader's today has its day (O1d: a time is read without guessing).
func TestFormatTime(t *testing.T) {
	cet := time.FixedZone("CET", 3600)
	now := time.Date(2026, 3, 2, 22, 30, 59, 0, time.UTC)
	for _, tc := range []struct {
		in   time.Duration
		zone *time.Location
		want string
	}{
		{0, cet, "23:30 CET"},
		{20 * time.Minute, cet, "23:50 CET"},
		{40 * time.Minute, cet, "3 Mar 00:10 CET"},
		{40 * time.Minute, time.UTC, "23:10 UTC"},
		{40 * time.Minute, nil, "23:10 UTC"},
		{-24 * time.Hour, cet, "1 Mar 23:30 CET"},
		{48 * time.Hour, cet, "4 Mar 23:30 CET"},
		{365 * 24 * time.Hour, cet, "2 Mar 2027 23:30 CET"},
	} {
		if got := card.FormatTime(now.Add(tc.in), now, tc.zone); got != tc.want {
			t.Errorf("in %s: %q, want %q", tc.in, got, tc.want)
		}
	}
	if got := card.FormatTime(now, time.Time{}, cet); got != "2 Mar 23:30 CET" {
		t.Errorf("without now: %q", got)
	}
}

// TestLineOfAnotherDay: a line names the day of a time that is not on the line's own
// day, in text and for a platform that shows each reader their zone.
func TestLineOfAnotherDay(t *testing.T) {
	at := time.Date(2026, 3, 2, 3, 12, 0, 0, time.UTC)
	for hours, want := range map[int]string{5: "next update due 08:12 UTC", 15: "next update due 18:12 UTC", 48: "next update due 4 Mar 03:12 UTC"} {
		next := at.Add(time.Duration(hours) * time.Hour)
		e := workflow.Event{At: at, Fact: workflow.UpdatePosted{Text: "Rolling back", Next: next}}
		if got := card.Line(e, time.UTC); got != "Update: Rolling back ("+want+")" {
			t.Errorf("in %d h: %q", hours, got)
		}
		for _, p := range card.ParseSpans(card.Post([]workflow.Event{e}, card.View{Zone: time.UTC, Stamps: true}).Text) {
			if !p.At.IsZero() && p.Day != (hours > 12) {
				t.Errorf("in %d h: the stamp shows its day: %v", hours, p.Day)
			}
		}
	}
}
