package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/signin"
	"tocsin/workflow"
)

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(`ben: declare Checkout is down --sev 2 --service checkout --description "Since three"`)
	h.advance(2 * time.Minute)
	path := h.ackPath("ana")
	p := h.get(path).expect(200, "INC-1", "Checkout is down", "SEV2", "Major", "investigating", "Since three", "No one has acknowledged yet.",
		"Paging continues", "Ben Okafor", "<bdi>Ana Silva</bdi>", `<a href="https://wiki.example.com/checkout" rel="noreferrer noopener">`, ">checkout<")
	if _, _, says := p.button(); says != "Acknowledge INC-1" {
		t.Errorf("the button says %q", says)
	}
	after := h.pressAck(p, path).expect(200, "You have acknowledged, just now (04:14 AST).").expectNot("<form", "<button", "goes on until")
	i := h.incident()
	if i.Acknowledgement.Person != "ana" || i.Paging.State != workflow.Answered {
		t.Errorf("acknowledged by %q, paging is %s", i.Acknowledgement.Person, i.Paging.State)
	}
	h.advance(time.Hour)
	h.get(path).expect(200, "You have acknowledged, 1 h ago (04:14 AST).")
	if got := h.incident().Seq; got != i.Seq {
		t.Errorf("opening the page caused %d events", got-i.Seq)
	}
	// The same press again, as from a page that stayed open.
	h.pressAck(p, path).expect(200, "You have acknowledged").expectNot("Look again")
	if got := h.incident().Seq; got != i.Seq {
		t.Errorf("the second press caused %d events", got-i.Seq)
	}
	if strings.Contains(after.html, "?") {
		t.Error("the page's address has a query, so a reload would repeat something")
	}
}

// Programs that scan mail follow links, some with HEAD, and submit no forms
// (P5: a link acknowledges only by POST).
func TestP5OpeningNeverAcknowledges(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	path := h.ackPath("ana")
	before := h.incident().Seq
	for _, method := range []string{"GET", "HEAD", "GET", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"} {
		for _, query := range []string{"", "?seen=99", "?look=again", "?look=again&seen=99"} {
			h.send(method, path+query, "")
		}
	}
	h.send("POST", path, "").expect(http.StatusBadRequest, "Nothing was acknowledged")
	for _, form := range []string{"seen=", "seen=0", "seen=-1", "seen=x", "seen=1" + strings.Repeat("0", 5000), "other=1", "%zz"} {
		h.send("POST", path, form).expect(http.StatusBadRequest, "Nothing was acknowledged")
	}
	h.send("POST", path+"?seen=99", "other=1").expect(http.StatusBadRequest)
	if i := h.incident(); i.IsAcknowledged() || i.Seq != before {
		t.Errorf("acknowledged by %q after %d events", i.Acknowledgement.Person, i.Seq-before)
	}
}

func TestOtherSitesCannotAcknowledge(t *testing.T) {
	t.Parallel()
	const ours = "Host: tocsin.example.com"
	for _, c := range []struct {
		name    string
		header  []string
		allowed bool
	}{
		{"another site", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, false},
		{"another subdomain", []string{"Sec-Fetch-Site: same-site", "Origin: https://evil.example.com"}, false},
		{"another origin, an old browser", []string{"Origin: https://evil.example", ours}, false},
		{"hidden origin, an old browser", []string{"Origin: null", ours}, false},
		{"our own", []string{"Sec-Fetch-Site: same-origin", "Origin: https://tocsin.example.com", ours}, true},
		{"our own over plain HTTP", []string{"Origin: http://10.0.0.7:8080", "Host: 10.0.0.7:8080"}, true},
		{"our own behind a proxy that changes the host", []string{"Origin: https://tocsin.example.com", "Host: backend:8080"}, true},
		{"no browser", nil, true},
	} {
		h := newTestServer(t)
		h.mustRun("ben: declare Checkout is down")
		path := h.ackPath("ana")
		_, form, _ := h.get(path).button()
		p := h.send("POST", path, form, c.header...)
		if c.allowed {
			p.expect(http.StatusSeeOther)
		} else {
			p.expect(http.StatusForbidden, "Nothing was acknowledged")
		}
		if got := h.incident().IsAcknowledged(); got != c.allowed {
			t.Errorf("%s: acknowledged: %t", c.name, got)
		}
	}
}

func TestE5StalePage(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	path := h.ackPath("ana")
	stale := h.get(path)
	h.mustRun("cy: resolve INC-1 looks fine", "cy: reopen INC-1 it is not")
	fresh := h.pressAck(stale, path).expect(200, "Something new happened after you opened this page, so nothing was acknowledged.")
	if h.incident().IsAcknowledged() {
		t.Error("the press acknowledged something newer")
	}
	h.pressAck(fresh, path).expect(200, "You have acknowledged").expectNot("Something new")
	h.get(path+"?look=again").expect(200, "You have acknowledged").expectNot("Something new") // nothing to press, nothing to say
}

// TestE5OldMail: the page behind the link of an older message says that something has
// happened since, and shows it (E5: an acknowledgement carries what was seen).
func TestE5OldMail(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is slow --sev 4")
	const newer = "Something new happened after that message was sent."
	i := h.incident()
	link := func(seen int) string {
		return "/ack/" + h.bot.PageLinks.Token(signin.PageLink{Incident: "INC-1", Page: "1.0.0.0/ana/email", Person: "ana", Seen: seen})
	}
	old := link(i.Seq)
	h.get(old).expect(200).expectNot(newer)
	h.mustRun("cy: severity INC-1 1")
	h.get(link(h.incident().Seq)).expect(200).expectNot(newer)
	h.get(link(0)).expect(200).expectNot(newer) // of an earlier version
	h.pressAck(h.get(old).expect(200, newer, "SEV1"), old).expect(200, "You have acknowledged").expectNot(newer)
}

func TestAcknowledgedBySomeoneElse(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("cy: declare Checkout is down")
	path := h.ackPath("ana")
	stale := h.get(path)
	h.mustRun("ben: ack INC-1")
	h.advance(90 * time.Minute)
	for _, p := range []page{h.pressAck(stale, path), h.get(path)} {
		p.expect(200, "Ben Okafor has acknowledged, 1 h ago (04:12 AST).", "You do not need to do anything.").expectNot("<button", "Something new")
	}
	if got := h.incident().Acknowledgement.Person; got != "ben" {
		t.Errorf("acknowledged by %s", got)
	}
}

func TestAskedToJoin(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down", "ben: ack INC-1", "ben: page INC-1 @cy")
	path := h.ackPath("cy")
	p := h.get(path).expect(200, "Ben Okafor has acknowledged", "You are asked to join")
	h.pressAck(p, path).expect(200, "You do not need to do anything.").expectNot("<button")
	if i := h.incident(); i.Acknowledgement.Person != "ben" || i.Paging.Pages[len(i.Paging.Pages)-1].Why != "answered" {
		t.Errorf("acknowledged by %s, pages %+v", i.Acknowledgement.Person, i.Paging.Pages)
	}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"resolve INC-1 Rolled back": "Resolved, 1 min ago (04:12 AST).",
		"cancel INC-1 A test":       "Canceled: it was not an incident.",
		"merge INC-1 INC-2":         "Merged into INC-2: work continues there.",
	} {
		h := newTestServer(t)
		h.mustRun("cy: declare Checkout is down")
		path := h.ackPath("ana")
		stale := h.get(path)
		h.mustRun("cy: declare The other", "cy: "+line)
		h.advance(time.Minute)
		for _, p := range []page{h.pressAck(stale, path), h.get(path)} {
			p.expect(200, want, "nothing left to acknowledge").expectNot("<button", "Something new")
		}
		if h.incident().IsAcknowledged() {
			t.Errorf("%s: acknowledged all the same", line)
		}
	}
}

func TestUnattended(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("cy: declare Checkout is down")
	for range 10 {
		h.advance(10 * time.Minute)
	}
	path := h.ackPath("ben")
	p := h.get(path).expect(200, "UNATTENDED: everyone was paged", "Paging continues")
	h.pressAck(p, path).expect(200, "You have acknowledged")
}

func TestOldLink(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	path := h.ackPath("ana")
	_, form, _ := h.get(path).button()
	h.advance(24*time.Hour + time.Second)
	h.get(path).expect(http.StatusGone, "expired", "<code>ack INC-1</code>", "page you again").expectNot("Checkout")
	h.send("POST", path, form).expect(http.StatusGone, "Nothing was acknowledged")
	if h.incident().IsAcknowledged() {
		t.Error("an expired link acknowledged")
	}
}

func TestBadLink(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	path := h.ackPath("ana")
	for _, bad := range []string{
		path[:len(path)-1], path[:len(path)/2], path + "x", "/ack/x", "/ack/" + strings.Repeat("A", 4000),
		"/ack/" + strings.ToLower(strings.TrimPrefix(path, "/ack/")), "/ack/%00", "/ack/%E2%80%AE", "/ack/" + "a.b",
	} {
		for _, method := range []string{"GET", "POST"} {
			p := h.send(method, bad, map[string]string{"POST": "seen=1"}[method])
			p.expect(http.StatusNotFound, "Nothing was acknowledged", "<code>ack INC-7</code>").expectNot("Checkout", "INC-1")
		}
	}
	if h.incident().IsAcknowledged() {
		t.Error("a bad link acknowledged")
	}
}

// The acknowledge page of a private incident shows its ID alone, because a link can be passed
// on; for a person who is not a member the link looks invalid (P2: private means members
// only).
func TestP2PrivateIncidents(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare A key was stolen --private")
	path := h.ackPath("ana")
	h.get(path).expect(200, "INC-1", "A private incident", `href="/incidents/INC-1"`).expectNot("stolen").button()
	path = "/ack/" + h.bot.PageLinks.Token(signin.PageLink{Incident: "INC-1", Page: "1.0.0.0/cy/email", Person: "cy"})
	bad := h.get("/ack/nonsense")
	for _, p := range []page{h.get(path), h.send("POST", path, "seen=9")} {
		if p.status != bad.status || p.html != bad.html {
			t.Errorf("not as any bad link: %d\n%s", p.status, p.body())
		}
	}
	if h.incident().IsAcknowledged() {
		t.Error("acknowledged by a reader who is not a member")
	}
}

func TestX4StoreDown(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	path := h.ackPath("ana")
	p := h.get(path)
	_, form, _ := p.button()
	gone := func(p page, words ...string) {
		t.Helper()
		p.expect(http.StatusServiceUnavailable, append(words, "cannot reach its store")...).expectNot("db-7", "Checkout")
		if got := p.header.Get("Retry-After"); got != "5" {
			t.Errorf("Retry-After %q", got)
		}
	}
	h.store.writesFail.Store(true)
	gone(h.send("POST", path, form), "not certain")
	h.store.readsFail.Store(true)
	gone(h.get(path), "Nothing was acknowledged")
	gone(h.send("POST", path, form), "Nothing was acknowledged")
	if log := h.log.text(); strings.Count(log, "\n") != 3 || !strings.Contains(log, "db-7") || strings.Contains(log, strings.TrimPrefix(path, "/ack/")) {
		t.Errorf("logged %s", log)
	}
	h.store.readsFail.Store(false)
	h.store.writesFail.Store(false)
	h.pressAck(p, path).expect(200, "You have acknowledged")
}

// TestP1WhoHasLeft: the link in a page ends when its recipient leaves the configuration,
// and says so in the same words for every incident; it works again when they are back
// (P1b: who has left does nothing any more).
func TestP1WhoHasLeft(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down", "ben: declare A key was stolen --private")
	link := func(incident, to string) string {
		return "/ack/" + h.bot.PageLinks.Token(signin.PageLink{Incident: incident, Page: "1.0.0.0/" + to + "/email", Person: to})
	}
	open := link("INC-1", "ana")
	_, form, _ := h.get(open).button()
	gone := func(org *bot.Organization) { org.Directory.People = org.Directory.People[1:] }
	h.configure(gone)
	first := h.get(open).expect(http.StatusForbidden, "removed from Tocsin", "Nothing was acknowledged", "administrator").expectNot("Checkout", "INC-1")
	for _, path := range []string{open, link("INC-2", "ana"), link("INC-99", "ana"), link("INC-1", "webhook:gone")} {
		for _, p := range []page{h.get(path), h.send("POST", path, form)} {
			if p.status != first.status || p.html != first.html {
				t.Errorf("%s: %d\n%s", path, p.status, p.body())
			}
		}
	}
	if h.incident().IsAcknowledged() {
		t.Error("acknowledged by someone who has left")
	}
	h.get(link("INC-1", "guest:slack:U0ZOE")).expect(200, "Checkout").button() // of a paged group
	h.get(link("INC-1", "log")).expect(200).button()
	h.configure(gone, func(org *bot.Organization) { org.Directory.Webhooks = []string{"gone"} })
	h.get(link("INC-1", "webhook:gone")).expect(200).button()
	h.configure(func(org *bot.Organization) { org.Directory.People = nil })
	h.get(open).expect(200).button() // while no people are configured, no one has left
	h.configure()
	h.pressAck(h.get(open), open).expect(200, "You have acknowledged")
}
