package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"tocsin/adapters/api"
	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/agenda"
	"tocsin/bot/alerts"
	"tocsin/bot/app"
	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// The secrets of the tokens.
const (
	adminToken = "admin-7f1e2a"
	anaToken   = "ana-b8d3c4"
	benToken   = "ben-c9e5f6"
	guestToken = "guest-d0a1b2"
)

func tokens() []bot.Token {
	return []bot.Token{
		{Name: "unset", Access: commands.Admin}, // no secret: opens nothing
		{Name: "admin", Secret: adminToken, Access: commands.Admin},
		{Name: "ci", Secret: anaToken, Access: commands.Commander, As: "ana"},
		{Name: "deploy", Secret: benToken, Access: commands.Admin, As: "ben"},
		{Name: "screen", Secret: guestToken, Access: commands.Guest},
		{Name: "old", Secret: "old-e1b2c3", Access: commands.Responder, As: "zoe"},
	}
}

func organization() bot.Organization {
	org := bot.Default()
	org.DefaultAccess = commands.Guest
	org.Zone = time.FixedZone("XST", 5*3600)
	org.Directory = directory.Directory{
		People: []directory.Person{
			{ID: "ana", Name: "Ana Silva", Email: "ana@example.com", Access: commands.Commander, Zone: time.FixedZone("AST", 3600)},
			{ID: "ben", Name: "Ben Okafor", Email: "ben@example.com", Access: commands.Responder},
		},
		Pagers: []string{"email"},
	}
	org.Policies[0].Steps[0].Notify = []workflow.Target{"person:ben"}
	org.Services = []bot.Service{{ID: "checkout", Name: "Check Out", Category: "software", Runbook: "https://wiki.example.com/checkout"}}
	return org
}

// store is a store that can be down.
type store struct {
	bot.Store
	down atomic.Bool
}

var errDown = errors.New("dial store: refused by db-7.internal")

func (s *store) err() error {
	if s.down.Load() {
		return errDown
	}
	return nil
}

func (s *store) Load(ctx context.Context, id string) (bot.Loaded, error) {
	l, err := s.Store.Load(ctx, id)
	return l, errors.Join(s.err(), err)
}

func (s *store) List(ctx context.Context, q bot.Query) ([]bot.Loaded, error) {
	l, err := s.Store.List(ctx, q)
	return l, errors.Join(s.err(), err)
}

func (s *store) ListOpen(ctx context.Context, q bot.OpenQuery) ([]bot.Loaded, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Store.ListOpen(ctx, q)
}

func (s *store) Records(ctx context.Context, kind, after string, limit int) ([]bot.Record, error) {
	r, err := s.Store.Records(ctx, kind, after, limit)
	return r, errors.Join(s.err(), err)
}

func (s *store) Get(ctx context.Context, kind, id string) (bot.Record, error) {
	if err := s.err(); err != nil {
		return bot.Record{}, err
	}
	return s.Store.Get(ctx, kind, id)
}

// mailbox is a pager that accepts every page.
type mailbox struct{}

func (mailbox) Page(context.Context, bot.Page) error { return nil }

// chat opens rooms, or fails.
type chat struct{ fails bool }

func (c chat) OpenRoom(_ context.Context, r bot.RoomRequest) (workflow.Room, error) {
	if c.fails {
		return workflow.Room{}, bot.Permanent(errors.New("the workspace is gone"))
	}
	return workflow.Room{ID: "C1", Name: r.Name, URL: "https://chat.example.com/C1"}, nil
}

func (chat) Post(context.Context, bot.RoomPost) error { return nil }

// lines decodes a body of alert keys. The keys "garbage" and "panic" are special.
func lines(r alerts.Request) ([]alerts.Alert, error) {
	var all []alerts.Alert
	for key := range strings.FieldsSeq(string(r.Body)) {
		switch key {
		case "garbage":
			return nil, errors.New("read line: no key")
		case "panic":
			panic("a decoder with a fault: " + string(r.Body))
		}
		all = append(all, alerts.Alert{Key: key, State: "firing", Title: key + " is down", Severity: "critical", Labels: map[string]string{"alertname": "Down"}})
	}
	return all, nil
}

type logBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logBuffer) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

// testServer is a whole bot behind a real HTTP server, and the API's
// description, to which every request and response is compared.
type testServer struct {
	t       testing.TB
	bot     *app.App
	runner  *agenda.Runner
	store   *store
	log     *logBuffer
	handler http.Handler
	server  *httptest.Server
	router  routers.Router
	mu      sync.Mutex
	now     time.Time
}

func newTestServer(t testing.TB) *testServer {
	t.Helper()
	h := &testServer{t: t, store: &store{Store: memory.New()}, log: &logBuffer{}, now: time.Date(2026, 3, 1, 3, 12, 0, 0, time.UTC)}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	h.bot, err = app.New(app.Config{
		Store: h.store, Organization: organization(), Secret: bytes.Repeat([]byte("k"), 16), Log: slog.New(slog.DiscardHandler),
		Pagers: map[string]bot.Pager{"email": mailbox{}}, Chats: map[string]bot.Chat{"slack": chat{}, "discord": chat{fails: true}},
		Sources: alerts.Sources{{Type: "alertmanager", Decode: lines}},
		Now: func() time.Time {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.runner = h.bot.Agenda(0)
	h.handler = newHandler(h.bot, tokens, log)
	h.server = httptest.NewServer(h.handler)
	t.Cleanup(h.server.Close)
	h.router, err = legacy.NewRouter(document(t, h.get("/api/v1/openapi.yaml", "").body))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func document(t testing.TB, raw []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// advance moves the clock and runs the tasks that fall due.
func (h *testServer) advance(d time.Duration) {
	h.t.Helper()
	h.mu.Lock()
	h.now = h.now.Add(d)
	h.mu.Unlock()
	for n := 1; n > 0; {
		var err error
		if n, err = h.runner.Tick(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
	}
}

// answer is a response.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

func (h *testServer) get(path, token string) answer { return h.send("GET", path, token, "") }

func (h *testServer) post(path, token, body string, header ...string) answer {
	return h.send("POST", path, token, body, header...)
}

// send sends one request over HTTP and compares the request and the response
// with the description; header is "Name: value" lines.
func (h *testServer) send(method, path, token, body string, header ...string) answer {
	h.t.Helper()
	request := func(base string) *http.Request {
		r, err := http.NewRequestWithContext(h.t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			h.t.Fatal(err)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		return r
	}
	response, err := h.server.Client().Do(request(h.server.URL))
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{t: h.t, status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		h.t.Fatal(err)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		h.t.Errorf("%s %s: Cache-Control %q", method, path, got)
	}
	if h.router != nil {
		h.checkDescription(request(""), a)
	}
	return a
}

// checkDescription reports a request or response that differs from the description.
func (h *testServer) checkDescription(r *http.Request, a answer) {
	h.t.Helper()
	name := r.Method + " " + r.URL.String()
	if r.Method == http.MethodHead { // described as GET, without a body
		return
	}
	route, params, err := h.router.FindRoute(r)
	if err != nil {
		if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
			h.t.Errorf("%s: %d, but it is not described: %v", name, a.status, err)
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, Route: route, PathParams: params,
		Options: &openapi3filter.Options{AuthenticationFunc: authenticated, IncludeResponseStatus: true},
	}
	err = openapi3filter.ValidateRequest(h.t.Context(), input)
	switch {
	case a.status < 300 && err != nil:
		h.t.Errorf("%s: %d, but the description forbids the request: %v", name, a.status, err)
	case a.status == http.StatusUnauthorized && err == nil && !strings.Contains(string(a.body), "is not valid"):
		h.t.Errorf("%s: 401, but the description allows it", name)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)),
		Options: input.Options,
	}
	if err := openapi3filter.ValidateResponse(h.t.Context(), out); err != nil {
		h.t.Errorf("%s: the answer %d %s is not as described: %v", name, a.status, a.body, err)
	}
}

// authenticated checks a request against the security scheme of the description.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r := in.RequestValidationInput.Request
	if !strings.HasPrefix(strings.ToLower(r.Header.Get("Authorization")), in.SecurityScheme.Scheme+" ") {
		return errors.New("no token")
	}
	return nil
}

// into decodes an answer that must have this status.
func (a answer) into(status int, into any) {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("answer %d %s, want %d", a.status, a.body, status)
	}
	if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		a.t.Errorf("Content-Type %q", got)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
}

// problem checks an error response; each of the words must be in it.
func (a answer) problem(status int, code string, words ...string) {
	a.t.Helper()
	var p struct {
		Error struct{ Code, Message, Hint string }
	}
	a.into(status, &p)
	if p.Error.Code != code || p.Error.Message == "" || p.Error.Hint == "" {
		a.t.Errorf("answer %s, want code %s", a.body, code)
	}
	for _, w := range words {
		if !strings.Contains(p.Error.Message+" "+p.Error.Hint, w) {
			a.t.Errorf("answer %s does not contain %q", a.body, w)
		}
	}
}

// reply is the answer to a command.
type reply struct {
	OK       bool
	Text     string
	Incident string
}

// run runs a command with a token.
func (h *testServer) run(token, text string) reply {
	h.t.Helper()
	var s reply
	h.post("/api/v1/commands", token, fmt.Sprintf(`{"text": %q}`, text)).into(http.StatusOK, &s)
	return s
}

// mustRun runs commands, none of which may be refused.
func (h *testServer) mustRun(token string, lines ...string) reply {
	h.t.Helper()
	var s reply
	for _, text := range lines {
		if s = h.run(token, text); !s.OK {
			h.t.Fatalf("%s: refused: %s", text, s.Text)
		}
	}
	return s
}

// newHandler returns the API of a bot.
func newHandler(b *app.App, tokens func() []bot.Token, log *slog.Logger) http.Handler {
	return api.New(api.Config{
		Engine: b, Incidents: b.Incidents, Messages: b.Conversation, Dispatcher: b.Dispatcher, DeadLetters: b.Intake, Jobs: b.Jobs,
		Tokens: tokens, Log: log,
	})
}
