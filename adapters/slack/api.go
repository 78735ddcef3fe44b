package slack

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/slack-go/slack"
)

// API calls the methods of Slack's Web API, none more often than Slack allows,
// and says of each error whether the call may be repeated. It is safe for
// concurrent use.
type API struct {
	cfg  Config
	bot  *slack.Client // with the bot token
	user *slack.Client // with the user token; nil: there is none
	app  *slack.Client // with the app-level token; nil: there is none
	pace *pace

	token tokenGate

	mu   sync.Mutex
	self *Identity // nil until Slack was asked
}

// Identity is who the app is in its workspace.
type Identity struct {
	Team, TeamID string
	User, Bot    string // IDs
	URL          string // of the workspace, with a slash at the end
	Scopes       []string
}

func newAPI(cfg Config) *API {
	client := func(token string) *slack.Client {
		h := *cfg.HTTP
		h.Transport = bearer{token: token, next: h.Transport}
		options := []slack.Option{slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(&h)}
		if strings.HasPrefix(token, "xapp-") {
			options = append(options, slack.OptionAppLevelToken(token))
		}
		return slack.New(token, options...)
	}
	a := &API{cfg: cfg, bot: client(cfg.BotToken), pace: newPace(cfg.Now)}
	if cfg.UserToken != "" {
		a.user = client(cfg.UserToken)
	}
	if cfg.AppToken != "" {
		a.app = client(cfg.AppToken)
	}
	return a
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

// Log returns the logger of the workspace.
func (a *API) Log() *slog.Logger { return a.cfg.Log }

// SigningSecret returns the secret with which Slack signs its requests; "" when
// signed requests are not accepted.
func (a *API) SigningSecret() string { return a.cfg.SigningSecret }

// identity returns who the app is. Slack is asked once.
func (a *API) identity(ctx context.Context) (Identity, error) {
	if self, ok := a.KnownIdentity(); ok {
		return self, nil
	}
	found, _, err := a.testToken(ctx, a.bot)
	if err != nil {
		return Identity{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.self = &found
	return found, nil
}

// KnownIdentity returns who the app is, without asking Slack: ok is false until
// Slack was asked for something else that needs it.
func (a *API) KnownIdentity() (self Identity, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.self == nil {
		return Identity{}, false
	}
	return *a.self, true
}

// IsOwn reports whether the app is the author of a message, by the IDs of the
// message's user and bot, either of which may be "". While the app does not know
// its own IDs, no message is its own.
func (a *API) IsOwn(user, botID string) bool {
	self, ok := a.KnownIdentity()
	return ok && (user != "" && user == self.User || botID != "" && botID == self.Bot)
}

// testToken asks whose a token is. The header of the response also has the
// token's scopes (docs.slack.dev/authentication/installing-with-oauth), and
// Slack's time.
func (a *API) testToken(ctx context.Context, client *slack.Client) (who Identity, header http.Header, err error) {
	var r *slack.AuthTestResponse
	err = a.call(ctx, call{method: "auth.test", wait: true, other: client != a.bot}, func(ctx context.Context) (e error) {
		r, e = client.AuthTestContext(ctx)
		return e
	})
	if err != nil {
		return Identity{}, nil, err
	}
	who = Identity{Team: r.Team, TeamID: r.TeamID, User: r.UserID, Bot: r.BotID, URL: strings.TrimSuffix(r.URL, "/") + "/"}
	for scope := range strings.SplitSeq(r.Header.Get("X-Oauth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			who.Scopes = append(who.Scopes, scope)
		}
	}
	return who, r.Header, nil
}
