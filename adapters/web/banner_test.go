package web_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/directory"
	"tocsin/commands"
)

// waitBanner waits until the banner shows an incident, or no longer does.
func (s *stream) waitBanner(id string, on bool) event {
	s.t.Helper()
	return s.waitUntil("the banner", func(e event) bool {
		html, sent := e.regions["banner"]
		return sent && strings.Contains(html, id+" needs you") == on
	})
}

func TestBannerIsForPagedPeople(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare The first", "ben: ack INC-1") // so that the numbers differ
	ana, cy := h.signInAs("ana"), h.signInAs("cy")
	pages := map[string]*stream{}
	for _, path := range []string{"/", "/declare", "/sessions", "/incidents/INC-1"} {
		pages[path] = ana.follow(path)
	}
	unpaged := cy.follow("/")
	h.mustRun("ben: declare Checkout is down")
	for path, s := range pages {
		if e := s.waitBanner("INC-2", true); !strings.Contains(e.regions["banner"], "Checkout is down") {
			t.Errorf("%s: the banner shows %s", path, e.regions["banner"])
		}
	}
	if e := unpaged.waitRegion("rows", "Checkout is down"); strings.Contains(e.raw, "needs you") {
		t.Errorf("the banner shows for a reader who was not paged: %s", e.raw)
	}
	banner := ana.get("/").expect(200, "INC-2 needs you").form("Acknowledge INC-2")
	ana.submit(banner, nil).expect(200)
	for _, s := range pages {
		s.waitBanner("INC-2", false)
	}
	if i := h.load("INC-2"); i.Acknowledgement.Person != "ana" {
		t.Errorf("acknowledged by %q", i.Acknowledgement.Person)
	}
}

func TestBannerEndsWithAnAcknowledgement(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	s := h.signInAs("ana").follow("/sessions")
	s.waitBanner("INC-1", true)
	h.mustRun("cy: ack INC-1")
	s.waitBanner("INC-1", false)
	h.mustRun("cy: page INC-1 @ana we need you")
	s.waitBanner("INC-1", true)
	h.mustRun("ana: ack INC-1")
	s.waitBanner("INC-1", false)
	h.mustRun("cy: unack INC-1")
	s.waitBanner("INC-1", true)
	h.mustRun("cy: resolve INC-1")
	s.waitBanner("INC-1", false)
}

// A reading of the board just before the page must not hide the banner from the
// paged person.
func TestBannerIsNotMissed(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	ana, cy := h.signInAs("ana"), h.signInAs("cy")
	cy.get("/").expect(200)
	h.declare()
	ana.live("/live").waitBanner("INC-1", true)
}

// The page that answers a press without JavaScript has no banner any more.
func TestNoBannerAfterThePress(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	h.settle()
	ana := h.signInAs("ana")
	p := ana.get("/incidents/INC-1").expect(200, `data-banner="INC-1 "`).expectNot("INC-1 needs you") // its card asks
	ana.submit(p.form("Acknowledge"), nil).expect(200, "You have acknowledged").expectNot("data-banner")
}

// A stale banner must not acknowledge something newer (E5: an acknowledgement carries what was
// seen).
func TestE5BannerCarriesTheSeq(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	h.settle()
	ana := h.signInAs("ana")
	banner := ana.get("/").expect(200).form("Acknowledge INC-1")
	h.mustRun("cy: resolve INC-1 looks fine", "cy: reopen INC-1 it is not")
	ana.submit(banner, nil).expect(200, "Something new happened")
	if h.incident().IsAcknowledged() {
		t.Error("the press swallowed something newer")
	}
}

// Without configured people pages go to the log, and the banner shows for
// everyone who may acknowledge.
func TestBannerWithoutConfiguredPeople(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, func(org *bot.Organization) {
		fresh := bot.Default()
		org.Directory, org.Policies = directory.Directory{}, fresh.Policies
	})
	dee := h.signIn(operator(), url.Values{"name": {"Dee"}})
	wall := h.signInGuest("wall", commands.Guest).follow("/")
	s := dee.follow("/")
	dee.post("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}}).expect(303)
	h.advance(0)
	s.waitBanner("INC-1", true)
	if e := wall.waitRegion("rows", "Checkout is down"); strings.Contains(e.raw, "needs you") {
		t.Errorf("it rings for a guest: %s", e.raw)
	}
	dee.runCommand("INC-1", "ack INC-1").expect(200)
	s.waitBanner("INC-1", false)
}

// The banner shows the most severe incidents first, and only a few of many.
func TestBannerWithManyIncidents(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for _, sev := range []string{"4", "2", "1", "3", "5", "2", "4"} {
		h.mustRun("ben: declare Trouble --sev " + sev)
	}
	h.advance(time.Minute)
	h.settle()
	p := h.signInAs("ana").get("/").expect(200)
	banner := p.dom().id("live-banner").text()
	if first, second := strings.Index(banner, "INC-3 needs you"), strings.Index(banner, "INC-2 needs you"); first < 0 || second < first {
		t.Errorf("the worst is not first: %s", banner)
	}
	if n := strings.Count(banner, "needs you"); n < 1 || n > 5 {
		t.Errorf("%d calls: %s", n, banner)
	}
}

// A person who is asked to join an acknowledged incident can answer everywhere:
// its own room has no banner, so the card has the button.
func TestPersonAskedToJoinCanAnswer(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare("ben: ack INC-1", "ben: page INC-1 @cy we need you")
	h.settle()
	cy := h.signInAs("cy")
	for _, path := range []string{"/", "/incidents/INC-1"} {
		asks := slices.ContainsFunc(cy.get(path).expect(200).forms(), func(s pageForm) bool { return strings.HasPrefix(s.line(), "ack INC-1") })
		if !asks {
			t.Errorf("%s: Cy is asked to join, and has nothing to press", path)
		}
	}
}
