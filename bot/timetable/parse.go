package timetable

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	maxSpec  = 200 // bytes
	shortest = time.Minute
	longest  = 366 * 24 * time.Hour
	would    = `write five fields, minute hour day month weekday, such as "0 9 * * 1-5"; or @hourly, @daily, @weekly, @monthly, @every 15m`
	every    = "@every"
)

// Parse reads a spec: five fields, a word such as @daily, or "@every 15m". A
// nil zone is UTC. The error says what is wrong and what would be right.
func Parse(spec string, zone *time.Location) (Schedule, error) {
	spec = strings.Join(strings.Fields(spec), " ")
	if zone == nil {
		zone = time.UTC
	}
	s := Schedule{spec: spec, zone: zone}
	switch upper := strings.ToUpper(spec); {
	case spec == "":
		return Schedule{}, errors.New("it is empty; " + would)
	case len(spec) > maxSpec:
		return Schedule{}, fmt.Errorf("it is longer than %d bytes; %s", maxSpec, would)
	case strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ="):
		// The library panics when nothing follows.
		return Schedule{}, errors.New(`a zone does not stand in front of the fields; remove it, and use "timezone"`)
	case spec == every || strings.HasPrefix(spec, every+" "):
		d, err := interval(strings.TrimSpace(strings.TrimPrefix(spec, every)))
		if err != nil {
			return Schedule{}, err
		}
		s.every = d
		return s, nil
	case strings.HasPrefix(spec, "@"):
	default:
		if err := fields(spec); err != nil {
			return Schedule{}, err
		}
	}
	parsed, err := cron.ParseStandard(spec)
	if err != nil {
		return Schedule{}, fmt.Errorf("%w; %s", err, would)
	}
	s.cron = parsed
	if s.following(time.Unix(0, 0).UTC()).IsZero() {
		return Schedule{}, fmt.Errorf("%q never happens: no month that it names has such a day; correct the third or fourth field", spec)
	}
	return s, nil
}

// names are the five fields.
func names() []string { return []string{"minute", "hour", "day", "month", "weekday"} }

// fields says which of the five is wrong, which the library does not, and
// refuses a list with a hole, which it takes for one that nothing matches.
func fields(spec string) error {
	all := strings.Fields(spec)
	if len(all) != len(names()) {
		return fmt.Errorf("it has %d fields, not five; %s", len(all), would)
	}
	for n, name := range names() {
		for item := range strings.SplitSeq(all[n], ",") {
			if item == "" {
				return fmt.Errorf("the %s, field %d, is %q, a list with a hole; remove the comma", name, n+1, all[n])
			}
		}
		alone := []string{"*", "*", "*", "*", "*"}
		alone[n] = all[n]
		if _, err := cron.ParseStandard(strings.Join(alone, " ")); err != nil {
			return fmt.Errorf("the %s, field %d, is %q; it is %s", name, n+1, all[n], ranges()[n])
		}
	}
	return nil
}

// ranges say what each field may be.
func ranges() []string {
	return []string{
		"0 to 59, such as 30, 0,30 or */15", "0 to 23, such as 9, 9-17 or */2", "1 to 31, such as 1 or 1,15",
		"1 to 12 or jan to dec", "0 (Sunday) to 6 or sun to sat, such as 1-5",
	}
}

// interval reads what stands behind @every. Whole minutes are not asked for,
// at least one is: the library makes a second of what is shorter or negative.
func interval(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no interval; write one such as @every 15m or @every 1h30m", every+" "+text)
	case d < shortest:
		return 0, fmt.Errorf("%q is shorter than a minute; write @every 1m or more", every+" "+text)
	case d > longest:
		return 0, fmt.Errorf("%q is longer than 366 days; write the date in five fields instead", every+" "+text)
	case d%time.Second != 0:
		return 0, fmt.Errorf("%q is not made of whole seconds; write %s %s", every+" "+text, every, d.Truncate(time.Second))
	}
	return d, nil
}
