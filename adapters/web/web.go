// Package web is what people open in a browser: the incidents, a room for each
// of them that is always there, the form that declares one, and the page that
// a mail links to, where one button acknowledges.
//
// Pages are plain HTML that reads and works without any script. With one, they
// are kept true: the server sends the regions that have changed, and nothing
// else moves.
package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"tocsin/bot/app"
)

// Watcher tells of changes, as [bot.Library] does.
type Watcher interface {
	// Watch receives when something of an incident, or of any for "", has changed.
	Watch(ctx context.Context, incident string) <-chan struct{}
}

// Config is what the pages need. Bot and Store are required.
type Config struct {
	Bot   *app.App
	Store Watcher
	Log   *slog.Logger // nil: none
	// Ready reports why the process cannot do its work now, or, when it can,
	// what should be seen to: in words that everybody may read. nil: it always
	// can.
	Ready func() (detail []string, err error)
}

//go:embed pages
var files embed.FS

// patience ends a store that does not answer, before the reader gives up.
const patience = 10 * time.Second

type server struct {
	Config
	mux        *http.ServeMux
	pages      *template.Template
	static     assets
	board      board
	closed     chan struct{}
	closing    sync.Once
	background sync.WaitGroup
}

// Server serves every path that is nobody else's. Use [New].
type Server struct{ server }

// New returns the browser's pages.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Ready == nil {
		cfg.Ready = func() ([]string, error) { return nil, nil }
	}
	static, err := readAssets()
	if err != nil {
		panic(err) // they are part of the program
	}
	s := &Server{server{
		Config: cfg, mux: http.NewServeMux(), static: static, closed: make(chan struct{}), board: board{bot: cfg.Bot, store: cfg.Store},
	}}
	s.pages = template.Must(template.New("").Funcs(template.FuncMap{"stamp": stamp, "say": saySpans, "by": byline, "clock": formatClock, "moment": formatMoment, "platform": platformName}).ParseFS(files, "pages/*.html"))
	s.routes()
	return s
}

func (s *server) routes() {
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
	m.HandleFunc("GET /ack/{token}", s.ask)
	m.HandleFunc("POST /ack/{token}", s.acknowledge)
	m.Handle("GET /static/", s.static)
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	m.HandleFunc("GET /readyz", s.ready)
}

// Close ends the pages that are kept true, and waits for mails under way.
func (s *server) Close() {
	s.closing.Do(func() { close(s.closed) })
	s.background.Wait()
}

// ServeHTTP implements [http.Handler].
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		s.writeErrorPage(w, r, http.StatusNotFound, errorPage{Title: "There is nothing here", Lines: []textLine{
			{Text: "The address is wrong, or it was cut on the way. Open the link again as it was sent."},
		}})
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.writeErrorPage(w, r, http.StatusMethodNotAllowed, errorPage{Title: "This page is only to be opened", Lines: []textLine{
		{Text: "It does not take what was sent. Open it in a browser."},
	}})
}

func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	detail, err := s.Ready()
	if err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, strings.Join(append([]string{"ok"}, detail...), "\n"))
}

func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}

// A view is one page to be drawn.
type view struct {
	name   string  // of its template
	title  string  // of the window
	reader *reader // nil: nobody is signed in, and the page needs no script
	page   any
	parts  regions // the regions that change
	live   string  // the address that keeps it true; "" for none
	path   string  // names the entry of the navigation that is current
}

// A frame is what every page has.
type frame struct {
	Root  string // of the assets
	Org   string
	Title string
	Me    *reader
	Live  string
	Path  string
	Page  any
	parts regions
}

// Part is a region of the page that changes by itself: what it holds now.
func (f frame) Part(name string) template.HTML {
	for _, one := range f.parts {
		if one.name == name {
			return template.HTML(one.html) //nolint:gosec // our own template has escaped it
		}
	}
	return ""
}

// render writes one page. It is drawn whole before anything of it is sent.
func (s *server) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	var b bytes.Buffer
	f := frame{
		Root: s.static.root, Org: cmp.Or(s.Bot.Organization().Name, "Tocsin"), Title: v.title, Me: v.reader, Live: v.live, Path: v.path, Page: v.page, parts: v.parts,
	}
	if f.Me != nil && f.Live == "" {
		f.Live = "/live" // what pages the reader
	}
	if err := s.pages.ExecuteTemplate(&b, v.name, f); err != nil {
		s.Log.Error("a page cannot be drawn", "page", v.name, "error", err)
		plain(w, http.StatusInternalServerError, "This page cannot be drawn because of a fault in Tocsin. Its log says why.")
		return
	}
	s.headers(w)
	if !acceptsGzip(r) {
		w.WriteHeader(status)
		w.Write(b.Bytes())
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := gzip.NewWriter(w)
	if _, err := z.Write(b.Bytes()); err != nil {
		return // the browser has gone
	}
	if err := z.Close(); err != nil {
		s.Log.Debug("a browser has gone", "error", err)
	}
}

// headers are those of everything that is drawn for one reader.
func (s *server) headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	// Some addresses are secrets, so nobody else may learn them. With
	// "no-referrer" a browser would also hide from us that a form was sent from
	// our own page (Fetch, "append a request Origin header"), and over plain
	// HTTP nothing else tells.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}
