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

// rings waits until a stream rings for an incident, or stops.
func (s *stream) rings(id string, on bool) event {
	s.t.Helper()
	return s.until("the ring", func(e event) bool {
		html, sent := e.regions["ring"]
		return sent && strings.Contains(html, id+" needs you") == on
	})
}

func TestTheRingIsForWhomeverIsPaged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare The first", "ben: ack INC-1") // so that the numbers differ
	ana, cy := h.as("ana"), h.as("cy")
	pages := map[string]*stream{}
	for _, path := range []string{"/", "/declare", "/sessions", "/incidents/INC-1"} {
		pages[path] = ana.follow(path)
	}
	calm := cy.follow("/")
	h.do("ben: declare Checkout is down")
	for path, s := range pages {
		if e := s.rings("INC-2", true); !strings.Contains(e.regions["ring"], "Checkout is down") {
			t.Errorf("%s: it rings with %s", path, e.regions["ring"])
		}
	}
	if e := calm.shows("rows", "Checkout is down"); strings.Contains(e.raw, "needs you") {
		t.Errorf("it rings for somebody who was not paged: %s", e.raw)
	}
	ring := ana.get("/").has(200, "INC-2 needs you").sheet("Acknowledge INC-2")
	ana.press(ring, nil).has(200)
	for _, s := range pages {
		s.rings("INC-2", false)
	}
	if i := h.peek("INC-2"); i.Acknowledgement.Person != "ana" {
		t.Errorf("acknowledged by %q", i.Acknowledgement.Person)
	}
}

func TestTheRingStopsWhenSomebodyElseHasIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	s := h.as("ana").follow("/sessions")
	s.rings("INC-1", true)
	h.do("cy: ack INC-1")
	s.rings("INC-1", false)
	h.do("cy: page INC-1 @ana we need you")
	s.rings("INC-1", true)
	h.do("ana: ack INC-1")
	s.rings("INC-1", false)
	h.do("cy: unack INC-1")
	s.rings("INC-1", true)
	h.do("cy: resolve INC-1")
	s.rings("INC-1", false)
}

// Whoever reads the list a moment earlier must not keep the ring from whoever
// is paged now.
func TestTheRingIsNotMissed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ana, cy := h.as("ana"), h.as("cy")
	cy.get("/").has(200)
	h.declared()
	ana.live("/live").rings("INC-1", true)
}

// Without a script too, a page shows what was pressed on it.
func TestTheRingIsSilentOnThePageThatAnswersThePress(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	h.settle()
	ana := h.as("ana")
	p := ana.get("/incidents/INC-1").has(200, `data-ring="INC-1 "`).lacks("INC-1 needs you") // its card asks
	ana.press(p.sheet("Acknowledge"), nil).has(200, "You have acknowledged").lacks("data-ring")
}

// A page that was read before something new must not swallow it.
func TestE5TheRingCarriesWhatWasSeen(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	h.settle()
	ana := h.as("ana")
	ring := ana.get("/").has(200).sheet("Acknowledge INC-1")
	h.do("cy: resolve INC-1 looks fine", "cy: reopen INC-1 it is not")
	ana.press(ring, nil).has(200, "Something new happened")
	if h.incident().Acknowledged() {
		t.Error("the press swallowed something newer")
	}
}

// Where nobody is configured, pages go to the log, and everybody who may answer
// is rung for.
func TestWhereNobodyIsConfiguredItRingsForEverybody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(org *bot.Organization) {
		fresh := bot.Default()
		org.Directory, org.Policies = directory.Directory{}, fresh.Policies
	})
	dee := h.signIn(operator(), url.Values{"name": {"Dee"}})
	wall := h.guest("wall", commands.Guest).follow("/")
	s := dee.follow("/")
	dee.post("/declare", url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}}).has(303)
	h.later(0)
	s.rings("INC-1", true)
	if e := wall.shows("rows", "Checkout is down"); strings.Contains(e.raw, "needs you") {
		t.Errorf("it rings for a guest: %s", e.raw)
	}
	dee.run("INC-1", "ack INC-1").has(200)
	s.rings("INC-1", false)
}

// The banner names the worst first, and does not fill the page in a flood.
func TestTheRingInAFlood(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, sev := range []string{"4", "2", "1", "3", "5", "2", "4"} {
		h.do("ben: declare Trouble --sev " + sev)
	}
	h.later(time.Minute)
	h.settle()
	p := h.as("ana").get("/").has(200)
	ring := p.dom().id("live-ring").text()
	if first, second := strings.Index(ring, "INC-3 needs you"), strings.Index(ring, "INC-2 needs you"); first < 0 || second < first {
		t.Errorf("the worst is not first: %s", ring)
	}
	if n := strings.Count(ring, "needs you"); n < 1 || n > 5 {
		t.Errorf("%d calls: %s", n, ring)
	}
}

// Whoever is asked to join one that somebody else has acknowledged can answer,
// wherever they are: in its room there is no banner, so the card asks.
func TestWhoeverIsAskedToJoinCanAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared("ben: ack INC-1", "ben: page INC-1 @cy we need you")
	h.settle()
	cy := h.as("cy")
	for _, path := range []string{"/", "/incidents/INC-1"} {
		asks := slices.ContainsFunc(cy.get(path).has(200).sheets(), func(s sheet) bool { return strings.HasPrefix(s.line(), "ack INC-1") })
		if !asks {
			t.Errorf("%s: Cy is asked to join, and has nothing to press", path)
		}
	}
}
