package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// allPages returns every page, by name.
func (h *testServer) allPages() map[string]page {
	h.t.Helper()
	ana := h.signInAs("ana")
	all := map[string]page{
		"the list": ana.get("/"), "an empty list": ana.get("/?q=nothing"), "everything": ana.get("/?show=all"), "a room": ana.get("/incidents/INC-1"),
		"a timeline": ana.get("/incidents/INC-1/timeline"), "a form": ana.get("/declare"), "sessions": ana.get("/sessions"), "no room": ana.get("/incidents/INC-9"),
		"an answer": ana.runCommand("INC-1", "note INC-1 x"), "a refusal": ana.runCommand("INC-1", "frobnicate"), "a message": ana.sendMessage("INC-1", "x"),
		"a refused form": ana.post("/declare", url.Values{"text": {"declare"}}), "too long": ana.send("POST", "/declare", "text=%zz", "Sec-Fetch-Site: same-origin"),
		"a guest's room":  h.signInGuest("wall", 0).get("/incidents/INC-1"),
		"no timeline":     h.signInGuest("wall", 0).get("/incidents/INC-1/timeline"),
		"nobody":          h.get("/"),
		"sign-in":         h.get("/sign-in"),
		"sign-in, mailed": h.get("/sign-in?mailed"),
		"a link":          h.get(h.signInPath(h.person("ana"), "/")), "a link of the operator": h.get(h.signInPath(operator(), "/")), "no link": h.get("/sign-in/x"),
		"another host": h.get("/", "Host: evil.example"), "another site": ana.send("POST", "/declare", "", "Sec-Fetch-Site: cross-site"),
		"nothing": h.get("/x"), "another method": h.send("DELETE", "/", ""), "a page to acknowledge": h.get(h.ackPath("ana")), "no page to acknowledge": h.get("/ack/x"),
	}
	h.store.readsFail.Store(true)
	all["no store"] = ana.get("/")
	h.store.readsFail.Store(false)
	return all
}

func TestEveryPageHasItsHeaders(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	for name, p := range h.allPages() {
		for header, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow",
			"Referrer-Policy": "same-origin",
		} {
			if got := p.header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		policy := map[string]string{}
		for part := range strings.SplitSeq(p.header.Get("Content-Security-Policy"), ";") {
			directive, value, _ := strings.Cut(strings.TrimSpace(part), " ")
			policy[directive] = value
		}
		for directive, want := range map[string]string{
			"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'", "img-src": "'self'", "form-action": "'self'",
			"frame-ancestors": "'none'", "base-uri": "'none'",
		} {
			if policy[directive] != want {
				t.Errorf("%s: %s is %q, want %q", name, directive, policy[directive], want)
			}
		}
		if len(policy) != 8 {
			t.Errorf("%s: the policy is %v", name, policy)
		}
	}
}

func TestEveryPageIsWellMade(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare("ben: task INC-1 Call", "ben: note INC-1 Keep this --pin", "ben: update INC-1 Soon")
	for name, p := range h.allPages() {
		root := p.dom()
		p.heading()
		seen := map[string]bool{}
		for _, e := range root.all(func(e *element) bool { return e.hasAttribute("id") }) {
			if seen[e.attr["id"]] || e.attr["id"] == "" {
				t.Errorf("%s: two elements are called %q", name, e.attr["id"])
			}
			seen[e.attr["id"]] = true
		}
		for _, e := range root.all(func(*element) bool { return true }) {
			for attribute := range e.attr {
				if strings.HasPrefix(attribute, "on") || attribute == "style" || strings.HasPrefix(attribute, "hx-on") {
					t.Errorf("%s: <%s> has %s", name, e.name, attribute)
				}
			}
			for _, refers := range []string{"for", "aria-labelledby", "aria-describedby", "list", "aria-controls"} {
				if id := e.attr[refers]; id != "" && !seen[id] && root.id(id) == nil {
					t.Errorf("%s: <%s %s> refers to %q, which is not there", name, e.name, refers, id)
				}
			}
			switch {
			case e.name == "style", e.name == "iframe", e.name == "img", e.name == "script" && (e.attr["src"] == "" || e.text() != ""):
				t.Errorf("%s: there is a <%s> %s", name, e.name, e.text())
			case e.name == "title" && e.text() == "", e.name == "html" && e.attr["lang"] != "en":
				t.Errorf("%s: <%s> %v %q", name, e.name, e.attr, e.text())
			case e.name == "form" && e.parent != nil && isInside(e, "form"):
				t.Errorf("%s: a form within a form", name)
			}
			if refers := e.attr["src"] + e.attr["href"]; (e.name == "script" || e.name == "link") && h.get(refers).status != http.StatusOK {
				t.Errorf("%s: %s is not there", name, refers)
			}
		}
	}
}

func isInside(e *element, name string) bool {
	for e = e.parent; e != nil; e = e.parent {
		if e.name == name {
			return true
		}
	}
	return false
}

// Every form and every control is usable with a keyboard and a screen reader.
func TestEveryControlHasAName(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare("ben: task INC-1 Call")
	for name, p := range h.allPages() {
		root := p.dom()
		labels := map[string]bool{}
		for _, l := range root.named("label") {
			labels[l.attr["for"]] = l.text() != ""
		}
		for _, e := range root.named("input", "select", "textarea") {
			if e.attr["type"] != "hidden" && !labels[e.attr["id"]] && e.attr["aria-label"] == "" {
				t.Errorf("%s: <%s name=%q> has no label", name, e.name, e.attr["name"])
			}
		}
		for _, e := range root.named("button", "a") {
			if e.text() == "" && e.attr["aria-label"] == "" {
				t.Errorf("%s: <%s %v> says nothing", name, e.name, e.attr)
			}
		}
	}
}

// Responses for programs have security headers and are not cached either.
func TestOtherResponsesHaveTheirHeaders(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	for what, header := range map[string]http.Header{
		"complete": ana.get("/complete?room=INC-1&line=a").expect(200, `"line"`).header, "a fragment": ana.postHX("/incidents/INC-1/do", url.Values{"text": {"show"}}).header,
		"a stream": ana.live("/live").header, "health": h.get("/healthz").header,
	} {
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", what, header)
		}
	}
	if got := ana.get("/complete?line=a").header.Get("Content-Type"); got != "application/json" {
		t.Errorf("completions are %s", got)
	}
}
