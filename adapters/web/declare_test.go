package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tocsin/bot"
	"tocsin/commands"
	"tocsin/workflow"
)

func TestDeclare(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	ana := h.signInAs("ana")
	form := ana.get("/declare").expect(200, "Declare an incident", "Major", "Pages people by their methods for high urgency", "Pages people by their methods for low urgency; no deadlines.", "impact high", "urgency low", "SEV1")
	s := form.form("Declare and page")
	w, _ := h.bot.Catalog().Find("declare")
	for _, f := range w.Form {
		if !slices.Contains(s.names, "f."+f.Name) {
			t.Errorf("it does not ask for %s", f.Name)
		}
	}
	p := ana.submit(s, url.Values{
		"f.title": {"  Checkout is down "}, "f.sev": {"2"}, "f.service": {"Checkout"}, "f.description": {"Since three.\r\nNobody can pay."},
		"f.symptom": {"White page"}, "f.category": {"software"}, "f.detected": {"20m"}, "f.reporter": {"@cy"}, "f.contact": {"555"}, "f.department": {"Sales"},
		"f.private": {"true"}, "f.drill": {"true"}, "f.proactive": {"true"},
	}).expect(http.StatusSeeOther)
	if to := p.header.Get("Location"); to != "/incidents/INC-1" {
		t.Fatalf("it leads to %s", to)
	}
	i := h.incident()
	if i.Title != "Checkout is down" || i.Severity != 2 || !slices.Equal(i.Services, []string{"checkout"}) || i.Description != "Since three.\nNobody can pay." ||
		i.Visibility != workflow.Private || i.Kind != workflow.Drill || i.Source != workflow.SourceProactive || i.Reporter.Person != "cy" || i.Category != "software" ||
		len(i.Symptoms) != 1 || i.DeclaredAt.Sub(i.DetectedAt).Minutes() != 20 {
		t.Errorf("declared %+v", i)
	}
}

func TestDeclareWithAScriptLeadsToTheRoom(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	p := h.signInAs("ana").postHX("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}, "f.impact": {"high"}, "f.urgency": {"medium"}}).expect(200)
	if p.header.Get("HX-Redirect") != "/incidents/INC-1" || p.header.Get("X-Command-Result") != "ok" {
		t.Errorf("answered %v", p.header)
	}
	if got := h.incident().Severity; got != workflow.DefaultMatrix()[workflow.High][workflow.Medium] {
		t.Errorf("impact and urgency give %s", got)
	}
}

// A refused form keeps the values of all its fields.
func TestRefusedDeclarationKeepsItsValues(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	ana := h.signInAs("ana")
	written := url.Values{
		"f.title": {`Say "hi" <b>`}, "f.service": {"checkout"}, "f.description": {"\nSince three.\nNobody can pay.</textarea>"}, "f.symptom": {"White page"},
		"f.category": {"software"}, "f.detected": {"yesterday, perhaps"}, "f.reporter": {"Dee"}, "f.contact": {"555"}, "f.department": {"Sales"},
		"f.impact": {"high"}, "f.urgency": {"low"}, "f.sev": {"2"}, "f.private": {"true"}, "f.drill": {"true"}, "f.proactive": {"true"},
	}
	s := ana.get("/declare").form("Declare and page")
	p := ana.submit(s, written).expect(200)
	if ok, text := p.outcome(); ok || text == "" {
		t.Errorf("says %q", text)
	}
	again := p.form("Declare and page")
	for name, values := range written {
		got := strings.ReplaceAll(again.fields.Get(name), "\r\n", "\n")
		if strings.TrimSpace(got) != strings.TrimSpace(values[0]) {
			t.Errorf("%s holds %q, not %q", name, got, values[0])
		}
	}
	if !p.dom().named("details")[0].hasAttribute("open") {
		t.Error("what is wrong is out of sight")
	}
	again.fields.Set("f.detected", "20m")
	ana.submit(again, nil).expect(http.StatusSeeOther)
	// With a script, only what is wrong comes back: the page stands.
	p = ana.postHX("/declare", url.Values{"text": {"declare"}, "f.title": {""}}).expect(200).expectNot("<html")
	if ok, text := p.outcome(); ok || !strings.Contains(text, "title") || p.header.Get("HX-Redirect") != "" {
		t.Errorf("says %q and leads to %q", text, p.header.Get("HX-Redirect"))
	}
	if got := h.openTitles(); len(got) != 1 {
		t.Errorf("open are %q", got)
	}
}

func TestDuplicateIsNamed(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is slow --service checkout")
	p := h.signInAs("ana").postHX("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}, "f.service": {"checkout"}})
	p.expect(200, "INC-1 is open for the same service", "merge INC-2 INC-1")
}

// Guests may declare an incident, and may then read its conversation.
func TestAGuestDeclares(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, guests)
	cy := h.signInAs("cy")
	p := cy.submit(cy.get("/declare").expect(200).form("Declare and page"), url.Values{"f.title": {"I cannot pay"}}).expect(http.StatusSeeOther)
	cy.get(p.header.Get("Location")).expect(200, "I cannot pay", "Conversation")
	cy.sendMessage("INC-1", "It says error 500").expect(200)
	if got := h.messages("INC-1"); len(got) != 1 {
		t.Errorf("messages %q", got)
	}
	wall := h.signInGuest("wallboard", commands.Guest)
	wall.post("/declare", url.Values{"text": {"declare"}, "f.title": {"By a token"}}).expect(http.StatusSeeOther)
	wall.get("/incidents/INC-2").expect(200, "By a token")
}

// The page shows the configured matrix.
func TestTheMatrixIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, func(org *bot.Organization) {
		org.Matrix = workflow.Matrix{
			workflow.High:   {workflow.High: 1, workflow.Medium: 1, workflow.Low: 1},
			workflow.Medium: {workflow.High: 5, workflow.Medium: 5, workflow.Low: 5},
			workflow.Low:    {workflow.High: 2, workflow.Medium: 3, workflow.Low: 4},
		}
	})
	ana := h.signInAs("ana")
	table := ana.get("/declare").expect(200).dom().named("table")[0]
	cells := ""
	for _, c := range table.named("td") {
		cells += strings.TrimPrefix(c.text(), "SEV")
	}
	if cells != "111555234" {
		t.Errorf("the table says %s", cells)
	}
	ana.post("/declare", url.Values{"text": {"declare"}, "f.title": {"x"}, "f.impact": {"low"}, "f.urgency": {"high"}}).expect(http.StatusSeeOther)
	if got := h.incident().Severity; got != 2 {
		t.Errorf("declared as %s", got)
	}
}
