package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tocsin/bot"
)

var everyOperation = []string{
	"GET /api/v1/incidents", "GET /api/v1/incidents/INC-1", "GET /api/v1/incidents/INC-1/timeline",
	"GET /api/v1/incidents/INC-1/deliveries", "GET /api/v1/incidents/INC-1/timers", "POST /api/v1/commands",
	"GET /api/v1/deadletters", "POST /api/v1/deadletters/x/replay", "DELETE /api/v1/deadletters/x",
}

func TestOnlyValidTokens(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for _, line := range everyOperation {
		method, path, _ := strings.Cut(line, " ")
		for _, header := range []string{
			"X-Nothing: x", "Authorization: Bearer wrong", "Authorization: Bearer", "Authorization: " + adminToken,
			"Authorization: Basic YTphZG1pbi03ZjFlMmE=", "Authorization: Bearer " + adminToken[:5], "Authorization: Bearer " + adminToken + "0",
			"Authorization: Bearer " + strings.ToUpper(adminToken), "Cookie: token=" + adminToken,
		} {
			a := h.send(method, path, "", "", header)
			a.problem(http.StatusUnauthorized, "unauthorized", "Authorization: Bearer TOKEN")
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="tocsin"` {
				t.Errorf("%s: WWW-Authenticate %q", line, got)
			}
		}
		h.send(method, path+"?token="+adminToken, "", "").problem(http.StatusUnauthorized, "unauthorized", "not accepted", "make a new token")
	}
	for _, header := range []string{"Authorization: bearer " + anaToken, "Authorization: BEARER   " + anaToken} {
		if a := h.send("GET", "/api/v1/incidents", "", "", header); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", header, a.status, a.body)
		}
	}
	h.get("/api/v1/incidents", "old-e1b2c3").problem(http.StatusForbidden, "forbidden", "acts for zoe")
}

func TestClosedWithoutTokens(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.server = httptest.NewServer(newHandler(h.bot, func() []bot.Token { return nil }, nil))
	t.Cleanup(h.server.Close)
	for _, token := range []string{"", adminToken} {
		h.get("/api/v1/incidents", token).problem(http.StatusUnauthorized, "unauthorized")
	}
}

// Reading an incident needs the access of the command that shows the same (P1: access
// is checked first); one that does not exist is not found.
func TestP1Access(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(anaToken, "declare Down")
	h.advance(0)
	for _, line := range everyOperation {
		method, path, _ := strings.Cut(line, " ")
		for _, id := range []string{"INC-1", "INC-99"} {
			path = strings.Replace(path, "INC-1", id, 1)
			body := ""
			if path == "/api/v1/commands" {
				body = `{"text": "list"}`
			}
			a := h.send(method, path, guestToken, body)
			switch {
			case strings.HasPrefix(path, "/api/v1/incidents/INC-99"):
				a.problem(http.StatusNotFound, "not_found")
			case path == "/api/v1/incidents", path == "/api/v1/commands", path == "/api/v1/incidents/INC-1":
				if a.status != http.StatusOK {
					t.Errorf("%s: %d %s", line, a.status, a.body)
				}
			default:
				a.problem(http.StatusForbidden, "forbidden", `"responder"`, `"guest"`)
			}
		}
	}
	if s := h.run(guestToken, "ack INC-1"); s.OK || !strings.Contains(s.Text, "responder") {
		t.Errorf("a guest acknowledges: %+v", s)
	}
}

// A token that acts for a person is limited to the access of both.
func TestATokenHasNoMoreAccessThanItsPerson(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(benToken, "declare Down")
	if s := h.run(benToken, "cancel INC-1"); s.OK || !strings.Contains(s.Text, "commander") {
		t.Errorf("ben is a responder and his token an administrator's, yet they cancel: %+v", s)
	}
	h.mustRun(anaToken, "cancel INC-1")
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for _, path := range []string{"/api/", "/api/v1", "/api/v1/", "/api/v2/incidents", "/api/v1/incidents/", "/api/v1/incidents/INC-1/x", "/api/v1/openapi.json", "/api/v1/deadletters/"} {
		for _, method := range []string{"GET", "POST", "DELETE", "PATCH"} {
			h.send(method, path, anaToken, "").problem(http.StatusNotFound, "not_found", "/api/v1/openapi.yaml")
		}
	}
	for _, c := range [][3]string{
		{"POST", "/api/v1/incidents", "GET, HEAD"},
		{"DELETE", "/api/v1/incidents/INC-1", "GET, HEAD"},
		{"GET", "/api/v1/commands", "POST"},
		{"PUT", "/api/v1/commands", "POST"},
		{"GET", "/api/v1/deadletters/x", "DELETE"},
		{"OPTIONS", "/api/v1/openapi.yaml", "GET, HEAD"},
	} {
		a := h.send(c[0], c[1], "", "")
		a.problem(http.StatusMethodNotAllowed, "method_not_allowed", c[0])
		if got := a.header.Get("Allow"); got != c[2] {
			t.Errorf("%s %s: Allow %q, want %q", c[0], c[1], got, c[2])
		}
	}
	if a := h.send("HEAD", "/api/v1/incidents", anaToken, ""); a.status != http.StatusOK || len(a.body) != 0 {
		t.Errorf("HEAD: %d %s", a.status, a.body)
	}
}

func TestX4StoreDown(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(anaToken, "declare Down")
	h.store.down.Store(true)
	for _, line := range everyOperation {
		method, path, _ := strings.Cut(line, " ")
		body := ""
		if path == "/api/v1/commands" {
			body = `{"text": "ack INC-1"}`
		}
		before := strings.Count(h.log.text(), "\n")
		a := h.send(method, path, anaToken, body)
		a.problem(http.StatusServiceUnavailable, "unavailable", "cannot reach its store")
		if got := a.header.Get("Retry-After"); got != "5" {
			t.Errorf("%s: Retry-After %q", line, got)
		}
		if strings.Contains(string(a.body), "db-7") {
			t.Errorf("%s shows the detail: %s", line, a.body)
		}
		if log := h.log.text(); strings.Count(log, "\n") != before+1 || !strings.Contains(log, errDown.Error()) {
			t.Errorf("%s: logged %s", line, log)
		}
	}
	h.store.down.Store(false)
	h.mustRun(anaToken, "ack INC-1")
}

func TestP4NoSecretLeaks(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{adminToken, benToken, "guess-77aa88"} {
		h := newTestServer(t)
		for _, down := range []bool{false, true} {
			h.store.down.Store(down)
			for _, line := range append(everyOperation, "PUT /api/v1/commands", "GET /api/v1/nowhere") {
				method, path, _ := strings.Cut(line, " ")
				for _, path := range []string{path, path + "?token=" + secret, strings.Replace(path, "INC-1", secret, 1)} {
					for _, header := range []string{"Authorization: Bearer " + secret, "Authorization: " + secret, "User-Agent: " + secret, "Idempotency-Key: é" + secret} {
						a := (&testServer{t: t, server: h.server}).send(method, path, "", `{"text": "list"}`, header)
						answer := string(a.body)
						for name, values := range a.header {
							answer += name + ": " + strings.Join(values, ", ") + "\n"
						}
						typed := strings.Contains(path, secret) && !strings.Contains(path, "?") // an invalid ID is repeated to the client that sent it
						if strings.Contains(answer, secret) && !typed || strings.Contains(h.log.text(), secret) {
							t.Fatalf("%s %s with %s leaks:\nanswer %s\nlog %s", method, path, header, answer, h.log.text())
						}
					}
				}
			}
		}
	}
}
