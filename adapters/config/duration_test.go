package config

import (
	"testing"
	"time"

	"tocsin/commands"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "5m": 5 * time.Minute, "4h": 4 * time.Hour, "2d": 48 * time.Hour,
		"1h30m": 90 * time.Minute, "0s": 0, "366d": 366 * day, "007m": 7 * time.Minute,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
}

func TestInvalidDurations(t *testing.T) {
	const shape = "is not a duration; write a whole number and its unit: 30s, 5m, 4h or 2d"
	for text, want := range map[string]string{
		"":                           `"" ` + shape,
		"m":                          `"m" ` + shape,
		"5":                          `"5" has no unit; write 5s, 5m, 5h or 5d`,
		"12345678":                   `"12345678" has no unit; write 1234s, 1234m, 1234h or 1234d`,
		"-5m":                        `"-5m" is negative; write 5m`,
		"-x":                         `"-x" ` + shape,
		"1.5h":                       `"1.5h" ` + shape,
		"5min":                       `"5min" is not a duration; write 5m`,
		"5 minutes":                  `"5 minutes" is not a duration; write 5m`,
		"10 Days":                    `"10 Days" is not a duration; write 10d`,
		"2w":                         `"2w" ` + shape,
		"5ms":                        `"5ms" ` + shape,
		"5m5":                        `"5m5" ` + shape,
		"always":                     `"always" ` + shape,
		"367d":                       `"367d" is longer than 366d, the maximum`,
		"366d1s":                     `"366d1s" is longer than 366d, the maximum`,
		"99999999999999999999h":      `"99999999999999999999h" is longer than 366d, the maximum`,
		"9223372036854775807s":       `"9223372036854775807s" is longer than 366d, the maximum`,
		"31622400s9223372036854775s": `"31622400s9223372036854775s" is longer than 366d, the maximum`,
	} {
		if got, err := parseDuration(text); err == nil || err.Error() != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"access", "email", "id", "name", "SEV1"}
	for typed, want := range map[string]string{
		"acess": "access", "emial": "email", "ID": "id", "sev1": "SEV1", "nam": "name", "acccss": "access",
		"a": "", "": "", "telephone": "", "zz": "",
	} {
		if got := commands.Nearest(typed, words); got != want {
			t.Errorf("nearest to %q is %q, want %q", typed, got, want)
		}
	}
}
