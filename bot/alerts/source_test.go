package alerts_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/bot/alerts"
)

// TestI8Secrets: every secret is checked, and an empty one matches nothing.
func TestI8Secrets(t *testing.T) {
	two := alerts.NewSecrets("old", "", "new")
	for given, want := range map[string]bool{"old": true, "new": true, "": false, "ol": false, "newer": false, "NEW": false} {
		if two.Contain(given) != want {
			t.Errorf("Contain(%q) is not %t", given, want)
		}
	}
	for _, none := range []alerts.Secrets{{}, alerts.NewSecrets(), alerts.NewSecrets("")} {
		if none.Contain("") || none.Any(func(string) bool { return true }) {
			t.Error("no secret matches something")
		}
	}
	var checked []string
	two.Any(func(secret string) bool { checked = append(checked, secret); return true })
	if got := strings.Join(checked, " "); got != "old new" {
		t.Errorf("checked %q", got)
	}
	if got := fmt.Sprintf("%v %s %+v", two, two, two); strings.Contains(got, "old") || strings.Contains(got, "new") {
		t.Errorf("printed as %q", got)
	}
}

func TestSourceDefaults(t *testing.T) {
	table := alerts.Sources{{Type: "small"}, {Type: "large", MaxBody: 4 << 20}}
	for kind, want := range map[string]int64{"small": 1 << 20, "large": 4 << 20} {
		if s, ok := table.Find(kind); !ok || s.BodyLimit() != want {
			t.Errorf("%s: %t, limit %d", kind, ok, s.BodyLimit())
		}
	}
	if _, ok := table.Find("Large"); ok {
		t.Error("a source is found under a name that is not its own")
	}
}
