package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

type deadLetter struct {
	ID, Integration, Reason string
	Size                    int
	Cut                     bool
}

func (h *house) letters() []deadLetter {
	h.t.Helper()
	var got struct{ DeadLetters []deadLetter }
	h.get("/api/v1/deadletters", benToken).into(http.StatusOK, &got)
	return got.DeadLetters
}

// unread keeps a delivery as a dead letter and returns its path.
func (h *house) unread(body string) string {
	h.t.Helper()
	if err := h.bot.Intake.KeepUnreadable(h.t.Context(), "alertmanager", []byte(body), "no key"); err != nil {
		h.t.Fatal(err)
	}
	all := h.letters()
	return "/api/v1/deadletters/" + all[len(all)-1].ID
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if got := string(h.get("/api/v1/deadletters", benToken).body); got != `{"deadletters":[]}`+"\n" {
		t.Errorf("none is listed as %s", got)
	}
	readable := h.unread("disk cpu disk")
	if all := h.letters(); len(all) != 1 || all[0].Integration != "alertmanager" || all[0].Reason != "no key" || all[0].Size != 13 || all[0].Cut {
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
	if done.Alerts != 3 || len(done.Incidents) == 0 || len(h.letters()) != 0 {
		t.Errorf("replayed: %+v, left %v", done, h.letters())
	}
	for _, path := range []string{readable, "/api/v1/deadletters/nothing"} {
		h.post(path+"/replay", benToken, "").problem(http.StatusNotFound, "not_found", "no dead letter")
		h.ask("DELETE", path, benToken, "").problem(http.StatusNotFound, "not_found", "no dead letter")
	}
}

func TestDeadLetterThatStaysUnreadable(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for body, why := range map[string]string{
		"garbage": "still cannot be read: read line: no key", strings.Repeat("x", 64<<10): "Only the first 65536 bytes",
	} {
		path := h.unread(body)
		h.post(path+"/replay", benToken, "").problem(http.StatusConflict, "conflict", why)
		if len(h.letters()) != 1 {
			t.Errorf("left: %v", h.letters())
		}
		if a := h.ask("DELETE", path, benToken, ""); a.status != http.StatusNoContent || len(a.body) != 0 {
			t.Errorf("discard: %d %s", a.status, a.body)
		}
		if len(h.letters()) != 0 {
			t.Errorf("left: %v", h.letters())
		}
	}
}

// A fault is an answer, and what it was about is not in the log.
func TestAFaultIsAnAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path := h.unread("panic s3cret")
	a := h.post(path+"/replay", benToken, "")
	if a.status == http.StatusConflict { // the bot has caught it
		return
	}
	a.problem(http.StatusInternalServerError, "internal", "fault in Tocsin")
	if log := h.log.text(); strings.Contains(log, "s3cret") || !strings.Contains(log, "panicked") || !strings.Contains(log, "stack") {
		t.Errorf("logged %s", log)
	}
}

// Of the incidents that a letter's alerts belong to, the answer names those
// that are no secret (rule P2).
func TestP2ReplayNamesNoPrivateIncident(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var done struct{ Incidents []string }
	h.post(h.unread("disk")+"/replay", benToken, "").into(http.StatusOK, &done)
	id := done.Incidents[0]
	h.later(0)
	h.later(0)
	h.do(benToken, "ack "+id, "private "+id)
	h.post(h.unread("disk2")+"/replay", adminToken, "").into(http.StatusOK, &done)
	if len(done.Incidents) != 0 {
		t.Errorf("the answer names %v, and %s is private", done.Incidents, id)
	}
	h.later(time.Second) // mail is read at most every 100 ms
	var i struct{ Alerts struct{ Firing int } }
	h.get("/api/v1/incidents/"+id, benToken).into(http.StatusOK, &i)
	if i.Alerts.Firing != 2 {
		t.Errorf("it did not join: %+v", i)
	}
}
