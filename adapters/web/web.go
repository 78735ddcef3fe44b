// Package web serves the pages that people open in a browser: the list of
// incidents, a room for each of them, the form that declares one, sign-in, and
// the page that a mail links to, where one button acknowledges.
//
// Pages are plain HTML that works without JavaScript. With JavaScript they are
// updated live: the server sends the regions that have changed.
package web

import (
	"cmp"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tocsin/bot/card"
	"tocsin/commands"
)

// Config configures [New]. Only Log and Ready may be nil.
type Config struct {
	Engine       Engine
	Incidents    IncidentReader
	Conversation MessageReader
	Dispatcher   Dispatcher
	SignIn       SignInLinks
	Sessions     Sessions
	PageLinks    PageLinks
	Health       OutageReader
	Store        Watcher
	Log          *slog.Logger // nil: none
	// Ready returns an error when the process cannot work now, else lines about
	// its state. Both are shown to everyone at /readyz. nil: it always can.
	Ready func() (detail []string, err error)
}

//go:embed pages
var files embed.FS

// requestTimeout limits the time of a request, so that it fails before the reader
// gives up when the store does not answer.
const requestTimeout = 10 * time.Second

// Server serves the pages. Create it with [New].
type Server struct {
	Config
	mux        *http.ServeMux
	pages      *template.Template
	static     assets
	board      board
	closed     chan struct{}
	closing    sync.Once
	background sync.WaitGroup
}

// New returns the server of all pages.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Ready == nil {
		cfg.Ready = func() ([]string, error) { return nil, nil }
	}
	static, err := readAssets()
	if err != nil {
		panic(err) // cannot happen: the files are part of the program
	}
	s := &Server{
		Config: cfg, mux: http.NewServeMux(), static: static, closed: make(chan struct{}), board: board{incidents: cfg.Incidents, store: cfg.Store},
	}
	s.pages = template.Must(template.New("").Funcs(template.FuncMap{"stamp": formatTimestamp, "codeSpans": splitCode, "by": splitActorName, "time": s.formatTime, "timestamp": card.FormatTimestamp, "platform": card.PlatformName}).ParseFS(files, "pages/*.html"))
	s.registerRoutes()
	return s
}

// registerRoutes registers the handlers of all paths.
func (s *Server) registerRoutes() {
	m := s.mux
	m.HandleFunc("GET /{$}", s.withSession(s.handleIncidents))
	m.HandleFunc("GET /incidents/{id}", s.withSession(s.handleRoom))
	m.HandleFunc("GET /incidents/{id}/timeline", s.withSession(s.handleTimeline))
	m.HandleFunc("POST /incidents/{id}/do", s.withSession(s.handleCommand))
	m.HandleFunc("GET /incidents/{id}/do", s.withSession(s.handleCommandGet))
	m.HandleFunc("GET /declare", s.withSession(s.handleDeclare))
	m.HandleFunc("POST /declare", s.withSession(s.handleCommand))
	m.HandleFunc("GET /live", s.checkOrigin(s.loadSession(s.handleLive)))
	m.HandleFunc("GET /complete", s.withSession(s.handleComplete))
	m.HandleFunc("GET /sessions", s.withSession(s.handleSessions))
	m.HandleFunc("POST /sessions", s.withSession(s.handleRevokeSession))
	m.HandleFunc("POST /sign-out", s.withSession(s.handleSignOut))
	m.HandleFunc("GET /sign-in", s.withTimeout(s.handleSignInPage))
	m.HandleFunc("POST /sign-in", s.withTimeout(s.handleMailLink))
	m.HandleFunc("GET /sign-in/{token}", s.withTimeout(s.handleSignInLink))
	m.HandleFunc("POST /sign-in/{token}", s.withTimeout(s.handleSignIn))
	m.HandleFunc("GET /ack/{token}", s.handleAckPage)
	m.HandleFunc("POST /ack/{token}", s.handleAcknowledge)
	m.Handle("GET /static/", s.static)
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writePlain(w, http.StatusOK, "ok") })
	m.HandleFunc("GET /readyz", s.handleReady)
}

// Close ends all live updates, and waits until the mails that are being sent are
// sent, or for 30 seconds.
func (s *Server) Close() {
	s.closing.Do(func() { close(s.closed) })
	s.background.Wait()
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if to := canonicalPath(r.URL.Path); to != r.URL.Path && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		probe := *r
		probe.URL = &url.URL{Path: to, RawQuery: r.URL.RawQuery}
		if _, pattern := s.mux.Handler(&probe); pattern != "" {
			http.Redirect(w, r, probe.URL.String(), http.StatusSeeOther)
			return
		}
	}
	if _, pattern := s.mux.Handler(r); pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		probe := *r
		probe.Method = method
		if _, pattern := s.mux.Handler(&probe); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		s.writeNoPage(w, r, http.StatusNotFound, errorPage{Title: "There is nothing here", Lines: []textLine{
			{Text: "The address is wrong or truncated. If it was sent to you, open the link again as it was sent."},
		}, Back: true})
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.writeNoPage(w, r, http.StatusMethodNotAllowed, errorPage{Title: "This page cannot receive data", Lines: []textLine{
		{Text: "Nothing was changed. Open this address in a browser instead."},
	}, Back: true})
}

// canonicalPath returns the path of the page that a reader means who added a slash at
// the end, who shortened the address of an incident to /incidents, or who wrote inc-7 or
// 7 for INC-7. It begins with one slash, so that it cannot lead to another host.
func canonicalPath(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "incidents" {
		if len(parts) == 1 {
			return "/"
		}
		parts[1] = cmp.Or(commands.ParseID(parts[1]), commands.ParseBareNumber(parts[1]), parts[1])
	}
	return "/" + strings.Join(parts, "/")
}

// handleReady answers /readyz: 503 with the reason while the process cannot
// work.
func (s *Server) handleReady(w http.ResponseWriter, _ *http.Request) {
	detail, err := s.Ready()
	if err != nil {
		writePlain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	writePlain(w, http.StatusOK, strings.Join(append([]string{"ok"}, detail...), "\n"))
}
