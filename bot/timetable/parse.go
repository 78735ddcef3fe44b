package timetable

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	maxSpec     = 200 // bytes
	minInterval = time.Minute
	maxInterval = 366 * 24 * time.Hour
	usage       = `write five fields, minute hour day month weekday, such as "0 9 * * 1-5"; or @hourly, @daily, @weekly, @monthly, @every 15m`
	everyPrefix = "@every"
)

// Parse parses a spec: five cron fields, a descriptor such as @daily, or
// "@every 15m". A nil zone is UTC. The error says what is wrong and what would
// be right.
func Parse(spec string, zone *time.Location) (Schedule, error) {
	spec = strings.Join(strings.Fields(spec), " ")
	if zone == nil {
		zone = time.UTC
	}
	s := Schedule{spec: spec, zone: zone}
	switch upper := strings.ToUpper(spec); {
	case spec == "":
		return Schedule{}, errors.New("it is empty; " + usage)
	case len(spec) > maxSpec:
		return Schedule{}, fmt.Errorf("it is longer than %d bytes; %s", maxSpec, usage)
	case strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ="):
		// The library panics when nothing follows it.
		return Schedule{}, errors.New(`a time zone before the fields is not supported; remove it, and use "timezone"`)
	case spec == everyPrefix || strings.HasPrefix(spec, everyPrefix+" "):
		d, err := parseInterval(strings.TrimSpace(strings.TrimPrefix(spec, everyPrefix)))
		if err != nil {
			return Schedule{}, err
		}
		s.every = d
		return s, nil
	case strings.HasPrefix(spec, "@"):
	default:
		if err := checkFields(spec); err != nil {
			return Schedule{}, err
		}
	}
	parsed, err := cron.ParseStandard(spec)
	if err != nil {
		return Schedule{}, fmt.Errorf("%w; %s", err, usage)
	}
	s.cron = parsed
	if s.nextCivil(time.Unix(0, 0).UTC()).IsZero() {
		return Schedule{}, fmt.Errorf("%q never happens: none of its months has such a day; correct the third or fourth field", spec)
	}
	return s, nil
}

// fieldNames returns the names of the five fields.
func fieldNames() []string { return []string{"minute", "hour", "day", "month", "weekday"} }

// checkFields says which of the five fields is wrong, which the library does
// not. It refuses a list with an empty item, which the library accepts and
// never matches.
func checkFields(spec string) error {
	all := strings.Fields(spec)
	if len(all) != len(fieldNames()) {
		return fmt.Errorf("it has %d fields, not five; %s", len(all), usage)
	}
	for n, name := range fieldNames() {
		for item := range strings.SplitSeq(all[n], ",") {
			if item == "" {
				return fmt.Errorf("the %s, field %d, is %q, a list with an empty item; remove the comma", name, n+1, all[n])
			}
		}
		alone := []string{"*", "*", "*", "*", "*"}
		alone[n] = all[n]
		if _, err := cron.ParseStandard(strings.Join(alone, " ")); err != nil {
			return fmt.Errorf("the %s, field %d, is %q; write %s", name, n+1, all[n], fieldRanges()[n])
		}
	}
	return nil
}

// fieldRanges returns what each field may be.
func fieldRanges() []string {
	return []string{
		"0 to 59, such as 30, 0,30 or */15", "0 to 23, such as 9, 9-17 or */2", "1 to 31, such as 1 or 1,15",
		"1 to 12 or jan to dec", "0 (Sunday) to 6 or sun to sat, such as 1-5",
	}
}

// parseInterval parses the duration after @every: at least a minute, in whole
// seconds. The library would turn a shorter or negative one into a second.
func parseInterval(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not an interval; write one such as @every 15m or @every 1h30m", everyPrefix+" "+text)
	case d < minInterval:
		return 0, fmt.Errorf("%q is shorter than a minute; write @every 1m or more", everyPrefix+" "+text)
	case d > maxInterval:
		return 0, fmt.Errorf("%q is longer than 366 days; write the date in five fields instead", everyPrefix+" "+text)
	case d%time.Second != 0:
		return 0, fmt.Errorf("%q is not in whole seconds; write %s %s", everyPrefix+" "+text, everyPrefix, d.Truncate(time.Second))
	}
	return d, nil
}
