package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/commands"
	"tocsin/workflow"
)

// TestRoomShowsEverything: the card, the pages, the timers, the alerts, the
// timeline and the conversation.
func TestRoomShowsEverything(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, func(org *bot.Organization) { org.Checklist = []string{"Can people pay?"} })
	labels := map[string]string{"alertname": "Errors", "service": "checkout"}
	h.fireAlert(alerts.Alert{Key: "a", Title: "Checkout is down", Severity: "critical", Labels: labels, Link: "https://prometheus.example.com/graph?a=1&b=2"})
	h.fireAlert(alerts.Alert{Key: "b", Title: "Pod is gone", Severity: "warning", Labels: labels, Link: "javascript:alert(1)"})
	h.fireAlert(alerts.Alert{Key: "c", Title: "Disk is full", Severity: "warning", Labels: labels, Link: "http://10.0.0.1/c"})
	h.advance(time.Second)
	h.fireAlert(alerts.Alert{Key: "c", Title: "Disk is full", Severity: "warning", Labels: labels, State: "resolved"})
	h.advance(time.Second)
	ana := h.signInAs("ana")
	before := ana.get("/incidents/INC-1").expect(200)
	for region, words := range map[string][]string{
		"next": {"step", "04:17 AST"}, "deliveries": {"Ana Silva", "email", "delivered 04:12 AST"},
		"alerts": {"2 firing, 1 resolved", "Checkout is down", "SEV1", "Pod is gone", "Disk is full", "alertmanager"},
		"events": {"Declared SEV1", "pages Ana Silva"}, "card": {"INC-1", "SEV1", "triage", "No one has acknowledged", "Runbook", "Can people pay?"},
		"conversation": {"new alert", "Checkout is down"},
	} {
		for _, w := range words {
			if got := before.region(region); !strings.Contains(got, w) {
				t.Errorf("%s says nothing of %q: %s", region, w, got)
			}
		}
	}
	before.expect(200, `href="https://prometheus.example.com/graph?a=1&amp;b=2"`, `href="https://wiki.example.com/checkout"`).expectNot("javascript:")
	h.mustRun("ana: ack INC-1", "ana: assign INC-1 scribe @cy", `ana: update INC-1 We restart it --next 30m`, "ana: note INC-1 Keep this --pin",
		"ana: task INC-1 Call the vendor --for @ben", "ana: followup INC-1 Write a test", "ana: cause INC-1 A full disk", "ana: verify INC-1 1 passed",
		"ana: link INC-1 https://wiki.example.com/disk Disks", `ana: edit INC-1 --symptom "White page"`)
	ana.sendMessage("INC-1", "Line one\nline two")
	after := ana.get("/incidents/INC-1").expect(200, "Line one\nline two").expectNot("needs you")
	for region, words := range map[string][]string{
		"card": {
			"You have acknowledged", "We restart it", "Keep this", "Call the vendor", "Ben Okafor", "Write a test", "follow-up", "A full disk", "passed",
			"Disks", "White page", "triage",
		},
		"next": {"update due"}, "events": {"Keep this", "A full disk", "acknowledged", "scribe"}, "conversation": {"Line one", "Ana Silva"},
	} {
		for _, w := range words {
			if got := after.region(region); !strings.Contains(strings.ToLower(got), strings.ToLower(w)) {
				t.Errorf("then %s says nothing of %q: %s", region, w, got)
			}
		}
	}
}

// Only web addresses in an alert become links.
func TestOnlyWebAddressesAreLinks(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]bool{
		"https://a.example/x?y=1#z": true, "http://a.example": true,
		"javascript:alert(1)": false, "JaVaScRiPt:alert(1)": false, "\u00a0javascript:alert(1)": false, "java\nscript:alert(1)": false, "data:text/html,x": false,
		"vbscript:x": false, "//evil.example": false, "/sign-out": false, "ftp://a.example": false, "": false, "%": false,
	} {
		h := newTestServer(t)
		h.fireAlert(alerts.Alert{Key: "a", Title: "Checkout is down", Severity: "critical", Link: link})
		found := false
		for _, a := range h.signInAs("ana").get("/incidents/INC-1").expect(200).dom().id("live-alerts").named("a") {
			href := strings.ToLower(a.attr["href"])
			if !strings.HasPrefix(href, "https:") && !strings.HasPrefix(href, "http:") {
				t.Errorf("%q is the link %q", link, href)
			}
			found = true
		}
		if found != want {
			t.Errorf("%q is a link: %t", link, found)
		}
	}
}

// statusButtons has the commands that lead to each status, and the buttons that
// a responder and a commander are offered there.
var statusButtons = []struct {
	name, responder, commander string
	lines                      []string
}{
	{"triage", "Acknowledge, Accept", "Acknowledge, Accept, Decline, Merge", []string{"status INC-1 triage"}},
	{"investigating", "Acknowledge, Post update, Assign role, Page someone, Resolve", "Acknowledge, Post update, Assign role, Page someone, Resolve", []string{"note INC-1 x"}},
	{"acknowledged", "Post update, Assign role, Page someone, Resolve, Take lead", "Post update, Assign role, Page someone, Resolve, Take lead", []string{"ack INC-1"}},
	{"led", "Post update, Assign role, Page someone, Resolve", "Post update, Assign role, Page someone, Resolve", []string{"ack INC-1", "lead INC-1"}},
	{"identified", "Post update, Assign role, Page someone, Resolve, Take lead", "Post update, Assign role, Page someone, Resolve, Take lead", []string{"ack INC-1", "status INC-1 identified"}},
	{"monitoring", "Post update, Resolve, Take lead", "Post update, Resolve, Take lead", []string{"ack INC-1", "status INC-1 monitoring"}},
	{"resolved", "Reopen, Close incident", "Reopen, Close incident", []string{"ack INC-1", "resolve INC-1 Done"}},
	{"closed", "Reopen", "Reopen", []string{"resolve INC-1 Done", "close INC-1 --force --reason Done"}},
	{"canceled", "Reopen", "Reopen", []string{"cancel INC-1 A test"}},
	{"merged", "", "", []string{"merge INC-1 INC-2"}},
}

func TestButtonsOfEveryStatus(t *testing.T) {
	t.Parallel()
	for _, c := range statusButtons {
		h := newTestServer(t, guests)
		h.mustRun("ben: declare Checkout is down", "ben: declare The other")
		for _, line := range c.lines {
			h.mustRun("ben: " + line)
		}
		for person, want := range map[string]string{"ana": c.responder, "ben": c.commander} {
			p := h.signInAs(person).get("/incidents/INC-1").expect(200)
			root := p.dom()
			var labels []string
			for _, group := range root.id("live-card").all(func(e *element) bool { return e.attr["class"] == "buttons" }) {
				for _, b := range group.named("button", "a") {
					labels = append(labels, b.text())
					if b.name == "a" && root.id(strings.TrimPrefix(b.attr["href"], "#")) == nil {
						t.Errorf("%s: %s opens %s, which is not there", c.name, b.text(), b.attr["href"])
					}
				}
			}
			if got := strings.Join(labels, ", "); got != want {
				t.Errorf("%s: %s is offered %s, want %s", c.name, person, got, want)
			}
			for _, s := range p.forms() {
				if s.fields.Has("text") && s.fields.Get("box") == "" {
					h.expectCommand(c.name, s)
				}
			}
		}
	}
}

// expectCommand checks that a button or a form is a command of the catalog.
func (h *testServer) expectCommand(where string, s pageForm) {
	h.t.Helper()
	ctx := commands.Context{Zone: time.UTC, Now: h.bot.Now(), Speaker: workflow.Reporter{Person: "ana", Name: "Ana Silva"}}
	blanks := slices.ContainsFunc(s.names, func(name string) bool { return strings.HasPrefix(name, "f.") })
	_, err := h.bot.Catalog().Parse(s.line(), ctx)
	if err != nil && !blanks {
		h.t.Errorf("%s: the button %q is %q: %v", where, s.button, s.line(), err)
	}
	words := append(strings.Fields(s.line()), "", "")
	if _, ok := h.bot.Catalog().Find(words[0]); !ok || blanks && commands.ParseID(words[1]) == "" {
		h.t.Errorf("%s: the form %q is %q", where, s.button, s.line())
	}
}

// A page that says that paging continues until someone acknowledges has a
// button to acknowledge.
func TestUnacknowledgedPagesHaveAButton(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"triage", "investigating", "identified", "monitoring"} {
		h := newTestServer(t)
		h.mustRun("ben: declare Checkout is down", "ben: note INC-1 x")
		if status != "investigating" {
			h.mustRun("ben: status INC-1 " + status)
		}
		cy := h.signInAs("cy")
		p := cy.get("/incidents/INC-1").expect(200, status)
		if !strings.Contains(p.region("card"), "Paging continues") {
			continue
		}
		asks := slices.ContainsFunc(p.forms(), func(s pageForm) bool { return strings.HasPrefix(s.line(), "ack INC-1") })
		if !asks {
			t.Errorf("%s: paging continues, and no one can acknowledge: %s", status, p.region("card"))
		}
	}
}

func TestMergedIncidentLinksToItsTarget(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down", "ben: declare The other", "ben: merge INC-1 INC-2")
	p := h.signInAs("cy").get("/incidents/INC-1").expect(200, "merged", `href="/incidents/INC-2"`)
	if p.dom().id("box") == nil {
		t.Error("its conversation ends")
	}
}

// A linked incident can be opened. Its title is not shown: it may become private.
func TestLinkedIncidentCanBeOpened(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down", "ben: declare The other", "ben: link INC-1 INC-2", "ben: link INC-1 https://a.example/x The wiki")
	card := h.signInAs("cy").get("/incidents/INC-1").expect(200).dom().id("live-card")
	leads := map[string]string{}
	for _, a := range card.named("a") {
		leads[a.attr["href"]] = a.text()
	}
	if leads["/incidents/INC-2"] != "INC-2" || leads["https://a.example/x"] != "The wiki" {
		t.Errorf("it leads to %q", leads)
	}
}

func TestUnknownRoom(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	for _, id := range []string{
		"INC-7", "INC-0", "INC--1", "x", "INC-1x", "INC-99999999999999999999", "%3Cscript%3E", "%00", "INC-%F0%9F%94%A5", strings.Repeat("9", 3000),
	} {
		for _, path := range []string{"/incidents/" + id, "/incidents/" + id + "/timeline"} {
			p := ana.get(path).expect(http.StatusNotFound, "does not exist", "private", "Check the number").expectNot("Checkout", "<script>")
			if h1 := p.heading(); strings.HasPrefix(h1, "does not exist") || len(h1) > 200 {
				t.Fatalf("%.40s: the heading is %.100q", path, h1)
			}
		}
		for _, form := range []url.Values{{"text": {"hello"}, "box": {"1"}}, {"text": {"ack"}}, {"text": {"note x"}}} {
			if p := ana.post("/incidents/"+id+"/do", form); p.status != http.StatusNotFound {
				t.Fatalf("%.40s: %v is answered %d", id, form, p.status)
			}
		}
	}
}

// A command in a room that does not exist changes nothing.
func TestCommandInAnUnknownRoom(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana, before := h.signInAs("ana"), h.incident().Seq
	for _, id := range []string{"INC-7", "x"} {
		for _, line := range []string{"declare By mistake", "ack INC-1", "resolve INC-1"} {
			p := ana.runCommand(id, line)
			if i, err := h.bot.LoadUnchecked(t.Context(), "INC-2"); p.status == http.StatusNotFound && (err == nil || h.incident().Seq != before) {
				t.Fatalf("%s in %s: answered that it is not there, and carried out: %s", line, id, i.Title)
			}
		}
	}
}

// Without JavaScript a browser shows the address that forms are posted to.
// Opening it leads to the room.
func TestOpeningTheCommandAddress(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	p := ana.get("/incidents/INC-1/do")
	if p.status != http.StatusSeeOther && p.status != http.StatusFound && !strings.Contains(p.html, `href="/incidents/INC-1"`) {
		t.Errorf("answer %d, and no way back to the room:\n%s", p.status, p.body())
	}
	p.expectNot("This page cannot receive data", "in a browser instead")
}

// TestFormsOfEveryCommand: every command with arguments has a form, if the
// reader may run it.
func TestFormsOfEveryCommand(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, guests).declare()
	for who, r := range map[string]reader{"ana": h.signInAs("ana"), "ben": h.signInAs("ben"), "api": h.signInGuest("api", commands.Responder), "operator": h.signIn(operator(), nil)} {
		access := map[string]commands.Access{"ben": commands.Commander, "operator": commands.Admin}[who]
		if access == 0 {
			access = commands.Responder
		}
		sheets := map[string]pageForm{}
		for _, s := range r.get("/incidents/INC-1").expect(200).forms() {
			if words := strings.Fields(s.line()); len(words) > 1 && words[1] == "INC-1" && s.id != "" {
				sheets[words[0]] = s
			}
		}
		for _, w := range h.bot.Catalog() {
			s, ok := sheets[w.Name]
			hides := w.Name == "private" && (who == "api" || who == "operator") // no one could see it any more
			want := len(w.Form) > 0 && w.Access <= access && w.Name != "declare" && !hides
			if ok != want {
				t.Errorf("%s: the form of %s is there: %t", who, w.Name, ok)
			}
			for _, f := range w.Form {
				if asks := slices.Contains(s.names, "f."+f.Name); ok && asks != (f.Access <= access) {
					t.Errorf("%s: the form of %s asks for %s: %t", who, w.Name, f.Name, asks)
				}
			}
		}
	}
}

// TestC2ShownTable: a pasted table is shown with its line breaks and runs of spaces, in the timeline
// and in the room (C2: pasted text is kept as it is).
func TestC2ShownTable(t *testing.T) {
	t.Parallel()
	const table = "  NAME   READY\n  api    1/1\n\tdb   0/1"
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	ana.postHX("/incidents/INC-1/do", url.Values{"text": {"/note\r\n" + strings.ReplaceAll(table, "\n", "\r\n")}, "box": {"1"}}).expect(200)
	ana.sendMessage("INC-1", "See:\r\n"+table).expect(200)
	p := ana.get("/incidents/INC-1").expect(200)
	for _, class := range []string{"text", "words"} {
		if shown := p.dom().all(func(e *element) bool { return e.attr["class"] == class && strings.HasSuffix(e.words.String(), table) }); len(shown) == 0 {
			t.Errorf("the table is not shown as it is with the class %q", class)
		}
	}
	ana.get(p.assets()["style.css"]).expect(200, ".text, .words, .latest p { white-space: pre-wrap; }")
}
