package web_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/adapters/web"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/agenda"
	"tocsin/bot/app"
	"tocsin/bot/directory"
	"tocsin/bot/dispatch"
	"tocsin/commands"
	"tocsin/workflow"
)

// TestMain runs many tests in parallel on any number of processors, because
// they mostly wait for live updates.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// testServer is a whole bot behind a real HTTP server. Ana is paged first, Ben
// after five minutes, and Cy only on request.
type testServer struct {
	t      testing.TB
	bot    *app.App
	runner *agenda.Runner
	store  *store
	mail   *mailbox
	log    *logBuffer
	ready  atomic.Pointer[error]
	pages  *web.Server
	server *httptest.Server
	mu     sync.Mutex
	now    time.Time
}

func organization() bot.Organization {
	org := bot.Default()
	org.Name, org.URL = "Example <Shop>", "https://tocsin.example.com"
	org.DefaultAccess = commands.Responder
	org.Directory.Pagers = []string{"email"}
	for _, name := range []string{"Ana Silva", "Ben Okafor", "Cy Young"} {
		first, _, _ := strings.Cut(name, " ")
		id := strings.ToLower(first)
		org.Directory.People = append(org.Directory.People, directory.Person{ID: id, Name: name, Email: id + "@example.com", Zone: time.FixedZone("AST", 3600)})
	}
	for _, name := range []string{"api", "ci", "grafana", "wallboard"} {
		org.Tokens = append(org.Tokens, bot.Token{Name: name, Secret: "secret of " + name, Access: commands.Admin})
	}
	org.Services = []bot.Service{{ID: "checkout", Name: "Checkout", Runbook: "https://wiki.example.com/checkout"}}
	org.Severities = map[string]workflow.SeverityPlan{"SEV2": {Name: "Major", Urgency: workflow.High}}
	org.Policies[0].Steps = []workflow.PolicyStep{
		{Notify: []workflow.Target{"person:ana"}, Wait: 5 * time.Minute}, {Notify: []workflow.Target{"person:ben"}, Wait: 5 * time.Minute},
	}
	return org
}

// newTestServer returns a server with a changed organization.
func newTestServer(t testing.TB, changes ...func(*bot.Organization)) *testServer {
	t.Helper()
	h := newServerWithoutHTTP(t, changes...)
	h.server = httptest.NewServer(h.pages)
	t.Cleanup(func() {
		h.pages.Close()
		h.server.CloseClientConnections()
		h.server.Close()
	})
	return h
}

// newServerWithoutHTTP returns a server without an HTTP listener.
func newServerWithoutHTTP(t testing.TB, changes ...func(*bot.Organization)) *testServer {
	t.Helper()
	h := &testServer{
		t: t, store: &store{Store: memory.New(), failed: make(chan struct{}, 1)}, mail: &mailbox{links: map[string]string{}}, log: &logBuffer{},
		now: time.Date(2026, 3, 1, 3, 12, 0, 0, time.UTC),
	}
	org := organization()
	for _, change := range changes {
		change(&org)
	}
	discard := slog.New(slog.DiscardHandler)
	var err error
	h.bot, err = app.New(app.Config{
		Store: h.store, Organization: org, Secret: bytes.Repeat([]byte("k"), 16), Log: discard,
		Pagers:  map[string]bot.Pager{"email": h.mail},
		Builtin: map[string]bot.BuiltinRooms{web.Platform: web.Rooms{}},
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
	h.pages = web.New(web.Config{
		Engine: h.bot, Incidents: h.bot.Incidents, Conversation: h.bot.Conversation, Dispatcher: h.bot.Dispatcher,
		SignIn: h.bot.SignIn, Sessions: h.bot.SignIn, PageLinks: h.bot.PageLinks, Health: h.bot.Health,
		Store: h.store, Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Ready: func() ([]string, error) {
			if err := h.ready.Load(); err != nil {
				return nil, *err
			}
			return []string{"store: a memory", "warning: it forgets"}, nil
		},
	})
	return h
}

// configure replaces the whole configuration.
func (h *testServer) configure(changes ...func(*bot.Organization)) {
	h.t.Helper()
	org := organization()
	for _, change := range changes {
		change(&org)
	}
	if err := h.bot.Configure(org, map[string]bot.Pager{"email": h.mail}); err != nil {
		h.t.Fatal(err)
	}
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

// mustRun runs commands, each as "person: line", none of which may be refused,
// and the tasks that they owe.
func (h *testServer) mustRun(lines ...string) {
	h.t.Helper()
	for _, l := range lines {
		person, text, _ := strings.Cut(l, ": ")
		speaker, ok := access.Person(h.bot.Organization(), person)
		if !ok {
			h.t.Fatalf("no person %s", person)
		}
		speaker.Access = commands.Admin
		reply, err := h.bot.Dispatcher.Run(h.t.Context(), dispatch.Request{Text: text, Speaker: speaker})
		if err != nil || !reply.OK {
			h.t.Fatalf("%s: %+v, %v", l, reply, err)
		}
		h.advance(0)
	}
}

// ackPath returns the path of the acknowledge link in the last page to a person.
func (h *testServer) ackPath(person string) string {
	h.t.Helper()
	h.mail.mu.Lock()
	defer h.mail.mu.Unlock()
	path, ok := strings.CutPrefix(h.mail.links[person], "https://tocsin.example.com")
	if !ok || !strings.HasPrefix(path, "/ack/") {
		h.t.Fatalf("%s has no link: %q", person, h.mail.links[person])
	}
	return path
}

func (h *testServer) incident() workflow.Incident {
	h.t.Helper()
	i, err := h.bot.LoadUnchecked(h.t.Context(), "INC-1")
	if err != nil {
		h.t.Fatal(err)
	}
	return i
}

// page is a response.
type page struct {
	t      testing.TB
	status int
	header http.Header
	html   string
}

func (h *testServer) get(path string, header ...string) page {
	return h.send("GET", path, "", header...)
}

// send sends one request over HTTP; header is "Name: value" lines.
func (h *testServer) send(method, path, form string, header ...string) page {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 3*waitTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, h.server.URL+path, strings.NewReader(form))
	if err != nil {
		h.t.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	response, err := h.server.Client().Transport.RoundTrip(r) // without following redirects
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return page{t: h.t, status: response.StatusCode, header: response.Header, html: string(body)}
}

// expect checks a page's status, and texts that it must contain.
func (p page) expect(status int, words ...string) page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("answer %d, want %d:\n%s", p.status, status, p.html)
	}
	for _, w := range words {
		if !strings.Contains(p.html, w) {
			p.t.Errorf("the page does not contain %q:\n%s", w, p.body())
		}
	}
	return p
}

// expectNot checks that a page does not contain some texts.
func (p page) expectNot(words ...string) page {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(p.html, w) {
			p.t.Errorf("the page contains %q:\n%s", w, p.body())
		}
	}
	return p
}

// body returns the page without its head.
func (p page) body() string {
	_, body, _ := strings.Cut(p.html, "<body")
	return body
}

var hidden = regexp.MustCompile(`<form method="post" action="([^"]+)">\s*<input type="hidden" name="seen" value="(\d+)">\s*<button type="submit"[^>]*>([^<]+)</button>`)

// button returns the only form of a page: its action, its values, and its
// button's label.
func (p page) button() (action, form, says string) {
	p.t.Helper()
	found := hidden.FindAllStringSubmatch(p.html, -1)
	if len(found) != 1 || strings.Count(p.html, "<form") != 1 || strings.Count(p.html, "<button") != 1 {
		p.t.Fatalf("not one button:\n%s", p.body())
	}
	return found[0][1], "seen=" + found[0][2], found[0][3]
}

// pressAck submits the form of the page at this path, as a browser does, and
// follows the redirect.
func (h *testServer) pressAck(p page, path string) page {
	h.t.Helper()
	action, form, _ := p.button()
	base, err := url.Parse("http://x" + path)
	if err != nil {
		h.t.Fatal(err)
	}
	to, err := base.Parse(action)
	if err != nil {
		h.t.Fatal(err)
	}
	answer := h.send("POST", to.Path, form, "Sec-Fetch-Site: same-origin")
	if answer.status != http.StatusSeeOther {
		return answer
	}
	next, err := to.Parse(answer.header.Get("Location"))
	if err != nil {
		h.t.Fatal(err)
	}
	return h.get(next.RequestURI())
}
