package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTimeFormat: bot/card alone formats times for people; others call
// card.FormatTime, so that a time has its day, its zone and no seconds everywhere
// (O1d: a time is read without guessing).
func TestTimeFormat(t *testing.T) {
	allowed := map[string]string{
		"bot/card/formatter.go":      "the formatter",
		"bot/timetable/timetable.go": "the stored name of a slot",
		"bot/intake/deadletter.go":   "the ID of a dead letter",
		"adapters/slack/slacktest":   "the fake of Slack formats as Slack does",
		"bot/bottest":                "the trace of the simulation",
	}
	layout := regexp.MustCompile(`\.(Append)?Format\((\w+, )?("|time\.|layout)|time\.Kitchen`)
	var checked int
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		checked++
		if allowed[path]+allowed[filepath.Dir(path)] != "" {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		for n, line := range strings.Split(string(text), "\n") {
			if layout.MatchString(line) && !strings.Contains(line, "Format(time.RFC3339") {
				t.Errorf("%s:%d formats a time itself: use card.FormatTime, or card.FormatTimestamp for a log: %s", path, n+1, strings.TrimSpace(line))
			}
		}
		return err
	})
	if err != nil || checked < 100 {
		t.Errorf("%d files were read: %v", checked, err)
	}
}
