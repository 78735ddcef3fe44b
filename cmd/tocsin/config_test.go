package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack"
)

// TestAdaptersReadTheExample: the adapters can read the example too.
func TestAdaptersReadTheExample(t *testing.T) {
	l, err := loadConfigFrom(platforms(), "../../tocsin.example.yaml", func(name string) string {
		if name == "DEADMAN_URL" {
			return "https://watch.example.com/secret"
		}
		return "secret-of-" + name
	})
	if err != nil {
		t.Fatal(err)
	}
	if !l.Has("pagers.email") || l.email.Host != "smtp.example.com" {
		t.Errorf("e-mail is %s", l.email)
	}
	if !l.Has("chat.slack") || slackSettings(l) != slack.DefaultSettings() {
		t.Errorf("Slack is %+v: the example shows the defaults", slackSettings(l))
	}
}

func TestSlackSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tocsin.yaml")
	for text, want := range map[string]slack.Settings{
		"":                                      slack.DefaultSettings(),
		"chat: { slack: { announce: none } }\n": {ArchiveAfter: 7 * 24 * time.Hour},
		"chat: { slack: { announce: \"\", archive_after: never } }\n":  {},
		"chat: { slack: { announce: \"#ops\", archive_after: 2d } }\n": {Announce: "#ops", ArchiveAfter: 48 * time.Hour},
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := loadConfigFrom(platforms(), path, func(string) string { return "" })
		if err != nil || slackSettings(l) != want {
			t.Errorf("%q: got %+v, %v", text, slackSettings(l), err)
		}
	}
	if err := os.WriteFile(path, []byte("chat: { slack: { announce: Incidents } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := loadConfigFrom(platforms(), path, func(string) string { return "" })
	want := path + `:1:28: chat.slack: announce: "Incidents" is `
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), `write "#incidents"`) {
		t.Errorf("got %v, want %s… with what to write", err, want)
	}
}

// slackSettings returns the settings of Slack in the form that its adapter uses.
func slackSettings(l loadedConfig) slack.Settings {
	s, ok := l.settings[slack.Platform].(*slack.Settings)
	if !ok {
		return slack.Settings{}
	}
	return s.Normal()
}
