package card

import (
	"cmp"
	"strconv"
	"time"

	"tocsin/workflow"
)

// FormatTime formats an instant for a person: "14:02 CET" when it is on the same day
// as now in the reader's zone, else with its day, "2 Mar 14:02 CET" or
// "2 Mar 2027 14:02 CET". Without now it always has its day. A nil zone is UTC.
func FormatTime(at, now time.Time, zone *time.Location) string {
	zone = cmp.Or(zone, time.UTC)
	at, now = at.In(zone), now.In(zone)
	switch {
	case !now.IsZero() && isSameDay(at, now):
		return at.Format("15:04 MST")
	case !now.IsZero() && at.Year() != now.Year():
		return at.Format("2 Jan 2006 15:04 MST")
	}
	return at.Format("2 Jan 15:04 MST")
}

// FormatTimestamp formats an instant for a log that people search: with the year,
// and to the second.
func FormatTimestamp(at time.Time, zone *time.Location) string {
	return at.In(cmp.Or(zone, time.UTC)).Format("2006-01-02 15:04:05 MST")
}

func isSameDay(a, b time.Time) bool { return a.Year() == b.Year() && a.YearDay() == b.YearDay() }

// sameDayEverywhere is how far apart two instants may be for a stamp without its day:
// readers in other zones, where midnight is between the two, still cannot take one
// for the same time of another day.
const sameDayEverywhere = 12 * time.Hour

// formatter renders facts for a reader in one zone or, with stamps, for readers
// in many.
type formatter struct {
	zone   *time.Location
	stamps bool
	now    time.Time // when the text is shown to have been written; zero: every time has its day
}

func (v View) formatter() formatter { return formatter{zone: v.Zone, stamps: v.Stamps} }

// at returns the formatter of a text that stands beside its own time, such as a line of
// a timeline or a message: times of the same day need no day.
func (w formatter) at(now time.Time) formatter {
	w.now = now
	return w
}

// time formats an instant.
func (w formatter) time(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	zone := cmp.Or(w.zone, time.UTC)
	day := w.now.IsZero() || !isSameDay(t.In(zone), w.now.In(zone)) || t.Sub(w.now).Abs() > sameDayEverywhere
	return w.stamp(Span{Text: FormatTime(t, w.now, zone), At: t, Day: day})
}

// stamp writes an instant as a stamp, or as text when no stamp can hold it: its
// zone has an unusual name, or it has fewer or more than ten digits of seconds.
func (w formatter) stamp(p Span) string {
	if s := p.String(); w.stamps && stampPattern.FindString(s) == s {
		return s
	}
	return p.Text
}

func withReason(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// count writes "1 alert" or "3 alerts".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func lateBy(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return " (late by " + workflow.FormatDuration(d) + ")"
}
