package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A repeated request, as of a browser that got no response, runs once and gets
// the same reply.
func TestRepeatedRequestRunsOnce(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	const room = "/incidents/INC-1/do"
	for round, send := range []func(string, url.Values) page{ana.postHX, func(path string, form url.Values) page { return ana.post(path, form) }} {
		for name, form := range map[string]url.Values{
			"a message": {"text": {"Hello"}, "box": {"1"}}, "a command": {"text": {"/note Noted"}, "box": {"1"}}, "a button": {"text": {"unack INC-1"}},
			"a form": {"text": {"update INC-1"}, "f.text": {"We know why"}, "f.next": {"30m"}}, "a form with a name": {"text": {"task INC-1"}, "f.text": {"Call"}, "op": {"1234"}},
		} {
			if !h.incident().IsAcknowledged() {
				h.mustRun("cy: ack INC-1") // so that it can be given back
			}
			form.Set("op", fmt.Sprint(form.Get("op"), name, round))
			events, messages := h.incident().Seq, len(h.messages("INC-1"))
			first := send(room, form).expect(200)
			once, onceMessages := h.incident().Seq, len(h.messages("INC-1"))
			for range 2 {
				again := send(room, form).expect(200)
				_, was := first.outcome()
				if ok, text := again.outcome(); !ok || text != was {
					t.Errorf("%s again says %q, not %q", name, text, was)
				}
			}
			if i := h.incident(); i.Seq != once || len(h.messages("INC-1")) != onceMessages || once == events && onceMessages == messages {
				t.Errorf("%s: %d events and %d messages once, then %d and %d more", name, once-events, onceMessages-messages, i.Seq-once, len(h.messages("INC-1"))-onceMessages)
			}
		}
	}
}

func TestRepeatedDeclarationIsOneIncident(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	ana := h.signInAs("ana")
	form := url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}, "f.service": {"checkout"}, "op": {"x"}}
	for range 3 {
		if to := ana.post("/declare", form).expect(http.StatusSeeOther).header.Get("Location"); to != "/incidents/INC-1" {
			t.Errorf("it leads to %s", to)
		}
		ana.postHX("/declare", form).expect(200)
	}
	if _, err := h.bot.LoadUnchecked(t.Context(), "INC-2"); err == nil {
		t.Error("declared twice")
	}
	form.Set("f.title", "Mail is down")
	ana.post("/declare", form).expect(http.StatusSeeOther)
	h.signInAs("ben").post("/declare", form).expect(http.StatusSeeOther)
	if got := h.openTitles(); len(got) != 3 {
		t.Errorf("open are %q", got)
	}
}

// openTitles returns the titles of the open incidents, sorted.
func (h *testServer) openTitles() []string {
	h.t.Helper()
	all, err := h.bot.Incidents.ListOpen(h.t.Context(), 500)
	if err != nil {
		h.t.Fatal(err)
	}
	var titles []string
	for _, i := range all {
		titles = append(titles, i.Title)
	}
	slices.Sort(titles)
	return titles
}

func TestConcurrentRepeatsRunOnce(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	var sending sync.WaitGroup
	for range 8 {
		for path, form := range map[string]url.Values{
			"/declare":            {"text": {"declare"}, "f.title": {"Mail is down"}, "op": {"x"}},
			"/incidents/INC-1/do": {"text": {"Hello"}, "box": {"1"}, "op": {"x"}},
		} {
			sending.Go(func() { ana.postHX(path, form).expect(200) })
		}
		sending.Go(func() {
			ana.postHX("/incidents/INC-1/do", url.Values{"text": {"note INC-1 Noted"}, "op": {"x"}}).expect(200)
		})
	}
	sending.Wait()
	if got := h.openTitles(); len(got) != 2 {
		t.Errorf("open are %q", got)
	}
	if got := h.messages("INC-1"); len(got) != 1 || h.incident().Paperwork.Notes != 1 {
		t.Errorf("messages %q, %d notes", got, h.incident().Paperwork.Notes)
	}
}

// A request with another text, press, reader or room is another request.
func TestDifferentRequestsRun(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun("ben: declare Checkout is down", "ben: declare The other")
	ana, ben := h.signInAs("ana"), h.signInAs("ben")
	box := func(text, op string) url.Values { return url.Values{"text": {text}, "box": {"1"}, "op": {op}} }
	for _, send := range []func(){
		func() { ana.postHX("/incidents/INC-1/do", box("on it", "1")) },
		func() { ana.postHX("/incidents/INC-1/do", box("on it!", "1")) },
		func() { ana.postHX("/incidents/INC-1/do", box("on it", "2")) },
		func() { ben.postHX("/incidents/INC-1/do", box("on it", "1")) },
		func() { h.signInAs("ana").postHX("/incidents/INC-1/do", box("on it", "1")) },
		func() { ana.postHX("/incidents/INC-2/do", box("on it", "1")) },
	} {
		was := len(h.messages("INC-1")) + len(h.messages("INC-2"))
		send()
		if got := len(h.messages("INC-1")) + len(h.messages("INC-2")); got != was+1 {
			t.Fatalf("messages %q and %q", h.messages("INC-1"), h.messages("INC-2"))
		}
	}
}

// Without JavaScript a request has no random value, but a reloaded page has a
// new one: the message "ok" at noon and again at night is sent twice, and the
// title of yesterday's incident can be declared again today.
func TestSameRequestFromANewPageRuns(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare("ben: task INC-1 Call")
	ana := h.signInAs("ana")
	say := func() {
		ana.submit(ana.get("/incidents/INC-1").expect(200).form("Send"), url.Values{"text": {"ok"}}).expect(200)
	}
	say()
	h.signInAs("ben").sendMessage("INC-1", "And now?")
	h.advance(60e9)
	say()
	if got := strings.Join(h.messages("INC-1"), ", "); got != "ok, And now?, ok" {
		t.Errorf("messages %s", got)
	}
	for n, button := range []string{"Done", "Undo", "Done", "Undo"} {
		ana.submit(ana.get("/incidents/INC-1").expect(200).form(button), nil).expect(200)
		if got := h.incident().Paperwork.ActionItems[0].Done; got != (n%2 == 0) {
			t.Errorf("press %d, %s: done is %t", n+1, button, got)
		}
	}
	for n := range 2 {
		p := ana.submit(ana.get("/declare").expect(200).form("Declare and page"), url.Values{"f.title": {"Mail is down"}}).expect(http.StatusSeeOther)
		id := strings.TrimPrefix(p.header.Get("Location"), "/incidents/")
		if !h.load(id).IsOpen() {
			t.Fatalf("declared for the %d. time: led to %s, which has ended, and nobody is paged", n+1, id)
		}
		h.mustRun("ben: cancel " + id + " A test")
		h.advance(3600e9)
	}
}

// A refused request is not remembered: the same request works once it is allowed.
func TestRefusalIsNotRemembered(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	form := url.Values{"text": {"unack INC-1"}, "op": {"x"}}
	if ok, _ := ana.postHX("/incidents/INC-1/do", form).outcome(); ok {
		t.Fatal("nobody has acknowledged")
	}
	h.mustRun("ana: ack INC-1")
	if ok, text := ana.postHX("/incidents/INC-1/do", form).outcome(); !ok {
		t.Errorf("says %s", text)
	}
}

// When the response was lost, the page does not claim that nothing was changed,
// and a repeat does no harm (X4: go on without the store).
func TestX4LostResponse(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	for name, c := range map[string]struct {
		path string
		form url.Values
	}{
		"a message":   {"/incidents/INC-1/do", url.Values{"text": {"Hello"}, "box": {"1"}}},
		"a note":      {"/incidents/INC-1/do", url.Values{"text": {"note INC-1 Noted"}}},
		"an incident": {"/declare", url.Values{"text": {"declare"}, "f.title": {"Mail is down"}}},
	} {
		h.store.losesReplies.Store(true)
		p := ana.post(c.path, c.form).expect(http.StatusServiceUnavailable)
		h.store.losesReplies.Store(false)
		if strings.Contains(p.html, "Nothing was changed") {
			t.Errorf("%s: it was kept, and the page says that nothing was changed", name)
		}
		for range 2 {
			if p = ana.post(c.path, c.form); p.status != http.StatusOK && p.status != http.StatusSeeOther {
				t.Errorf("%s again: answer %d", name, p.status)
			}
		}
	}
	if got := h.openTitles(); len(h.messages("INC-1")) != 1 || h.incident().Paperwork.Notes != 1 || len(got) != 2 {
		t.Errorf("messages %q, %d notes, open are %q", h.messages("INC-1"), h.incident().Paperwork.Notes, got)
	}
}
