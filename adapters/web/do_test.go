package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/bot"
	"tocsin/workflow"
)

// outcome is what a page, or a fragment, says of what was sent.
func (p page) outcome() (ok bool, text string) {
	p.t.Helper()
	found := p.dom().all(func(e *element) bool { return e.attr["class"] == "said ok" || e.attr["class"] == "said no" })
	if len(found) != 1 {
		p.t.Fatalf("answer %d says %d things:\n%s", p.status, len(found), p.body())
	}
	return found[0].attr["class"] == "said ok", found[0].text()
}

// TestEveryButtonWorks presses each button of each status, as it is on a page
// that has just been loaded.
func TestEveryButtonWorks(t *testing.T) {
	t.Parallel()
	house := func(lines []string) (*house, reader) {
		h := newHouse(t, guests, func(org *bot.Organization) { org.Checklist = []string{"Can people pay?"} })
		h.do("ben: declare Checkout is down", "ben: declare The other", "ben: task INC-1 Call", "ben: task INC-1 Write", "ben: task INC-1 done 2")
		for _, line := range lines {
			h.do("ben: " + line)
		}
		ben := h.as("ben")
		return h, ben
	}
	for _, c := range stand {
		_, ben := house(c.lines)
		for n, s := range ben.get("/incidents/INC-1").has(200).sheets() {
			if s.id != "" || s.line() == "" {
				continue // it asks for something
			}
			h, again := house(c.lines)
			was := h.incident().Seq
			pressed := again.get("/incidents/INC-1").has(200).sheets()[n]
			if pressed.line() != s.line() {
				t.Fatalf("%s: the same page has another button: %q, %q", c.name, pressed.line(), s.line())
			}
			if ok, text := again.tap(pressed, nil).has(200).outcome(); !ok || h.incident().Seq == was {
				t.Errorf("%s: %q says %q after %d events", c.name, s.line(), text, h.incident().Seq-was)
			}
		}
	}
}

// filled is how each form may be filled in, what it says then, and what must
// have happened first.
var filled = []struct{ word, fields, want, first string }{
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
	for _, c := range filled {
		h := newHouse(t, guests, func(org *bot.Organization) { org.Checklist = []string{"Can people pay?"} })
		h.do("ben: declare Checkout is down", "ben: declare The other")
		if c.first != "" {
			h.do("ben: " + c.first)
		}
		ben := h.as("ben")
		for _, s := range ben.get("/incidents/INC-1").has(200).sheets() {
			if word, _, _ := strings.Cut(s.line(), " "); word != c.word || s.id == "" {
				continue
			}
			seen[c.word] = true
			more, err := url.ParseQuery(c.fields)
			if err != nil {
				t.Fatal(err)
			}
			was := h.incident().Seq
			ok, text := ben.tap(s, more).has(200).outcome()
			if !ok || !strings.Contains(text, c.want) || h.incident().Seq == was {
				t.Errorf("%s with %s says %q after %d events", c.word, c.fields, text, h.incident().Seq-was)
			}
		}
		if !seen[c.word] {
			t.Errorf("%s has no form", c.word)
		}
	}
	h := newHouse(t)
	for _, w := range h.bot.Catalog() {
		if len(w.Form) > 0 && !seen[w.Name] && w.Name != "declare" {
			t.Errorf("no test fills in the form of %s", w.Name)
		}
	}
}

// What was left empty in a form is asked for, and nothing is done.
func TestAnEmptyFormIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, guests)
	h.do("ben: declare Checkout is down", "ben: declare The other")
	ben, before := h.as("ben"), h.incident().Seq
	for _, s := range ben.get("/incidents/INC-1").has(200).sheets() {
		switch word, _, _ := strings.Cut(s.line(), " "); word {
		case "update", "status", "severity", "page", "note", "task", "followup", "cause", "link", "edit", "verify", "invite", "merge":
			if s.id == "" {
				continue
			}
			p := ben.tap(s, nil).has(200)
			if ok, text := p.outcome(); ok || text == "" {
				t.Errorf("%s without anything says %q", word, text)
			}
			p = ben.tap(s, url.Values{"f.nonsense": {"x"}}).has(200)
			if ok, text := p.outcome(); ok || !strings.Contains(text, "nonsense") {
				t.Errorf("%s with a strange field says %q", word, text)
			}
		}
	}
	if got := h.incident().Seq; got != before {
		t.Errorf("%d events", got-before)
	}
}

func TestE5AButtonCarriesWhatWasSeen(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana := h.as("ana")
	stale := ana.get("/incidents/INC-1").has(200).sheet("Acknowledge")
	h.do("cy: resolve INC-1 looks fine", "cy: reopen INC-1 it is not")
	p := ana.press(stale, nil).has(200, "Something new happened")
	if h.incident().Acknowledged() {
		t.Error("the press swallowed something newer")
	}
	ana.press(p.sheet("Acknowledge"), nil).has(200, "You have acknowledged")
}

// Two who press at the same time page one step, not two.
func TestE9TwoEscalateFromTheSamePage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	org := func(org *bot.Organization) {
		step := func(who workflow.Target) workflow.PolicyStep {
			return workflow.PolicyStep{Notify: []workflow.Target{who}, Wait: 1e12}
		}
		org.Policies[0].Steps = []workflow.PolicyStep{step("person:ana"), step("person:ben"), step("person:cy")}
	}
	h.configure(org)
	h.declared()
	ana, cy := h.as("ana"), h.as("cy")
	pages := []page{ana.get("/incidents/INC-1").has(200), cy.get("/incidents/INC-1").has(200)}
	if ok, text := ana.press(pages[0].sheet("Page the next step"), url.Values{"f.why": {"I cannot log in"}}).outcome(); !ok {
		t.Fatal(text)
	}
	h.later(0)
	if ok, text := cy.press(pages[1].sheet("Page the next step"), url.Values{"f.why": {"Nobody answers"}}).outcome(); ok {
		t.Errorf("the second press pages further: %s", text)
	}
	h.later(0)
	if got := h.incident().Paging.Step; got != 1 {
		t.Errorf("step %d was fired last, not 1: one step was to be paged", got)
	}
	// Whoever has seen that goes one further.
	if ok, text := cy.press(cy.get("/incidents/INC-1").sheet("Page the next step"), nil).outcome(); !ok || h.incident().Paging.Step != 2 {
		t.Errorf("step %d after %s", h.incident().Paging.Step, text)
	}
}

func TestTheBox(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana := h.as("ana")
	for _, c := range []struct {
		text, says string
		ok, said   bool
	}{
		{"Is it the database?", "", true, true},
		{"  two\r\nlines  ", "", true, true},
		{"ack", "/ack", true, true}, // it was meant as a command, perhaps
		{"http://a.example/b", "", true, true},
		{"/note It is the database", "It is the database", true, false},
		{"/ack INC-1", "Acknowledged", true, false},
		{"  /show", "Checkout is down", true, false},
		{"/incident show", "Checkout is down", true, false},
		{"/help", "declare", true, false},
		{"/frobnicate", "is no word I know", false, false},
		{"/etc/passwd is full", "is no word I know", false, false},
		{"/", "Say what to do", false, false},
		{"", "empty", false, false},
		{" \r\n ", "empty", false, false},
		{"\u202e\u200b", "empty", false, false},
	} {
		was, events := len(h.said("INC-1")), h.incident().Seq
		p := ana.hx("/incidents/INC-1/do", url.Values{"text": {c.text}, "box": {"1"}}).has(200)
		ok, text := p.outcome()
		if ok != c.ok || !strings.Contains(text, c.says) || p.header.Get("X-Said") != map[bool]string{true: "ok", false: "no"}[ok] {
			t.Errorf("%q says %t, %s: %q", c.text, ok, p.header.Get("X-Said"), text)
		}
		if got := len(h.said("INC-1")) - was; got != map[bool]int{true: 1}[c.said] || c.said && h.incident().Seq != events {
			t.Errorf("%q: %d messages, %d events", c.text, got, h.incident().Seq-events)
		}
		if c.ok && c.text != "ack" {
			continue
		}
		// What was refused is still there to be corrected.
		if p = ana.say("INC-1", c.text).has(200); !c.ok && strings.TrimSpace(c.text) != "" && !strings.Contains(p.dom().id("box").words.String(), strings.TrimSpace(c.text)) {
			t.Errorf("%q is lost: the box holds %q", c.text, p.dom().id("box").words.String())
		} else if c.ok && p.dom().id("box").text() != "" {
			t.Errorf("%q was taken, and is still in the box", c.text)
		}
	}
	if got := strings.Join(h.said("INC-1"), "|"); !strings.Contains(got, "two\nlines|ack|") {
		t.Errorf("said %q", got)
	}
}

// TestAFragmentIsNoPage: with a script, the answer is one line in the page that
// stands already.
func TestAFragmentIsNoPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana := h.as("ana")
	for line, said := range map[string]string{"ack INC-1": "ok", "ack INC-1 --seen x": "no", "frobnicate": "no", "show": "ok"} {
		p := ana.hx("/incidents/INC-1/do", url.Values{"text": {line}}).has(200).lacks("<html", "<body", "<script", "<head")
		if p.header.Get("X-Said") != said || p.header.Get("Cache-Control") != "no-store" || p.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", line, p.header)
		}
		if whole := ana.run("INC-1", line).has(200, "<html", "Conversation"); whole.header.Get("X-Said") != "" {
			t.Errorf("%s: a page with %v", line, whole.header)
		}
	}
}

func TestWhatIsTooLong(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana, before := h.as("ana"), h.incident().Seq
	for name, body := range map[string]string{
		"a long text": "text=note+INC-1+x&f.text=" + strings.Repeat("x", 300<<10), "a long name": strings.Repeat("y", 300<<10) + "=1", "broken": "text=%zz",
	} {
		for _, path := range []string{"/incidents/INC-1/do", "/declare"} {
			for _, header := range []string{"X: y", "HX-Request: true"} {
				p := ana.ask("POST", path, body, "Sec-Fetch-Site: same-origin", header)
				if p.status != http.StatusBadRequest && p.status != http.StatusRequestEntityTooLarge {
					t.Errorf("%s to %s: answer %d:\n%s", name, path, p.status, p.body())
				}
				p.has(p.status, "Nothing was changed", "4,000 characters").lacks("xxxxx", "yyyyy")
			}
		}
	}
	if got := h.incident().Seq; got != before || len(h.said("INC-1")) > 0 {
		t.Errorf("%d events, said %q", got-before, h.said("INC-1"))
	}
	// What is merely long is cut, and that is said.
	long := strings.Repeat("wörter ", 5000)
	if ok, text := ana.say("INC-1", long).has(200).outcome(); !ok || !strings.Contains(text, "cut") || len(h.said("INC-1")) != 1 {
		t.Errorf("a long message says %q", text)
	}
	if ok, text := ana.post("/incidents/INC-1/do", url.Values{"text": {"note INC-1"}, "f.text": {long}}).has(200).outcome(); !ok || !strings.Contains(text, "shortened") {
		t.Errorf("a long note says %.200q", text)
	}
}

// Only forms are understood; anything else changes nothing and breaks nothing.
func TestBodiesThatAreNoForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana, before := h.as("ana"), h.incident().Seq
	for kind, body := range map[string]string{
		"application/json": `{"text":"ack INC-1"}`, "text/plain": "text=ack INC-1",
		"multipart/form-data; boundary=x": "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nack INC-1\r\n--x--\r\n",
		"":                                "text=ack+INC-1", "multipart/form-data": "x", ";;;": "text=ack+INC-1",
	} {
		p := ana.ask("POST", "/incidents/INC-1/do?text=ack+INC-1", body, "Sec-Fetch-Site: same-origin", "Content-Type: "+kind)
		if p.status >= http.StatusInternalServerError {
			t.Errorf("%s: answer %d", kind, p.status)
		}
	}
	if got := h.incident().Seq; got != before {
		t.Errorf("%d events", got-before)
	}
}
