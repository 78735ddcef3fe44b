package slack

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"tocsin/commands"
)

// printManifests returns a manifest that says the same as YAML and as JSON.
func printManifests(t *testing.T, a App) manifest {
	t.Helper()
	asYAML, err := ManifestYAML(a)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := ManifestJSON(a)
	if err != nil {
		t.Fatal(err)
	}
	var one, other manifest
	if err = yaml.Unmarshal(asYAML, &one); err != nil {
		t.Fatal(err)
	}
	if err = json.Unmarshal(asJSON, &other); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, other) {
		t.Errorf("YAML and JSON differ:\n%s\n%s", asYAML, asJSON)
	}
	for _, s := range Scopes() {
		if !strings.Contains(string(asYAML), "- "+s.Name+" # "+s.Why+"\n") {
			t.Errorf("the reason of %s is not beside it:\n%s", s.Name, asYAML)
		}
	}
	return one
}

func TestManifestOfBothTransports(t *testing.T) {
	socket := printManifests(t, App{})
	s := socket.Settings
	if !s.Sockets || s.Events.URL+s.Interactivity.URL+s.Interactivity.Options+socket.Features.Commands[0].URL != "" {
		t.Errorf("with Socket Mode there are no addresses: %+v", s)
	}
	signed := printManifests(t, App{URL: "https://tocsin.example.com/"})
	s = signed.Settings
	for got, want := range map[string]string{
		s.Events.URL:                      "https://tocsin.example.com/slack/events",
		s.Interactivity.URL:               "https://tocsin.example.com/slack/interactions",
		s.Interactivity.Options:           "https://tocsin.example.com/slack/interactions",
		signed.Features.Commands[0].URL:   "https://tocsin.example.com/slack/commands",
		signed.Features.Commands[1].URL:   "https://tocsin.example.com/slack/commands",
		strings.Join(s.Events.Bots, " "):  strings.Join(BotEvents(), " "),
		signed.Features.User.Name:         "tocsin",
		signed.Display.Name:               "Tocsin",
		signed.Features.Commands[0].Usage: usageHint,
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if s.Sockets || !s.Interactivity.On {
		t.Errorf("signed requests: %+v", s)
	}
	if h := signed.Features.Home; !h.HomeTab || !h.MessagesTab || h.MessagesReadOnly {
		t.Errorf("the tabs: %+v", h)
	}
	if !slices.Equal(signed.OAuth.Scopes.Bot, names(Scopes())) || signed.OAuth.Scopes.User != nil {
		t.Errorf("scopes: %+v", signed.OAuth.Scopes)
	}
	if m := printManifests(t, App{Unarchive: true}); !slices.Equal(m.OAuth.Scopes.User, names(UserScopes())) {
		t.Errorf("scopes: %+v", m.OAuth.Scopes)
	}
}

// TestManifestWithinLimits holds it to docs.slack.dev/reference/app-manifest,
// and the names of shortcuts to docs.slack.dev/interactivity/implementing-shortcuts.
func TestManifestWithinLimits(t *testing.T) {
	m := printManifests(t, App{Name: strings.Repeat("Ä tocsin ", 3), URL: "https://tocsin.example.com/in/a/folder"})
	within := func(what, text string, most int) {
		t.Helper()
		if n := utf8.RuneCountInString(text); n == 0 || n > most {
			t.Errorf("%s has %d characters, and may have %d: %q", what, n, most, text)
		}
	}
	within("name", m.Display.Name, 35)
	within("description", m.Display.Description, 140)
	within("name of the user", m.Features.User.Name, 80)
	if !regexp.MustCompile(`^[a-z0-9._-]+$`).MatchString(m.Features.User.Name) {
		t.Errorf("name of the user: %q", m.Features.User.Name)
	}
	for _, s := range m.Features.Shortcuts {
		within("name of a shortcut", s.Name, 24)
		within("description of a shortcut", s.Description, 150)
		within("callback_id", s.Callback, 255)
	}
	for _, c := range m.Features.Commands {
		within("command", c.Command, 32)
		within("description of a command", c.Description, 2000)
		within("usage hint", c.Usage, 1000)
		if !c.Escape {
			t.Errorf("%s: people would come as names", c.Command)
		}
	}
	words := commands.New()
	for _, word := range regexp.MustCompile(`[a-z]+`).FindAllString(usageHint, -1) {
		if !slices.ContainsFunc(words, func(w commands.Spec) bool { return w.Name == word }) {
			t.Errorf("the usage hint names %q, which is no word", word)
		}
	}
}

func TestManifestRefuses(t *testing.T) {
	for want, a := range map[string]App{
		"Slack takes 35":               {Name: strings.Repeat("x", 36)},
		"none of the letters a to z":   {Name: "警鐘"},
		"https alone":                  {URL: "http://tocsin.example.com"},
		"https alone, and \"tocsin":    {URL: "tocsin.example.com"},
		"more than a host and a path":  {URL: "https://tocsin.example.com/?a=b"},
		"it is not a URL":              {URL: "https://tocsin example.com"},
		"read the address: \"https://": {URL: "https://ana:secret@tocsin.example.com"},
	} {
		if _, err := ManifestYAML(a); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v, not %q", a, err, want)
		}
	}
}
