// Package slacktest is a stateful, strict stand-in for Slack over real HTTP and WebSocket, for tests.
//
// It keeps a workspace (users, channels, messages, views) and answers the Web API, Socket Mode, and response URLs as
// the vendor's documents say. It is never more lenient than the vendor: what Slack would refuse, it refuses with
// Slack's error code; where the documents leave a figure open, the smaller one is taken. Each rule names the page that
// it comes from; pages without a host are below https://docs.slack.dev.
//
// What a call, a block or a view may hold is data, in the YAML files: rule.go reads it and check.go applies it,
// and both know nothing of Slack. A call is checked for, in this order, its token, its tier, its scope, the conversation
// that it names, its arguments, the message that it names, and the state of both (call.go). Only what depends on more of
// the workspace than that is code, in the handler of the method.
package slacktest

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options are what a test may choose. The zero value is a workspace in which the app has every scope.
type Options struct {
	// Now is the clock for timestamps, expiry and the windows of rate limits. The default is time.Now.
	Now func() time.Time
	// Scopes are the bot token's; nil means AllBotScopes.
	Scopes []string
	// UserScopes are the user token's; nil means AllUserScopes.
	UserScopes []string
	// AckTimeout is how long a delivery waits for its acknowledgement, in real time. The default is Slack's 3 seconds
	// (apis/events-api, interactivity/handling-user-interaction).
	AckTimeout time.Duration
	// RequestURL is where payloads go by HTTP, such as http://127.0.0.1:8080/slack/. Empty: by Socket Mode only.
	// It can be set later with SetRequestURL.
	RequestURL string
	// Events are the event types that the app subscribes to; nil means AllEvents.
	Events []string
	// Unlimited turns the rate limits off, for tests of something else.
	Unlimited bool
}

// Server is one workspace with one app installed. Its methods may be called from several goroutines.
type Server struct {
	// BotToken (xoxb-), AppToken (xapp-), and UserToken (xoxp-) are what the Web API accepts.
	BotToken, AppToken, UserToken string
	// SigningSecret signs what is delivered by HTTP.
	SigningSecret string
	// TeamID and AppID identify the workspace and the app; BotUser and BotID are the app's user (U…) and bot (B…).
	TeamID, AppID, BotUser, BotID string
	// Installer is the person who installed the app: the user token acts as them.
	Installer string

	options  Options
	http     *http.Server
	listener net.Listener
	serving  sync.WaitGroup
	done     chan struct{}

	mu sync.Mutex
	workspace
	traffic
	faultState
	log   []Call
	limit limits
	hook  func(Call)
}

// New starts a workspace on a free port of 127.0.0.1. It panics if it cannot listen.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 3 * time.Second
	}
	if o.Scopes == nil {
		o.Scopes = AllBotScopes()
	}
	if o.UserScopes == nil {
		o.UserScopes = AllUserScopes()
	}
	if o.Events == nil {
		o.Events = AllEvents()
	}
	s := &Server{
		BotToken:      "xoxb-" + newSecret(),
		AppToken:      "xapp-1-" + newSecret(),
		UserToken:     "xoxp-" + newSecret(),
		SigningSecret: newSecret(),
		options:       o,
		done:          make(chan struct{}),
		workspace:     newWorkspace(),
		traffic:       newTraffic(),
		limit:         limits{},
	}
	s.faultState.resume = make(chan struct{})
	close(s.faultState.resume)
	s.TeamID = s.newID("T")
	s.AppID = s.newID("A")
	s.BotID = s.newID("B")
	s.BotUser = s.addUser(User{Name: "tocsin", RealName: "Tocsin", Bot: true})
	s.Installer = s.addUser(User{Name: "installer", RealName: "Installer", Email: "installer@example.com"})
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it takes no time and is closed with the server
	if err != nil {
		panic("slacktest: cannot listen: " + err.Error())
	}
	s.listener = listener
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
	}
	s.serving.Go(func() { _ = s.http.Serve(listener) })
	return s
}

// URL is the address of the Web API, with a slash at its end: what SLACK_API_URL gets.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/api/" }

// Close ends the server with all its connections and waits for what it is still delivering.
func (s *Server) Close() {
	s.stop()
	s.closeSockets()
	_ = s.http.Close()
	s.serving.Wait()
}

// stop ends everything that waits, and lets nothing begin in the background any more.
func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
}

func (s *Server) now() time.Time { return s.options.Now() }

// newSecret is as long as Slack's own, so that tests that look for leaks find nothing by accident.
func newSecret() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails: crypto/rand
	return hex.EncodeToString(b)
}
