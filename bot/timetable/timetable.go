// Package timetable knows at which instants a recurring job starts, and what
// each start is called. It is pure: whoever asks brings the time.
//
// Times of a cron spec are times of the wall clock in a zone, and each happens
// once (rule O1): one that the clocks skip in spring happens at the first
// instant after the gap, one that they show twice in autumn at the first. Only
// the parser of robfig/cron is used, and its Next for civil times, which know
// no daylight saving: its own runner skips the first and starts the second
// twice.
package timetable

import (
	"sort"
	"time"

	"github.com/robfig/cron/v3"
)

// Slot is one start of a job. Its name says which one, in every replica and
// whatever the zone's rules say later: local wall time and zone, such as
// "2026-10-25T02:30 Europe/Berlin", or, for "@every", the instant in UTC.
type Slot struct {
	Name string
	At   time.Time // UTC
}

// Schedule is a timetable. The zero value has no slots.
type Schedule struct {
	spec  string
	zone  *time.Location
	cron  cron.Schedule // of civil times, which are labeled UTC; nil for every
	every time.Duration // counted from the epoch, so that all replicas agree
}

// Spec returns the spec as it was written.
func (s Schedule) Spec() string { return s.spec }

// Zone returns the zone in which the spec is read.
func (s Schedule) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

// String tells one schedule from another.
func (s Schedule) String() string {
	if s.every > 0 {
		return s.spec
	}
	return s.spec + " " + s.Zone().String()
}

// Equal reports whether two schedules have the same slots for the same reason.
func (s Schedule) Equal(o Schedule) bool { return s.String() == o.String() }

// Next returns the first slot after an instant; a zero one when there is none.
// Slots that the clocks skip and that so fall on one instant are one, the last
// of them: nobody needs the same report twice at once.
func (s Schedule) Next(after time.Time) Slot {
	switch {
	case s.every > 0:
		return s.named(s.floor(after).Add(s.every))
	case s.cron == nil:
		return Slot{}
	}
	civil := s.following(s.reached(after))
	if civil.IsZero() {
		return Slot{}
	}
	return s.Latest(s.instant(civil))
}

// Latest returns the last slot that is not after an instant; a zero one when
// there was none within nine years.
func (s Schedule) Latest(at time.Time) Slot {
	switch {
	case s.every > 0:
		return s.named(s.floor(at))
	case s.cron == nil:
		return Slot{}
	}
	reached := s.reached(at)
	passed := func(minutes int) bool { // whether a slot lies in the last so many minutes
		next := s.following(reached.Add(-time.Duration(minutes) * time.Minute))
		return !next.IsZero() && !next.After(reached)
	}
	const longest = 9 * 366 * 24 * 60
	minutes := sort.Search(longest, passed)
	if minutes == longest {
		return Slot{}
	}
	civil := s.following(reached.Add(-time.Duration(minutes) * time.Minute))
	return Slot{Name: civil.Format("2006-01-02T15:04") + " " + s.Zone().String(), At: s.instant(civil)}
}

// floor is the last multiple of every.
func (s Schedule) floor(at time.Time) time.Time {
	every := int64(s.every / time.Second)
	seconds := at.Unix()
	past := seconds % every
	if past < 0 {
		past += every
	}
	return time.Unix(seconds-past, 0).UTC()
}

func (s Schedule) named(at time.Time) Slot {
	return Slot{Name: at.Format(time.RFC3339), At: at}
}

// following is the first civil time of the spec after another. The library
// looks five years ahead; from one 29 February to the next it may be eight.
func (s Schedule) following(civil time.Time) time.Time {
	for range 2 {
		if next := s.cron.Next(civil); !next.IsZero() {
			return next
		}
		civil = civil.AddDate(4, 0, 0)
	}
	return time.Time{}
}

// widest is more than any offset from UTC, and than any gap.
const widest = 26 * time.Hour

// instant is when a civil time happens: the first instant at which the wall
// clock shows it, or something later (rule O1).
func (s Schedule) instant(civil time.Time) time.Time {
	for t := civil.Add(-widest); ; {
		start, end, offset := period(t, s.Zone())
		shown := civil.Add(-offset)
		if !end.IsZero() && !shown.Before(end) {
			t = end
			continue
		}
		if shown.Before(start) { // the clocks have skipped it
			return start.UTC()
		}
		return shown
	}
}

// reached is the latest civil time that the wall clock has shown up to an
// instant. While an hour repeats it stands still: what is due in the hour has
// happened the first time.
func (s Schedule) reached(at time.Time) time.Time {
	var latest time.Time
	for t := at.Add(-widest); ; {
		_, end, offset := period(t, s.Zone())
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

// period returns the bounds of the time around an instant in which a zone's
// offset stays the same. A zero bound is none.
func period(t time.Time, zone *time.Location) (start, end time.Time, offset time.Duration) {
	local := t.In(zone)
	start, end = local.ZoneBounds()
	_, seconds := local.Zone()
	return start, end, time.Duration(seconds) * time.Second
}
