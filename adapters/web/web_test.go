package web_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tocsin/bot/alerts"
)

// A reader who is not signed in gets only the sign-in page, whether or not an
// incident exists.
func TestNotSignedIn(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	front := h.get("/").expect(http.StatusUnauthorized, "Example &lt;Shop&gt;", "Sign in", "tocsin login", "/incident web").expectNot("Checkout", "INC-1", "<Shop>")
	for _, path := range []string{"/incidents/INC-1", "/incidents/INC-2", "/incidents/x", "/incidents/INC-1/timeline", "/declare", "/sessions", "/live?room=INC-1", "/complete?line=a", "/?show=all"} {
		if p := h.get(path).expect(http.StatusUnauthorized); p.html != front.html {
			t.Errorf("%s differs:\n%s", path, p.body())
		}
	}
	for _, path := range []string{"/incidents/INC-1/do", "/declare", "/sessions", "/sign-out"} {
		if p := h.send("POST", path, "text=ack+INC-1").expect(http.StatusUnauthorized); p.html != front.html {
			t.Errorf("POST %s differs:\n%s", path, p.body())
		}
	}
	if h.incident().IsAcknowledged() {
		t.Error("a reader who is not signed in has acknowledged")
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for _, path := range []string{"/x", "/ack", "/ack/", "/ack/a/b", "/sign-in/a/b", "/favicon.ico", "/robots.txt", "/index.html"} {
		h.get(path).expect(http.StatusNotFound, "There is nothing here")
		h.send("POST", path, "a=b").expect(http.StatusNotFound)
	}
	for path, allow := range map[string]string{"/": "GET", "/ack/x": "GET, POST", "/incidents/INC-1": "GET", "/healthz": "GET"} {
		p := h.send("DELETE", path, "").expect(http.StatusMethodNotAllowed)
		if got := p.header.Get("Allow"); got != allow {
			t.Errorf("%s: Allow %q, want %q", path, got, allow)
		}
	}
}

// A process without its store is healthy and not ready (X4: go on without the
// store).
func TestHealth(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	if p := h.get("/healthz").expect(200); p.html != "ok\n" || p.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%q", p.html)
	}
	h.get("/readyz").expect(200, "ok\nstore: a memory\nwarning: it forgets\n")
	why := errors.New("the store does not answer")
	h.ready.Store(&why)
	h.get("/readyz").expect(http.StatusServiceUnavailable, "the store does not answer")
	h.get("/healthz").expect(200, "ok")
	h.ready.Store(nil)
	h.get("/readyz").expect(200)
}

// Only our own files are loaded, no page can be framed, and the address, which
// may be a secret, is not sent to other sites.
func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down")
	for _, path := range []string{"/", "/x", "/incidents/INC-1", "/ack/x", h.ackPath("ana")} {
		p := h.get(path)
		for name, want := range map[string]string{
			"Content-Type":  "text/html; charset=utf-8",
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
				"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		p.expect(p.status, `<html lang="en">`, `<meta name="robots" content="noindex, nofollow">`, `name="viewport"`, "<main ", "<header ", "<footer ").
			expectNot("<script>", " style=", "<style", "<img", "url(", "onclick", "https://fonts", "@import")
		if strings.Count(p.html, "<h1") != 1 {
			t.Errorf("%s: not one heading", path)
		}
	}
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	values = regexp.MustCompile(`"[^"]*"`)
	hrefs  = regexp.MustCompile(`href="([^"]*)"`)
)

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		h := newTestServer(t)
		if _, err := h.bot.Intake.Receive(t.Context(), "alertmanager", []alerts.Alert{{
			Key: "k", State: "firing", Title: text, Description: text, Severity: text, Link: text, Runbook: "https://example.com/?" + text,
			Labels: map[string]string{"alertname": text, "service": text},
		}}); err != nil {
			t.Fatal(err)
		}
		h.advance(0)
		p := h.get(h.ackPath("ana")).expect(200)
		for _, tag := range tags.FindAllString(p.body(), -1) {
			for _, bad := range []string{"<script", "<img", "<b>", "<!--", "</style", "onerror=", "onfocus=", "autofocus", "javascript:"} {
				if strings.Contains(strings.ToLower(values.ReplaceAllString(tag, "")), bad) {
					t.Errorf("%s: in the page: %s", name, tag)
				}
			}
		}
		for _, href := range hrefs.FindAllStringSubmatch(p.html, -1) {
			if !strings.HasPrefix(href[1], "https://example.com/") && !strings.HasPrefix(href[1], "/") && href[1] != "#main" {
				t.Errorf("%s: a link to %s", name, href[1])
			}
		}
		p.expectNot("\u202e", "\u2067", "\x00", "\x1b", "\xe9", "ZgotmplZ")
		if n := len(p.html); n > 200_000 {
			t.Errorf("%s: a page of %d bytes", name, n)
		}
		if _, _, says := p.button(); says != "Acknowledge INC-1" {
			t.Errorf("%s: the button says %q", name, says)
		}
	}
}
