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

// What is sent twice, as by a browser that got no answer, is done once; it is
// answered as the first time.
func TestTheSameTwiceIsOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana := h.as("ana")
	const room = "/incidents/INC-1/do"
	for round, send := range []func(string, url.Values) page{ana.hx, func(path string, form url.Values) page { return ana.post(path, form) }} {
		for name, form := range map[string]url.Values{
			"a message": {"text": {"Hello"}, "box": {"1"}}, "a command": {"text": {"/note Noted"}, "box": {"1"}}, "a button": {"text": {"unack INC-1"}},
			"a form": {"text": {"update INC-1"}, "f.text": {"We know why"}, "f.next": {"30m"}}, "a form with a name": {"text": {"task INC-1"}, "f.text": {"Call"}, "op": {"1234"}},
		} {
			if !h.incident().Acknowledged() {
				h.do("cy: ack INC-1") // so that it can be given back
			}
			form.Set("op", fmt.Sprint(form.Get("op"), name, round))
			events, said := h.incident().Seq, len(h.said("INC-1"))
			first := send(room, form).has(200)
			once, onceSaid := h.incident().Seq, len(h.said("INC-1"))
			for range 2 {
				again := send(room, form).has(200)
				_, was := first.outcome()
				if ok, text := again.outcome(); !ok || text != was {
					t.Errorf("%s again says %q, not %q", name, text, was)
				}
			}
			if i := h.incident(); i.Seq != once || len(h.said("INC-1")) != onceSaid || once == events && onceSaid == said {
				t.Errorf("%s: %d events and %d messages once, then %d and %d more", name, once-events, onceSaid-said, i.Seq-once, len(h.said("INC-1"))-onceSaid)
			}
		}
	}
}

func TestTheSameDeclarationTwiceIsOneIncident(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ana := h.as("ana")
	form := url.Values{"text": {"declare"}, "f.title": {"Checkout is down"}, "f.service": {"checkout"}, "op": {"x"}}
	for range 3 {
		if to := ana.post("/declare", form).has(http.StatusSeeOther).header.Get("Location"); to != "/incidents/INC-1" {
			t.Errorf("it leads to %s", to)
		}
		ana.hx("/declare", form).has(200)
	}
	if _, err := h.bot.LoadUnchecked(t.Context(), "INC-2"); err == nil {
		t.Error("declared twice")
	}
	form.Set("f.title", "Mail is down")
	ana.post("/declare", form).has(http.StatusSeeOther)
	h.as("ben").post("/declare", form).has(http.StatusSeeOther)
	if got := h.open(); len(got) != 3 {
		t.Errorf("open are %q", got)
	}
}

// open lists the titles of what is open, sorted.
func (h *house) open() []string {
	h.t.Helper()
	all, err := h.bot.Incidents.Open(h.t.Context(), 500)
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

func TestTheSameAtTheSameTimeIsOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana := h.as("ana")
	var sending sync.WaitGroup
	for range 8 {
		for path, form := range map[string]url.Values{
			"/declare":            {"text": {"declare"}, "f.title": {"Mail is down"}, "op": {"x"}},
			"/incidents/INC-1/do": {"text": {"Hello"}, "box": {"1"}, "op": {"x"}},
		} {
			sending.Go(func() { ana.hx(path, form).has(200) })
		}
		sending.Go(func() { ana.hx("/incidents/INC-1/do", url.Values{"text": {"note INC-1 Noted"}, "op": {"x"}}).has(200) })
	}
	sending.Wait()
	if got := h.open(); len(got) != 2 {
		t.Errorf("open are %q", got)
	}
	if got := h.said("INC-1"); len(got) != 1 || h.incident().Paperwork.Notes != 1 {
		t.Errorf("said %q, %d notes", got, h.incident().Paperwork.Notes)
	}
}

// Another text, another press, another reader or another room is another one.
func TestWhatDiffersIsDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("ben: declare Checkout is down", "ben: declare The other")
	ana, ben := h.as("ana"), h.as("ben")
	box := func(text, op string) url.Values { return url.Values{"text": {text}, "box": {"1"}, "op": {op}} }
	for _, send := range []func(){
		func() { ana.hx("/incidents/INC-1/do", box("on it", "1")) },
		func() { ana.hx("/incidents/INC-1/do", box("on it!", "1")) },
		func() { ana.hx("/incidents/INC-1/do", box("on it", "2")) },
		func() { ben.hx("/incidents/INC-1/do", box("on it", "1")) },
		func() { h.as("ana").hx("/incidents/INC-1/do", box("on it", "1")) },
		func() { ana.hx("/incidents/INC-2/do", box("on it", "1")) },
	} {
		was := len(h.said("INC-1")) + len(h.said("INC-2"))
		send()
		if got := len(h.said("INC-1")) + len(h.said("INC-2")); got != was+1 {
			t.Fatalf("said %q and %q", h.said("INC-1"), h.said("INC-2"))
		}
	}
}

// Without a script a press has no name of its own. A page that was loaded anew
// is a new one all the same: who says "ok" at noon and again at night has said
// it twice, and a title that was declared yesterday can be declared today.
func TestTheSameFromANewPageIsDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared("ben: task INC-1 Call")
	ana := h.as("ana")
	say := func() {
		ana.press(ana.get("/incidents/INC-1").has(200).sheet("Send"), url.Values{"text": {"ok"}}).has(200)
	}
	say()
	h.as("ben").say("INC-1", "And now?")
	h.later(60e9)
	say()
	if got := strings.Join(h.said("INC-1"), ", "); got != "ok, And now?, ok" {
		t.Errorf("said %s", got)
	}
	for n, button := range []string{"Done", "Undo", "Done", "Undo"} {
		ana.press(ana.get("/incidents/INC-1").has(200).sheet(button), nil).has(200)
		if got := h.incident().Paperwork.ActionItems[0].Done; got != (n%2 == 0) {
			t.Errorf("press %d, %s: done is %t", n+1, button, got)
		}
	}
	for n := range 2 {
		p := ana.press(ana.get("/declare").has(200).sheet("Declare and page"), url.Values{"f.title": {"Mail is down"}}).has(http.StatusSeeOther)
		id := strings.TrimPrefix(p.header.Get("Location"), "/incidents/")
		if !h.peek(id).Open() {
			t.Fatalf("declared for the %d. time: led to %s, which has ended, and nobody is paged", n+1, id)
		}
		h.do("ben: cancel " + id + " A test")
		h.later(3600e9)
	}
}

// What was refused is not remembered: the same press works once it can.
func TestARefusalIsNotRemembered(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana := h.as("ana")
	form := url.Values{"text": {"unack INC-1"}, "op": {"x"}}
	if ok, _ := ana.hx("/incidents/INC-1/do", form).outcome(); ok {
		t.Fatal("nobody has acknowledged")
	}
	h.do("ana: ack INC-1")
	if ok, text := ana.hx("/incidents/INC-1/do", form).outcome(); !ok {
		t.Errorf("says %s", text)
	}
}

// An answer that was lost leaves the reader in doubt; the page must not say
// that nothing was changed, and to send it again does no harm.
func TestX4AnAnswerThatWasLost(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana := h.as("ana")
	for name, c := range map[string]struct {
		path string
		form url.Values
	}{
		"a message":   {"/incidents/INC-1/do", url.Values{"text": {"Hello"}, "box": {"1"}}},
		"a note":      {"/incidents/INC-1/do", url.Values{"text": {"note INC-1 Noted"}}},
		"an incident": {"/declare", url.Values{"text": {"declare"}, "f.title": {"Mail is down"}}},
	} {
		h.store.lossy.Store(true)
		p := ana.post(c.path, c.form).has(http.StatusServiceUnavailable)
		h.store.lossy.Store(false)
		if strings.Contains(p.html, "Nothing was changed") {
			t.Errorf("%s: it was kept, and the page says that nothing was changed", name)
		}
		for range 2 {
			if p = ana.post(c.path, c.form); p.status != http.StatusOK && p.status != http.StatusSeeOther {
				t.Errorf("%s again: answer %d", name, p.status)
			}
		}
	}
	if got := h.open(); len(h.said("INC-1")) != 1 || h.incident().Paperwork.Notes != 1 || len(got) != 2 {
		t.Errorf("said %q, %d notes, open are %q", h.said("INC-1"), h.incident().Paperwork.Notes, got)
	}
}
