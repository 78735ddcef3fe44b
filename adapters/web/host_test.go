package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/bot"
)

// A request for a foreign host name that resolves to us (DNS rebinding) is
// refused.
func TestOnlyOurOwnHostsAreAnswered(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	ana := h.signInAs("ana")
	port := h.server.URL[strings.LastIndex(h.server.URL, ":"):]
	for host, ours := range map[string]bool{
		"tocsin.example.com": true, "Tocsin.Example.COM": true, "tocsin.example.com:443": true, "tocsin.example.com:8080": true,
		"localhost": true, "localhost" + port: true, "LOCALHOST:1": true,
		"127.0.0.1": true, "127.0.0.1" + port: true, "[::1]": true, "[::1]:8080": true,
		"evil.example": false, "evil.example:443": false, "tocsin.example.com.evil.example": false, "eviltocsin.example.com": false,
		"example.com": false, "localhost.evil.example": false, "evillocalhost": false, "127.0.0.1.evil.example": false, "10.0.0.7": false,
		"192.168.1.5:8080": false, "0.0.0.0": false, "[::2]": false, "[fe80::1]:80": false, "x": false,
	} {
		for _, path := range append(sessionPaths, "/live?room=INC-1&at=x") {
			if ours && strings.HasPrefix(path, "/live") {
				continue // it would not end
			}
			h.expectHost(ana.get(path, "Host: "+host), host, ours)
		}
		h.expectHost(h.get("/sign-in", "Host: "+host), host, ours)
		h.expectHost(h.get("/sign-in/x", "Host: "+host), host, ours)
		h.expectHost(h.send("POST", "/sign-in/x", "a=b", "Host: "+host), host, ours)
		h.expectHost(h.send("POST", "/sign-in", "address=x", "Host: "+host), host, ours)
		h.expectHost(ana.post("/sessions", nil, "Host: "+host), host, ours)
		h.get("/healthz", "Host: "+host).expect(200, "ok")
		h.get("/readyz", "Host: "+host).expect(200, "ok")
		h.get(h.ackPath("ana"), "Host: "+host).expect(200, "Checkout is down")
		h.get("/ack/x", "Host: "+host).expect(http.StatusNotFound, "This link does not work")
	}
	for _, path := range []string{"/incidents/INC-1/do", "/declare"} {
		ana.post(path, url.Values{"text": {"ack INC-1"}}, "Host: evil.example").expect(http.StatusMisdirectedRequest)
	}
	ana.post("/sign-out", nil, "Host: evil.example").expect(http.StatusMisdirectedRequest)
	ana.get("/").expect(200)
	if h.incident().IsAcknowledged() {
		t.Error("acknowledged by way of a strange host")
	}
}

func (h *testServer) expectHost(p page, host string, ours bool) {
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

// The page for an unknown host says what to set, as the browser came: by plain http, by
// https through a proxy, or through one that does not pass on the Host (P6: a sign-in
// follows the scheme of the browser).
func TestUnknownHostPageSaysWhatToSet(t *testing.T) {
	t.Parallel()
	const plainURL, secureURL = "url: http://pager.example.net", "url: https://pager.example.net"
	h := newTestServer(t)
	const host = "Host: pager.example.net"
	h.get("/", host).expect(http.StatusMisdirectedRequest, "pager.example.net", "https://tocsin.example.com", "without TLS", plainURL, "a proxy in front of Tocsin ends TLS", secureURL, "proxy_set_header Host", "X-Forwarded-Proto")
	for _, said := range []string{"X-Forwarded-Proto: https", "X-Forwarded-Proto: HTTPS, http", "Forwarded: for=192.0.2.1;proto=https;by=203.0.113.43", "X-Forwarded-Ssl: on", "Sec-Fetch-Site: none", "Origin: https://pager.example.net"} {
		h.get("/", host, said).expect(http.StatusMisdirectedRequest, secureURL).expectNot(plainURL)
	}
	for _, said := range []string{"X-Forwarded-Proto: http", "X-Forwarded-Proto: http, https", "Forwarded: proto=http", "Origin: http://pager.example.net", "Origin: https://evil.example"} {
		h.get("/", host, said).expect(http.StatusMisdirectedRequest, plainURL)
	}
	h.get("/", "Host: tocsin-1:8080", "X-Forwarded-Host: pager.example.net", "X-Forwarded-Proto: https").expect(http.StatusMisdirectedRequest, "tocsin-1:8080", secureURL)
	h.get("/", "Host: pager.lan:8080").expect(http.StatusMisdirectedRequest, "url: http://pager.lan:8080")
	h.get("/", "Host: "+strings.Repeat("x", 300)+".example").expect(http.StatusMisdirectedRequest).expectNot(strings.Repeat("x", 200))
	h.configure(func(org *bot.Organization) { org.URL = "https://pager.example.net" })
	h.get("/", host).expect(http.StatusUnauthorized)
	h.get("/", "Host: tocsin.example.com").expect(http.StatusMisdirectedRequest)
	h.configure(func(org *bot.Organization) { org.URL = "http://localhost:8080" })
	h.get("/", host).expect(http.StatusMisdirectedRequest, plainURL).expectNot("localhost:8080")
}

// Whatever the url says, a browser that signs in by plain http stays signed in; by https
// its cookie is Secure (P6: a sign-in follows the scheme of the browser).
func TestSignInFollowsTheSchemeOfTheBrowser(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, host string
		header     []string
		secure     bool
		warned     bool
	}{
		{"plain http", "tocsin.example.com", []string{"Origin: http://tocsin.example.com"}, false, true},
		{"plain http, with a port", "tocsin.example.com:8080", []string{"Origin: http://tocsin.example.com:8080"}, false, true},
		{"plain http, of a browser that sends no origin", "tocsin.example.com", nil, false, true},
		{"a proxy that was asked by http", "tocsin.example.com", []string{"X-Forwarded-Proto: http"}, false, true},
		{"a proxy that ends TLS", "tocsin.example.com", []string{"X-Forwarded-Proto: https", "Origin: https://tocsin.example.com"}, true, false},
		{"a proxy that ends TLS and does not say so", "tocsin.example.com", []string{"Origin: https://tocsin.example.com"}, true, false},
		{"and a browser that sends no origin", "tocsin.example.com", []string{"Forwarded: proto=https"}, true, false},
		{"a proxy that changes the host", "localhost:8080", []string{"Origin: https://tocsin.example.com"}, true, false},
		{"this machine", "localhost:8080", []string{"Origin: http://localhost:8080", "Sec-Fetch-Site: same-origin"}, false, false},
	} {
		h := newTestServer(t)
		p := h.send("POST", h.signInPath(h.person("ana"), "/"), "", append(c.header, "Host: "+c.host)...).expect(http.StatusSeeOther)
		cookie := p.cookie()
		if cookie.Secure != c.secure {
			t.Errorf("%s: secure is %t", c.name, cookie.Secure)
		}
		if warned := strings.Contains(h.log.String(), "came by plain http"); warned != c.warned {
			t.Errorf("%s: warned is %t: %s", c.name, warned, h.log.String())
		}
		h.get("/", "Host: "+c.host, "Cookie: "+cookie.Name+"="+cookie.Value).expect(200)
	}
}

// Only requests from our own pages change something.
func TestOtherSitesCannotAskASignedInReader(t *testing.T) {
	t.Parallel()
	const ours = "Host: tocsin.example.com"
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	before := h.incident().Seq
	ana := h.signInAs("ana")
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
			ana.send("POST", "/incidents/INC-1/do", "text=ack+INC-1", header...),
			ana.send("POST", "/incidents/INC-1/do", "box=1&text=hello", header...),
			ana.send("POST", "/declare", "text=declare&f.title=x", header...),
			ana.send("POST", "/sessions", "id=all", header...),
			ana.send("POST", "/sign-out", "", header...),
			h.send("POST", "/sign-in", "address=ana%40example.com", header...),
			h.send("POST", path, "", header...),
		} {
			if p.status != http.StatusForbidden || !strings.Contains(p.html, "Nothing was changed") {
				t.Errorf("%s: answer %d:\n%s", name, p.status, p.body())
			}
		}
		h.submitSignIn(path, nil).expect(http.StatusSeeOther)
	}
	ana.get("/").expect(200)
	h.pages.Close()
	if i := h.incident(); i.Seq != before || len(h.messages("INC-1")) > 0 || len(h.mail.signIns()) > 0 {
		t.Errorf("%d events, messages %q, %d mails", i.Seq-before, h.messages("INC-1"), len(h.mail.signIns()))
	}
	if _, err := h.bot.LoadUnchecked(t.Context(), "INC-2"); err == nil {
		t.Error("declared by another site")
	}
	// The same from our own page, and from a page behind a proxy that changes the host.
	ana.send("POST", "/incidents/INC-1/do", "text=ack+INC-1", "Sec-Fetch-Site: same-origin", "Origin: https://tocsin.example.com", ours).expect(200)
	ana.send("POST", "/incidents/INC-1/do", "text=lead+INC-1", "Origin: https://tocsin.example.com", "Host: localhost:8080").expect(200)
	if i := h.incident(); i.Acknowledgement.Person != "ana" || i.Roles["commander"] != "ana" {
		t.Errorf("acknowledged by %q, led by %q", i.Acknowledgement.Person, i.Roles["commander"])
	}
}
