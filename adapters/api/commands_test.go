package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	a := h.post("/api/v1/commands", anaToken, `{"text": "declare Checkout is down --sev 2"}`)
	var s reply
	a.into(http.StatusOK, &s)
	if !s.OK || s.Incident != "INC-1" || !strings.Contains(s.Text, "Declared SEV2: Checkout is down.") {
		t.Errorf("%+v", s)
	}
	h.post("/api/v1/commands", anaToken, `{"text": "ack", "incident": "inc-1", "as": ""}`).into(http.StatusOK, &s)
	if !s.OK || s.Incident != "INC-1" {
		t.Errorf("in the incident's room: %+v", s)
	}
	for text, want := range map[string]string{
		"ack INC-1":  "You have acknowledged INC-1 already.",
		"aknoledge":  "`help` lists them",
		"":           "Say what to do.",
		"ack":        "Which incident?",
		"ack INC-99": "INC-99 does not exist.",
	} {
		if s := h.run(anaToken, text); s.OK || !strings.Contains(s.Text, want) {
			t.Errorf("%q: %+v, want %q", text, s, want)
		}
	}
	if s := h.run(anaToken, "ack INC-1"); s.Incident != "INC-1" {
		t.Errorf("a refusal names its incident: %+v", s)
	}
	if s := h.run(guestToken, "list"); !s.OK || !strings.Contains(s.Text, "Checkout is down") {
		t.Errorf("list: %+v", s)
	}
}

func TestMalformedCommands(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for _, c := range []struct {
		body, code string
		words      []string
	}{
		{"", "bad_value", []string{"it ends too early"}},
		{"ack INC-1", "bad_value", []string{"at byte 1", `{"text": "ack INC-7"}`}},
		{`{"text": "list"`, "bad_value", []string{"it ends too early"}},
		{`{"text": "list"} {}`, "bad_value", []string{"not a JSON object"}},
		{`{"text": "list"} x`, "bad_value", []string{"not a JSON object"}},
		{`["list"]`, "bad_value", []string{"not a JSON object"}},
		{`null`, "bad_value", []string{"not a JSON object"}},
		{`{}`, "bad_value", []string{`"text" is missing`}},
		{`{"text": 7}`, "bad_value", []string{`"text" is not a string`}},
		{`{"text": null}`, "bad_value", []string{`"text" is not a string`}},
		{`{"text": "list", "as": ["ana"]}`, "bad_value", []string{`"as" is not a string`}},
		{`{"text": "list", "room": "INC-1"}`, "unknown_field", []string{`"room"`, "text, incident, as"}},
		{`{"txt": "list"}`, "unknown_field", []string{`"txt"`, "did you mean text?"}},
		{`{"Text": "list"}`, "unknown_field", []string{`"Text"`, "did you mean text?"}},
		{`{"text": "ack", "incident": "7"}`, "bad_value", []string{`"7" is not an incident`, "INC-7"}},
	} {
		h.post("/api/v1/commands", anaToken, c.body).problem(http.StatusBadRequest, c.code, c.words...)
	}
	long := func(n int) string { return `{"text": "list` + strings.Repeat(" ", n-len(`{"text": "list"}`)) + `"}` }
	if a := h.post("/api/v1/commands", anaToken, long(64<<10)); a.status != http.StatusOK {
		t.Errorf("64 KiB: %d %s", a.status, a.body)
	}
	for _, body := range []string{long(64<<10 + 1), `{"text": "list"}` + strings.Repeat(" ", 64<<10), strings.Repeat("x", 1<<20), `{"text": "` + strings.Repeat("x", 1<<20) + `"}`} {
		a := h.post("/api/v1/commands", anaToken, body)
		if strings.HasPrefix(body, "x") { // malformed from its first byte
			a.problem(http.StatusBadRequest, "bad_value")
			continue
		}
		a.problem(http.StatusRequestEntityTooLarge, "too_large", "64 KiB")
	}
	h.post("/api/v1/commands", anaToken, `{"text": "list"}`, "Idempotency-Key: "+strings.Repeat("k", 201)).
		problem(http.StatusBadRequest, "bad_value", "at most 200 characters")
	h.post("/api/v1/commands", anaToken, `{"text": "list"}`, "Idempotency-Key: schlüssel").problem(http.StatusBadRequest, "bad_value")
}

func TestActingForAPerson(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	as := func(token, text, person string) answer {
		return h.post("/api/v1/commands", token, fmt.Sprintf(`{"text": %q, "as": %q}`, text, person))
	}
	var s reply
	for n, handle := range []string{"ana", "@ana", "Ana Silva", "ANA@example.com"} {
		as(adminToken, "declare Down", handle).into(http.StatusOK, &s)
		if want := fmt.Sprintf("INC-%d", n+1); !s.OK || s.Incident != want {
			t.Errorf("%s: %+v", handle, s)
		}
		if line := string(h.get("/api/v1/incidents/"+s.Incident+"/timeline", adminToken).body); !strings.Contains(line, `"by":"Ana Silva, by token admin","kind":"declared"`) {
			t.Errorf("%s is recorded as %s", handle, line)
		}
	}
	as(benToken, "ack INC-1", "ana").into(http.StatusOK, &s) // an administrator's token may, also when it acts for ben by itself
	if !s.OK {
		t.Errorf("%+v", s)
	}
	as(adminToken, "cancel INC-2", "ben").into(http.StatusOK, &s)
	if s.OK || !strings.Contains(s.Text, "commander") {
		t.Errorf("ben may not cancel, also not by an administrator's token: %+v", s)
	}
	for _, token := range []string{anaToken, guestToken} {
		as(token, "list", "ben").problem(http.StatusForbidden, "forbidden", `"admin"`)
		as(token, "list", "nobody").problem(http.StatusForbidden, "forbidden", `"admin"`)
	}
	as(adminToken, "list", "anna").problem(http.StatusBadRequest, "bad_value", `"anna"`, "did you mean ana?")
	as(adminToken, "list", "zoe").problem(http.StatusBadRequest, "bad_value", `no person is called "zoe"`)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	declare := func(token, key string) reply {
		var s reply
		h.post("/api/v1/commands", token, `{"text": "declare Down"}`, "Idempotency-Key: "+key).into(http.StatusOK, &s)
		return s
	}
	first, again, other, theirs := declare(anaToken, "k 1"), declare(anaToken, "k 1"), declare(anaToken, "k 2"), declare(benToken, "k 1")
	if first != again {
		t.Errorf("the repeat is answered %+v, the first was %+v", again, first)
	}
	if first.Incident == other.Incident || first.Incident == theirs.Incident || other.Incident == theirs.Incident {
		t.Errorf("one incident for different deliveries: %+v %+v %+v", first, other, theirs)
	}
	var all sync.WaitGroup
	ids := make([]string, 16)
	for n := range ids {
		all.Go(func() { ids[n] = declare(anaToken, "race").Incident })
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("one delivery at the same time: %v", ids)
			break
		}
	}
}

// TestC4KeyOfAnotherRequest: a key that comes again with another text, incident or person
// is refused, and does not get the first answer (C4: a key stands for one request).
func TestC4KeyOfAnotherRequest(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(benToken, "declare Mail is slow")
	h.mustRun(benToken, "declare Search is slow")
	send := func(body string) answer {
		return h.post("/api/v1/commands", adminToken, body, "Idempotency-Key: k")
	}
	const first = `{"text": "note It was the disk", "incident": "INC-1", "as": "ana"}`
	var was, again reply
	send(first).into(http.StatusOK, &was)
	state := func() string {
		return string(h.get("/api/v1/incidents/INC-1/timeline", adminToken).body) + string(h.get("/api/v1/incidents/INC-2/timeline", adminToken).body)
	}
	before := state()
	for _, other := range []string{
		`{"text": "note It was the network", "incident": "INC-1", "as": "ana"}`,
		`{"text": "note It was the disk ", "incident": "INC-1", "as": "ana"}`,
		`{"text": "note It was the disk", "incident": "INC-2", "as": "ana"}`,
		`{"text": "note It was the disk", "incident": "INC-1", "as": "ben"}`,
		`{"text": "note It was the disk", "incident": "INC-1"}`,
		`{"text": "resolve", "incident": "INC-1", "as": "ana"}`,
		`{"text": "list", "as": "ana"}`, `{"text": "declare Mail is down", "as": "ana"}`, `{"text": "no command", "as": "ana"}`,
	} {
		send(other).problem(http.StatusUnprocessableEntity, "key_reused", "another request", "new key")
	}
	send(first).into(http.StatusOK, &again)
	if again != was {
		t.Errorf("the repeat is answered %+v, the first was %+v", again, was)
	}
	if got := state(); got != before {
		t.Errorf("something was done: %s, before %s", got, before)
	}
}
