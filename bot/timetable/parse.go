package timetable

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// descriptors are the words that stand for five fields.
func descriptors() []string {
	return []string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}
}

// Parse parses a spec: five cron fields, a descriptor such as @daily, or
// "@every 15m". A nil zone is UTC. The error says what is wrong and what would
// be right.
func Parse(spec string, zone *time.Location) (Schedule, error) {
	spec = strings.Join(strings.Fields(spec), " ")
	if zone == nil {
		zone = time.UTC
	}
	s := Schedule{spec: spec, zone: zone}
	first, rest, _ := strings.Cut(spec, " ")
	switch lower := strings.ToLower(first); {
	case spec == "":
		return Schedule{}, errors.New("it is empty; " + usage)
	case len(spec) > maxSpec:
		return Schedule{}, fmt.Errorf("it is longer than %d bytes; %s", maxSpec, usage)
	case strings.HasPrefix(lower, "tz=") || strings.HasPrefix(lower, "cron_tz="):
		return Schedule{}, errors.New(`a time zone before the fields is not supported; remove it, and use "timezone"`)
	case lower == everyPrefix:
		d, err := parseInterval(rest)
		if err != nil {
			return Schedule{}, err
		}
		s.spec, s.every = strings.TrimSpace(everyPrefix+" "+rest), d
		return s, nil
	case strings.HasPrefix(lower, "@"):
		if rest != "" || !slices.Contains(descriptors(), lower) {
			return Schedule{}, fmt.Errorf("%q is not known; %s", spec, usage)
		}
		s.spec = lower
		return s.withFields(lower)
	}
	_, plain, err := parseFields(spec)
	if err != nil {
		return Schedule{}, err
	}
	if s, err = s.withFields(plain); err == nil && s.nextCivil(time.Unix(0, 0).UTC()).IsZero() {
		return Schedule{}, dayFault(spec)
	}
	return s, err
}

// withFields returns the schedule with the spec that the library parses.
func (s Schedule) withFields(plain string) (Schedule, error) {
	parsed, err := cron.ParseStandard(plain)
	if err != nil { // cannot happen: the fields are checked
		return Schedule{}, fmt.Errorf("%q cannot be read; %s", s.spec, usage)
	}
	s.cron = parsed
	return s, nil
}

// parseFields returns the values of the five fields, and the fields as the library takes
// them. It says which of them is wrong, which the library does not.
func parseFields(spec string) (values [][]int, plain string, err error) {
	words := strings.Fields(spec)
	if len(words) != len(fields()) {
		return nil, "", countFault(words)
	}
	for n, f := range fields() {
		some, text, err := f.parse(words[n])
		if err != nil {
			return nil, "", err
		}
		values, words[n] = append(values, some), text
	}
	return values, strings.Join(words, " "), nil
}

// countFault says what another number of fields may have meant.
func countFault(words []string) error {
	have := fmt.Sprintf("it has %d fields, not five", len(words))
	lower := strings.ToLower(words[0])
	switch {
	case len(words) == 1 && slices.Contains(descriptors(), "@"+lower):
		return fmt.Errorf("it has one field, not five; write @%s for that, or %s", lower, strings.TrimPrefix(usage, "write "))
	case len(words) == 1:
		return errors.New("it has one field, not five; " + usage)
	case len(words) == 2 && "@"+lower == everyPrefix:
		return fmt.Errorf("%s; write %s %s for that, or %s", have, everyPrefix, words[1], strings.TrimPrefix(usage, "write "))
	case len(words) > len(fields()):
		five := words[1 : 1+len(fields())] // with seconds first, and perhaps a year last, as Quartz has them
		if _, _, err := parseFields(strings.Join(five, " ")); err == nil {
			return fmt.Errorf("%s; seconds and years are not supported: write %q", have, strings.Join(five, " "))
		}
	}
	return errors.New(have + "; " + usage)
}

// dayFault says that none of the months of a spec has its day.
func dayFault(spec string) error {
	words := strings.Fields(spec)
	values, _, err := parseFields(spec)
	if err != nil {
		return err
	}
	longest := 0
	for _, month := range values[3] {
		longest = max(longest, time.Date(2024, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()) // of a leap year
	}
	other := strings.Join([]string{words[0], words[1], strconv.Itoa(longest), words[3], words[4]}, " ")
	return fmt.Errorf("%q never happens: the day, field 3, is %q, and no month of field 4, which is %q, has such a day; write a day from 1 to %d, such as %q, or another month",
		spec, words[2], words[3], longest, other)
}

// parseInterval parses the duration after @every: at least a minute, in whole
// seconds. The library would turn a shorter or negative one into a second.
func parseInterval(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	spec := strings.TrimSpace(everyPrefix + " " + text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not an interval; write %s", spec, suggestDuration(text))
	case d < minInterval:
		return 0, fmt.Errorf("%q is shorter than a minute; write @every 1m or more", spec)
	case d > maxInterval:
		return 0, fmt.Errorf("%q is longer than 366 days; write the date in five fields instead, such as \"0 9 1 1 *\"", spec)
	case d%time.Second != 0:
		return 0, fmt.Errorf("%q is not in whole seconds; write %s %s", spec, everyPrefix, d.Truncate(time.Second))
	}
	return d, nil
}

// suggestDuration returns the interval that a number without a unit or with a unit
// that is not known may have meant.
func suggestDuration(text string) string {
	const example = "one such as @every 15m or @every 1h30m"
	digits := strings.TrimRight(strings.ToLower(strings.ReplaceAll(text, " ", "")), "abcdefghijklmnopqrstuvwxyz")
	n, ok := parseNumber(digits)
	if !ok || n == 0 {
		return example
	}
	unit, length := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(text, digits))), n
	switch {
	case unit == "":
		return fmt.Sprintf("it with its unit, such as %s %dm or %[1]s %[2]dh", everyPrefix, n)
	case unit[0] == 'd':
		unit, length = "h", n*24
	case unit[0] == 'w':
		unit, length = "h", n*7*24
	}
	meant := fmt.Sprintf("%d%c", length, unit[0])
	if d, err := time.ParseDuration(meant); err != nil || d < minInterval || d > maxInterval {
		return example
	}
	return everyPrefix + " " + meant
}
