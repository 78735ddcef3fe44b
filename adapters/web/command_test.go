package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/bot"
	"tocsin/workflow"
)

// outcome returns the result that a page or a fragment shows of a request.
func (p page) outcome() (ok bool, text string) {
	p.t.Helper()
	found := p.dom().all(func(e *element) bool { return e.attr["class"] == "result ok" || e.attr["class"] == "result no" })
	if len(found) != 1 {
		p.t.Fatalf("answer %d says %d things:\n%s", p.status, len(found), p.body())
	}
	return found[0].attr["class"] == "result ok", found[0].text()
}

// TestEveryButtonWorks presses each button of each status on a freshly loaded
// page.
func TestEveryButtonWorks(t *testing.T) {
	t.Parallel()
	newServer := func(lines []string) (*testServer, reader) {
		h := newTestServer(t, guests, func(org *bot.Organization) { org.Checklist = []string{"Can people pay?"} })
		h.mustRun("ben: declare Checkout is down", "ben: declare The other", "ben: task INC-1 Call", "ben: task INC-1 Write", "ben: task INC-1 done 2")
		for _, line := range lines {
			h.mustRun("ben: " + line)
		}
		ben := h.signInAs("ben")
		return h, ben
	}
	for _, c := range statusButtons {
		_, ben := newServer(c.lines)
		for n, s := range ben.get("/incidents/INC-1").expect(200).forms() {
			if s.id != "" || s.line() == "" {
				continue // it asks for something
			}
			h, again := newServer(c.lines)
			was := h.incident().Seq
			pressed := again.get("/incidents/INC-1").expect(200).forms()[n]
			if pressed.line() != s.line() {
				t.Fatalf("%s: the same page has another button: %q, %q", c.name, pressed.line(), s.line())
			}
			if ok, text := again.submitHX(pressed, nil).expect(200).outcome(); !ok || h.incident().Seq == was {
				t.Errorf("%s: %q says %q after %d events", c.name, s.line(), text, h.incident().Seq-was)
			}
		}
	}
}

// formCases has the values of each form, what the reply contains, and the
// command to run first.
var formCases = []struct{ word, fields, want, first string }{
	{"update", "f.text=We+know+why&f.next=30m&f.status=identified&f.to=support", "We know why", ""},
	{"resolve", "f.how=Rolled+back", "Rolled back", ""},
	{"status", "f.status=identified", "identified", ""},
	{"severity", "f.sev=2&f.reason=Nobody+can+pay", "SEV2", ""},
	{"severity", "f.impact=high&f.urgency=high", "SEV1", ""},
	{"assign", "f.role=scribe&f.person=@cy", "scribe", ""},
	{"assign", "f.role=scribe&f.person=", "Unassigned", "assign INC-1 scribe @cy"},
	{"page", "f.who=@cy&f.why=We+need+you", "Cy Young", ""},
	{"note", "f.text=Restarted+it&f.pin=true", "Restarted it", ""},
	{"task", "f.text=Call+the+vendor&f.for=@cy", "Call the vendor", ""},
	{"followup", "f.text=Write+a+test&f.for=", "Write a test", ""},
	{"cause", "f.text=A+full+disk", "A full disk", ""},
	{"link", "f.target=https://a.example&f.title=Disks", "Disks", ""},
	{"link", "f.target=INC-2&f.title=", "INC-2", ""},
	{"edit", "f.title=Payments+fail&f.service=payments&f.symptom=White+page&f.description=&f.category=", "Payments fail", ""},
	{"verify", "f.number=1&f.outcome=passed", "Can people pay?", ""},
	{"close", "f.force=true&f.reason=Enough", "", "resolve INC-1 Done"},
	{"escalate", "f.why=I+cannot+log+in", "I cannot log in", ""},
	{"invite", "f.person=@cy", "", ""},
	{"private", "f.private=on", "", ""},
	{"private", "f.private=", "", ""},
	{"reopen", "f.why=It+is+not", "It is not", "resolve INC-1 Done"},
	{"cancel", "f.why=A+test", "A test", ""},
	{"merge", "f.into=INC-2", "INC-2", ""},
}

func TestEveryFormWorks(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range formCases {
		h := newTestServer(t, guests, func(org *bot.Organization) { org.Checklist = []string{"Can people pay?"} })
		h.mustRun("ben: declare Checkout is down", "ben: declare The other")
		if c.first != "" {
			h.mustRun("ben: " + c.first)
		}
		ben := h.signInAs("ben")
		for _, s := range ben.get("/incidents/INC-1").expect(200).forms() {
			if word, _, _ := strings.Cut(s.line(), " "); word != c.word || s.id == "" {
				continue
			}
			seen[c.word] = true
			more, err := url.ParseQuery(c.fields)
			if err != nil {
				t.Fatal(err)
			}
			was := h.incident().Seq
			ok, text := ben.submitHX(s, more).expect(200).outcome()
			if !ok || !strings.Contains(text, c.want) || h.incident().Seq == was {
				t.Errorf("%s with %s says %q after %d events", c.word, c.fields, text, h.incident().Seq-was)
			}
		}
		if !seen[c.word] {
			t.Errorf("%s has no form", c.word)
		}
	}
	h := newTestServer(t)
	for _, w := range h.bot.Catalog() {
		if len(w.Form) > 0 && !seen[w.Name] && w.Name != "declare" {
			t.Errorf("no test fills in the form of %s", w.Name)
		}
	}
}

// A form with an empty required field is refused and changes nothing.
func TestAnEmptyFormIsRefused(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, guests)
	h.mustRun("ben: declare Checkout is down", "ben: declare The other")
	ben, before := h.signInAs("ben"), h.incident().Seq
	for _, s := range ben.get("/incidents/INC-1").expect(200).forms() {
		switch word, _, _ := strings.Cut(s.line(), " "); word {
		case "update", "status", "severity", "page", "note", "task", "followup", "cause", "link", "edit", "verify", "invite", "merge":
			if s.id == "" {
				continue
			}
			p := ben.submitHX(s, nil).expect(200)
			if ok, text := p.outcome(); ok || text == "" {
				t.Errorf("%s without anything says %q", word, text)
			}
			p = ben.submitHX(s, url.Values{"f.nonsense": {"x"}}).expect(200)
			if ok, text := p.outcome(); ok || !strings.Contains(text, "nonsense") {
				t.Errorf("%s with a strange field says %q", word, text)
			}
		}
	}
	if got := h.incident().Seq; got != before {
		t.Errorf("%d events", got-before)
	}
}

func TestE5ButtonCarriesTheSeq(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	stale := ana.get("/incidents/INC-1").expect(200).form("Acknowledge")
	h.mustRun("cy: resolve INC-1 looks fine", "cy: reopen INC-1 it is not")
	p := ana.submit(stale, nil).expect(200, "Something new happened")
	if h.incident().IsAcknowledged() {
		t.Error("the press swallowed something newer")
	}
	ana.submit(p.form("Acknowledge"), nil).expect(200, "You have acknowledged")
}

// Two presses at the same time advance one step (E9: two clicks advance once).
func TestE9TwoEscalateFromTheSamePage(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	org := func(org *bot.Organization) {
		step := func(who workflow.Target) workflow.PolicyStep {
			return workflow.PolicyStep{Notify: []workflow.Target{who}, Wait: 1e12}
		}
		org.Policies[0].Steps = []workflow.PolicyStep{step("person:ana"), step("person:ben"), step("person:cy")}
	}
	h.configure(org)
	h.declare()
	ana, cy := h.signInAs("ana"), h.signInAs("cy")
	pages := []page{ana.get("/incidents/INC-1").expect(200), cy.get("/incidents/INC-1").expect(200)}
	if ok, text := ana.submit(pages[0].form("Escalate"), url.Values{"f.why": {"I cannot log in"}}).outcome(); !ok {
		t.Fatal(text)
	}
	h.advance(0)
	if ok, text := cy.submit(pages[1].form("Escalate"), url.Values{"f.why": {"No one answers"}}).outcome(); ok {
		t.Errorf("the second press pages further: %s", text)
	}
	h.advance(0)
	if got := h.incident().Paging.Step; got != 1 {
		t.Errorf("step %d was fired last, not 1: one step was to be paged", got)
	}
	// A press with the new Seq advances one more step.
	if ok, text := cy.submit(cy.get("/incidents/INC-1").form("Escalate"), nil).outcome(); !ok || h.incident().Paging.Step != 2 {
		t.Errorf("step %d after %s", h.incident().Paging.Step, text)
	}
}

func TestMessageBox(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	for _, c := range []struct {
		text, want string
		ok, posted bool
	}{
		{"Is it the database?", "", true, true},
		{"  two\r\nlines  ", "", true, true},
		{"ack", "/ack", true, true}, // it was meant as a command, perhaps
		{"http://a.example/b", "", true, true},
		{"/note It is the database", "It is the database", true, false},
		{"/ack INC-1", "Acknowledged", true, false},
		{"  /show", "Checkout is down", true, false},
		{"／ｓｈｏｗ", "Checkout is down", true, false},
		{"\u200b/show", "Checkout is down", true, false},
		{"/incident show", "Checkout is down", true, false},
		{"/help", "declare", true, false},
		{"/frobnicate", "There is no command", false, false},
		{"/etc/passwd is full", "There is no command", false, false},
		{"/", "Say what to do", false, false},
		{"", "empty", false, false},
		{" \r\n ", "empty", false, false},
		{"\u202e\u200b", "empty", false, false},
	} {
		was, events := len(h.messages("INC-1")), h.incident().Seq
		p := ana.postHX("/incidents/INC-1/do", url.Values{"text": {c.text}, "box": {"1"}}).expect(200)
		ok, text := p.outcome()
		if ok != c.ok || !strings.Contains(text, c.want) || p.header.Get("X-Command-Result") != map[bool]string{true: "ok", false: "no"}[ok] {
			t.Errorf("%q says %t, %s: %q", c.text, ok, p.header.Get("X-Command-Result"), text)
		}
		if got := len(h.messages("INC-1")) - was; got != map[bool]int{true: 1}[c.posted] || c.posted && h.incident().Seq != events {
			t.Errorf("%q: %d messages, %d events", c.text, got, h.incident().Seq-events)
		}
		if c.ok && c.text != "ack" {
			continue
		}
		// What was refused is still there to be corrected.
		if p = ana.sendMessage("INC-1", c.text).expect(200); !c.ok && strings.TrimSpace(c.text) != "" && !strings.Contains(p.dom().id("box").words.String(), strings.TrimSpace(c.text)) {
			t.Errorf("%q is lost: the box holds %q", c.text, p.dom().id("box").words.String())
		} else if c.ok && p.dom().id("box").text() != "" {
			t.Errorf("%q was taken, and is still in the box", c.text)
		}
	}
	if got := strings.Join(h.messages("INC-1"), "|"); !strings.Contains(got, "two\nlines|ack|") {
		t.Errorf("messages %q", got)
	}
}

// TestFragmentIsNotAPage: with JavaScript, the response is one line for the
// open page.
func TestFragmentIsNotAPage(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	for line, result := range map[string]string{"ack INC-1": "ok", "ack INC-1 --seen x": "no", "frobnicate": "no", "show": "ok"} {
		p := ana.postHX("/incidents/INC-1/do", url.Values{"text": {line}}).expect(200).expectNot("<html", "<body", "<script", "<head")
		if p.header.Get("X-Command-Result") != result || p.header.Get("Cache-Control") != "no-store" || p.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", line, p.header)
		}
		if whole := ana.runCommand("INC-1", line).expect(200, "<html", "Conversation"); whole.header.Get("X-Command-Result") != "" {
			t.Errorf("%s: a page with %v", line, whole.header)
		}
	}
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana, before := h.signInAs("ana"), h.incident().Seq
	for name, body := range map[string]string{
		"a long text": "text=note+INC-1+x&f.text=" + strings.Repeat("x", 300<<10), "a long name": strings.Repeat("y", 300<<10) + "=1", "broken": "text=%zz",
	} {
		for _, path := range []string{"/incidents/INC-1/do", "/declare"} {
			for _, header := range []string{"X: y", "HX-Request: true"} {
				p := ana.send("POST", path, body, "Sec-Fetch-Site: same-origin", header)
				if p.status != http.StatusBadRequest && p.status != http.StatusRequestEntityTooLarge {
					t.Errorf("%s to %s: answer %d:\n%s", name, path, p.status, p.body())
				}
				p.expect(p.status, "Nothing was changed", "4,000 characters").expectNot("xxxxx", "yyyyy")
			}
		}
	}
	if got := h.incident().Seq; got != before || len(h.messages("INC-1")) > 0 {
		t.Errorf("%d events, messages %q", got-before, h.messages("INC-1"))
	}
	// A text that is merely long is shortened, with a notice.
	long := strings.Repeat("wörter ", 5000)
	if ok, text := ana.sendMessage("INC-1", long).expect(200).outcome(); !ok || !strings.Contains(text, "cut") || len(h.messages("INC-1")) != 1 {
		t.Errorf("a long message says %q", text)
	}
	if ok, text := ana.post("/incidents/INC-1/do", url.Values{"text": {"note INC-1"}, "f.text": {long}}).expect(200).outcome(); !ok || !strings.Contains(text, "shortened") {
		t.Errorf("a long note says %.200q", text)
	}
}

// A body that is not a form changes nothing.
func TestBodiesThatAreNotForms(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana, before := h.signInAs("ana"), h.incident().Seq
	for kind, body := range map[string]string{
		"application/json": `{"text":"ack INC-1"}`, "text/plain": "text=ack INC-1",
		"multipart/form-data; boundary=x": "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nack INC-1\r\n--x--\r\n",
		"":                                "text=ack+INC-1", "multipart/form-data": "x", ";;;": "text=ack+INC-1",
	} {
		p := ana.send("POST", "/incidents/INC-1/do?text=ack+INC-1", body, "Sec-Fetch-Site: same-origin", "Content-Type: "+kind)
		if p.status >= http.StatusInternalServerError {
			t.Errorf("%s: answer %d", kind, p.status)
		}
	}
	if got := h.incident().Seq; got != before {
		t.Errorf("%d events", got-before)
	}
}
