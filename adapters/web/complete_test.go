package web_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// complete returns the completions of a line in the room of INC-1.
func (r reader) complete(line string) (lines []string) {
	r.h.t.Helper()
	p := r.get("/complete?room=INC-1&line=" + url.QueryEscape(line)).expect(200)
	var all []struct{ Line, Label, Help string }
	if err := json.Unmarshal([]byte(p.html), &all); err != nil || all == nil {
		r.h.t.Fatalf("%v: %s", err, p.html)
	}
	for _, one := range all {
		if one.Label == "" {
			r.h.t.Errorf("%q goes on to %q, which says nothing", line, one.Line)
		}
		lines = append(lines, one.Line)
	}
	return lines
}

func TestComplete(t *testing.T) {
	t.Parallel()
	h := newTestServer(t, guests).declare()
	ana, cy := h.signInAs("ana"), h.signInAs("cy")
	for line, want := range map[string]string{
		"/upd": "/update ", "/ack": "/ack ", "/page @b": "/page @ben ", "/page Cy": "/page @cy ", "/assign scribe @a": "/assign scribe @ana ", "/status mon": "/status monitoring",
		"/update It goes on --nex": "/update It goes on --next ", "/declare x --service ch": "/declare x --service checkout", "/help esc": "/help escalate",
	} {
		got := ana.complete(line)
		if len(got) == 0 || strings.TrimSpace(got[0]) != strings.TrimSpace(want) {
			t.Errorf("%q goes on to %q, want %q", line, got, want)
		}
	}
	for _, line := range []string{"/note It is ", "/frobnicate x", "", strings.Repeat("x", 100_000)} {
		if got := ana.complete(line[:min(len(line), 7000)]); line != "" && len(got) > 0 {
			t.Errorf("%.20q goes on to %q", line, got)
		}
	}
	// What a reader may not do is not offered.
	if got := cy.complete("/re"); len(got) > 0 && strings.Contains(strings.Join(got, " "), "resolve") {
		t.Errorf("a guest is offered %q", got)
	}
	if got := ana.complete("/can"); strings.Contains(strings.Join(got, " "), "cancel") {
		t.Errorf("a responder is offered %q", got)
	}
	if got := h.signInAs("ben").complete("/can"); len(got) != 1 {
		t.Errorf("a commander is offered %q", got)
	}
}
