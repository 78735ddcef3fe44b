package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/bot/alerts"
)

type deadLetter struct {
	ID, Integration, Reason string
	Size                    int
	Truncated               bool
}

func (h *testServer) deadLetters() []deadLetter {
	h.t.Helper()
	var got struct{ DeadLetters []deadLetter }
	h.get("/api/v1/deadletters", benToken).into(http.StatusOK, &got)
	return got.DeadLetters
}

// addDeadLetter keeps a delivery as a dead letter and returns its path.
func (h *testServer) addDeadLetter(body string) string {
	h.t.Helper()
	return h.addUnreadable(alerts.Unreadable{Body: []byte(body), Reason: "no key"})
}

func (h *testServer) addUnreadable(got alerts.Unreadable) string {
	h.t.Helper()
	if err := h.bot.Intake.StoreDeadLetter(h.t.Context(), "alertmanager", got); err != nil {
		h.t.Fatal(err)
	}
	all := h.deadLetters()
	return "/api/v1/deadletters/" + all[len(all)-1].ID
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	if got := string(h.get("/api/v1/deadletters", benToken).body); got != `{"deadletters":[]}`+"\n" {
		t.Errorf("none is listed as %s", got)
	}
	readable := h.addDeadLetter("disk cpu disk")
	if all := h.deadLetters(); len(all) != 1 || all[0].Integration != "alertmanager" || all[0].Reason != "no key" || all[0].Size != 13 || all[0].Truncated {
		t.Errorf("listed: %+v", all)
	}
	if a := h.get("/api/v1/deadletters", benToken); strings.Contains(string(a.body), "disk") {
		t.Errorf("a body is shown: %s", a.body)
	}
	var done struct {
		Alerts    int
		Incidents []string
	}
	h.post(readable+"/replay", benToken, "").into(http.StatusOK, &done)
	if done.Alerts != 3 || len(done.Incidents) == 0 || len(h.deadLetters()) != 0 {
		t.Errorf("replayed: %+v, left %v", done, h.deadLetters())
	}
	for _, path := range []string{readable, "/api/v1/deadletters/nothing"} {
		h.post(path+"/replay", benToken, "").problem(http.StatusNotFound, "not_found", "no dead letter")
		h.send("DELETE", path, benToken, "").problem(http.StatusNotFound, "not_found", "no dead letter")
	}
}

func TestDeadLetterThatStaysUnreadable(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for why, got := range map[string]alerts.Unreadable{
		"still cannot be read: read line: no key": {Body: []byte("garbage")},
		"Only the first 65536 bytes":              {Body: bytes.Repeat([]byte("x"), 64<<10), Truncated: true},
	} {
		path := h.addUnreadable(got)
		h.post(path+"/replay", benToken, "").problem(http.StatusConflict, "conflict", why)
		if len(h.deadLetters()) != 1 {
			t.Errorf("left: %v", h.deadLetters())
		}
		if a := h.send("DELETE", path, benToken, ""); a.status != http.StatusNoContent || len(a.body) != 0 {
			t.Errorf("discard: %d %s", a.status, a.body)
		}
		if len(h.deadLetters()) != 0 {
			t.Errorf("left: %v", h.deadLetters())
		}
	}
}

// A panic is answered, and the value of the panic is not logged.
func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	path := h.addDeadLetter("panic s3cret")
	a := h.post(path+"/replay", benToken, "")
	if a.status == http.StatusConflict { // the bot has recovered from it
		return
	}
	a.problem(http.StatusInternalServerError, "internal", "fault in Tocsin")
	if log := h.log.text(); strings.Contains(log, "s3cret") || !strings.Contains(log, "panicked") || !strings.Contains(log, "stack") {
		t.Errorf("logged %s", log)
	}
}

// The answer to a replay names only incidents that the caller may see (P2:
// private means members only).
func TestP2ReplayNamesNoPrivateIncident(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	var done struct{ Incidents []string }
	h.post(h.addDeadLetter("disk")+"/replay", benToken, "").into(http.StatusOK, &done)
	id := done.Incidents[0]
	h.advance(0)
	h.advance(0)
	h.mustRun(benToken, "ack "+id, "private "+id)
	h.post(h.addDeadLetter("disk2")+"/replay", adminToken, "").into(http.StatusOK, &done)
	if len(done.Incidents) != 0 {
		t.Errorf("the answer names %v, and %s is private", done.Incidents, id)
	}
	h.advance(time.Second) // alerts are read at most every 100 ms
	var i struct{ Alerts struct{ Firing int } }
	h.get("/api/v1/incidents/"+id, benToken).into(http.StatusOK, &i)
	if i.Alerts.Firing != 2 {
		t.Errorf("it did not join: %+v", i)
	}
}
