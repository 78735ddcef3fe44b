package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/commands"
)

// The cookie is a session's only secret: scripts, other sites and, where we are
// reached over TLS, the open network never see it.
func TestTheCookieIsLocked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		org    func(*bot.Organization)
		host   string
		secure bool
	}{
		{"the configured address", func(*bot.Organization) {}, "tocsin.example.com", true},
		{"in upper case, with a port", func(*bot.Organization) {}, "TOCSIN.example.com:443", true},
		{"this machine, beside a configured address", func(*bot.Organization) {}, "127.0.0.1:8080", false},
		{"localhost", func(*bot.Organization) {}, "localhost:8080", false},
		{"an address without encryption", plain, "tocsin.example.com", false},
	} {
		h := newHouse(t, c.org)
		p := h.ask("POST", h.signInPath(h.person("ana"), "/"), "", "Sec-Fetch-Site: same-origin", "Host: "+c.host).has(http.StatusSeeOther)
		got := p.cookie()
		if !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" {
			t.Errorf("%s: %s", c.name, got.Raw)
		}
		if got.Secure != c.secure {
			t.Errorf("%s: secure is %t", c.name, got.Secure)
		}
		if got.MaxAge < 12*60*60-5 || got.MaxAge > 12*60*60 {
			t.Errorf("%s: it is kept for %d s, by the clock of Tocsin that is 12 h", c.name, got.MaxAge)
		}
		if len(got.Value) < 32 {
			t.Errorf("%s: the secret is short: %q", c.name, got.Value)
		}
		if n := len(p.header.Values("Set-Cookie")); n != 1 {
			t.Errorf("%s: %d cookies", c.name, n)
		}
	}
}

// everywhere is every address that needs a session.
var everywhere = []string{"/", "/incidents/INC-1", "/incidents/INC-1/timeline", "/declare", "/sessions", "/complete?line=a"}

// out checks that a reader is signed out, everywhere.
func (r reader) out(why string) {
	r.h.t.Helper()
	for _, path := range append(everywhere, "/live", "/live?room=INC-1") {
		if p := r.get(path); p.status != http.StatusUnauthorized || strings.Contains(p.html, "Checkout") {
			r.h.t.Errorf("%s: GET %s answers %d:\n%s", why, path, p.status, p.body())
		}
	}
	for _, path := range []string{"/incidents/INC-1/do", "/declare", "/sessions", "/sign-out"} {
		r.post(path, url.Values{"text": {"ack INC-1"}}).has(http.StatusUnauthorized, ways...)
	}
	if r.h.incident().Acknowledged() {
		r.h.t.Errorf("%s: acknowledged all the same", why)
	}
}

func TestASessionEndsAfterTwelveHours(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ana := h.as("ana")
	h.do("ben: declare Checkout is down")
	h.later(12 * time.Hour)
	ana.get("/").has(200)
	h.later(time.Second)
	ana.out("after twelve hours")
}

func TestASessionEndsWithItsPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	ana, ben := h.as("ana"), h.as("ben")
	h.configure(func(org *bot.Organization) { org.Directory.People = org.Directory.People[1:] })
	ana.out("after she has left")
	ben.get("/").has(200)
	path := h.signInPath(access.Speaker{Person: "ana", Name: "Ana Silva", Access: commands.Admin}, "/")
	h.enter(path, nil).has(http.StatusNotFound, ways...)
	h.configure() // she comes back
	ana.get("/").has(200)
}

// A token that is taken away takes with it what it has opened.
func TestASessionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	asAna := h.person("ana")
	asAna.Token = "ci"
	guest, ana, other := h.guest("wall", commands.Responder), h.signIn(asAna, nil), h.as("ana")
	link := h.signInPath(asAna, "/")
	h.configure(func(org *bot.Organization) { // the token may do less now
		for n := range org.Tokens {
			org.Tokens[n].Access = commands.Guest
		}
	})
	for _, r := range []reader{guest, ana} {
		r.hx("/incidents/INC-1/do", url.Values{"text": {"resolve INC-1"}}).has(200, "needs the access")
	}
	h.configure(func(org *bot.Organization) { org.Tokens = nil })
	guest.out("after its token was taken away")
	ana.out("after her token was taken away")
	other.get("/").has(200)
	h.enter(link, nil).has(http.StatusNotFound, ways...)
	h.signIn(operator(), nil).get("/").has(200)
}

// Access is what the configuration says now, not when somebody signed in.
func TestASessionHasTheAccessOfToday(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	cy := h.as("cy")
	cy.get("/incidents/INC-1").has(200, "Conversation")
	h.configure(guests)
	cy.get("/incidents/INC-1").has(200).lacks("Conversation")
	cy.run("INC-1", "ack INC-1").has(200, "needs the access")
}

func TestNoSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	ana := h.as("ana")
	for _, secret := range []string{"", "x", ana.cookie[:len(ana.cookie)-1], ana.cookie + "x", strings.ToLower(ana.cookie), strings.Repeat("A", 4000), "%00", "../x"} {
		reader{h, secret}.out("with the secret " + secret)
	}
	path := h.signInPath(h.person("ana"), "/")
	reader{h, strings.TrimPrefix(path, "/sign-in/")}.out("with the secret of a link")
}

// row is the form that ends a session of this name in a list of sessions.
func (p page) row(name string) (sheet, bool) {
	p.t.Helper()
	root := p.dom()
	for _, li := range root.all(func(e *element) bool { return strings.Contains(e.attr["class"], "session") }) {
		if strings.HasPrefix(li.text(), name) {
			return sheetOf(root, li.named("form")[0]), true
		}
	}
	return sheet{}, false
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	ana, ben := h.as("ana"), h.as("ben")
	other := reader{h, h.ask("POST", h.signInPath(h.person("ana"), "/"), "", "Sec-Fetch-Site: same-origin",
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0").cookie().Value}
	p := ana.get("/sessions").has(200, "this browser", "Firefox on Linux", "127.0.0.1").lacks("Ben Okafor")
	if n := len(p.sheets()); n != 2 {
		t.Errorf("%d sessions:\n%s", n, p.body())
	}
	end := sheet{}
	for _, s := range p.sheets() {
		if strings.HasPrefix(s.button, "End it") {
			end = s
		}
	}
	if p = ana.press(end, nil).has(http.StatusSeeOther); p.header.Get("Location") != "/sessions" {
		t.Errorf("then on to %q", p.header.Get("Location"))
	}
	other.out("after it was ended")
	ana.get("/").has(200)
	ben.get("/").has(200)
}

func TestSessionsOfOthersAreNotOurs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ana, ben := h.as("ana"), h.as("ben")
	theirs, ok := ana.get("/sessions").row("Ana Silva")
	if !ok {
		t.Fatal("Ana does not see her own session")
	}
	id := theirs.fields.Get("id")
	for _, form := range []url.Values{{"id": {id}}, {"id": {strings.ToUpper(id)}}, {"id": {""}}, {"id": {"*"}}, {"id": {id, "all"}}} {
		ben.post("/sessions", form)
		ana.get("/").has(200)
	}
	ben.run("INC-1", "web revoke "+id)
	ben.post("/sessions", url.Values{"id": {"all"}}).has(http.StatusSeeOther)
	ana.get("/").has(200)
	if p := ben.get("/"); p.status != http.StatusUnauthorized {
		t.Errorf("Ben ended all of his, and is answered %d", p.status)
	}
	// Looking ends nothing, not even with the ID of one's own.
	for _, path := range []string{"/sessions?id=" + id, "/sessions?id=all", "/sign-out"} {
		ana.get(path)
		ana.get("/").has(200)
	}
}

func TestAnAdministratorEndsSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	ana, root := h.as("ana"), h.signIn(operator(), nil)
	row, ok := root.get("/sessions").has(200, "Ana Silva", "operator").row("Ana Silva")
	if !ok {
		t.Fatal("an administrator does not see everybody's sessions")
	}
	root.press(row, nil).has(http.StatusSeeOther)
	ana.out("after an administrator has ended it")
	root.get("/").has(200)
}

// Two tokens that are nobody in particular are not each other.
func TestGuestsEndOnlyTheirOwnSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	grafana, ci := h.guest("grafana", commands.Guest), h.guest("ci", commands.Responder)
	ci.get("/sessions").has(200, "ci").lacks("grafana")
	ci.post("/sessions", url.Values{"id": {"all"}})
	grafana.get("/").has(200)
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	here, there := h.as("ana"), h.as("ana")
	p := here.press(here.get("/sessions").sheet("Sign out "+id(here)), nil).has(http.StatusSeeOther)
	if c := p.cookie(); c.Value != "" || c.MaxAge >= 0 {
		t.Errorf("the browser keeps %s", c.Raw)
	}
	h.get(p.header.Get("Location")).has(200, "Sign in")
	here.out("after signing out")
	there.get("/").has(200)
}

// id is how a reader's own session is called.
func id(r reader) string {
	r.h.t.Helper()
	s, _, err := r.h.bot.SignIn.Session(r.h.t.Context(), r.cookie)
	if err != nil {
		r.h.t.Fatal(err)
	}
	return s.ID
}

// Secrets are in no log and on no page; the page of a link holds its own.
func TestP4SecretsAreToldToNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	path := h.signInPath(h.person("ana"), "/")
	ana := reader{h, h.enter(path, nil).cookie().Value}
	fresh := h.signInPath(h.person("ana"), "/")
	secrets := []string{strings.TrimPrefix(path, "/sign-in/"), strings.TrimPrefix(fresh, "/sign-in/"), ana.cookie}
	pages := []page{h.get(path), h.enter(path, nil), h.get(fresh + "x"), ana.run("INC-1", "web sessions")}
	for _, path := range everywhere {
		pages = append(pages, ana.get(path))
	}
	h.store.unread.Store(true)
	pages = append(pages, h.get(fresh), h.enter(fresh, nil), ana.get("/"), ana.say("INC-1", "hello"))
	h.store.unread.Store(false)
	h.store.unwritten.Store(true)
	pages = append(pages, h.enter(fresh, nil), ana.post("/sign-out", nil))
	for _, secret := range secrets {
		for _, p := range pages {
			p.lacks(secret)
		}
		if strings.Contains(h.log.text(), secret) {
			t.Errorf("logged %s", h.log.text())
		}
	}
	if log := h.log.text(); !strings.Contains(log, "signed in") || !strings.Contains(log, "person=ana") {
		t.Errorf("who signed in is not logged: %s", log)
	}
}
