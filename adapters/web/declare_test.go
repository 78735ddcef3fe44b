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
	h := newHouse(t)
	ana := h.as("ana")
	form := ana.get("/declare").has(200, "Declare an incident", "Major", "Pages as high urgency", "impact high", "urgency low", "SEV1")
	s := form.sheet("Declare and page")
	w, _ := h.bot.Catalog().Find("declare")
	for _, f := range w.Form {
		if !slices.Contains(s.names, "f."+f.Name) {
			t.Errorf("it does not ask for %s", f.Name)
		}
	}
	p := ana.press(s, url.Values{
		"f.title": {"  Checkout is down "}, "f.sev": {"2"}, "f.service": {"Checkout"}, "f.description": {"Since three.\r\nNobody can pay."},
		"f.symptom": {"White page"}, "f.category": {"software"}, "f.detected": {"20m"}, "f.reporter": {"@cy"}, "f.contact": {"555"}, "f.department": {"Sales"},
		"f.private": {"true"}, "f.drill": {"true"}, "f.proactive": {"true"},
	}).has(http.StatusSeeOther)
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
	h := newHouse(t)
	p := h.as("ana").hx("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}, "f.impact": {"high"}, "f.urgency": {"medium"}}).has(200)
	if p.header.Get("HX-Redirect") != "/incidents/INC-1" || p.header.Get("X-Said") != "ok" {
		t.Errorf("answered %v", p.header)
	}
	if got := h.incident().Severity; got != workflow.DefaultMatrix()[workflow.High][workflow.Medium] {
		t.Errorf("impact and urgency give %s", got)
	}
}

// What was written is not lost because one field was wrong.
func TestARefusedDeclarationIsStillFilledIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ana := h.as("ana")
	written := url.Values{
		"f.title": {`Say "hi" <b>`}, "f.service": {"checkout"}, "f.description": {"\nSince three.\nNobody can pay.</textarea>"}, "f.symptom": {"White page"},
		"f.category": {"software"}, "f.detected": {"yesterday, perhaps"}, "f.reporter": {"Dee"}, "f.contact": {"555"}, "f.department": {"Sales"},
		"f.impact": {"high"}, "f.urgency": {"low"}, "f.sev": {"2"}, "f.private": {"true"}, "f.drill": {"true"}, "f.proactive": {"true"},
	}
	s := ana.get("/declare").sheet("Declare and page")
	p := ana.press(s, written).has(200)
	if ok, text := p.outcome(); ok || text == "" {
		t.Errorf("says %q", text)
	}
	again := p.sheet("Declare and page")
	for name, values := range written {
		got := strings.ReplaceAll(again.fields.Get(name), "\r\n", "\n")
		if strings.TrimSpace(got) != strings.TrimSpace(values[0]) {
			t.Errorf("%s holds %q, not %q", name, got, values[0])
		}
	}
	if !p.dom().named("details")[0].has("open") {
		t.Error("what is wrong is out of sight")
	}
	again.fields.Set("f.detected", "20m")
	ana.press(again, nil).has(http.StatusSeeOther)
	// With a script, only what is wrong comes back: the page stands.
	p = ana.hx("/declare", url.Values{"text": {"declare"}, "f.title": {""}}).has(200).lacks("<html")
	if ok, text := p.outcome(); ok || !strings.Contains(text, "title") || p.header.Get("HX-Redirect") != "" {
		t.Errorf("says %q and leads to %q", text, p.header.Get("HX-Redirect"))
	}
	if got := h.open(); len(got) != 1 {
		t.Errorf("open are %q", got)
	}
}

func TestATwinIsNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is slow --service checkout")
	p := h.as("ana").hx("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}, "f.service": {"checkout"}})
	p.has(200, "INC-1 is open for the same service", "merge INC-2 INC-1")
}

// Guests may declare: whoever sees that something is wrong can say so, and then
// reads along.
func TestAGuestDeclares(t *testing.T) {
	t.Parallel()
	h := newHouse(t, guests)
	cy := h.as("cy")
	p := cy.press(cy.get("/declare").has(200).sheet("Declare and page"), url.Values{"f.title": {"I cannot pay"}}).has(http.StatusSeeOther)
	cy.get(p.header.Get("Location")).has(200, "I cannot pay", "Conversation")
	cy.say("INC-1", "It says error 500").has(200)
	if got := h.said("INC-1"); len(got) != 1 {
		t.Errorf("said %q", got)
	}
	wall := h.guest("wallboard", commands.Guest)
	wall.post("/declare", url.Values{"text": {"declare"}, "f.title": {"By a token"}}).has(http.StatusSeeOther)
	wall.get("/incidents/INC-2").has(200, "By a token")
}

// The matrix of the page is the one that counts.
func TestTheMatrixIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(org *bot.Organization) {
		org.Matrix = workflow.Matrix{
			workflow.High:   {workflow.High: 1, workflow.Medium: 1, workflow.Low: 1},
			workflow.Medium: {workflow.High: 5, workflow.Medium: 5, workflow.Low: 5},
			workflow.Low:    {workflow.High: 2, workflow.Medium: 3, workflow.Low: 4},
		}
	})
	ana := h.as("ana")
	table := ana.get("/declare").has(200).dom().named("table")[0]
	cells := ""
	for _, c := range table.named("td") {
		cells += strings.TrimPrefix(c.text(), "SEV")
	}
	if cells != "111555234" {
		t.Errorf("the table says %s", cells)
	}
	ana.post("/declare", url.Values{"text": {"declare"}, "f.title": {"x"}, "f.impact": {"low"}, "f.urgency": {"high"}}).has(http.StatusSeeOther)
	if got := h.incident().Severity; got != 2 {
		t.Errorf("declared as %s", got)
	}
}
