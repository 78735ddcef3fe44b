package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
	"tocsin/commands"
)

// signInWays are the ways to get a link: every page that refuses one names them.
var signInWays = []string{"/incident web", "tocsin login"}

// Programs that scan mail and chat open links, often several times.
func TestOpeningALinkDoesNotUseIt(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	path := h.signInPath(h.person("ana"), "/incidents/INC-1")
	for range 20 {
		p := h.get(path).expect(200, "Ana Silva", "12 hours")
		if len(p.header.Values("Set-Cookie")) != 0 {
			t.Fatal("opening a link signs in")
		}
		h.send("HEAD", path, "")
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
		h.send(method, path, "")
	}
	p := h.submitSignIn(path, nil).expect(http.StatusSeeOther)
	if got := p.header.Get("Location"); got != "/incidents/INC-1" {
		t.Errorf("it leads to %q", got)
	}
	reader{h, p.cookie().Value}.get("/").expect(200, "Ana Silva")
}

func TestALinkWorksOnce(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	path := h.signInPath(h.person("ana"), "/")
	h.submitSignIn(path, nil).expect(http.StatusSeeOther)
	for range 3 {
		for _, p := range []page{h.submitSignIn(path, nil), h.get(path)} {
			p.expect(http.StatusGone, append(signInWays, "has been used")...)
			if len(p.header.Values("Set-Cookie")) != 0 {
				t.Error("a used link signs in")
			}
		}
	}
}

// Concurrent presses start one session.
func TestConcurrentSignInsStartOneSession(t *testing.T) {
	t.Parallel()
	for _, many := range []int{2, 12} {
		h := newTestServer(t)
		path := h.signInPath(h.person("ana"), "/")
		answers := make([]page, many)
		h.store.pairReaders(many == 2)
		var presses sync.WaitGroup
		for n := range answers {
			presses.Go(func() { answers[n] = h.submitSignIn(path, nil) })
		}
		presses.Wait()
		h.store.pairReaders(false)
		in := 0
		for _, p := range answers {
			if p.status == http.StatusSeeOther {
				in++
				reader{h, p.cookie().Value}.get("/").expect(200)
				continue
			}
			p.expect(http.StatusGone, append(signInWays, "has been used")...)
		}
		all, err := h.bot.SignIn.Sessions(t.Context(), operator())
		if err != nil || in != 1 || len(all) != 1 {
			t.Errorf("%d of %d presses signed in, %d sessions, %v", in, many, len(all), err)
		}
	}
}

func TestALinkExpiresAfterAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	path := h.signInPath(h.person("ana"), "/")
	h.advance(15 * time.Minute)
	h.get(path).expect(200)
	h.advance(time.Second)
	for _, p := range []page{h.submitSignIn(path, nil), h.get(path)} {
		p.expect(http.StatusGone, append(signInWays, "expired", "15 minutes")...)
	}
	// Requesting a new link must not make the old one look invalid.
	h.signInPath(h.person("ben"), "/")
	h.get(path).expect(http.StatusGone, append(signInWays, "expired")...)
}

func TestAWrongLink(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	path := h.signInPath(h.person("ana"), "/")
	for _, bad := range []string{
		path[:len(path)-1], path + "x", "/sign-in/x", "/sign-in/" + strings.Repeat("A", 4000), strings.ToLower(path), strings.ToUpper(path[9:]),
		"/sign-in/%00", "/sign-in/%E2%80%AE", "/sign-in/%3Cscript%3E",
	} {
		if !strings.HasPrefix(bad, "/sign-in/") {
			bad = "/sign-in/" + bad
		}
		h.get(bad).expect(http.StatusNotFound, append(signInWays, "not valid")...).expectNot("Ana", "<script>")
		h.submitSignIn(bad, nil).expect(http.StatusNotFound, signInWays...)
	}
	h.submitSignIn(path, nil).expect(http.StatusSeeOther)
}

// A person's link signs in that person, whatever the form says.
func TestPersonLinkIgnoresTheForm(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("cy: declare Checkout is down")
	path := h.signInPath(h.person("ana"), "/")
	h.get(path).expect(200, "Ana Silva").expectNot("<select", `name="name"`, `name="person"`, "Ben")
	ana := h.signIn(h.person("ana"), url.Values{"person": {"@ben"}, "name": {"Mallory"}, "access": {"admin"}})
	ana.get("/sessions").expect(200, "Ana Silva").expectNot("Mallory", "Ben")
	ana.runCommand("INC-1", "ack INC-1").expect(200)
	if got := h.incident().Acknowledgement.Person; got != "ana" {
		t.Errorf("acknowledged by %q", got)
	}
}

func TestTheOperatorChoosesWhoTheyAre(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, guests)
	h.mustRun("ben: declare Checkout is down")
	p := h.get(h.signInPath(operator(), "/")).expect(200, "Who are you?")
	var offered []string
	for _, o := range p.dom().named("option") {
		offered = append(offered, o.text())
	}
	for _, name := range []string{"Ana Silva", "Ben Okafor", "Cy Young"} {
		if !slices.Contains(offered, name) {
			t.Errorf("%s cannot be chosen: %q", name, offered)
		}
	}
	cy := h.signIn(operator(), url.Values{"person": {"@cy"}})
	cy.get("/").expect(200, "Cy Young")
	cy.runCommand("INC-1", "ack INC-1").expect(200, "needs the access", "yours is &#34;guest&#34;")
	if h.incident().IsAcknowledged() {
		t.Error("a guest has acknowledged with the access of an administrator")
	}
	h.signInAs("ana")
	cy.get("/sessions").expect(200, "Cy Young").expectNot("Ana Silva")
	// What is done under a name that was only chosen is recorded with how.
	ana := h.signIn(operator(), url.Values{"person": {"ana"}})
	ana.runCommand("INC-1", "note INC-1 I was here").expect(200)
	ana.get("/incidents/INC-1/timeline").expect(200, "<bdi>Ana Silva</bdi>", "by token operator")
}

// Without configured people, readers type their names.
func TestTheOperatorSaysAName(t *testing.T) {
	t.Parallel()
	noPeople := func(org *bot.Organization) { org.Directory.People = nil }
	h := newTestServer(t, noPeople)
	h.get(h.signInPath(operator(), "/")).expect(200, `name="name"`, "Your name").expectNot("<select")
	dee := h.signIn(operator(), url.Values{"name": {"Dee\u202e  <b>Ray</b>"}})
	dee.get("/").expect(200, "Dee &lt;b&gt;Ray&lt;/b&gt;").expectNot("<b>", "\u202e")
	dee.post("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}}).expect(http.StatusSeeOther)
	dee.runCommand("INC-1", "ack INC-1").expect(200)
	if got := h.incident().Acknowledgement.Person; !strings.HasPrefix(got, "session:") { // P1c: a name is no identity
		t.Errorf("acknowledged by %q", got)
	}
	h.signIn(operator(), nil).get("/sessions").expect(200, "operator", "Dee &lt;b&gt;Ray")
	h.signIn(operator(), url.Values{"name": {" \u200b "}}).get("/sessions").expect(200, "<bdi>operator</bdi></a>")
}

// A typed name does not pass for a person's own.
func TestTypedNameIsNotAPerson(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("cy: declare Checkout is down")
	mallory := h.signIn(operator(), url.Values{"name": {"Ben Okafor"}})
	mallory.runCommand("INC-1", "note INC-1 I was here").expect(200)
	p := mallory.get("/incidents/INC-1/timeline").expect(200, "I was here")
	if !strings.Contains(p.html, "by token operator") {
		p.expectNot("Ben Okafor")
	}
}

// The link of a token without the access admin signs in that token only.
func TestLesserTokenCannotChooseAPerson(t *testing.T) {
	t.Parallel()
	for _, level := range []commands.Access{commands.Guest, commands.Stakeholder, commands.Responder, commands.Commander} {
		h := newTestServer(t)
		h.mustRun("ben: declare A key was stolen --private", "cy: declare Checkout is down")
		api := access.Speaker{Name: "grafana", Access: level, Token: "grafana"}
		h.get(h.signInPath(api, "/")).expect(200, "grafana").expectNot("<select", `name="person"`, `name="name"`, "Ben Okafor")
		r := h.signIn(api, url.Values{"person": {"ben"}, "name": {"Ben Okafor"}})
		r.get("/sessions").expect(200, "grafana").expectNot("Ben Okafor")
		r.get("/incidents/INC-1").expect(http.StatusNotFound)
		r.runCommand("INC-2", "cancel INC-2").expect(200)
		if got := h.load("INC-2").IsOpen(); got == (level >= commands.Commander) {
			t.Errorf("%s: still open: %t", level, got)
		}
	}
}

// A token that acts for a person is limited to the access of both, as in the
// API; so is a browser that it signs in (P1: access is checked first).
func TestP1ALinkRaisesNoAccess(t *testing.T) {
	t.Parallel()
	for what, signIn := range map[string]func(*testServer, access.Speaker) reader{
		"by a link":   func(h *testServer, s access.Speaker) reader { return h.signIn(s, nil) },
		"by the word": func(h *testServer, s access.Speaker) reader { return h.signInBy(s) },
	} {
		h := newTestServer(t)
		h.mustRun("cy: declare Checkout is down")
		lesser := h.person("ana")
		lesser.Access, lesser.Token = commands.Guest, "wallboard"
		signIn(h, lesser).runCommand("INC-1", "resolve INC-1 It was me").expect(200)
		if !h.incident().IsOpen() {
			t.Errorf("%s: a token with the access of a guest has resolved", what)
		}
	}
}

// signInBy signs a speaker in with the link that the command `web` returns.
func (h *testServer) signInBy(s access.Speaker) reader {
	h.t.Helper()
	reply, err := h.bot.Dispatcher.Run(h.t.Context(), dispatch.Request{Text: "web", Speaker: s})
	if err != nil || !reply.OK {
		h.t.Fatalf("%+v, %v", reply, err)
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(reply.Text, "https://tocsin.example.com"), "\n")
	return reader{h, h.submitSignIn(path, nil).expect(http.StatusSeeOther).cookie().Value}
}

func TestALinkLeadsOnlyToOurOwnPages(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	leads := func(to string) string {
		return h.submitSignIn(h.signInPath(h.person("ana"), to), nil).expect(http.StatusSeeOther).header.Get("Location")
	}
	for to, want := range map[string]string{
		"/": "/", "/incidents/INC-7": "/incidents/INC-7", "/?show=all&q=a": "/?show=all&q=a", "": "/",
		"//evil.example": "/", "https://evil.example/": "/", "javascript:alert(1)": "/", "evil.example": "/",
	} {
		if got := leads(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
	// Browsers leave some characters out of addresses and read others as slashes
	// (URL Standard, "basic URL parser").
	reads := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/")
	for _, to := range []string{`/\evil.example`, `\\evil.example`, "/\t/evil.example", "/\n/evil.example", "/\r//evil.example", " //evil.example", "\t//evil.example"} {
		got, err := url.Parse("https://tocsin.example.com/sign-in/x")
		if err == nil {
			got, err = got.Parse(strings.TrimSpace(reads.Replace(leads(to))))
		}
		if err != nil || got.Host != "tocsin.example.com" {
			t.Errorf("%q leads to %s, %v", to, got, err)
		}
	}
}

// No input of the sign-in page prevents a sign-in.
func TestSigningInWithNonsense(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for _, zone := range []string{"Local", "../../etc/passwd", "Mars/Olympus", strings.Repeat("A/", 4000), "\x00", "Europe/Rome\n"} {
		h.signIn(h.person("ana"), url.Values{"zone": {zone}}).get("/sessions").expect(200, "AST")
	}
	ana := h.signIn(h.person("ana"), url.Values{"zone": {"America/New_York"}})
	ana.get("/sessions").expect(200, "04:12 AST").expectNot("EST")
	for _, body := range []string{strings.Repeat("x", 300<<10), "zone=" + strings.Repeat("x", 300<<10), "%zz", "zone=%"} {
		p := h.send("POST", h.signInPath(h.person("ana"), "/"), body, "Sec-Fetch-Site: same-origin")
		if p.status != http.StatusSeeOther && p.status != http.StatusBadRequest && p.status != http.StatusRequestEntityTooLarge {
			t.Errorf("answer %d:\n%s", p.status, p.body())
		}
	}
}
