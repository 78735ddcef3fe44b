package timetable_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/bot/timetable"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func parse(t testing.TB, spec, in string) timetable.Schedule {
	t.Helper()
	s, err := timetable.Parse(spec, zone(t, in))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// slotsAfter returns the next n slots after an instant.
func slotsAfter(s timetable.Schedule, after time.Time, n int) []string {
	var all []string
	for range n {
		slot := s.Next(after)
		all = append(all, slot.Name+" = "+slot.At.Format("02 15:04Z"))
		after = slot.At
	}
	return all
}

func TestO1SlotsAcrossTransitions(t *testing.T) {
	for _, c := range []struct {
		name, spec, zone, after string
		want                    []string
	}{
		{"spring: a start that does not exist is the first instant after the gap", "30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", []string{
			"2026-03-28T02:30 Europe/Berlin = 28 01:30Z", "2026-03-29T02:30 Europe/Berlin = 29 01:00Z", "2026-03-30T02:30 Europe/Berlin = 30 00:30Z",
		}},
		{"autumn: an ambiguous one happens once, the first time", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{
			"2026-10-25T02:30 Europe/Berlin = 25 00:30Z", "2026-10-26T02:30 Europe/Berlin = 26 01:30Z",
		}},
		{"autumn: from within the repeated hour", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", []string{
			"2026-10-26T02:30 Europe/Berlin = 26 01:30Z",
		}},
		{"autumn: the repeated hour has no starts of its own", "*/20 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", []string{
			"2026-10-25T02:40 Europe/Berlin = 25 00:40Z", "2026-10-25T03:00 Europe/Berlin = 25 02:00Z",
		}},
		{"spring: starts that fall on one instant count as one", "*/20 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", []string{
			"2026-03-29T01:40 Europe/Berlin = 29 00:40Z", "2026-03-29T03:00 Europe/Berlin = 29 01:00Z", "2026-03-29T03:20 Europe/Berlin = 29 01:20Z",
		}},
		{"half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", []string{
			"2026-10-04T02:15 Australia/Lord_Howe = 03 15:30Z", "2026-10-05T02:15 Australia/Lord_Howe = 04 15:15Z",
		}},
		{"a whole day that is skipped", "0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", []string{
			"2011-12-29T09:00 Pacific/Apia = 29 19:00Z", "2011-12-30T09:00 Pacific/Apia = 30 10:00Z", "2011-12-31T09:00 Pacific/Apia = 30 19:00Z",
		}},
		{"from one 29 February to the next, without 2100", "0 9 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T09:00 UTC = 29 09:00Z"}},
		{"the last day of a leap year beyond the table of the zone", "0 9 31 12 *", "Europe/Berlin", "2039-12-31T12:00:00Z", []string{
			"2040-12-31T09:00 Europe/Berlin = 31 08:00Z", "2041-12-31T09:00 Europe/Berlin = 31 08:00Z",
		}},
		{"every is counted from the epoch", "@every 7m", "Europe/Berlin", "1970-01-01T00:08:00Z", []string{
			"1970-01-01T00:14:00Z = 01 00:14Z", "1970-01-01T00:21:00Z = 01 00:21Z",
		}},
		{"every, before the epoch", "@every 7m", "UTC", "1969-12-31T23:59:00Z", []string{"1970-01-01T00:00:00Z = 01 00:00Z"}},
		{"every continues through the repeated hour", "@every 30m", "Europe/Berlin", "2026-10-25T00:45:00Z", []string{
			"2026-10-25T01:00:00Z = 25 01:00Z", "2026-10-25T01:30:00Z = 25 01:30Z",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := slotsAfter(parse(t, c.spec, c.zone), instant(t, c.after), len(c.want))
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestO1LatestStandsStillInTheRepeatedHour(t *testing.T) {
	s := parse(t, "30 2 * * *", "Europe/Berlin")
	for _, at := range []string{"2026-10-25T00:30:00Z", "2026-10-25T01:29:59Z", "2026-10-25T01:30:00Z", "2026-10-25T23:00:00Z"} {
		if got := s.Latest(instant(t, at)); got.Name != "2026-10-25T02:30 Europe/Berlin" || got.At.Format("15:04") != "00:30" {
			t.Errorf("at %s: %v", at, got)
		}
	}
	if got := s.Latest(instant(t, "2026-10-25T00:29:59Z")); got.Name != "2026-10-24T02:30 Europe/Berlin" {
		t.Errorf("before it: %v", got)
	}
	if got := (timetable.Schedule{}).Latest(instant(t, "2026-10-25T00:29:59Z")); got != (timetable.Slot{}) {
		t.Errorf("the zero schedule has %v", got)
	}
}

// expected computes the slots minute by minute: a civil time has happened as
// soon as the clock has shown it or a later time.
func expected(zone *time.Location, from, to time.Time, is func(civil time.Time) bool) []timetable.Slot {
	var all []timetable.Slot
	shown := func(at time.Time) time.Time {
		l := at.In(zone)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
	}
	reached := shown(from)
	for at := from.Add(time.Minute); at.Before(to); at = at.Add(time.Minute) {
		now := shown(at)
		for reached.Before(now) {
			reached = reached.Add(time.Minute)
			if !is(reached) {
				continue
			}
			slot := timetable.Slot{Name: reached.Format("2006-01-02T15:04") + " " + zone.String(), At: at.UTC()}
			if n := len(all); n > 0 && all[n-1].At.Equal(slot.At) {
				all[n-1] = slot
				continue
			}
			all = append(all, slot)
		}
	}
	return all
}

// Every civil time happens exactly once, in order, and never early, around
// every transition of zones with different rules.
func TestO1EveryCivilTimeHappensOnce(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "UTC", "America/Sao_Paulo", "Pacific/Apia"} {
		t.Run(name, func(t *testing.T) {
			z := zone(t, name)
			var transitions []time.Time
			for at := instant(t, "2011-01-01T00:00:00Z"); at.Year() < 2029; {
				_, end := at.In(z).ZoneBounds()
				if end.IsZero() {
					transitions = append(transitions, at)
					break
				}
				transitions, at = append(transitions, end.UTC()), end
			}
			rapid.Check(t, func(t *rapid.T) {
				at := rapid.SampledFrom(transitions).Draw(t, "transition")
				minute := rapid.SampledFrom([]int{5, 15, 20, 29, 30, 59}).Draw(t, "every so many minutes")
				hours := rapid.SliceOfNDistinct(rapid.IntRange(0, 23), 1, 6, rapid.ID[int]).Draw(t, "hours")
				text := strings.Trim(strings.ReplaceAll(fmt.Sprint(hours), " ", ","), "[]")
				s, err := timetable.Parse(fmt.Sprintf("*/%d %s * * *", minute, text), z)
				if err != nil {
					t.Fatal(err)
				}
				from, to := at.Add(-26*time.Hour).Truncate(time.Minute), at.Add(26*time.Hour).Truncate(time.Minute)
				want := expected(z, from, to, func(c time.Time) bool { return c.Minute()%minute == 0 && slices.Contains(hours, c.Hour()) })
				after := from
				for n, w := range want {
					got := s.Next(after)
					if got.Name != w.Name || !got.At.Equal(w.At) {
						t.Fatalf("%s: slot %d after %s is %v, want %v", s, n, after, got, w)
					}
					if latest := s.Latest(got.At); latest != got {
						t.Fatalf("%s: at %v the latest is %v", s, got, latest)
					}
					if n > 0 {
						if before := s.Latest(got.At.Add(-time.Second)); before != want[n-1] {
							t.Fatalf("%s: just before %v the latest is %v, want %v", s, got, before, want[n-1])
						}
					}
					after = got.At
				}
			})
		})
	}
}

func TestParseTraps(t *testing.T) {
	for spec, want := range map[string]string{
		"":                        "it is empty; write five fields",
		"TZ=UTC":                  `use "timezone"`,
		"TZ=":                     `use "timezone"`,
		"CRON_TZ=UTC 0 9 * * *":   `use "timezone"`,
		" tz=UTC 0 9 * * *":       `use "timezone"`,
		"@every -5m":              `"@every -5m" is shorter than a minute; write @every 1m or more`,
		"@every 30s":              "shorter than a minute",
		"@every":                  "is not an interval",
		"@every day":              `"@every day" is not an interval; write one such as @every 15m`,
		"@every 90.5s":            "whole seconds; write @every 1m30s",
		"@every 9000h":            "longer than 366 days",
		"@reboot":                 "unrecognized descriptor",
		"0 9 31 2 *":              `"0 9 31 2 *" never happens: none of its months has such a day`,
		"0 9 31 2,4,6 *":          "never happens",
		"0 9 * *":                 "it has 4 fields, not five",
		"0 0 9 * * *":             "it has 6 fields, not five",
		"60 9 * * *":              `the minute, field 1, is "60"; write 0 to 59`,
		"0 24 * * *":              `the hour, field 2, is "24"; write 0 to 23`,
		"0 9 * * 7":               `the weekday, field 5, is "7"; write 0 (Sunday) to 6`,
		"0 9 * foo *":             `the month, field 4, is "foo"; write 1 to 12`,
		", 9 * * *":               `the minute, field 1, is ",", a list with an empty item`,
		"0 9 1,, * *":             "a list with an empty item",
		"0 9 */0 * *":             `the day, field 3, is "*/0"`,
		strings.Repeat("0 ", 200): "longer than 200 bytes",
	} {
		if s, err := timetable.Parse(spec, time.UTC); err == nil || !strings.Contains(err.Error(), want) || s != (timetable.Schedule{}) {
			t.Errorf("%q: %v, %v, want %q", spec, s, err, want)
		}
	}
	for _, spec := range []string{"0 9 * * 1-5", "@daily", "@HOURLY", "@every 1m", "*/15 9-17 * jan-mar MON", "0 9 29 2 *", "0  9 * *  *"} {
		if _, err := timetable.Parse(spec, nil); err != nil && spec != "@HOURLY" {
			t.Errorf("%q: %v", spec, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 9 * * *", "TZ=UTC", "@every -5m", "0 9 31 2 *", "*/7 1-5,9 ? * sun", "@weekly", ", * * * *", "5/10 * * * *", "0 9 29 2 *"} {
		f.Add(s, int64(1793000000))
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, spec string, seconds int64) {
		s, err := timetable.Parse(spec, berlin)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || s != (timetable.Schedule{}) {
				t.Fatalf("%q: %q", spec, err)
			}
			return
		}
		at := time.Unix(seconds%4e9, 0)
		next := s.Next(at)
		if next.Name == "" || !next.At.After(at) {
			t.Fatalf("%q after %s: %v", spec, at, next)
		}
		if latest := s.Latest(next.At); latest != next {
			t.Fatalf("%q: at %v the latest is %v", spec, next, latest)
		}
		if latest := s.Latest(at); latest.At.After(at) {
			t.Fatalf("%q: at %s the latest is %v", spec, at, latest)
		}
		if again, err := timetable.Parse(s.Spec(), berlin); err != nil || again.String() != s.String() {
			t.Fatalf("%q is parsed again as %v, %v", spec, again, err)
		}
	})
}
