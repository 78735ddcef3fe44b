package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tocsin/bot"
)

func TestFront(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	h.get("/").has(200, "Example &lt;Shop&gt;", "Tocsin is running", "curl", "tocsin run &#34;list&#34;").lacks("Checkout", "INC-1", "<Shop>")
}

// Whether an incident exists is not told to whoever asks.
func TestIncidentPageTellsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	there, missing := h.get("/incidents/INC-1").has(200, "tocsin run &#34;show INC-1&#34;").lacks("Checkout"), h.get("/incidents/INC-2")
	if there.html != strings.ReplaceAll(missing.html, "INC-2", "INC-1") {
		t.Errorf("they differ:\n%s\n%s", there.body(), missing.body())
	}
	h.get("/incidents/inc-7").has(200, "show INC-7")
	for _, path := range []string{"/incidents/x", "/incidents/INC-0", "/incidents/%3Cscript%3E"} {
		h.get(path).has(http.StatusNotFound, "Incidents are called INC-7").lacks("<script")
	}
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, path := range []string{"/x", "/ack", "/ack/", "/ack/a/b", "/incidents", "/favicon.ico", "/robots.txt", "/index.html"} {
		h.get(path).has(http.StatusNotFound, "There is nothing here")
		h.ask("POST", path, "a=b").has(http.StatusNotFound)
	}
	for path, allow := range map[string]string{"/": "GET", "/ack/x": "GET, POST", "/incidents/INC-1": "GET", "/healthz": "GET"} {
		p := h.ask("DELETE", path, "").has(http.StatusMethodNotAllowed)
		if got := p.header.Get("Allow"); got != allow {
			t.Errorf("%s: Allow %q, want %q", path, got, allow)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if p := h.get("/healthz").has(200); p.html != "ok\n" || p.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%q", p.html)
	}
	h.get("/readyz").has(200, "ok")
	why := errors.New("the store does not answer")
	h.ready.Store(&why)
	h.get("/readyz").has(http.StatusServiceUnavailable, "the store does not answer")
	h.get("/healthz").has(200, "ok")
	h.ready.Store(nil)
	h.get("/readyz").has(200)
}

var styles = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// Nothing runs, nothing is fetched, nothing is framed, and the address, which is
// a secret, is told to nobody.
func TestEveryPageIsLocked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down")
	for _, path := range []string{"/", "/x", "/incidents/INC-1", "/ack/x", h.link("ana")} {
		p := h.get(path)
		style := styles.FindStringSubmatch(p.html)
		if len(style) != 2 {
			t.Fatalf("%s: not one style", path)
		}
		sum := sha256.Sum256([]byte(style[1]))
		for name, want := range map[string]string{
			"Content-Type":  "text/html; charset=utf-8",
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
				"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		p.has(p.status, `<html lang="en">`, `<meta name="robots" content="noindex, nofollow">`, `name="viewport"`, "<main>", "<header>", "<footer>").
			lacks("<script", "style=", "<img", "url(", " src=", "onclick", "https://fonts", "@import")
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
	for name, text := range map[string]string{
		"markup":     `<script>alert(1)</script><img src=x onerror=alert(2)>"'><b>bold</b>&amp;`,
		"attributes": `" autofocus onfocus=alert(1) x="`,
		"comment":    `--><!-- </style></title></textarea>`,
		"template":   `{{.Me}} {{template "head"}}`,
		"rtl":        "\u202eplus\u202c نظام الدفع معطل \u2067x",
		"long":       strings.Repeat("x", 10_000),
		"words":      strings.Repeat("down ", 2_000),
		"emoji":      "🔥👩🏽‍🚒 Zalgo t̷̢̛e̶x̵t 🧯",
		"controls":   "a\x00b\x1b[31mc\r\nd",
		"not UTF-8":  "caf\xe9 \xff\xfe",
		"script url": "javascript:alert(1)",
	} {
		h := newHouse(t)
		if _, err := h.bot.Receive(t.Context(), "alertmanager", []bot.Alert{{
			Key: "k", State: "firing", Title: text, Description: text, Severity: text, Link: text, Runbook: "https://example.com/?" + text,
			Labels: map[string]string{"alertname": text, "service": text},
		}}); err != nil {
			t.Fatal(err)
		}
		h.later(0)
		p := h.get(h.link("ana")).has(200)
		for _, tag := range tags.FindAllString(p.body(), -1) {
			for _, bad := range []string{"<script", "<img", "<b>", "<!--", "</style", "onerror=", "onfocus=", "autofocus", "javascript:"} {
				if strings.Contains(strings.ToLower(values.ReplaceAllString(tag, "")), bad) {
					t.Errorf("%s: in the page: %s", name, tag)
				}
			}
		}
		for _, href := range hrefs.FindAllStringSubmatch(p.html, -1) {
			if !strings.HasPrefix(href[1], "https://example.com/") {
				t.Errorf("%s: a link to %s", name, href[1])
			}
		}
		p.lacks("\u202e", "\u2067", "\x00", "\x1b", "\xe9", "ZgotmplZ")
		if n := len(p.html); n > 200_000 {
			t.Errorf("%s: a page of %d bytes", name, n)
		}
		if _, _, says := p.button(); says != "Acknowledge INC-1" {
			t.Errorf("%s: the button says %q", name, says)
		}
	}
}
