package slack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Paths to which Slack sends signed requests.
const (
	CommandsPath     = "/slack/commands"
	InteractionsPath = "/slack/interactions"
	EventsPath       = "/slack/events"
)

// The callback IDs of the shortcuts
// (docs.slack.dev/interactivity/implementing-shortcuts).
const (
	ShortcutDeclare     = "declare"              // in the menu of all shortcuts
	ShortcutDeclareFrom = "declare_from_message" // of a message
	ShortcutPin         = "pin_to_timeline"      // of a message
)

// App is what may differ between the apps that people make for Tocsin.
type App struct {
	Name string // [Tocsin]
	// URL is where Slack reaches the server, for signed requests; "" for Socket
	// Mode, where the server reaches Slack.
	URL string
	// Unarchive also asks for [UserScopes].
	Unarchive bool
}

// ManifestJSON writes the manifest from which Slack creates the app, as JSON.
func ManifestJSON(a App) ([]byte, error) {
	m, err := manifestOf(a)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return out.Bytes(), nil
}

// ManifestYAML writes the manifest as YAML, with the reason beside each scope.
func ManifestYAML(a App) ([]byte, error) {
	m, err := manifestOf(a)
	if err != nil {
		return nil, err
	}
	var n yaml.Node
	if err = n.Encode(m); err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	explain(child(&n, "oauth_config", "scopes", "bot"), Scopes())
	explain(child(&n, "oauth_config", "scopes", "user"), UserScopes())
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err = errors.Join(e.Encode(&n), e.Close()); err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return out.Bytes(), nil
}

// manifestOf makes the manifest of an app.
func manifestOf(a App) (manifest, error) {
	var m manifest
	name := cmp.Or(a.Name, "Tocsin")
	user, err := userName(name)
	if err != nil {
		return m, err
	}
	base, err := baseURL(a.URL)
	if err != nil {
		return m, err
	}
	at := func(path string) string {
		if base == "" {
			return ""
		}
		return base + path
	}
	m.Metadata.Major, m.Metadata.Minor = 2, 1
	m.Display = manifestDisplay{Name: name, Description: "Declares, pages, works and writes down incidents."}

	f := &m.Features
	// Pages come in the Messages tab, and people send commands there
	// (docs.slack.dev/surfaces/app-home).
	f.Home.HomeTab, f.Home.MessagesTab, f.Home.MessagesReadOnly = true, true, false
	f.User.Name, f.User.Online = user, true
	f.Shortcuts = shortcuts()
	for _, command := range []string{"/incident", "/inc"} {
		f.Commands = append(f.Commands, manifestCommand{
			Command: command, URL: at(CommandsPath), Usage: usageHint,
			Description: "Declare an incident, or work the one of this channel.",
			// Slack then sends people as <@U…>, and not by names, which are not unique.
			Escape: true,
		})
	}

	m.OAuth.Scopes.Bot = names(Scopes())
	if a.Unarchive {
		m.OAuth.Scopes.User = names(UserScopes())
	}
	s := &m.Settings
	s.Events.URL, s.Events.Bots = at(EventsPath), BotEvents()
	s.Interactivity.On, s.Interactivity.URL, s.Interactivity.Options = true, at(InteractionsPath), at(InteractionsPath)
	s.Sockets = base == ""
	return m, nil
}

// usageHint is shown while a person types the command.
const usageHint = "[declare | ack | update | status | resolve | list | help] …"

// shortcuts returns the shortcuts. Their names may have 24 characters, their
// descriptions 150 (docs.slack.dev/interactivity/implementing-shortcuts).
func shortcuts() []manifestShortcut {
	return []manifestShortcut{
		{Name: "Declare an incident", Callback: ShortcutDeclare, Type: "global", Description: "Opens the form that declares an incident."},
		{Name: "Declare an incident", Callback: ShortcutDeclareFrom, Type: "message", Description: "The message becomes the description, its author the reporter."},
		{Name: "Pin to the timeline", Callback: ShortcutPin, Type: "message", Description: "Adds the message to the timeline of this channel's incident."},
	}
}

// names returns the names of scopes.
func names(scopes []Scope) []string {
	all := make([]string, 0, len(scopes))
	for _, s := range scopes {
		all = append(all, s.Name)
	}
	return all
}

// Limits of docs.slack.dev/reference/app-manifest.
const (
	maxAppName     = 35
	maxDisplayName = 80
)

// userName makes the name under which people mention the app: small letters,
// digits, -, _ and . (docs.slack.dev/reference/app-manifest,
// "features.bot_user.display_name").
func userName(app string) (string, error) {
	if n := utf8.RuneCountInString(app); n > maxAppName {
		return "", fmt.Errorf("name the app: %d characters are too many; Slack takes %d", n, maxAppName)
	}
	name := strings.Trim(strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			return c
		case c == ' ':
			return '-'
		}
		return -1
	}, strings.ToLower(app)), "-_.")
	if name == "" {
		return "", fmt.Errorf("name the app: %q has none of the letters a to z, which the name of its user needs", app)
	}
	return name[:min(len(name), maxDisplayName)], nil
}

// baseURL checks the address at which Slack is to reach the server, and returns
// it without a slash at its end.
func baseURL(address string) (string, error) {
	if address == "" {
		return "", nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "", errors.New("read the address: it is not a URL; write one such as https://tocsin.example.com")
	case u.Scheme != "https" || u.Hostname() == "":
		return "", fmt.Errorf("read the address: Slack sends to https alone, and %q is not; write one such as https://tocsin.example.com", address)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("read the address: %q has more than a host and a path", u.Redacted())
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// child returns the node at the end of a path of keys; nil when there is none.
func child(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		var next *yaml.Node
		for i := 0; n != nil && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		n = next
	}
	return n
}

// explain writes the reason of each scope beside it.
func explain(list *yaml.Node, scopes []Scope) {
	if list == nil {
		return
	}
	for n := range list.Content {
		list.Content[n].LineComment = scopes[n].Why
	}
}
