// Package slacktest is a fake Slack for tests: a stateful and strict server that speaks real HTTP and WebSocket.
//
// It keeps a workspace (users, channels, messages, views) and answers the Web API, Socket Mode and response URLs as
// Slack's documentation says. It is never more lenient than Slack: a call that Slack would refuse is refused with
// Slack's error code, and where the documentation leaves a figure open, the smaller one is taken. Comments cite the page
// that a rule comes from; a page without a host is below https://docs.slack.dev.
//
// The arguments of calls and the fields of blocks and views are described by schemas in YAML files; schema.go reads them
// and checker.go applies them, and both know nothing of Slack. A call is checked in this order: token, rate limit, scope,
// the conversation that it names, arguments, the message that it names, and the state of both (call.go). A check that
// needs more of the workspace is code in the handler of the method.
package slacktest

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options configures [New]. The zero value is a workspace in which the app has every scope.
type Options struct {
	// Now is the clock of timestamps, expiry and rate limits. The default is [time.Now].
	Now func() time.Time
	// Scopes are the scopes of the bot token; nil means [AllBotScopes].
	Scopes []string
	// UserScopes are the scopes of the user token; nil means [AllUserScopes].
	UserScopes []string
	// AckTimeout is how long a delivery waits for its acknowledgement, in real time. The default is Slack's 3 seconds
	// (apis/events-api, interactivity/handling-user-interaction).
	AckTimeout time.Duration
	// RequestURL is where payloads are posted while no socket is connected, such as http://127.0.0.1:8080/slack/. Empty
	// means Socket Mode only. [Server.SetRequestURL] sets it later.
	RequestURL string
	// Events are the event types that the app subscribes to; nil means [AllEvents].
	Events []string
	// Unlimited turns the rate limits off.
	Unlimited bool
}

// Server is one workspace with one app installed. Its methods are safe for concurrent use.
type Server struct {
	// BotToken (xoxb-), AppToken (xapp-) and UserToken (xoxp-) are the tokens that the Web API accepts.
	BotToken, AppToken, UserToken string
	// SigningSecret signs the payloads that are delivered by HTTP.
	SigningSecret string
	// TeamID and AppID are the IDs of the workspace and the app; BotUser and BotID are those of the app's user (U…) and
	// bot (B…).
	TeamID, AppID, BotUser, BotID string
	// Installer is the ID of the person who installed the app. The user token acts as them.
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
	calls []Call
	limit limits
	hook  func(Call)
}

// New starts a server on a free port of 127.0.0.1. It panics if it cannot listen.
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
	s.resume = make(chan struct{})
	close(s.resume)
	s.TeamID = s.newID("T")
	s.AppID = s.newID("A")
	s.BotID = s.newID("B")
	s.BotUser = s.addUser(User{Name: "tocsin", RealName: "Tocsin", Bot: true})
	s.Installer = s.addUser(User{Name: "installer", RealName: "Installer", Email: "installer@example.com"})
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once, and Close closes the listener
	if err != nil {
		panic("slacktest: listen on 127.0.0.1: " + err.Error())
	}
	s.listener = listener
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
	}
	s.serving.Go(func() { _ = s.http.Serve(listener) })
	return s
}

// URL returns the address of the Web API, with a slash at its end, as SLACK_API_URL expects it.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/api/" }

// Close closes the server with all its connections, and waits until its deliveries have ended.
func (s *Server) Close() {
	s.stop()
	s.closeSockets()
	_ = s.http.Close()
	s.serving.Wait()
}

// stop ends every wait, and prevents new work in the background.
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

// newSecret returns a random token. It is as long as Slack's, so that a test that searches for leaked secrets finds none
// by accident.
func newSecret() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, as crypto/rand documents
	return hex.EncodeToString(b)
}
