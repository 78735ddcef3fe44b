package workflow

import (
	"strconv"
	"time"
)

// FormatDuration formats a duration for a person: "45 s", "5 min", "2 h 10 min" or
// "3 days 4 h", rounded down to the smaller of the two units (O1d: a time is read without
// guessing).
func FormatDuration(d time.Duration) string {
	minutes := int(d / time.Minute)
	switch {
	case d > 0 && d < time.Second:
		return strconv.Itoa(int(d/time.Millisecond)) + " ms"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case minutes < 60:
		return strconv.Itoa(minutes) + " min"
	case minutes < 48*60:
		return withRest(strconv.Itoa(minutes/60)+" h", minutes%60, " min")
	}
	return withRest(strconv.Itoa(minutes/60/24)+" days", minutes/60%24, " h")
}

func withRest(text string, rest int, unit string) string {
	if rest == 0 {
		return text
	}
	return text + " " + strconv.Itoa(rest) + unit
}
