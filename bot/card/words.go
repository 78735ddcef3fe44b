package card

import (
	"strconv"
	"time"
)

// words says facts to a reader in a zone, or, with stamps, to readers in many.
type words struct {
	zone   *time.Location
	stamps bool
}

func (v View) words() words { return words{zone: v.Zone, stamps: v.Stamps} }

// clock writes a time as the reader's clock shows it, with its zone.
func (w words) clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	zone := w.zone
	if zone == nil {
		zone = time.UTC
	}
	return w.stamp(Piece{Text: t.In(zone).Format("15:04:05 MST"), At: t})
}

// date is a clock with its day.
func (w words) date(t time.Time) string {
	if t.IsZero() || w.zone == nil {
		return w.clock(t)
	}
	return w.stamp(Piece{Text: t.In(w.zone).Format("2006-01-02 15:04:05 MST"), At: t, Day: true})
}

// stamp writes an instant. One that no stamp can hold, in a zone of an odd name
// or of another century, is words.
func (w words) stamp(p Piece) string {
	if s := p.String(); w.stamps && stamped.FindString(s) == s {
		return s
	}
	return p.Text
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
