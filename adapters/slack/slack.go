// Package slack is the client side of Slack: an incident's room is a channel
// there, its card is pinned and kept current, and people are paged by direct
// messages. What comes in from Slack (commands, buttons, events) is received by
// package inbound, which is built on this one.
//
// Slack has no idempotency for posts. Each message carries the key of what it
// was written for in its metadata, and a message that may have been written is
// looked for before it is written again. This package alone decides how often a
// method is called: no library repeats a call.
package slack

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bot"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// Platform is the name under which Slack is a chat platform.
const Platform = "slack"

// DefaultAPI is the address of Slack's Web API.
const DefaultAPI = "https://slack.com/api/"

// Config is what a workspace is reached with.
type Config struct {
	Settings
	BotToken      string // xoxb-…
	AppToken      string // xapp-…: events come through sockets; "": by signed requests alone
	UserToken     string // xoxp-…: unarchives channels, which Slack denies to bots; may be ""
	SigningSecret string // signs requests; "": no requests are accepted
	APIURL        string // [DefaultAPI]
	// Mark tells the channels and messages of this installation from others': it is
	// written into purposes and metadata.
	Mark  string
	Store platform.Store
	Now   func() time.Time
	Log   *slog.Logger
	HTTP  *http.Client // [one of its own]
}

// Validate reports what is missing.
func (c Config) Validate() error {
	switch {
	case !strings.HasPrefix(c.BotToken, "xoxb-"):
		return errors.New("SLACK_BOT_TOKEN is not a bot token, which begins with xoxb-; find it under “OAuth & Permissions” of the app")
	case c.AppToken != "" && !strings.HasPrefix(c.AppToken, "xapp-"):
		return errors.New("SLACK_APP_TOKEN is not an app-level token, which begins with xapp-; create one under “Basic Information” of the app, with the scope connections:write")
	case c.UserToken != "" && !strings.HasPrefix(c.UserToken, "xoxp-"):
		return errors.New("SLACK_USER_TOKEN is not a user token, which begins with xoxp-")
	case c.Store == nil, c.Now == nil, c.Log == nil:
		return errors.New("configure slack: a store, a clock and a log are needed")
	}
	return nil
}

// Workspace is a Slack workspace in which the app is installed: incidents have
// rooms in it, and people are paged. It is safe for concurrent use.
type Workspace struct {
	API       *API
	Directory *Directory
	Messages  *Messages

	cfg          Config
	settings     atomic.Pointer[Settings]
	organization atomic.Pointer[bot.Organization]

	mu       sync.Mutex
	channels map[string]string // name → ID
	missed   map[string]time.Time
	listed   map[string]listing // name → position of the search
	seeking  map[string]bool    // names that are being looked for
}

var (
	_ bot.Chat        = (*Workspace)(nil)
	_ bot.RoomManager = (*Workspace)(nil)
	_ bot.Pager       = (*Workspace)(nil)
	_ bot.Canceler    = (*Workspace)(nil)
	_ bot.Rechecker   = (*Workspace)(nil)
)

// New builds a workspace, without asking Slack anything.
func New(cfg Config) (*Workspace, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultAPI
	}
	if !strings.HasSuffix(cfg.APIURL, "/") {
		cfg.APIURL += "/"
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{}
	}
	w := &Workspace{
		API: newAPI(cfg), cfg: cfg,
		channels: map[string]string{}, missed: map[string]time.Time{}, listed: map[string]listing{}, seeking: map[string]bool{},
	}
	w.settings.Store(&cfg.Settings)
	w.organization.Store(&bot.Organization{})
	w.Directory = newDirectory(w.API, w.organization.Load)
	w.Messages = newMessages(w.API, w.organization.Load)
	return w, nil
}

// Configure sets the settings and the organization: of the browser's address,
// people and teams. Until it is called, no person and no team is known.
func (w *Workspace) Configure(settings any, org bot.Organization) {
	if s, ok := settings.(*Settings); ok {
		normal := s.Normal()
		w.settings.Store(&normal)
	}
	w.organization.Store(&org)
}

// Platform implements [bot.RoomManager].
func (w *Workspace) Platform() workflow.Platform {
	p := workflow.Platform{
		Name: Platform, ArchiveAfter: w.settings.Load().ArchiveAfter,
		Steps: []string{workflow.StepTopic, workflow.StepBookmarks, workflow.StepPin, workflow.StepInvite},
	}
	if w.settings.Load().Announce != "" {
		p.Steps = append(p.Steps, workflow.StepAnnounce)
	}
	return p
}

// Members returns the people in a user group, as [Directory.Members].
func (w *Workspace) Members(group string) []string { return w.Directory.Members(group) }
