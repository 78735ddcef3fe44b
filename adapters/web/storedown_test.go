package web_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/bot/dispatch"
)

// expectStoreError checks the page that is shown while the store cannot be reached.
func (p page) expectStoreError(what string) {
	p.t.Helper()
	if p.status != http.StatusServiceUnavailable {
		p.t.Errorf("%s: answer %d:\n%s", what, p.status, p.body())
		return
	}
	p.expect(p.status, "cannot reach its store", "ry again").expectNot("db-7", "Checkout", "refused by", "hello")
	if p.header.Get("Retry-After") == "" || len(p.header.Values("Set-Cookie")) > 0 {
		p.t.Errorf("%s: %v", what, p.header)
	}
}

func TestX4EveryPageWithoutTheStore(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	ana.sendMessage("INC-1", "hello")
	fresh := h.signInPath(h.person("ana"), "/")
	before := h.incident().Seq
	h.store.readsFail.Store(true)
	for _, path := range append(sessionPaths, "/?show=all", "/?q=x", "/incidents/INC-9", "/incidents/INC-1/do") {
		ana.get(path).expectStoreError("GET " + path)
	}
	for _, path := range []string{"/incidents/INC-1/do", "/declare", "/sessions", "/sign-out"} {
		for _, form := range []url.Values{{"text": {"ack INC-1"}, "id": {"all"}}, {"text": {"hello"}, "box": {"1"}}, {"text": {"declare"}, "f.title": {"x"}}, {"text": {"list"}}} {
			ana.post(path, form).expectStoreError("POST " + path)
			ana.postHX(path, form).expectStoreError("POST with a script " + path)
		}
	}
	for _, path := range []string{"/live", "/live?room=INC-1", "/live?list=1"} {
		ana.get(path).expectStoreError("GET " + path)
	}
	h.get(fresh).expectStoreError("a link")
	h.submitSignIn(fresh, nil).expectStoreError("a link that is pressed")
	why := errors.New("the store takes no writes: the disk is full, free some space")
	h.ready.Store(&why)
	ana.get("/").expect(http.StatusServiceUnavailable, "The store takes no writes: the disk is full, free some space.")
	h.ready.Store(nil)
	h.get("/sign-in").expect(200, signInWays...)
	h.get("/").expect(http.StatusUnauthorized)
	h.get("/healthz").expect(200)
	log := h.log.text()
	if !strings.Contains(log, "db-7") || strings.Contains(log, ana.cookie) || strings.Contains(log, strings.TrimPrefix(fresh, "/sign-in/")) || strings.Contains(log, "panic") {
		t.Errorf("logged %s", log)
	}
	h.store.readsFail.Store(false)
	ana.get("/incidents/INC-1").expect(200, "hello")
	h.submitSignIn(fresh, nil).expect(http.StatusSeeOther)
	if got := h.incident().Seq; got != before || len(h.openTitles()) != 1 {
		t.Errorf("%d events, open are %q", got-before, h.openTitles())
	}
}

// Pages are shown while the store cannot be written.
func TestX4PagesWithoutWrites(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana, fresh := h.signInAs("ana"), h.signInPath(h.person("ana"), "/")
	h.store.writesFail.Store(true)
	for _, path := range sessionPaths {
		ana.get(path).expect(200)
	}
	for _, form := range []url.Values{{"text": {"ack INC-1"}}, {"text": {"hello"}, "box": {"1"}}, {"text": {"declare"}, "f.title": {"x"}}} {
		for _, path := range []string{"/incidents/INC-1/do", "/declare"} {
			if path == "/declare" && form.Has("box") {
				continue
			}
			ana.post(path, form).expectStoreError("POST " + path)
		}
	}
	ana.post("/sign-out", nil).expectStoreError("signing out")
	ana.get("/").expect(200)
	h.submitSignIn(fresh, nil).expectStoreError("signing in")
	h.store.writesFail.Store(false)
	h.submitSignIn(fresh, nil).expect(http.StatusSeeOther)
	if i := h.incident(); i.IsAcknowledged() || len(h.messages("INC-1")) > 0 || len(h.openTitles()) != 1 {
		t.Errorf("acknowledged by %q, messages %q, open are %q", i.Acknowledgement.Person, h.messages("INC-1"), h.openTitles())
	}
}

// When one kind of read fails, no partial room is shown.
func TestX4PartOfTheStore(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"load", "list", "talk", "history"} {
		h := newTestServer(t).declare()
		h.settle()
		ana := h.signInAs("ana")
		h.store.failingPart.Store(&part)
		ana.get("/incidents/INC-1").expectStoreError(part + ": room")
		if part == "list" {
			ana.get("/").expectStoreError(part + ": list")
			ana.get("/?show=all").expectStoreError(part + ": list of all")
		}
		if part == "history" || part == "load" {
			ana.get("/incidents/INC-1/timeline").expectStoreError(part + ": timeline")
		}
		h.store.failingPart.Store(nil)
		ana.get("/incidents/INC-1").expect(200, "Checkout is down")
	}
}

// A failed read is retried without waiting for the next change.
func TestLiveRetriesFailedReads(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	h.settle()
	s := h.signInAs("ana").follow("/")
	h.mustRun("ben: severity INC-1 2")
	s.waitRegion("rows", "SEV2")
	h.settle()
	h.settle() // no page is open any more
	part := "list"
	h.store.failingPart.Store(&part)
	if reply, err := h.bot.Dispatcher.Run(t.Context(), dispatch.Request{Text: "declare Mail is down", Speaker: h.person("ben")}); err != nil || !reply.OK {
		t.Fatal(reply, err)
	}
	<-h.store.failed // a read has failed
	h.store.failingPart.Store(nil)
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
