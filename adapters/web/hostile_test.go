package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/directory"
	"tocsin/workflow"
)

// hostile are texts that an attacker may send.
var hostile = map[string]string{
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
	"a stream":   "a\n\ndata: <b>x</b>\nevent: gone\rid: 1\r\n\r\ndata: y\u2028z",
	"code":       "``` `ack INC-1` ```",
	"htmx":       `" hx-get="/sign-out" hx-trigger="load" hx-on:click="alert(1)" data-hx-post="/x`,
}

var (
	ourElements = regexp.MustCompile(`^(html|head|meta|title|link|script|body|a|header|svg|path|bdi|nav|p|noscript|button|div|main|section|h1|h2|h3|span|dl|dt|dd|ul|ol|li|` +
		`form|input|textarea|label|select|option|optgroup|datalist|details|summary|fieldset|legend|table|caption|thead|tbody|tr|th|td|aside|time|code|pre|strong|em|kbd|dialog|footer|hr|br|small)$`)
	badAttributes = regexp.MustCompile(`(?i)^(on.*|style|autofocus|srcdoc|src|formaction|xlink:href|hx-(get|put|delete|patch|on.*|vals|headers|trigger|disable)|data-hx.*)$`)
	ourAddresses  = regexp.MustCompile(`^(/([^/\\].*)?|#[a-zA-Z0-9_-]*|https?://(a\.example|wiki\.example\.com)/.*)$`)
)

// expectEscaped checks that all elements and attributes of a page are our own.
func (p page) expectEscaped(what string) *element {
	p.t.Helper()
	if !utf8.ValidString(p.html) || strings.Contains(p.html, "ZgotmplZ") || strings.ContainsAny(p.html, "\x00\x1b") {
		p.t.Errorf("%s: the page is not clean: %q", what, p.html)
	}
	root := p.dom()
	for _, e := range root.all(func(*element) bool { return true }) {
		if !ourElements.MatchString(e.name) || e.name == "script" && !strings.HasPrefix(e.attr["src"], "/static/") {
			p.t.Errorf("%s: in the page: <%s %v>", what, e.name, e.attr)
		}
		for name, value := range e.attr {
			if badAttributes.MatchString(name) && e.name != "script" {
				p.t.Errorf("%s: in the page: <%s %s=%q>", what, e.name, name, value)
			}
			switch name {
			case "href", "action", "hx-post", "sse-connect":
				if !ourAddresses.MatchString(value) {
					p.t.Errorf("%s: <%s> leads to %q", what, e.name, value)
				}
			}
		}
	}
	return root
}

// clean returns a text as it is shown on one line.
func clean(text string, limit int) string {
	s, _ := workflow.CleanLine(text, limit)
	return s
}

// expectText checks that the page contains a text as text.
func (p page) expectText(what, text string) {
	p.t.Helper()
	if all := p.dom().words.String(); !containsText(all, text) {
		p.t.Errorf("%s: %q is not shown:\n%s", what, text[:min(len(text), 60)], p.body())
	}
}

// containsText reports whether words begin a text of the page: the end of a
// long one may be cut, and code is shown without backquotes.
func containsText(words, text string) bool {
	plain := func(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, "`", "")), " ") }
	first := strings.TrimSuffix(clean(plain(text), 38), "…")
	return strings.Contains(plain(words), plain(first))
}

// newHostileServer returns a server in which everything has a hostile name.
func newHostileServer(t *testing.T, text string) *testServer {
	name := clean(text, 38)
	h := newTestServer(t, func(org *bot.Organization) {
		org.Name = name
		org.Directory.People[2].Name = name
		org.Services = append(org.Services, bot.Service{ID: "odd", Name: name, Runbook: "https://wiki.example.com/?" + url.QueryEscape(text)})
		org.Severities["SEV2"] = workflow.SeverityPlan{Name: name, Definition: name, Urgency: workflow.High}
		org.Checklist = []string{name}
	})
	cy := h.signInAs("cy")
	write := func(path string, form url.Values) {
		t.Helper()
		if p := cy.postHX(path, form); p.status != http.StatusOK {
			t.Errorf("%v is answered %d", form, p.status)
		}
	}
	write("/declare", url.Values{
		"text": {"declare"}, "f.title": {text}, "f.description": {text}, "f.symptom": {text}, "f.sev": {"2"}, "f.service": {text}, "f.category": {text},
		"f.reporter": {text}, "f.contact": {text}, "f.department": {text},
	})
	for word, field := range map[string]string{
		"update": "text", "note": "text", "task": "text", "followup": "text", "cause": "text", "resolve": "how", "escalate": "why", "reopen": "why", "edit": "symptom",
	} {
		form := url.Values{"text": {word + " INC-1"}, "f." + field: {text}}
		if word == "note" {
			form.Set("f.pin", "true")
		}
		write("/incidents/INC-1/do", form)
	}
	write("/incidents/INC-1/do", url.Values{"text": {"link INC-1"}, "f.target": {"https://a.example/" + text}, "f.title": {text}})
	write("/incidents/INC-1/do", url.Values{"text": {"link INC-1"}, "f.target": {"https://a.example/"}, "f.title": {text}})
	write("/incidents/INC-1/do", url.Values{"text": {"link INC-1"}, "f.target": {text}})
	write("/incidents/INC-1/do", url.Values{"text": {"page INC-1"}, "f.who": {"@ana"}, "f.why": {text}})
	write("/incidents/INC-1/do", url.Values{"text": {"assign INC-1"}, "f.role": {text}, "f.person": {"@cy"}})
	write("/incidents/INC-1/do", url.Values{"text": {text}, "box": {"1"}})
	write("/incidents/INC-1/do", url.Values{"text": {"/" + text}, "box": {"1"}})
	write("/incidents/INC-1/do", url.Values{"text": {text}})
	h.fireAlert(alerts.Alert{
		Key: text, Title: text, Description: text, Severity: text, Link: "https://a.example/?" + text, Runbook: text, Note: text,
		Labels: map[string]string{"alertname": text, "service": text}, Annotations: map[string]string{"summary": text},
	})
	h.advance(0)
	return h
}

func TestHostileTextsEverywhere(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		h := newHostileServer(t, text)
		ana, cy := h.signInAs("ana"), h.signInAs("cy")
		for _, r := range []reader{ana, cy} {
			room := r.get("/incidents/INC-1").expect(200)
			room.expectEscaped(name + ": room")
			for _, region := range []string{"card", "conversation", "events"} {
				e := room.dom().id("live-" + region)
				if !containsText(e.words.String(), text) {
					t.Errorf("%s: it is not shown in %s: %s", name, region, e.words.String())
				}
			}
			for _, path := range []string{"/", "/?show=all", "/incidents/INC-1/timeline", "/incidents/INC-2", "/declare", "/sessions"} {
				p := r.get(path).expect(200)
				p.expectEscaped(name + ": " + path)
				if r == cy || !strings.HasPrefix(path, "/sessions") {
					p.expectText(name+": "+path, text)
				}
				if n := len(p.html); n > 400_000 {
					t.Errorf("%s: %s has %d bytes", name, path, n)
				}
			}
		}
		p := h.get(h.signInPath(h.person("cy"), "/")).expect(200)
		p.expectEscaped(name + ": sign-in")
		p.expectText(name+": sign-in", text)
		p = h.get(h.signInPath(operator(), "/")).expect(200)
		p.expectEscaped(name + ": sign-in of the operator")
		p.expectText(name+": sign-in of the operator", text)
	}
}

// The reader's own input is shown as text too.
func TestHostileTextsComeBack(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		h := newTestServer(t).declare()
		ana := h.signInAs("ana")
		for _, path := range []string{
			"/?q=", "/?service=", "/?show=", "/?sev=", "/?before=", "/incidents/", "/incidents/INC-1?x=", "/declare?x=", "/live?room=", "/complete?line=", "/x/", "/sign-in?", "/sign-in/", "/ack/",
			"/static/",
		} {
			p := ana.get(path + url.QueryEscape(text))
			if !utf8.ValidString(p.html) || p.status >= 500 {
				t.Errorf("%s: %s is answered %d %q", name, path, p.status, p.html)
			}
			if strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
				printable(p).expectEscaped(name + ": " + path)
			}
		}
		for _, form := range []url.Values{
			{"text": {"/frobnicate " + text}, "box": {"1"}},
			{"text": {text}, "box": {"1"}},
			{"text": {text}},
			{"text": {"note INC-1"}, "f.text": {text}, text: {text}, "f." + text: {text}},
			{"text": {"page INC-1 " + text}},
			{"text": {"severity INC-1"}, "f.sev": {text}},
			{"text": {"declare"}, "f.title": {text}, "f.description": {text}, "f.detected": {text}, "f.sev": {text}},
			{"text": {"task INC-1 done " + text}},
			{"text": {"help " + text}},
			{"text": {"web revoke " + text}},
			{"op": {text}, "text": {"show"}},
		} {
			for n, path := range []string{"/incidents/INC-1/do", "/declare", "/sessions", "/incidents/" + url.PathEscape(text) + "/do"} {
				send := ana.post
				if n == 0 && (!form.Has("box") || form.Get("text") == text) { // quicker: there is no page to be drawn
					send = func(path string, form url.Values, _ ...string) page { return ana.postHX(path, form) }
				}
				p := send(path, form)
				if p.status >= 500 || !utf8.ValidString(p.html) {
					t.Errorf("%s: %s with %v is answered %d %q", name, path, form, p.status, p.html)
				}
				printable(p).expectEscaped(name + ": " + path)
			}
		}
	}
}

// printable removes characters that only the reader can type and that the XML
// parser refuses.
func printable(p page) page {
	p.html = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, p.html)
	return p
}

func TestHostileTextsInStreams(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`^(id: [0-9a-f]+|event: live|data: .*|data:|)$`)
	for _, name := range []string{"a stream", "controls", "markup", "not UTF-8", "rtl", "htmx"} {
		text := hostile[name]
		h := newHostileServer(t, text)
		s := h.signInAs("ana").live("/live?room=INC-1")
		first := s.nextEvent()
		h.signInAs("cy").sendMessage("INC-1", text+" again")
		for _, e := range []event{first, s.waitUntil("more", func(event) bool { return true })} {
			for l := range strings.SplitSeq(strings.TrimSuffix(e.raw, "\n"), "\n") {
				if !line.MatchString(l) || strings.ContainsAny(l, "\r\x00") || !utf8.ValidString(l) {
					t.Errorf("%s: the stream holds the line %q", name, l)
				}
			}
			if strings.Count(e.raw, "\nevent: ") != 1 || e.name != "live" {
				t.Errorf("%s: not one event: %q", name, e.raw)
			}
			page{t: t, html: e.data}.expectEscaped(name + ": stream")
		}
		for _, region := range []string{"card", "conversation", "events"} {
			if _, sent := first.regions[region]; !sent {
				t.Errorf("%s: %s is not sent", name, region)
			}
		}
		list := h.signInAs("ana").live("/live?list=1&q=" + url.QueryEscape(text)).nextEvent()
		page{t: t, html: list.data}.expectEscaped(name + ": list")
	}
}

// The browser and the name of a session are texts of the reader.
func TestHostileTextsOfABrowser(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		h := newTestServer(t, func(org *bot.Organization) { org.Directory = directory.Directory{} })
		agent := strings.Map(func(r rune) rune {
			if r < ' ' || r == utf8.RuneError {
				return -1
			}
			return r
		}, text)
		form := url.Values{"name": {text}, "zone": {text}}.Encode()
		c := h.send("POST", h.signInPath(operator(), "/"), form, "User-Agent: "+agent[:min(len(agent), 4000)], "Sec-Fetch-Site: same-origin").expect(http.StatusSeeOther).cookie()
		r := reader{h, c.Value}
		p := r.get("/sessions").expect(200)
		p.expectEscaped(name)
		p.expectText(name, text)
		r.post("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}}).expect(http.StatusSeeOther)
		r.runCommand("INC-1", "ack INC-1").expectEscaped(name)
		p = r.get("/incidents/INC-1").expect(200)
		p.expectEscaped(name)
		if got := slices.Collect(strings.Lines(h.log.text())); len(got) != 1 {
			t.Errorf("%s: the log has %d lines: %q", name, len(got), got)
		}
	}
}
