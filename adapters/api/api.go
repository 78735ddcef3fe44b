// Package api is the JSON interface under /api/v1: incidents to read, and every
// word of the language to give. A named bearer token opens it. What it serves is
// written down in openapi.yaml, which it serves too.
package api

import (
	"cmp"
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/app"
	"tocsin/commands"
)

// Config is what the interface needs. Bot and Tokens are required.
type Config struct {
	Bot *app.App
	// Tokens returns the tokens that are live now. One without a secret opens
	// nothing.
	Tokens func() []bot.Token
	// Log gets one line for each request that was refused at the door or failed;
	// nil: none.
	Log *slog.Logger
}

//go:embed openapi.yaml
var description []byte

const (
	// describing is the operation that needs no token.
	describing = "GET /api/v1/openapi.yaml"
	// maxBody is how many bytes a request may carry.
	maxBody = 64 << 10
	// patience ends a store that does not answer, before the client gives up.
	patience = 10 * time.Second
)

// New returns the handler of everything under /api/. Answers are JSON; one that
// is not a yes is {"error": {"code", "message", "hint"}}. A command that the
// language refuses is a yes with "ok": false.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{Config: cfg, mux: http.NewServeMux()}
	s.mux.HandleFunc(describing, describe)
	for _, rt := range s.routes() {
		s.mux.Handle(rt.pattern, s.handler(rt))
	}
	return s
}

type server struct {
	Config
	mux *http.ServeMux
}

// A route is one operation. Its answer is written as JSON, nothing when it is
// nil; an error is answered as [asProblem] reads it.
type route struct {
	pattern string
	access  commands.Access
	answer  func(r *http.Request, who caller) (any, error)
}

// routes are the operations that need a token. Reading takes the access that
// the word of the language takes which shows the same.
func (s *server) routes() []route {
	return []route{
		{"GET /api/v1/incidents", s.accessOf("list"), s.list},
		{"GET /api/v1/incidents/{id}", s.accessOf("show"), s.show},
		{"GET /api/v1/incidents/{id}/timeline", s.accessOf("timeline"), s.timeline},
		{"GET /api/v1/incidents/{id}/deliveries", s.accessOf("who"), s.deliveries},
		{"GET /api/v1/incidents/{id}/timers", s.accessOf("timers"), s.timers},
		// The bot asks each command for its own.
		{"POST /api/v1/commands", commands.Guest, s.command},
		{"GET /api/v1/deadletters", commands.Responder, s.deadLetters},
		{"POST /api/v1/deadletters/{id}/replay", commands.Responder, s.replay},
		{"DELETE /api/v1/deadletters/{id}", commands.Responder, s.discard},
		{"GET /api/v1/jobs", commands.Responder, s.jobs},
	}
}

// accessOf is what a word takes. One that the language has lost is closed.
func (s *server) accessOf(word string) commands.Access {
	if w, ok := s.Bot.Catalog().Find(word); ok {
		return w.Access
	}
	return commands.Admin
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.refuse(w, r, s.nowhere(r))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// nowhere answers a path that is not there, or a method that it does not have.
func (s *server) nowhere(r *http.Request) *problem {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		probe := *r
		probe.Method = method
		if _, pattern := s.mux.Handler(&probe); pattern != "" {
			allowed = append(allowed, method)
			if method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	if len(allowed) == 0 {
		return &problem{
			status: http.StatusNotFound, Code: "not_found", Message: "there is nothing at this address",
			Hint: "/api/v1/openapi.yaml says what there is",
		}
	}
	return &problem{
		status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "this address does not take " + shown(r.Method),
		Hint: "use " + strings.Join(allowed, " or "), allow: strings.Join(allowed, ", "),
	}
}

// handler carries one operation out: first who asks, then what is asked.
func (s *server) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recover(w, r)
		who, no := s.admit(r)
		if no == nil && who.Access < rt.access {
			no = s.forbidden(who.Access, rt.access)
		}
		if no != nil {
			s.refuse(w, r, no)
			return
		}
		parent := r.Context()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			// What has arrived is carried out even if its sender hangs up now.
			parent = context.WithoutCancel(parent)
		}
		ctx, cancel := context.WithTimeout(parent, patience)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		body, err := rt.answer(r.WithContext(ctx), who)
		switch {
		case err != nil:
			s.refuse(w, r, asProblem(err))
		case body == nil:
			header(w)
			w.WriteHeader(http.StatusNoContent)
		default:
			write(w, http.StatusOK, body)
		}
	})
}

// recover keeps a fault from looking like a network that broke. What was
// panicked with may hold anything, so the log gets only where (rule P4).
func (s *server) recover(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http compares it
		panic(p)
	}
	s.Log.ErrorContext(r.Context(), "an answer panicked", "route", r.Pattern, "stack", string(debug.Stack()))
	write(w, http.StatusInternalServerError, map[string]*problem{"error": {
		Code: "internal", Message: "this could not be carried out because of a fault in Tocsin", Hint: "its log says where",
	}})
}

// refuse answers no. The log gets what failed and who was turned away at the
// door, without anything that the sender chose: a token may stand anywhere in a
// request that was set up in a hurry (rule P4).
func (s *server) refuse(w http.ResponseWriter, r *http.Request, no *problem) {
	attrs := []slog.Attr{
		slog.String("route", cmp.Or(r.Pattern, "none")), slog.Int("status", no.status), slog.String("code", no.Code),
		slog.String("remote", r.RemoteAddr),
	}
	switch {
	case no.status >= http.StatusInternalServerError && r.Context().Err() == nil:
		s.Log.LogAttrs(r.Context(), slog.LevelError, "request failed", append(attrs, slog.Any("error", no.detail))...)
	case no.status == http.StatusUnauthorized:
		s.Log.LogAttrs(r.Context(), slog.LevelWarn, "request refused", attrs...)
	}
	no.write(w)
}

func describe(w http.ResponseWriter, _ *http.Request) {
	header(w)
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8") // RFC 9512
	w.Write(description)
}
