package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/incidents"
)

// ids lists incidents and returns their IDs, and the cursor of the next page.
func (h *testServer) ids(query, token string) (all, next string) {
	h.t.Helper()
	var page struct {
		Incidents []struct{ ID string }
		Next      string
	}
	h.get("/api/v1/incidents"+query, token).into(http.StatusOK, &page)
	var names []string
	for _, i := range page.Incidents {
		names = append(names, strings.TrimPrefix(i.ID, "INC-"))
	}
	return strings.Join(names, " "), page.Next
}

func TestList(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	if got := string(h.get("/api/v1/incidents", guestToken).body); got != `{"incidents":[]}`+"\n" {
		t.Errorf("nothing is listed as %s", got)
	}
	h.mustRun(
		anaToken, "declare One --sev 1 --service checkout", "declare Two --sev 2", "declare Three --sev 2 --service checkout,payment",
		"declare Four --sev 5 --drill", "resolve INC-2 done", "status INC-3 monitoring", "cancel INC-4",
	)
	for query, want := range map[string]string{
		"":                               "1 3 4 2",
		"?":                              "1 3 4 2",
		"?status=":                       "1 3 4 2",
		"?status=open":                   "1 3",
		"?status=OPEN":                   "1 3",
		"?status=resolved":               "2",
		"?status=monitoring":             "3",
		"?status=canceled":               "4",
		"?status=merged":                 "",
		"?severity=SEV2":                 "3 2",
		"?severity=2":                    "3 2",
		"?severity=sev2&status=open":     "3",
		"?service=checkout":              "1 3",
		"?service=Check%20Out":           "1 3",
		"?service=payment":               "3",
		"?service=nowhere":               "",
		"?service=checkout&severity=1":   "1",
		"?limit=500":                     "1 3 4 2",
		"?service=checkout&status=close": "refused",
	} {
		if strings.HasSuffix(query, "close") {
			h.get("/api/v1/incidents"+query, anaToken).problem(http.StatusBadRequest, "bad_value", "did you mean closed?")
			continue
		}
		if strings.Contains(query, "OPEN") || query == "?status=" { // accepted, but not described
			got, _ := (&testServer{t: t, server: h.server}).ids(query, anaToken)
			if got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
			continue
		}
		if got, next := h.ids(query, anaToken); got != want || next != "" {
			t.Errorf("%s: %s, next %q, want %s", query, got, next, want)
		}
	}
}

func TestListInPages(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for range 7 {
		h.mustRun(anaToken, "declare Down")
	}
	h.mustRun(benToken, "declare Hidden --private") // not in another speaker's page, and not in its cursor
	var got []string
	for after := ""; ; {
		page, next := h.ids("?limit=3&after="+after, anaToken)
		got = append(got, page)
		if next == "" {
			break
		}
		if strings.Contains(next, "after") || strings.ContainsAny(next, "+/=& ") {
			t.Errorf("the cursor %q is not opaque, or not safe in an address", next)
		}
		after = next
	}
	if diff := cmp.Diff([]string{"1 2 3", "4 5 6", "7"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestE14List: a list begins with what needs a person most, however many newer ones are open,
// and ended ones come last (E14: lists are by need).
func TestE14List(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(anaToken, "declare Worst --sev 1", "declare Done --sev 1", "resolve INC-2 done")
	bottest.Flood(t, h.store.Store, 3, 600, nil)
	for query, want := range map[string]string{"?limit=2": "1 3", "?limit=2&status=open": "1 3", "?limit=2&status=investigating": "1", "?limit=3&status=triage": "3 4 5", "?limit=1&status=resolved": "2"} {
		if got, _ := h.ids(query, anaToken); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	count, last := 0, ""
	for after, more := "", true; more; more = after != "" {
		var page string
		page, after = h.ids("?limit=100&after="+after, anaToken)
		all := strings.Fields(page)
		count, last = count+len(all), all[len(all)-1]
	}
	if count != 602 || last != "2" {
		t.Errorf("%d are listed, the last is %s", count, last)
	}
}

func TestListRefusesBadFilters(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for query, words := range map[string][]string{
		"?status=resolve":            {`"resolve" is not a status`, "did you mean resolved?", "open, triage"},
		"?status=x":                  {"use one of open, triage"},
		"?severity=SEV6":             {"SEV1, SEV2, SEV3, SEV4 or SEV5"},
		"?severity=critical":         {`"critical" is not a severity`},
		"?limit=0":                   {"from 1 to 500"},
		"?limit=501":                 {"from 1 to 500"},
		"?limit=-1":                  {"from 1 to 500"},
		"?limit=ten":                 {"from 1 to 500"},
		"?limit=99999999999999999":   {"from 1 to 500"},
		"?after=17":                  {`"next"`, "unchanged"},
		"?after=YmVmb3JlIC0x":        {"unchanged"}, // before -1
		"?after=YmVmb3JlIDE3IA":      {"unchanged"}, // before 17, and a space
		"?after=YmVmb3JlLTE3IA":      {"unchanged"}, // before-17, and a space
		"?after=YWZ0ZXItLTEtMQ":      {"unchanged"}, // after--1-1
		"?after=YWZ0ZXItMQ":          {"unchanged"}, // after-1
		"?sev=1":                     {`no parameter "sev"`, "did you mean severity?"},
		"?page=2":                    {"status, severity, service, limit, after"},
		"?status=open&status=merged": {`"status" is given 2 times`},
		"?status=%zz":                {"percent-encoded"},
		"?status=%1b%5b31mx":         {`"[31mx" is not a status`},
	} {
		h.get("/api/v1/incidents"+query, anaToken).problem(http.StatusBadRequest, "bad_value", words...)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(anaToken, `declare Checkout is down <b>&co --sev 2 --service checkout`)
	h.advance(0)
	h.mustRun(anaToken, "ack INC-1", "lead INC-1")
	h.advance(10 * time.Minute)
	h.mustRun(anaToken, "resolve INC-1 Rolled back")
	const want = `{"incidents":[{"id":"INC-1","title":"Checkout is down <b>&co","status":"resolved","severity":"SEV2",` +
		`"services":["checkout"],"kind":"real","visibility":"public","declared_at":"2026-03-01T03:12:00Z",` +
		`"acknowledged_at":"2026-03-01T03:12:00Z","acknowledged_by":"ana","resolved_at":"2026-03-01T03:22:00Z","commander":"ana",` +
		`"unattended":false,"alerts":{"firing":0,"resolved":0},` +
		`"rooms":[{"platform":"slack","id":"C1","name":"inc-1-checkout-is-down-b-co","url":"https://chat.example.com/C1"}]}]}` + "\n"
	if diff := cmp.Diff(want, string(h.get("/api/v1/incidents", anaToken).body)); diff != "" {
		t.Error(diff)
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(
		anaToken, `declare Checkout is down --impact high --urgency low --service checkout --description "It began at three" --symptom "no carts" --detected 20m`,
		"task INC-1 look at the logs --for @ben", "followup INC-1 write it down", "note INC-1 The deploy did it",
		`update INC-1 --to customers "We are on it" --next 30m`, "cause INC-1 A deploy", "assign INC-1 scribe @ben",
	)
	h.advance(0)
	var got map[string]any
	h.get("/api/v1/incidents/inc-1", anaToken).into(http.StatusOK, &got)
	want := map[string]any{
		"id": "INC-1", "status": "investigating", "severity": "SEV3", "severity_basis": "matrix", "impact": "high", "urgency": "low",
		"description": "It began at three", "symptoms": []any{"no carts"}, "source": "person", "category": "software",
		"reporter":    map[string]any{"person": "ana", "name": "Ana Silva", "contact": "ana@example.com"},
		"detected_at": "2026-03-01T02:52:00Z", "cause": "A deploy", "roles": map[string]any{"scribe": "ben"},
		"tasks": []any{
			map[string]any{"n": 1.0, "text": "look at the logs", "assignee": "ben", "follow_up": false, "done": false},
			map[string]any{"n": 2.0, "text": "write it down", "follow_up": true, "done": false},
		},
		"links":         []any{map[string]any{"title": "Runbook", "url": "https://wiki.example.com/checkout"}},
		"latest_update": map[string]any{"at": "2026-03-01T03:12:00Z", "by": "Ana Silva", "audience": "customers", "text": "We are on it", "next_due": "2026-03-01T03:42:00Z"},
		"unattended":    false, "merged_from": []any{}, "checklist": []any{}, "alert_samples": []any{},
	}
	for name, w := range want {
		if diff := cmp.Diff(w, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if timers, _ := got["timers"].([]any); len(timers) != 2 {
		t.Errorf("timers: %v", got["timers"])
	}
	if seq, _ := got["seq"].(float64); seq < 8 {
		t.Errorf("seq: %v", got["seq"])
	}
	for _, name := range []string{"acknowledged_at", "acknowledged_by", "resolved_at", "closed_at", "merged_into", "commander"} {
		if v, ok := got[name]; ok {
			t.Errorf("%s is there: %v", name, v)
		}
	}
	got = nil
	h.get("/api/v1/incidents/INC-1", guestToken).into(http.StatusOK, &got)
	if v, ok := got["timers"]; ok {
		t.Errorf("a guest may not read timers: %v", v)
	}
}

// An incident whose ID alerts have reserved can be read before its first step.
func TestAlertsAreIncidentsAtOnce(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	all, err := lines(alerts.Request{Body: []byte("disk")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.bot.Intake.Receive(t.Context(), "alertmanager", all); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"as a stub", "stepped"} {
		var got struct {
			Status, Severity string
			Alerts           struct{ Firing, Resolved int }
			AlertSamples     []struct {
				Title  string
				Firing bool
			} `json:"alert_samples"`
		}
		h.get("/api/v1/incidents/INC-1", anaToken).into(http.StatusOK, &got)
		if got.Status != "triage" || got.Severity != "SEV1" || got.Alerts.Firing != 1 {
			t.Errorf("%s: %+v", when, got)
		}
		if all, _ := h.ids("?status=open", guestToken); all != "1" {
			t.Errorf("%s: listed %q", when, all)
		}
		for _, rest := range []string{"/timeline", "/deliveries", "/timers"} {
			if a := h.get("/api/v1/incidents/INC-1"+rest, anaToken); a.status != http.StatusOK || strings.Contains(string(a.body), "null") {
				t.Errorf("%s: %s: %d %s", when, rest, a.status, a.body)
			}
		}
		if when == "stepped" && (len(got.AlertSamples) != 1 || !got.AlertSamples[0].Firing) {
			t.Errorf("samples: %+v", got.AlertSamples)
		}
		h.advance(0)
	}
}

// The timeline names the actor, the token, the time and the change of each event
// (P3: every change names its actor).
func TestTimelineDeliveriesTimers(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(adminToken, "declare Checkout is down --sev 1")
	h.advance(0)
	h.mustRun(anaToken, "update INC-1 Looking --next 15m")
	var told struct{ Deliveries []map[string]any }
	h.get("/api/v1/incidents/INC-1/deliveries", anaToken).into(http.StatusOK, &told)
	want := []map[string]any{{
		"to": "ben", "name": "Ben Okafor", "via": "email", "purpose": "escalation", "state": "delivered",
		"asked_at": "2026-03-01T03:12:00Z", "done_at": "2026-03-01T03:12:00Z", "text": "delivered 03:12 UTC", "page": told.Deliveries[0]["page"],
	}}
	if diff := cmp.Diff(want, told.Deliveries); diff != "" {
		t.Error(diff)
	}
	var due struct {
		Timers []struct{ At, Kind, Text string }
	}
	h.get("/api/v1/incidents/INC-1/timers", anaToken).into(http.StatusOK, &due)
	if len(due.Timers) != 2 || due.Timers[0].At != "2026-03-01T03:17:00Z" || due.Timers[0].Kind != "escalate" || due.Timers[1].Kind != "update" {
		t.Errorf("timers: %+v", due.Timers)
	}
	h.mustRun(anaToken, "ack INC-1", "resolve INC-1 Rolled back")
	if got := string(h.get("/api/v1/incidents/INC-1/timers", benToken).body); got != `{"timers":[]}`+"\n" {
		t.Errorf("timers of a resolved incident: %s", got)
	}
	var happened struct{ Events []incidents.Entry }
	h.get("/api/v1/incidents/INC-1/timeline", benToken).into(http.StatusOK, &happened)
	type line struct{ By, Kind, Text string }
	var got []line
	for n, e := range happened.Events {
		if e.Seq != n+1 || e.At.IsZero() {
			t.Errorf("event %d: %+v", n, e)
		}
		got = append(got, line{e.By, e.Kind, e.Text})
	}
	for _, want := range []line{
		{"admin", "declared", "Declared SEV1: Checkout is down"},
		{"tocsin", "step_fired", "Step 1 of default pages Ben Okafor (email); next step 03:17 UTC"},
		{"Ana Silva, by token ci", "update_posted", "Update: Looking (next update due 03:27 UTC)"},
		{"Ana Silva, by token ci", "acknowledged", "Acknowledged by Ana Silva"},
		{"Ana Silva, by token ci", "resolved", "Resolved: Rolled back"},
	} {
		if !cmp.Equal([]line{want}, got, cmpopts.IgnoreSliceElements(func(l line) bool { return l != want })) {
			t.Errorf("the timeline has no %v:\n%v", want, got)
		}
	}
}

func TestNoSuchIncident(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for _, rest := range []string{"", "/timeline", "/deliveries", "/timers"} {
		h.get("/api/v1/incidents/INC-99"+rest, anaToken).problem(http.StatusNotFound, "not_found", "INC-99 does not exist")
		h.get("/api/v1/incidents/foo"+rest, anaToken).problem(http.StatusNotFound, "not_found", `"foo" is not an incident`, "INC-7")
		h.get("/api/v1/incidents/%2e%2e%2f"+rest, anaToken).problem(http.StatusNotFound, "not_found")
	}
}

func TestP2PrivateIncidentsAreMissing(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(benToken, "declare A key was stolen --private --sev 1")
	h.advance(0)
	if all, _ := h.ids("", benToken); all != "1" {
		t.Fatalf("its member does not list it: %q", all)
	}
	same := func(a, b answer) bool {
		return a.status == b.status && string(a.body) == strings.ReplaceAll(string(b.body), "INC-99", "INC-1")
	}
	for _, token := range []string{adminToken, anaToken, guestToken} {
		if all, _ := h.ids("", token); all != "" {
			t.Errorf("%s lists %s", token, all)
		}
		for _, rest := range []string{"", "/timeline", "/deliveries", "/timers", "/messages"} {
			private, missing := h.get("/api/v1/incidents/INC-1"+rest, token), h.get("/api/v1/incidents/INC-99"+rest, token)
			if !same(private, missing) {
				t.Errorf("%s, %q: private %d %s, missing %d %s", token, rest, private.status, private.body, missing.status, missing.body)
			}
		}
		for _, line := range []string{"show", "ack", "timeline", "who", "note x", "resolve", "close", "merge INC-2", "cancel"} {
			word, rest, _ := strings.Cut(line, " ")
			command := func(id string) answer {
				return h.post("/api/v1/commands", token, `{"text": "`+word+" "+id+" "+rest+`"}`)
			}
			private, missing := command("INC-1"), command("INC-99")
			if !same(private, missing) || strings.Contains(string(private.body), "key") {
				t.Errorf("%s, %s: private %d %s, missing %d %s", token, line, private.status, private.body, missing.status, missing.body)
			}
		}
	}
}

// TestE8Plans: the open incidents that the caller may see, with the plans that they have
// (E8b: an edited policy can be applied to running incidents).
func TestE8Plans(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(anaToken, "declare Checkout is down")
	a := h.get("/api/v1/plans", anaToken)
	if a.status != http.StatusOK || !strings.Contains(string(a.body), `"Checkout is down"`) || !strings.Contains(string(a.body), `"policies"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}
