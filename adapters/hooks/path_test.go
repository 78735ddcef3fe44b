package hooks_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/hooks"
)

// TestI1bPath: an integration is found however its path is spelled (I1b: no
// address swallows an alert).
func TestI1bPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/hooks/prod", "/hooks/prod/", "/hooks/prod//", "//hooks/prod", "///hooks//prod//", "/Hooks/PROD", "/hooks/%70rod", "/%68ooks/prod", "/hooks%2Fprod",
		"/hooks/prod%2F", "/hooks/prod%20", "/hooks/%20prod", "/hooks/prod%0A", "/hooks/prod%E2%80%8B", "/hooks/./prod", "/x/../hooks/prod", "/hooks/prod/api/v2/alerts", "/hooks/prod?a=b",
	} {
		h := newHandler(t)
		keys := h.expectAlerts()
		if !hooks.Match(httptest.NewRequest(http.MethodPost, path, http.NoBody)) {
			t.Errorf("%s is not taken for a hook", path)
		}
		if w := h.send("POST", path, "INC-1", bearer(ownToken)); w.Code != http.StatusAccepted || len(*keys) != 1 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		wantProblem(t, h.send("POST", path, "INC-1", bearer(otherToken)), http.StatusUnauthorized, "unauthorized")
	}
	for _, path := range []string{"/", "/hook", "/hooksx/prod", "/api/hooks/prod", "/hooks/../api/v1/incidents", "/incidents"} {
		if hooks.Match(httptest.NewRequest(http.MethodPost, path, http.NoBody)) {
			t.Errorf("%s is taken for a hook", path)
		}
	}
}

// TestI1bUnknownIntegration: what comes with a valid token for an integration that is not
// configured is kept under its name, unless that may be a secret (I1b: no address swallows
// an alert).
func TestI1bUnknownIntegration(t *testing.T) {
	t.Parallel()
	for path, kept := range map[string]string{
		"/hooks/prod-eu": "prod-eu", "/hooks/Prod-EU/": "prod-eu", "/hooks": "unknown", "/hooks/": "unknown", "/hooks/pröd": "unknown", "/hooks/a b": "unknown",
		"/hooks/" + otherToken: "unknown", "/hooks/" + strings.ToUpper(defaultToken): "unknown", "/hooks/" + strings.Repeat("x", 41): "unknown",
	} {
		path = strings.ReplaceAll(path, " ", "%20")
		h := newHandler(t)
		letter := h.expectDeadLetter()
		p := wantProblem(t, h.send("POST", path, "INC-1", bearer(ownToken)), http.StatusNotFound, "unknown_integration")
		if letter.Times != 1 || letter.Integration != kept || letter.Body != "INC-1" || letter.Truncated || letter.HasNoAlert || !strings.Contains(letter.Reason, kept) {
			t.Errorf("%s: kept %+v", path, *letter)
		}
		if !strings.Contains(p.Error.Hint, "dead letter") || strings.Contains(h.log.text(), "prod-eu") {
			t.Errorf("%s: hint %q, logged %s", path, p.Error.Hint, h.log.text())
		}
		wantProblem(t, h.send("POST", path, "INC-1", bearer("guess")), http.StatusUnauthorized, "unauthorized") // keeps nothing
		if letter.Times != 1 {
			t.Errorf("%s: kept what is not authenticated", path)
		}
	}
	h := newHandler(t)
	letter := h.expectDeadLetter()
	large := strings.Repeat("x", 3<<20) // the largest limit counts
	h.send("POST", "/hooks/nowhere", large, bearer(ownToken))
	if letter.Truncated || letter.Body != large {
		t.Errorf("kept %d bytes, truncated %t", len(letter.Body), letter.Truncated)
	}
	h.send("POST", "/hooks/nowhere", " ", bearer(ownToken))
	if !letter.HasNoAlert {
		t.Errorf("a blank body is kept as %+v", *letter)
	}
}

// TestI1bMethod: with a valid token, a wrong method either delivers or is kept (I1b: no
// address swallows an alert).
func TestI1bMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"PUT", "PATCH"} {
		h := newHandler(t)
		keys := h.expectAlerts()
		if w := h.send(method, "/hooks/prod", "INC-1", bearer(ownToken)); w.Code != http.StatusAccepted || len(*keys) != 1 {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
		wantProblem(t, h.send(method, "/hooks/prod", "INC-1", bearer(otherToken)), http.StatusUnauthorized, "unauthorized")
	}
	for _, c := range []struct {
		method, path, body, token string
		kept, hasNoAlert          bool
	}{
		{"GET", "/hooks/prod", "INC-1", ownToken, true, false},
		{"GET", "/hooks/prod", "", ownToken, true, true}, // what a redirect makes of POST
		{"GET", "/hooks/prod/", " ", ownToken, true, true},
		{"DELETE", "/hooks/prod", "INC-1", ownToken, true, false},
		{"PURGE", "/hooks/prod", "garbage", ownToken, true, false},
		{"GET", "/hooks/prod", "INC-1", otherToken, false, false},
		{"GET", "/hooks/prod", "", "", false, false},
		{"GET", "/hooks/", "", "", false, false},
		{"HEAD", "/hooks/prod", "", ownToken, false, false},
		{"OPTIONS", "/hooks/prod", "", ownToken, false, false},
	} {
		h := newHandler(t)
		letter := &deadLetter{}
		if c.kept {
			letter = h.expectDeadLetter()
		}
		w := h.send(c.method, c.path, c.body, bearer(c.token))
		wantProblem(t, w, http.StatusMethodNotAllowed, "method_not_allowed")
		if got := w.Header().Get("Allow"); got != "POST" {
			t.Errorf("%s: Allow %q", c.method, got)
		}
		want := deadLetter{}
		if c.kept {
			want = deadLetter{Times: 1, Integration: "prod", Body: c.body, Reason: letter.Reason, HasNoAlert: c.hasNoAlert}
		}
		if diff := cmp.Diff(want, *letter); diff != "" || c.kept && !strings.Contains(letter.Reason, c.method) {
			t.Errorf("%s %s %q: %q %s", c.method, c.path, c.body, letter.Reason, diff)
		}
	}
}
