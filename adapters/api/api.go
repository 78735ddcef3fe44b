// Package api serves the JSON API under /api/v1: it reads incidents and runs
// every command of the bot. A request is authenticated by a named bearer token.
// The API is described in openapi.yaml, which is served too.
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
	"tocsin/commands"
)

// Config configures [New]. Only Log may be nil.
type Config struct {
	Engine      Engine
	Incidents   IncidentReader
	Messages    MessageReader
	Dispatcher  Dispatcher
	DeadLetters DeadLetters
	Jobs        JobLister
	// Tokens returns the tokens that are accepted now. A token without a secret
	// is never accepted.
	Tokens func() []bot.Token
	// Log gets one line for each request that was not authenticated or failed;
	// nil: none.
	Log *slog.Logger
}

//go:embed openapi.yaml
var description []byte

const (
	// descriptionPattern is the only operation that needs no token.
	descriptionPattern = "GET /api/v1/openapi.yaml"
	// maxBody is the maximum size of a request body, in bytes.
	maxBody = 64 << 10
	// requestTimeout ends a request whose store does not answer, before the
	// client gives up.
	requestTimeout = 10 * time.Second
)

// New returns the handler of everything under /api/. Responses are JSON; an
// error is {"error": {"code", "message", "hint"}}. A command that the bot
// refuses is answered with status 200 and "ok": false.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{Config: cfg, mux: http.NewServeMux()}
	s.mux.HandleFunc(descriptionPattern, handleDescription)
	for _, rt := range s.routes() {
		s.mux.Handle(rt.pattern, s.handler(rt))
	}
	return s
}

type server struct {
	Config
	mux *http.ServeMux
}

// route is one operation. What handle returns is written as JSON, and nil as an
// empty response; an error is converted by [asProblem].
type route struct {
	pattern string
	access  commands.Access
	handle  func(r *http.Request, who caller) (any, error)
}

// routes returns the operations that need a token. Reading needs the same access as
// the command that shows the same; what depends on the incident, its handler checks
// (loadFor).
func (s *server) routes() []route {
	return []route{
		{"GET /api/v1/incidents", s.accessOf("list"), s.handleList},
		{"GET /api/v1/incidents/{id}", s.accessOf("show"), s.handleShow},
		{"GET /api/v1/incidents/{id}/timeline", commands.Guest, s.handleTimeline},
		{"GET /api/v1/incidents/{id}/deliveries", commands.Guest, s.handleDeliveries},
		{"GET /api/v1/incidents/{id}/messages", commands.Guest, s.handleMessages},
		{"GET /api/v1/incidents/{id}/timers", commands.Guest, s.handleTimers},
		// The dispatcher checks the access of each command.
		{"POST /api/v1/commands", commands.Guest, s.handleCommand},
		{"GET /api/v1/deadletters", commands.Responder, s.handleDeadLetters},
		{"POST /api/v1/deadletters/{id}/replay", commands.Responder, s.handleReplay},
		{"DELETE /api/v1/deadletters/{id}", commands.Responder, s.handleDiscard},
		{"GET /api/v1/jobs", commands.Responder, s.handleJobs},
		{"GET /api/v1/plans", s.accessOf("policy"), s.handlePlans},
	}
}

// accessOf returns the access that a command needs; Admin for one that does not
// exist.
func (s *server) accessOf(command string) commands.Access {
	if w, ok := s.Engine.Catalog().Find(command); ok {
		return w.Access
	}
	return commands.Admin
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.refuse(w, r, s.noRoute(r))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// noRoute answers a path that does not exist, or a method that the path does
// not have.
func (s *server) noRoute(r *http.Request) *problem {
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
			status: http.StatusNotFound, Code: "not_found", Message: "this path does not exist",
			Hint: "/api/v1/openapi.yaml lists the paths",
		}
	}
	return &problem{
		status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "this path does not accept the method " + sanitize(r.Method),
		Hint: "use " + strings.Join(allowed, " or "), allow: strings.Join(allowed, ", "),
	}
}

// handler returns the HTTP handler of one operation: it authenticates the
// request, checks the access, and then runs the operation.
func (s *server) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recoverPanic(w, r)
		who, prob := s.authenticate(r)
		if prob == nil && who.Access < rt.access {
			prob = s.forbidden(who.Access, rt.access)
		}
		if prob != nil {
			s.refuse(w, r, prob)
			return
		}
		parent := r.Context()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			// A change is carried out even if its client disconnects now.
			parent = context.WithoutCancel(parent)
		}
		ctx, cancel := context.WithTimeout(parent, requestTimeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		body, err := rt.handle(r.WithContext(ctx), who)
		switch {
		case err != nil:
			s.refuse(w, r, asProblem(err))
		case body == nil:
			setHeaders(w)
			w.WriteHeader(http.StatusNoContent)
		default:
			writeJSON(w, http.StatusOK, body)
		}
	})
}

// recoverPanic answers a request whose handler panicked with status 500. The
// value of the panic may contain anything, so the log gets only the stack (P4:
// secrets are never shown).
func (s *server) recoverPanic(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http compares it
		panic(p)
	}
	s.Log.ErrorContext(r.Context(), "a handler panicked", "route", r.Pattern, "stack", string(debug.Stack()))
	writeJSON(w, http.StatusInternalServerError, map[string]*problem{"error": {
		Code: "internal", Message: "this failed because of a fault in Tocsin", Hint: "its log has the stack trace",
	}})
}

// refuse writes an error response and logs server errors and failed
// authentications. The log line has nothing that the client chose: a token may
// be anywhere in a request that was set up in a hurry (P4: secrets are never
// shown).
func (s *server) refuse(w http.ResponseWriter, r *http.Request, prob *problem) {
	attrs := []slog.Attr{
		slog.String("route", cmp.Or(r.Pattern, "none")), slog.Int("status", prob.status), slog.String("code", prob.Code),
		slog.String("remote", r.RemoteAddr),
	}
	switch {
	case prob.status >= http.StatusInternalServerError && r.Context().Err() == nil:
		s.Log.LogAttrs(r.Context(), slog.LevelError, "request failed", append(attrs, slog.Any("error", prob.detail))...)
	case prob.status == http.StatusUnauthorized:
		s.Log.LogAttrs(r.Context(), slog.LevelWarn, "request refused", attrs...)
	}
	prob.write(w)
}

// handleDescription serves openapi.yaml.
func handleDescription(w http.ResponseWriter, _ *http.Request) {
	setHeaders(w)
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8") // RFC 9512
	w.Write(description)
}
