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

// The cookie is a session's only secret: scripts, other sites and, over TLS,
// the network never see it.
func TestCookieAttributes(t *testing.T) {
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
		h := newTestServer(t, c.org)
		p := h.send("POST", h.signInPath(h.person("ana"), "/"), "", "Sec-Fetch-Site: same-origin", "Host: "+c.host).expect(http.StatusSeeOther)
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

// sessionPaths are all paths that need a session.
var sessionPaths = []string{"/", "/incidents/INC-1", "/incidents/INC-1/timeline", "/declare", "/sessions", "/complete?line=a"}

// expectSignedOut checks that a reader is signed out on every page.
func (r reader) expectSignedOut(why string) {
	r.h.t.Helper()
	for _, path := range append(sessionPaths, "/live", "/live?room=INC-1") {
		if p := r.get(path); p.status != http.StatusUnauthorized || strings.Contains(p.html, "Checkout") {
			r.h.t.Errorf("%s: GET %s answers %d:\n%s", why, path, p.status, p.body())
		}
	}
	for _, path := range []string{"/incidents/INC-1/do", "/declare", "/sessions", "/sign-out"} {
		r.post(path, url.Values{"text": {"ack INC-1"}}).expect(http.StatusUnauthorized, signInWays...)
	}
	if r.h.incident().IsAcknowledged() {
		r.h.t.Errorf("%s: acknowledged all the same", why)
	}
}

func TestASessionEndsAfterTwelveHours(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	ana := h.signInAs("ana")
	h.mustRun("ben: declare Checkout is down")
	h.advance(12 * time.Hour)
	ana.get("/").expect(200)
	h.advance(time.Second)
	ana.expectSignedOut("after twelve hours")
}

func TestASessionEndsWithItsPerson(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	ana, ben := h.signInAs("ana"), h.signInAs("ben")
	h.configure(func(org *bot.Organization) { org.Directory.People = org.Directory.People[1:] })
	ana.expectSignedOut("after she has left")
	ben.get("/").expect(200)
	path := h.signInPath(access.Speaker{Person: "ana", Name: "Ana Silva", Access: commands.Admin}, "/")
	h.submitSignIn(path, nil).expect(http.StatusNotFound, signInWays...)
	h.configure() // she comes back
	ana.get("/").expect(200)
}

// The sessions of a removed token end.
func TestASessionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	asAna := h.person("ana")
	asAna.Token = "ci"
	guest, ana, other := h.signInGuest("wall", commands.Responder), h.signIn(asAna, nil), h.signInAs("ana")
	link := h.signInPath(asAna, "/")
	h.configure(func(org *bot.Organization) { // the token may do less now
		for n := range org.Tokens {
			org.Tokens[n].Access = commands.Guest
		}
	})
	for _, r := range []reader{guest, ana} {
		r.postHX("/incidents/INC-1/do", url.Values{"text": {"resolve INC-1"}}).expect(200, "needs the access")
	}
	h.configure(func(org *bot.Organization) { org.Tokens = nil })
	guest.expectSignedOut("after its token was taken away")
	ana.expectSignedOut("after her token was taken away")
	other.get("/").expect(200)
	h.submitSignIn(link, nil).expect(http.StatusNotFound, signInWays...)
	h.signIn(operator(), nil).get("/").expect(200)
}

// A session has the access of the current configuration.
func TestSessionHasTheCurrentAccess(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	cy := h.signInAs("cy")
	cy.get("/incidents/INC-1").expect(200, "Conversation")
	h.configure(guests)
	cy.get("/incidents/INC-1").expect(200).expectNot("Conversation")
	cy.runCommand("INC-1", "ack INC-1").expect(200, "needs the access")
}

func TestNoSession(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	ana := h.signInAs("ana")
	for _, secret := range []string{"", "x", ana.cookie[:len(ana.cookie)-1], ana.cookie + "x", strings.ToLower(ana.cookie), strings.Repeat("A", 4000), "%00", "../x"} {
		reader{h, secret}.expectSignedOut("with the secret " + secret)
	}
	path := h.signInPath(h.person("ana"), "/")
	reader{h, strings.TrimPrefix(path, "/sign-in/")}.expectSignedOut("with the secret of a link")
}

// sessionForm returns the form that ends a session of this name.
func (p page) sessionForm(name string) (pageForm, bool) {
	p.t.Helper()
	root := p.dom()
	for _, li := range root.all(func(e *element) bool { return strings.Contains(e.attr["class"], "session") }) {
		if strings.HasPrefix(li.text(), name) {
			return newPageForm(root, li.named("form")[0]), true
		}
	}
	return pageForm{}, false
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	ana, ben := h.signInAs("ana"), h.signInAs("ben")
	other := reader{h, h.send("POST", h.signInPath(h.person("ana"), "/"), "", "Sec-Fetch-Site: same-origin",
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0").cookie().Value}
	p := ana.get("/sessions").expect(200, "this browser", "Firefox on Linux", "127.0.0.1").expectNot("Ben Okafor")
	if n := len(p.forms()); n != 2 {
		t.Errorf("%d sessions:\n%s", n, p.body())
	}
	end := pageForm{}
	for _, s := range p.forms() {
		if strings.HasPrefix(s.button, "End session") {
			end = s
		}
	}
	if p = ana.submit(end, nil).expect(http.StatusSeeOther); p.header.Get("Location") != "/sessions" {
		t.Errorf("then on to %q", p.header.Get("Location"))
	}
	other.expectSignedOut("after it was ended")
	ana.get("/").expect(200)
	ben.get("/").expect(200)
}

func TestSessionsOfOthersAreNotOurs(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	ana, ben := h.signInAs("ana"), h.signInAs("ben")
	theirs, ok := ana.get("/sessions").sessionForm("Ana Silva")
	if !ok {
		t.Fatal("Ana does not see her own session")
	}
	id := theirs.fields.Get("id")
	for _, form := range []url.Values{{"id": {id}}, {"id": {strings.ToUpper(id)}}, {"id": {""}}, {"id": {"*"}}, {"id": {id, "all"}}} {
		ben.post("/sessions", form)
		ana.get("/").expect(200)
	}
	ben.runCommand("INC-1", "web revoke "+id)
	ben.post("/sessions", url.Values{"id": {"all"}}).expect(http.StatusSeeOther)
	ana.get("/").expect(200)
	if p := ben.get("/"); p.status != http.StatusUnauthorized {
		t.Errorf("Ben ended all of his, and is answered %d", p.status)
	}
	// Looking ends nothing, not even with the ID of one's own.
	for _, path := range []string{"/sessions?id=" + id, "/sessions?id=all", "/sign-out"} {
		ana.get(path)
		ana.get("/").expect(200)
	}
}

func TestAnAdministratorEndsSessions(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	ana, root := h.signInAs("ana"), h.signIn(operator(), nil)
	row, ok := root.get("/sessions").expect(200, "Ana Silva", "operator").sessionForm("Ana Silva")
	if !ok {
		t.Fatal("an administrator does not see everybody's sessions")
	}
	root.submit(row, nil).expect(http.StatusSeeOther)
	ana.expectSignedOut("after an administrator has ended it")
	root.get("/").expect(200)
}

// Two tokens without a person do not own each other's sessions.
func TestGuestsEndOnlyTheirOwnSessions(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	grafana, ci := h.signInGuest("grafana", commands.Guest), h.signInGuest("ci", commands.Responder)
	ci.get("/sessions").expect(200, "ci").expectNot("grafana")
	ci.post("/sessions", url.Values{"id": {"all"}})
	grafana.get("/").expect(200)
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	here, there := h.signInAs("ana"), h.signInAs("ana")
	p := here.submit(here.get("/sessions").form("Sign out "+id(here)), nil).expect(http.StatusSeeOther)
	if c := p.cookie(); c.Value != "" || c.MaxAge >= 0 {
		t.Errorf("the browser keeps %s", c.Raw)
	}
	h.get(p.header.Get("Location")).expect(200, "Sign in")
	here.expectSignedOut("after signing out")
	there.get("/").expect(200)
}

// id returns the ID of a reader's own session.
func id(r reader) string {
	r.h.t.Helper()
	s, _, err := r.h.bot.SignIn.Session(r.h.t.Context(), r.cookie)
	if err != nil {
		r.h.t.Fatal(err)
	}
	return s.ID
}

// Secrets are in no log and on no page, except a link's own on its page (P4: secrets are never
// shown).
func TestP4NoSecretLeaks(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	path := h.signInPath(h.person("ana"), "/")
	ana := reader{h, h.submitSignIn(path, nil).cookie().Value}
	fresh := h.signInPath(h.person("ana"), "/")
	secrets := []string{strings.TrimPrefix(path, "/sign-in/"), strings.TrimPrefix(fresh, "/sign-in/"), ana.cookie}
	pages := []page{h.get(path), h.submitSignIn(path, nil), h.get(fresh + "x"), ana.runCommand("INC-1", "web sessions")}
	for _, path := range sessionPaths {
		pages = append(pages, ana.get(path))
	}
	h.store.readsFail.Store(true)
	pages = append(pages, h.get(fresh), h.submitSignIn(fresh, nil), ana.get("/"), ana.sendMessage("INC-1", "hello"))
	h.store.readsFail.Store(false)
	h.store.writesFail.Store(true)
	pages = append(pages, h.submitSignIn(fresh, nil), ana.post("/sign-out", nil))
	for _, secret := range secrets {
		for _, p := range pages {
			p.expectNot(secret)
		}
		if strings.Contains(h.log.text(), secret) {
			t.Errorf("logged %s", h.log.text())
		}
	}
	if log := h.log.text(); !strings.Contains(log, "signed in") || !strings.Contains(log, "person=ana") {
		t.Errorf("who signed in is not logged: %s", log)
	}
}
