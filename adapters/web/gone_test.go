package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/bot/dispatch"
)

// sorry checks the page that is shown while the store cannot be reached.
func (p page) sorry(what string) {
	p.t.Helper()
	if p.status != http.StatusServiceUnavailable {
		p.t.Errorf("%s: answer %d:\n%s", what, p.status, p.body())
		return
	}
	p.has(p.status, "cannot reach its store", "ry again").lacks("db-7", "Checkout", "refused by", "hello")
	if p.header.Get("Retry-After") == "" || len(p.header.Values("Set-Cookie")) > 0 {
		p.t.Errorf("%s: %v", what, p.header)
	}
}

func TestX4EveryPageWithoutTheStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana := h.as("ana")
	ana.say("INC-1", "hello")
	fresh := h.signInPath(h.person("ana"), "/")
	before := h.incident().Seq
	h.store.unread.Store(true)
	for _, path := range append(everywhere, "/?show=all", "/?q=x", "/incidents/INC-9", "/incidents/INC-1/do") {
		ana.get(path).sorry("GET " + path)
	}
	for _, path := range []string{"/incidents/INC-1/do", "/declare", "/sessions", "/sign-out"} {
		for _, form := range []url.Values{{"text": {"ack INC-1"}, "id": {"all"}}, {"text": {"hello"}, "box": {"1"}}, {"text": {"declare"}, "f.title": {"x"}}, {"text": {"list"}}} {
			ana.post(path, form).sorry("POST " + path)
			ana.hx(path, form).sorry("POST with a script " + path)
		}
	}
	for _, path := range []string{"/live", "/live?room=INC-1", "/live?list=1"} {
		ana.get(path).sorry("GET " + path)
	}
	h.get(fresh).sorry("a link")
	h.enter(fresh, nil).sorry("a link that is pressed")
	h.get("/sign-in").has(200, ways...)
	h.get("/").has(http.StatusUnauthorized)
	h.get("/healthz").has(200)
	log := h.log.text()
	if !strings.Contains(log, "db-7") || strings.Contains(log, ana.cookie) || strings.Contains(log, strings.TrimPrefix(fresh, "/sign-in/")) || strings.Contains(log, "panic") {
		t.Errorf("logged %s", log)
	}
	h.store.unread.Store(false)
	ana.get("/incidents/INC-1").has(200, "hello")
	h.enter(fresh, nil).has(http.StatusSeeOther)
	if got := h.incident().Seq; got != before || len(h.open()) != 1 {
		t.Errorf("%d events, open are %q", got-before, h.open())
	}
}

// What can be read is shown while nothing can be written.
func TestX4PagesWithoutWriting(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana, fresh := h.as("ana"), h.signInPath(h.person("ana"), "/")
	h.store.unwritten.Store(true)
	for _, path := range everywhere {
		ana.get(path).has(200)
	}
	for _, form := range []url.Values{{"text": {"ack INC-1"}}, {"text": {"hello"}, "box": {"1"}}, {"text": {"declare"}, "f.title": {"x"}}} {
		for _, path := range []string{"/incidents/INC-1/do", "/declare"} {
			if path == "/declare" && form.Has("box") {
				continue
			}
			ana.post(path, form).sorry("POST " + path)
		}
	}
	ana.post("/sign-out", nil).sorry("signing out")
	ana.get("/").has(200)
	h.enter(fresh, nil).sorry("signing in")
	h.store.unwritten.Store(false)
	h.enter(fresh, nil).has(http.StatusSeeOther)
	if i := h.incident(); i.Acknowledged() || len(h.said("INC-1")) > 0 || len(h.open()) != 1 {
		t.Errorf("acknowledged by %q, said %q, open are %q", i.Acknowledgement.Person, h.said("INC-1"), h.open())
	}
}

// One kind of reading that fails is as bad as all: half a room is not shown as
// if it were whole.
func TestX4HalfAStore(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"load", "list", "talk", "history"} {
		h := newHouse(t).declared()
		h.settle()
		ana := h.as("ana")
		h.store.fails.Store(&part)
		ana.get("/incidents/INC-1").sorry(part + ": room")
		if part == "list" {
			ana.get("/").sorry(part + ": list")
			ana.get("/?show=all").sorry(part + ": list of all")
		}
		if part == "history" || part == "load" {
			ana.get("/incidents/INC-1/timeline").sorry(part + ": timeline")
		}
		h.store.fails.Store(nil)
		ana.get("/incidents/INC-1").has(200, "Checkout is down")
	}
}

// What could not be read once is read again, without waiting for the next
// change: it may be long until then.
func TestLiveReadsAgainWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	h.settle()
	s := h.as("ana").follow("/")
	h.do("ben: severity INC-1 2")
	s.shows("rows", "SEV2")
	h.settle()
	h.settle() // nobody reads any more
	part := "list"
	h.store.fails.Store(&part)
	if reply, err := h.bot.Dispatcher.Run(t.Context(), dispatch.Request{Text: "declare Mail is down", Speaker: h.person("ben")}); err != nil || !reply.OK {
		t.Fatal(reply, err)
	}
	<-h.store.failed // somebody has tried
	h.store.fails.Store(nil)
	// Either the stream goes on, or it ends and the browser comes again.
	for {
		e, open := <-s.events
		if !open || strings.Contains(e.raw, "Mail is down") {
			return
		}
		if e.name == "beat" {
			t.Fatal("for ten seconds, the list does not show what is open")
		}
	}
}
