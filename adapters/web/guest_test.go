package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/commands"
	"tocsin/workflow"
)

// newBusyServer returns a server with an incident that has every kind of
// content.
func newBusyServer(t *testing.T, changes ...func(*bot.Organization)) *testServer {
	t.Helper()
	h := newTestServer(t, changes...)
	labels := map[string]string{"alertname": "Errors", "service": "checkout"}
	h.fireAlert(alerts.Alert{Key: "a", Title: "Checkout is down", Severity: "critical", Labels: labels})
	h.fireAlert(alerts.Alert{Key: "b", Title: "Pod sesame-7 is gone", Severity: "critical", Labels: labels, Link: "https://prometheus.example.com/graph?sesame"})
	h.advance(1e9)
	h.mustRun("ana: ack INC-1", "ben: note INC-1 The password is sesame", "ana: task INC-1 Turn the sesame --for @ben", "ben: cause INC-1 It is sesame")
	h.signInAs("ben").sendMessage("INC-1", "Open, sesame!").expect(200)
	return h
}

// limitedReaders are the readers who see only the card of a public incident.
func (h *testServer) limitedReaders() map[string]reader {
	h.t.Helper()
	return map[string]reader{
		"a person": h.signInAs("cy"), "a token": h.signInGuest("wallboard", commands.Guest), "a stakeholder": h.signInGuest("press", commands.Stakeholder),
		"the operator as a guest": h.signIn(operator(), url.Values{"person": {"cy"}}),
	}
}

func TestP2GuestSeesOnlyTheCard(t *testing.T) {
	t.Parallel()
	h := newBusyServer(t, guests)
	h.signInAs("ana").get("/incidents/INC-1").expect(200, "The password is sesame", "Open, sesame!", "Pod sesame-7", "Turn the sesame", "delivered ", "Conversation")
	for who, r := range h.limitedReaders() {
		p := r.get("/incidents/INC-1").expect(200, "INC-1", "Checkout is down", "SEV1", "triage", "Ana Silva has acknowledged", "It is sesame")
		p.expectNot("password", "Open, sesame", "Pod sesame", "prometheus.example", "Turn the sesame", "delivered", "paged", "Timeline", "Conversation", "Step 1",
			"Upcoming", "Who was paged", `class="box"`, "hx-post", "href=\"#do-")
		if forms := p.forms(); len(forms) > 0 {
			t.Errorf("%s is offered %q", who, forms[0].line())
		}
		r.get("/incidents/INC-1/timeline").expect(http.StatusNotFound).expectNot("sesame", "Checkout is down")
		s := r.live("/live?room=INC-1")
		first := s.nextEvent()
		for name := range first.regions {
			if name != "card" && name != "banner" {
				t.Errorf("%s is sent %s: %s", who, name, first.raw)
			}
		}
		h.signInAs("ana").sendMessage("INC-1", "Sesame again")
		h.mustRun("ana: note INC-1 Sesame noted", "ana: update INC-1 For all to read by "+who)
		if raw := s.waitRegion("card", "For all to read by "+who).raw; strings.Contains(raw, "Sesame") {
			t.Errorf("%s is sent %s", who, raw)
		}
	}
}

func TestP1AGuestChangesNothing(t *testing.T) {
	t.Parallel()
	h := newBusyServer(t, guests)
	before, messages := h.incident().Seq, len(h.messages("INC-1"))
	for who, r := range h.limitedReaders() {
		for _, w := range h.bot.Catalog() {
			if w.Access <= commands.Stakeholder {
				continue
			}
			form := url.Values{"text": {w.Name + " INC-1"}}
			for n, f := range w.Form {
				form.Set("f."+f.Name, fmt.Sprint(n+1))
			}
			// Whether it is understood or not, nothing comes of it.
			if p := r.postHX("/incidents/INC-1/do", form).expect(200); p.header.Get("X-Command-Result") != "no" {
				t.Errorf("%s has written %q:\n%s", who, form, p.body())
			}
		}
		for _, line := range []string{"ack INC-1", "note INC-1 x", "resolve INC-1", "timeline INC-1", "who INC-1", "timers INC-1"} {
			r.postHX("/incidents/INC-1/do", url.Values{"text": {line}}).expect(200, "needs the access").expectNot("sesame")
		}
		for _, box := range []string{"hello", "/note x", "/timeline", "/who"} {
			r.postHX("/incidents/INC-1/do", url.Values{"text": {box}, "box": {"1"}}).expect(200, "needs the access").expectNot("password", "Open, sesame")
		}
	}
	if i := h.incident(); i.Seq != before || len(h.messages("INC-1")) != messages {
		t.Errorf("%d events, messages %q", i.Seq-before, h.messages("INC-1"))
	}
}

// The reporter and invited people read the conversation; commands that they may
// not run are not offered (P1: access is checked first).
func TestP1OnlyAllowedCommandsAreOffered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		who, person, line string
		access            commands.Access
	}{
		{"a guest", "cy", "ben: note INC-1 x", commands.Guest},
		{"a guest who was invited", "cy", "ben: invite INC-1 @cy", commands.Guest},
		{"a guest who was paged", "cy", "ben: page INC-1 @cy", commands.Guest},
		{"a guest who reported it", "cy", "cy: declare The other", commands.Guest},
		{"a responder", "ana", "ben: note INC-1 x", commands.Responder},
		{"a commander", "ben", "ben: note INC-1 x", commands.Commander},
	} {
		h := newTestServer(t, guests, func(org *bot.Organization) { org.Checklist = []string{"Can people pay?"} })
		h.mustRun("ben: declare Checkout is down", c.line)
		id := "INC-1"
		if strings.Contains(c.line, "declare") {
			id = "INC-2"
		}
		h.mustRun("ben: task "+id+" Call the vendor", "ben: task "+id+" Call them again", "ben: task "+id+" done 2")
		r := h.signInAs(c.person)
	after:
		for _, line := range []string{"note INC x", "ack INC", "status INC triage", "status INC monitoring", "resolve INC Done", "reopen INC", "cancel INC"} {
			h.mustRun("ben: " + strings.ReplaceAll(line, "INC", id))
			for _, s := range r.get("/incidents/" + id).expect(200).forms() {
				word, _, _ := strings.Cut(s.line(), " ")
				w, ok := h.bot.Catalog().Find(word)
				if ok && w.Access > c.access && word != "ack" { // a paged person may acknowledge
					t.Errorf("%s is offered %q after %q", c.who, s.line(), line)
					break after
				}
			}
		}
	}
}

// A paged person may acknowledge with any access (P1: access is checked first).
func TestP1PagedGuestAcknowledges(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, guests, func(org *bot.Organization) { org.Policies[0].Steps[0].Notify = []workflow.Target{"person:cy"} })
	h.declare()
	h.settle()
	cy := h.signInAs("cy")
	p := cy.get("/incidents/INC-1").expect(200, `data-banner="INC-1 "`)
	cy.submit(p.form("Acknowledge"), nil).expect(200, "You have acknowledged").expectNot("data-banner")
	if got := h.incident().Acknowledgement.Person; got != "cy" {
		t.Errorf("acknowledged by %q", got)
	}
}
