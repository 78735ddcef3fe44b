package card

import (
	"strconv"
	"time"
)

// formatter renders facts for a reader in one zone or, with stamps, for readers
// in many.
type formatter struct {
	zone   *time.Location
	stamps bool
}

func (v View) formatter() formatter { return formatter{zone: v.Zone, stamps: v.Stamps} }

// clock formats a time of day with its zone.
func (w formatter) clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	zone := w.zone
	if zone == nil {
		zone = time.UTC
	}
	return w.stamp(Span{Text: t.In(zone).Format("15:04:05 MST"), At: t})
}

// date formats a time with its day.
func (w formatter) date(t time.Time) string {
	if t.IsZero() || w.zone == nil {
		return w.clock(t)
	}
	return w.stamp(Span{Text: t.In(w.zone).Format("2006-01-02 15:04:05 MST"), At: t, Day: true})
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
	return " (late by " + d.String() + ")"
}
