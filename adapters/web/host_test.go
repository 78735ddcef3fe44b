package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/bot"
)

// A page of somebody else whose name was pointed at us (DNS rebinding) is
// answered nothing.
func TestOnlyOurOwnHostsAreAnswered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	ana := h.as("ana")
	port := h.server.URL[strings.LastIndex(h.server.URL, ":"):]
	for host, ours := range map[string]bool{
		"tocsin.example.com": true, "Tocsin.Example.COM": true, "tocsin.example.com:443": true, "tocsin.example.com:8080": true,
		"localhost": true, "localhost" + port: true, "LOCALHOST:1": true,
		"127.0.0.1": true, "127.0.0.1" + port: true, "[::1]": true, "[::1]:8080": true,
		"evil.example": false, "evil.example:443": false, "tocsin.example.com.evil.example": false, "eviltocsin.example.com": false,
		"example.com": false, "localhost.evil.example": false, "evillocalhost": false, "127.0.0.1.evil.example": false, "10.0.0.7": false,
		"192.168.1.5:8080": false, "0.0.0.0": false, "[::2]": false, "[fe80::1]:80": false, "x": false,
	} {
		for _, path := range append(everywhere, "/live?room=INC-1&at=x") {
			if ours && strings.HasPrefix(path, "/live") {
				continue // it would not end
			}
			h.answers(ana.get(path, "Host: "+host), host, ours)
		}
		h.answers(h.get("/sign-in", "Host: "+host), host, ours)
		h.answers(h.get("/sign-in/x", "Host: "+host), host, ours)
		h.answers(h.ask("POST", "/sign-in/x", "a=b", "Host: "+host), host, ours)
		h.answers(h.ask("POST", "/sign-in", "address=x", "Host: "+host), host, ours)
		h.answers(ana.post("/sessions", nil, "Host: "+host), host, ours)
		h.get("/healthz", "Host: "+host).has(200, "ok")
		h.get("/readyz", "Host: "+host).has(200, "ok")
		h.get(h.link("ana"), "Host: "+host).has(200, "Checkout is down")
		h.get("/ack/x", "Host: "+host).has(http.StatusNotFound, "This link does not work")
	}
	for _, path := range []string{"/incidents/INC-1/do", "/declare"} {
		ana.post(path, url.Values{"text": {"ack INC-1"}}, "Host: evil.example").has(http.StatusMisdirectedRequest)
	}
	ana.post("/sign-out", nil, "Host: evil.example").has(http.StatusMisdirectedRequest)
	ana.get("/").has(200)
	if h.incident().Acknowledged() {
		t.Error("acknowledged by way of a strange host")
	}
}

func (h *house) answers(p page, host string, ours bool) {
	h.t.Helper()
	switch {
	case ours && p.status == http.StatusMisdirectedRequest:
		h.t.Errorf("%q is refused", host)
	case !ours && (p.status != http.StatusMisdirectedRequest || strings.Contains(p.html, "Checkout") || strings.Contains(p.html, "Ana")):
		h.t.Errorf("%q is answered %d:\n%s", host, p.status, p.body())
	case !ours && len(p.header.Values("Set-Cookie")) > 0:
		h.t.Errorf("%q is given a cookie", host)
	}
}

// Whoever meets it has just set Tocsin up: the page says which line is missing.
func TestAStrangeHostIsToldWhatToSet(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.get("/", "Host: pager.example.net").has(http.StatusMisdirectedRequest, "pager.example.net", "url: https://pager.example.net", "proxy_set_header Host")
	h.get("/", "Host: "+strings.Repeat("x", 300)+".example").has(http.StatusMisdirectedRequest).lacks(strings.Repeat("x", 200))
	h.configure(func(org *bot.Organization) { org.URL = "https://pager.example.net" })
	h.get("/", "Host: pager.example.net").has(http.StatusUnauthorized)
	h.get("/", "Host: tocsin.example.com").has(http.StatusMisdirectedRequest)
}

// Only our own pages change something, whoever is signed in.
func TestOtherSitesCannotAskASignedInReader(t *testing.T) {
	t.Parallel()
	const ours = "Host: tocsin.example.com"
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	before := h.incident().Seq
	ana := h.as("ana")
	for name, header := range map[string][]string{
		"another site":                 {"Sec-Fetch-Site: cross-site", "Origin: https://evil.example", ours},
		"another subdomain":            {"Sec-Fetch-Site: same-site", "Origin: https://evil.example.com", ours},
		"another site, without origin": {"Sec-Fetch-Site: cross-site", ours},
		"an old browser":               {"Origin: https://evil.example", ours},
		"an old browser, hidden":       {"Origin: null", ours},
		"another port of this machine": {"Origin: http://localhost:3000", "Host: localhost:8080"},
		"with a script's header":       {"Sec-Fetch-Site: cross-site", "Origin: https://evil.example", "HX-Request: true", ours},
	} {
		path := h.signInPath(h.person("ana"), "/")
		for _, p := range []page{
			ana.ask("POST", "/incidents/INC-1/do", "text=ack+INC-1", header...),
			ana.ask("POST", "/incidents/INC-1/do", "box=1&text=hello", header...),
			ana.ask("POST", "/declare", "text=declare&f.title=x", header...),
			ana.ask("POST", "/sessions", "id=all", header...),
			ana.ask("POST", "/sign-out", "", header...),
			h.ask("POST", "/sign-in", "address=ana%40example.com", header...),
			h.ask("POST", path, "", header...),
		} {
			if p.status != http.StatusForbidden || !strings.Contains(p.html, "Nothing was changed") {
				t.Errorf("%s: answer %d:\n%s", name, p.status, p.body())
			}
		}
		h.enter(path, nil).has(http.StatusSeeOther)
	}
	ana.get("/").has(200)
	h.pages.Close()
	if i := h.incident(); i.Seq != before || len(h.said("INC-1")) > 0 || len(h.mail.signIns()) > 0 {
		t.Errorf("%d events, said %q, %d mails", i.Seq-before, h.said("INC-1"), len(h.mail.signIns()))
	}
	if _, err := h.bot.LoadUnchecked(t.Context(), "INC-2"); err == nil {
		t.Error("declared by another site")
	}
	// The same from our own page, and from a page behind a proxy that changes the host.
	ana.ask("POST", "/incidents/INC-1/do", "text=ack+INC-1", "Sec-Fetch-Site: same-origin", "Origin: https://tocsin.example.com", ours).has(200)
	ana.ask("POST", "/incidents/INC-1/do", "text=lead+INC-1", "Origin: https://tocsin.example.com", "Host: localhost:8080").has(200)
	if i := h.incident(); i.Acknowledgement.Person != "ana" || i.Roles["commander"] != "ana" {
		t.Errorf("acknowledged by %q, led by %q", i.Acknowledgement.Person, i.Roles["commander"])
	}
}
