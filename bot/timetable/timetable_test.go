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

// A spec that cannot be read, or would do something else than it seems to say, is
// refused with the field, its value, the range and an example (O1c: a schedule that
// means something else is refused).
func TestParseTraps(t *testing.T) {
	const minute, hour, weekday = "0 to 59, such as 30, 0,30 or */15", "0 to 23, such as 9, 9-17 or */2", "0 (Sunday) to 6 or sun to sat, such as 1-5 or mon-fri"
	for spec, want := range map[string]string{
		"":                             "it is empty; write five fields",
		"TZ=UTC":                       `use "timezone"`,
		"TZ=":                          `use "timezone"`,
		"CRON_TZ=UTC 0 9 * * *":        `use "timezone"`,
		" tz=UTC 0 9 * * *":            `use "timezone"`,
		"@every -5m":                   `"@every -5m" is shorter than a minute; write @every 1m or more`,
		"@every 30s":                   "shorter than a minute",
		"@every":                       "is not an interval",
		"@every day":                   `"@every day" is not an interval; write one such as @every 15m`,
		"@every 90":                    `"@every 90" is not an interval; write it with its unit, such as @every 90m or @every 90h`,
		"@every 1d":                    `"@every 1d" is not an interval; write @every 24h`,
		"@every 2 weeks":               `write @every 336h`,
		"@every 15 min":                `write @every 15m`,
		"@every 400d":                  "write one such as @every 15m",
		"@every 30 sec":                "write one such as @every 15m",
		"@every 90.5s":                 "whole seconds; write @every 1m30s",
		"@every 9000h":                 `longer than 366 days; write the date in five fields instead, such as "0 9 1 1 *"`,
		"@reboot":                      `"@reboot" is not known; write five fields`,
		"@every15m":                    `"@every15m" is not known; write five fields`,
		"@daily 5":                     `"@daily 5" is not known; write five fields`,
		"@":                            `"@" is not known`,
		"0 9 31 2 *":                   `"0 9 31 2 *" never happens: the day, field 3, is "31", and no month of field 4, which is "2", has such a day; write a day from 1 to 29, such as "0 9 29 2 *", or another month`,
		"0 9 31 2,4,6 *":               `no month of field 4, which is "2,4,6", has such a day; write a day from 1 to 30, such as "0 9 30 2,4,6 *"`,
		"0 9 30-31 feb ?":              `write a day from 1 to 29, such as "0 9 29 feb ?"`,
		"0 9 * *":                      "it has 4 fields, not five; write five fields",
		"hourly":                       "it has one field, not five; write @hourly for that",
		"9:00":                         "it has one field, not five; write five fields",
		"every 15m":                    "it has 2 fields, not five; write @every 15m for that",
		"0 0 9 * * *":                  `it has 6 fields, not five; seconds and years are not supported: write "0 9 * * *"`,
		"0 0 9 * * MON-FRI 2027":       `it has 7 fields, not five; seconds and years are not supported: write "0 9 * * MON-FRI"`,
		"0 9 * * 1 99":                 "it has 6 fields, not five; write five fields",
		"60 9 * * *":                   `the minute, field 1, is "60"; write ` + minute,
		"-5 9 * * *":                   `the minute, field 1, is "-5"; write ` + minute,
		"+5 9 * * *":                   `the minute, field 1, is "+5"; write ` + minute,
		"1.5 9 * * *":                  `the minute, field 1, is "1.5"; write ` + minute,
		"0,99 9 * * *":                 `the minute, field 1, is "0,99": "99" is not part of it; write ` + minute,
		"99999999999999999999 * * * *": `; write ` + minute,
		"*/90 * * * *":                 `the minute, field 1, is "*/90": a step of 90 leads out of 0 to 59, so only 0 would be left; write 0 for that, or @every 90m in place of the five fields; this field is ` + minute,
		"*/60 * * * *":                 `write 0 for that, or @every 60m`,
		"5/90 * * * *":                 `a step of 90 leads out of 5 to 59, so only 5 would be left; write 5 for that`,
		"10-20/15 * * * *":             `a step of 15 leads out of 10 to 20, so only 10 would be left`,
		"0,*/90 * * * *":               `the minute, field 1, is "0,*/90": a step of 90`,
		"0 */36 * * *":                 `the hour, field 2, is "*/36": a step of 36 leads out of 0 to 23, so only 0 would be left; write 0 for that, or @every 36h in place of the five fields; this field is ` + hour,
		"0 9 */45 * *":                 `write 1 for that, or @every 1080h`,
		"0 9 */400 * *":                `so only 1 would be left; write 1, or 1 to 31, such as`,
		"0 9 1 */12 *":                 `the month, field 4, is "*/12": a step of 12 leads out of 1 to 12, so only 1 would be left; write 1, or 1 to 12 or jan to dec`,
		"0 9 * * */7":                  `a step of 7 leads out of 0 to 6, so only 0 would be left; write 0, or ` + weekday,
		"0 24 * * *":                   `the hour, field 2, is "24"; write 0 to 23`,
		"0 22-6 * * *":                 `the hour, field 2, is "22-6": the range 22-6 ends before it begins; write 22-23,0-6 if it goes on from the beginning`,
		"0 9 * * fri-mon":              `the weekday, field 5, is "fri-mon": the range fri-mon ends before it begins; write 5-6,0-1 if`,
		"0 9 * nov-jan *":              `write 11-12,1 if`,
		"0 9 * * 8":                    `the weekday, field 5, is "8"; write ` + weekday,
		"0 9 * * Monday":               `the weekday, field 5, is "Monday": Monday is written mon; write ` + weekday,
		"0 9 * * mon,tuesday":          `tuesday is written tue`,
		"0 9 * january *":              `the month, field 4, is "january": january is written jan; write 1 to 12`,
		"0 9 * * 1–5":                  `the weekday, field 5, is "1–5"; write ` + weekday,
		"0 9 L * *":                    `the day, field 3, is "L"; write 1 to 31`,
		"0 9 * * 5#2":                  `the weekday, field 5, is "5#2"`,
		"0 9 * foo *":                  `the month, field 4, is "foo"; write 1 to 12 or jan to dec, such as 1,7 or jan-mar`,
		", 9 * * *":                    `the minute, field 1, is ",": it is a list with an empty item`,
		"0 9 1,, * *":                  "a list with an empty item",
		"0 9 */0 * *":                  `the day, field 3, is "*/0": a step is 1 or more; write 1 to 31`,
		"0 9 */ * *":                   `the day, field 3, is "*/": `,
		"0 9 1/2/3 * *":                `the day, field 3, is "1/2/3": `,
		"0 9 1-2-3 * *":                `the day, field 3, is "1-2-3"; write`,
		"0 9 - * *":                    `the day, field 3, is "-"; write`,
		strings.Repeat("0 ", 200):      "longer than 200 bytes",
	} {
		if s, err := timetable.Parse(spec, time.UTC); err == nil || !strings.Contains(err.Error(), want) || s != (timetable.Schedule{}) {
			t.Errorf("%q: %v, %v, want %q", spec, s, err, want)
		}
	}
}

// What a crontab accepts is accepted, with the same meaning as the plain form beside it
// (O1c: a schedule that means something else is refused).
func TestParseAcceptsWhatCrontabsDo(t *testing.T) {
	for spec, plain := range map[string]string{
		"0 9 * * 7": "0 9 * * 0", "0 9 * * 5-7": "0 9 * * 0,5,6", "0 9 * * 1-7/2": "0 9 * * 0,1,3,5", "0 9 * * 0-7": "0 9 * * 0-6", "0 9 * * 6,7": "0 9 * * sun,sat",
		"0 9 * * MON": "0 9 * * 1", "0 9 * * Mon-FRI": "0 9 * * 1-5", "0 9 1 JAN,jul *": "0 9 1 1,7 *", "0 9 * * fri-7": "0 9 * * 0,5,6",
		"09 09 * * *": "9 9 * * *", "*/59 * * * *": "0,59 * * * *", "5/20 * * * *": "5,25,45 * * * *", "59/1 * * * *": "59 * * * *", "0 0 ? * ?": "0 0 * * *",
		"0 9 1 * 7": "0 9 1 * 0", "0 9 30 2 1": "0 9 30 2 mon", "@Daily": "0 0 * * *", "@HOURLY": "0 * * * *", "@midnight": "0 0 * * *", "@annually": "0 0 1 1 *",
		"0  9\t* *  *": "0 9 * * *", "@EVERY 15m": "@every 15m", "@every 1h30m": "@every 90m", "*/15 9-17 * jan-mar MON": "0,15,30,45 9-17 * 1-3 1",
	} {
		got := slotsAfter(parse(t, spec, "Europe/Berlin"), instant(t, "2026-01-01T00:00:00Z"), 40)
		if want := slotsAfter(parse(t, plain, "Europe/Berlin"), instant(t, "2026-01-01T00:00:00Z"), 40); !slices.Equal(got, want) {
			t.Errorf("%q is not %q:\n%s", spec, plain, strings.Join(got, "\n"))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 9 * * *", "TZ=UTC", "@every -5m", "0 9 31 2 *", "*/7 1-5,9 ? * sun", "@weekly", ", * * * *", "5/10 * * * *", "0 9 29 2 *", "*/90 * * * *", "0 9 * * 5-7", "0 22-6 * * *", "0 0 9 * * * 2027", "@every 1d"} {
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
