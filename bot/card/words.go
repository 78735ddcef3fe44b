package card

import (
	"strconv"
	"time"
)

// words says facts to a reader in a zone.
type words struct{ zone *time.Location }

// clock writes a time as the reader's clock shows it, with its zone.
func (w words) clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	zone := w.zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("15:04:05 MST")
}

// date is a clock with its day.
func (w words) date(t time.Time) string {
	if t.IsZero() || w.zone == nil {
		return w.clock(t)
	}
	return t.In(w.zone).Format("2006-01-02 ") + w.clock(t)
}

func because(why string) string {
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

func late(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return " (late by " + d.String() + ")"
}
