// Package slack is Slack: an incident's room is a channel there, its card is
// pinned and kept true, people command it with words and buttons, and are paged
// by direct messages.
//
// Slack has no idempotency for posts. Each message carries the key of what it
// was written for in its metadata, and what may have been written is looked for
// before it is written again. How often each method is called is ours to keep:
// nothing is sent twice by a library.
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// Platform is the name under which Slack is a chat platform.
const Platform = "slack"

// DefaultAPI is where Slack's Web API is.
const DefaultAPI = "https://slack.com/api/"

// Config is what a workspace is reached with.
type Config struct {
	Settings
	BotToken      string // xoxb-…
	AppToken      string // xapp-…: events come through sockets; "": by signed requests alone
	UserToken     string // xoxp-…: brings archived channels back, which Slack denies to bots; may be ""
	SigningSecret string // signs requests; "": none are taken
	APIURL        string // [DefaultAPI]
	// Mark tells the channels of this installation from others': it is written
	// into their purpose.
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
		return errors.New("SLACK_BOT_TOKEN is no bot token: it begins with xoxb-; find it under “OAuth & Permissions” of the app")
	case c.AppToken != "" && !strings.HasPrefix(c.AppToken, "xapp-"):
		return errors.New("SLACK_APP_TOKEN is no app-level token: it begins with xapp-; make one under “Basic Information” of the app, with the scope connections:write")
	case c.UserToken != "" && !strings.HasPrefix(c.UserToken, "xoxp-"):
		return errors.New("SLACK_USER_TOKEN is no user token: it begins with xoxp-")
	case c.Store == nil, c.Now == nil, c.Log == nil:
		return errors.New("configure slack: a store, a clock and a log are needed")
	}
	return nil
}

// Workspace is a Slack workspace in which the app is installed. It is safe for
// concurrent use.
type Workspace struct {
	cfg  Config
	app  *platform.Application // what comes in goes there; set by Inbound, before anything comes
	api  *slack.Client
	user *slack.Client // as the user who has given a token; nil: nobody has
	apps *slack.Client // with the app-level token
	pace *pace
	keys *keys

	settings atomic.Pointer[Settings]

	mu       sync.Mutex
	self     *identity
	channels map[string]string // name → ID
	missed   map[string]time.Time
	listed   map[string]listing // name → how far it has been looked for
	seeking  map[string]bool    // names that are being looked for
	directs  map[string]string  // user → ID of the direct conversation
	accounts *accounts
	inbox    *inbox
}

// identity is who we are in the workspace.
type identity struct {
	Team, TeamID string
	User, Bot    string // IDs
	URL          string // of the workspace, with a slash
	Scopes       []string
}

var (
	_ bot.Chat        = (*Workspace)(nil)
	_ bot.RoomManager = (*Workspace)(nil)
	_ bot.Pager       = (*Workspace)(nil)
	_ bot.Canceler    = (*Workspace)(nil)
	_ bot.Rechecker   = (*Workspace)(nil)
)

// New makes a workspace. Nothing is asked of Slack yet.
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
	client := func(token string) *slack.Client {
		h := *cfg.HTTP
		h.Transport = bearer{token: token, next: h.Transport}
		options := []slack.Option{slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(&h)}
		if strings.HasPrefix(token, "xapp-") {
			options = append(options, slack.OptionAppLevelToken(token))
		}
		return slack.New(token, options...)
	}
	w := &Workspace{
		cfg: cfg, api: client(cfg.BotToken), pace: newPace(cfg.Now), keys: newKeys(),
		channels: map[string]string{}, missed: map[string]time.Time{}, listed: map[string]listing{}, seeking: map[string]bool{},
		directs: map[string]string{}, accounts: newAccounts(),
		inbox: newInbox(),
	}
	w.settings.Store(&cfg.Settings)
	if cfg.UserToken != "" {
		w.user = client(cfg.UserToken)
	}
	if cfg.AppToken != "" {
		w.apps = client(cfg.AppToken)
	}
	return w, nil
}

// Configure swaps the settings.
func (w *Workspace) Configure(settings any) {
	if s, ok := settings.(*Settings); ok {
		normal := s.Normal()
		w.settings.Store(&normal)
	}
}

// Inbound implements [platform.Platform].
func (w *Workspace) Inbound(app platform.Application) platform.Inbound {
	w.app = &app
	return w
}

// bearer puts the token into the header, where every server of the Web API
// reads it (docs.slack.dev/apis/web-api: "an HTTP Authorization header").
type bearer struct {
	token string
	next  http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(r) //nolint:wrapcheck // the client adds what it was about
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

// me asks once who we are.
func (w *Workspace) me(ctx context.Context) (identity, error) {
	w.mu.Lock()
	self := w.self
	w.mu.Unlock()
	if self != nil {
		return *self, nil
	}
	found, _, err := w.whoIs(ctx, w.api)
	if err != nil {
		return identity{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.self = &found
	return found, nil
}

// whoIs asks whose a token is. The header of the answer tells more: its scopes
// (docs.slack.dev/authentication/installing-with-oauth), and Slack's time.
func (w *Workspace) whoIs(ctx context.Context, api *slack.Client) (who identity, header http.Header, err error) {
	var r *slack.AuthTestResponse
	err = w.call(ctx, call{method: "auth.test", wait: true}, func(ctx context.Context) (e error) {
		r, e = api.AuthTestContext(ctx)
		return e
	})
	if err != nil {
		return identity{}, nil, err
	}
	who = identity{Team: r.Team, TeamID: r.TeamID, User: r.UserID, Bot: r.BotID, URL: strings.TrimSuffix(r.URL, "/") + "/"}
	for s := range strings.SplitSeq(r.Header.Get("X-Oauth-Scopes"), ",") {
		if s = strings.TrimSpace(s); s != "" {
			who.Scopes = append(who.Scopes, s)
		}
	}
	return who, r.Header, nil
}

// ref names a message for ever: its channel and its time.
func ref(channel, ts string) string { return channel + ":" + ts }

func parseRef(r string) (channel, ts string, err error) {
	channel, ts, ok := strings.Cut(r, ":")
	if !ok {
		return "", "", bot.Permanent(fmt.Errorf("%q names no message", r))
	}
	return channel, ts, nil
}
