package workflow_test

import (
	"testing"
	"time"

	"tocsin/workflow"
)

// TestFormatDuration: a duration above a minute has no seconds (O1d: a time is read without guessing).
func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 45 * time.Second: "45 s", time.Minute: "1 min", 5*time.Minute + 59*time.Second: "5 min", 130 * time.Minute: "2 h 10 min",
		2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 52 * time.Hour: "2 days 4 h", 72 * time.Hour: "3 days",
	} {
		if got := workflow.FormatDuration(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
