package slack

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSettingsSayWhatWouldBeRight(t *testing.T) {
	for _, c := range []struct {
		announce string
		wants    string // "" when it is right
	}{
		{"#incidents", ""},
		{"#inc_2-b", ""},
		{"#störungen", ""},
		{"#障害", ""},
		{"C024BE7LR", ""},
		{"G024BE7LR", ""},
		{"none", ""},
		{"", ""},
		{"#" + strings.Repeat("x", 80), ""},
		{"incidents", ""},
		{"Incidents", `announce: "Incidents" is not a channel of Slack; write "#incidents", or its ID such as C024BE7LR; or none`},
		{"#Our incidents", `write "#our-incidents"`},
		{"@ana", "a name such as"},
		{"#", `a name such as "#incidents", of small letters, digits, - and _, at most 80`},
		{"#" + strings.Repeat("x", 81), "at most 80"},
		{"#a.b", "a name such as"},
		{"C024be7lr", `write "#c024be7lr"`},
		{"U024BE7LR", "a name such as"},
	} {
		err := Settings{Announce: c.announce}.Validate()
		if c.wants == "" && err != nil || c.wants != "" && !strings.Contains(fmt.Sprint(err), c.wants) {
			t.Errorf("%q: got %v, want %q", c.announce, err, c.wants)
		}
	}
	err := Settings{Announce: "?", ArchiveAfter: -time.Hour}.Validate()
	if got := fmt.Sprint(err); strings.Count(got, "\n") != 1 || !strings.Contains(got, "archive_after: -1h0m0s is negative; write a duration such as 7d, or never") {
		t.Errorf("not every fault is reported: %v", err)
	}
}

func TestDefaultSettings(t *testing.T) {
	s := DefaultSettings()
	if err := s.Validate(); err != nil || s != s.Normal() || s.Announce != "#incidents" || s.ArchiveAfter != 168*time.Hour {
		t.Errorf("got %+v, %v", s, err)
	}
	for announce, want := range map[string]string{
		"none": "", "": "", "incidents": "#incidents", "#incidents": "#incidents", "C024BE7LR": "C024BE7LR", "#none": "#none",
	} {
		if got := (Settings{Announce: announce}).Normal(); got.Announce != want {
			t.Errorf("%q means %q, want %q", announce, got.Announce, want)
		}
	}
}
