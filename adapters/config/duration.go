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

// parseDuration reads "30s", "5m", "4h", "2d", and several of them in a row,
// such as "1h30m". The error says what would be right.
func parseDuration(text string) (time.Duration, error) { return parseUpTo(text, maxDuration) }

// parseUpTo reads a duration that is no longer than most, whole days.
func parseUpTo(text string, most time.Duration) (time.Duration, error) {
	if text != "" && digits(text) == len(text) {
		return 0, fmt.Errorf("%s has no unit; write %[2]ss, %[2]sm, %[2]sh or %[2]sd", quote(text), short(text))
	}
	if positive, negative := strings.CutPrefix(text, "-"); negative {
		if _, err := parseUpTo(positive, most); err == nil {
			return 0, fmt.Errorf("%s is negative; write %s", quote(text), positive)
		}
	}
	total := time.Duration(0)
	for left := text; ; {
		n := digits(left)
		if n == 0 || n == len(left) {
			return 0, fmt.Errorf("%s is not a duration; write %s", quote(text), wouldBe(text))
		}
		unit := unitOf(left[n])
		if unit == 0 {
			return 0, fmt.Errorf("%s is not a duration; write %s", quote(text), wouldBe(text))
		}
		count, err := strconv.ParseInt(left[:n], 10, 64)
		if err != nil || count > int64(most/unit) || total+time.Duration(count)*unit > most {
			return 0, fmt.Errorf("%s is longer than %dd, the most there is", quote(text), most/day)
		}
		total += time.Duration(count) * unit
		if left = left[n+1:]; left == "" {
			return total, nil
		}
	}
}

// digits counts the digits that text begins with.
func digits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789"))
}

// short keeps an example of a long number readable.
func short(number string) string { return number[:min(len(number), 4)] }

// unitOf returns the length of a unit, or 0.
func unitOf(letter byte) time.Duration {
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

// wouldBe guesses the right spelling of "5 minutes" or "5min".
func wouldBe(text string) string {
	n := digits(text)
	word := strings.ToLower(strings.TrimSpace(text[n:]))
	for _, unit := range []string{"seconds", "minutes", "hours", "days"} {
		if n > 0 && word != "" && strings.HasPrefix(unit, word) {
			return text[:n] + unit[:1]
		}
	}
	return "a whole number and its unit: 30s, 5m, 4h or 2d"
}
