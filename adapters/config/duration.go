package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	day         = 24 * time.Hour
	maxDuration = 366 * day
)

// parseDuration parses "30s", "5m", "4h", "2d", and several of them in a row,
// such as "1h30m". The error says how to fix it.
func parseDuration(text string) (time.Duration, error) { return parseDurationUpTo(text, maxDuration) }

// parseDurationUpTo parses a duration of at most most, which is whole days.
func parseDurationUpTo(text string, most time.Duration) (time.Duration, error) {
	if text != "" && countDigits(text) == len(text) {
		return 0, fmt.Errorf("%s has no unit; write %[2]ss, %[2]sm, %[2]sh or %[2]sd", quote(text), abbreviate(text))
	}
	if positive, negative := strings.CutPrefix(text, "-"); negative {
		if _, err := parseDurationUpTo(positive, most); err == nil {
			return 0, fmt.Errorf("%s is negative; write %s", quote(text), positive)
		}
	}
	total := time.Duration(0)
	for left := text; ; {
		n := countDigits(left)
		if n == 0 || n == len(left) {
			return 0, fmt.Errorf("%s is not a duration; write %s", quote(text), suggestDuration(text))
		}
		unit := parseUnit(left[n])
		if unit == 0 {
			return 0, fmt.Errorf("%s is not a duration; write %s", quote(text), suggestDuration(text))
		}
		count, err := strconv.ParseInt(left[:n], 10, 64)
		if err != nil || count > int64(most/unit) || total+time.Duration(count)*unit > most {
			return 0, fmt.Errorf("%s is longer than %dd, the maximum", quote(text), int(most/day))
		}
		total += time.Duration(count) * unit
		if left = left[n+1:]; left == "" {
			return total, nil
		}
	}
}

// countDigits returns the number of digits at the beginning of a text.
func countDigits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789"))
}

// abbreviate shortens a number in an example.
func abbreviate(number string) string { return number[:min(len(number), 4)] }

// parseUnit returns the length of a unit; 0 for an unknown one.
func parseUnit(letter byte) time.Duration {
	switch letter {
	case 's':
		return time.Second
	case 'm':
		return time.Minute
	case 'h':
		return time.Hour
	case 'd':
		return day
	}
	return 0
}

// suggestDuration returns the right spelling of a text such as "5 minutes" or
// "5min".
func suggestDuration(text string) string {
	n := countDigits(text)
	word := strings.ToLower(strings.TrimSpace(text[n:]))
	for _, unit := range []string{"seconds", "minutes", "hours", "days"} {
		if n > 0 && word != "" && strings.HasPrefix(unit, word) {
			return text[:n] + unit[:1]
		}
	}
	return "a whole number and its unit: 30s, 5m, 4h or 2d"
}
