// Package timetable computes when a recurring job starts, and names each start.
// It is pure: the caller passes the time.
//
// Times of a cron spec are wall-clock times in a zone, and each happens once
// (O1: wall-clock times happen once): a time that does not exist in spring
// happens at the first instant after the gap, one that comes twice in autumn at
// the first. Only the parser of robfig/cron is used, and its Next for civil
// times without daylight saving: its own runner skips the former and starts the
// latter twice.
package timetable

import (
	"sort"
	"time"

	"github.com/robfig/cron/v3"
)

// Slot is one start of a job. Its name identifies it in every replica, whatever
// the zone's rules become: local wall time and zone, such as "2026-10-25T02:30
// Europe/Berlin", or, for "@every", the instant in UTC.
type Slot struct {
	Name string
	At   time.Time // UTC
}

// Schedule is a parsed spec. The zero value has no slots.
type Schedule struct {
	spec  string
	zone  *time.Location
	cron  cron.Schedule // on civil times, labeled UTC; nil for @every
	every time.Duration // counted from the epoch, so that all replicas agree
}

// Spec returns the spec as it was written, with single spaces.
func (s Schedule) Spec() string { return s.spec }

// Zone returns the zone of the spec.
func (s Schedule) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

// String returns the spec and its zone, by which schedules are compared.
func (s Schedule) String() string {
	if s.every > 0 {
		return s.spec
	}
	return s.spec + " " + s.Zone().String()
}

// Equal reports whether two schedules have the same spec and zone.
func (s Schedule) Equal(o Schedule) bool { return s.String() == o.String() }

// Next returns the first slot after an instant; a zero one when there is none.
// Slots that do not exist and so fall on one instant count as one, named after
// the last: no one needs the same report twice at once.
func (s Schedule) Next(after time.Time) Slot {
	switch {
	case s.every > 0:
		return s.slotAt(s.truncateToInterval(after).Add(s.every))
	case s.cron == nil:
		return Slot{}
	}
	civil := s.nextCivil(s.latestCivil(after))
	if civil.IsZero() {
		return Slot{}
	}
	return s.Latest(s.toInstant(civil))
}

// Latest returns the last slot that is not after an instant; a zero one when
// there was none within nine years.
func (s Schedule) Latest(at time.Time) Slot {
	switch {
	case s.every > 0:
		return s.slotAt(s.truncateToInterval(at))
	case s.cron == nil:
		return Slot{}
	}
	reached := s.latestCivil(at)
	passed := func(minutes int) bool { // reports whether there is a slot in the last minutes
		next := s.nextCivil(reached.Add(-time.Duration(minutes) * time.Minute))
		return !next.IsZero() && !next.After(reached)
	}
	const longest = 9 * 366 * 24 * 60
	minutes := sort.Search(longest, passed)
	if minutes == longest {
		return Slot{}
	}
	civil := s.nextCivil(reached.Add(-time.Duration(minutes) * time.Minute))
	return Slot{Name: civil.Format("2006-01-02T15:04") + " " + s.Zone().String(), At: s.toInstant(civil)}
}

// truncateToInterval returns the last multiple of the interval.
func (s Schedule) truncateToInterval(at time.Time) time.Time {
	every := int64(s.every / time.Second)
	seconds := at.Unix()
	past := seconds % every
	if past < 0 {
		past += every
	}
	return time.Unix(seconds-past, 0).UTC()
}

func (s Schedule) slotAt(at time.Time) Slot {
	return Slot{Name: at.Format(time.RFC3339), At: at}
}

// nextCivil returns the first civil time of the spec after another. The library
// looks five years ahead, but there may be eight from one 29 February to the
// next.
func (s Schedule) nextCivil(civil time.Time) time.Time {
	for range 2 {
		if next := s.cron.Next(civil); !next.IsZero() {
			return next
		}
		civil = civil.AddDate(4, 0, 0)
	}
	return time.Time{}
}

// maxOffset is more than any offset from UTC, and more than any gap.
const maxOffset = 26 * time.Hour

// toInstant returns when a civil time happens: the first instant at which the
// wall clock shows it or a later time (O1: wall-clock times happen once).
func (s Schedule) toInstant(civil time.Time) time.Time {
	for t := civil.Add(-maxOffset); ; {
		start, end, offset := offsetPeriod(t, s.Zone())
		shown := civil.Add(-offset)
		if !end.IsZero() && !shown.Before(end) {
			t = end
			continue
		}
		if shown.Before(start) { // the civil time does not exist
			return start.UTC()
		}
		return shown
	}
}

// latestCivil returns the latest civil time that the wall clock has shown up to
// an instant. While an hour repeats it does not advance: everything due in that
// hour has happened the first time.
func (s Schedule) latestCivil(at time.Time) time.Time {
	var latest time.Time
	for t := at.Add(-maxOffset); ; {
		_, end, offset := offsetPeriod(t, s.Zone())
		last := end.Add(-1)
		done := end.IsZero() || end.After(at)
		if done {
			last = at
		}
		if shown := last.Add(offset).UTC(); shown.After(latest) {
			latest = shown
		}
		if done {
			return latest
		}
		t = end
	}
}

// offsetPeriod returns the bounds of the period around an instant in which a
// zone's offset stays the same. A zero bound is none. The end is after the instant:
// for 31 December of a leap year beyond the table of a zone (2040 for most), the standard
// library returns the beginning of that day, and who goes from end to end would stand still.
func offsetPeriod(t time.Time, zone *time.Location) (start, end time.Time, offset time.Duration) {
	local := t.In(zone)
	start, end = local.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.Add(time.Hour)
	}
	_, seconds := local.Zone()
	return start, end, time.Duration(seconds) * time.Second
}
