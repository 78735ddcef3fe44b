// Package web is what people open in a browser: the page that a mail links to,
// where one button acknowledges, a front page, and what a supervisor asks. The
// pages are plain HTML without any script, so that they work in whatever opens
// links at night.
package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tocsin/bot"
)

// Config is what the pages need. Bot is required.
type Config struct {
	Bot *bot.Bot
	Log *slog.Logger // nil: none
	// Ready reports why the process cannot do its work now, in words that
	// everybody may read; nil: it always can.
	Ready func() error
}

//go:embed pages
var files embed.FS

// patience ends a store that does not answer, before the reader gives up.
const patience = 10 * time.Second

// New returns the handler of every path that is nobody else's.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Ready == nil {
		cfg.Ready = func() error { return nil }
	}
	style, err := files.ReadFile("pages/style.css")
	if err != nil {
		panic(err) // it is part of the program
	}
	sum := sha256.Sum256(style)
	s := &server{
		Config: cfg, mux: http.NewServeMux(), style: template.CSS(style),
		pages: template.Must(template.ParseFS(files, "pages/*.html")),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; " +
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	}
	s.mux.HandleFunc("GET /{$}", s.front)
	s.mux.HandleFunc("GET /incidents/{id}", s.incident)
	s.mux.HandleFunc("GET /ack/{token}", s.ask)
	s.mux.HandleFunc("POST /ack/{token}", s.acknowledge)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	s.mux.HandleFunc("GET /readyz", s.ready)
	return s
}

type server struct {
	Config
	mux    *http.ServeMux
	pages  *template.Template
	style  template.CSS
	policy string // Content-Security-Policy
}

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
		s.note(w, http.StatusNotFound, note{Title: "There is nothing here", Lines: []line{
			{Text: "The address is wrong, or it was cut on the way. Open the link again as it was sent."},
		}})
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.note(w, http.StatusMethodNotAllowed, note{Title: "This page is only to be opened", Lines: []line{
		{Text: "It does not take what was sent. Open it in a browser."},
	}})
}

func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	if err := s.Ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ok")
}

func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}

// A frame is what every page has.
type frame struct {
	Style template.CSS
	Org   string
	Title string // of the window
	Page  any
}

// render writes one page. It is drawn whole before anything of it is sent.
func (s *server) render(w http.ResponseWriter, status int, name, title string, page any) {
	var b bytes.Buffer
	f := frame{Style: s.style, Org: cmp.Or(s.Bot.Organization().Name, "Tocsin"), Title: title, Page: page}
	if err := s.pages.ExecuteTemplate(&b, name, f); err != nil {
		s.Log.Error("a page cannot be drawn", "page", name, "error", err)
		plain(w, http.StatusInternalServerError, "This page cannot be drawn because of a fault in Tocsin. Its log says why.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", s.policy)
	// The address is a secret, so nobody else may learn it. With "no-referrer"
	// a browser would also hide from us that a form was sent from our own page
	// (Fetch, "append a request Origin header"), and over plain HTTP nothing
	// else tells.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}
