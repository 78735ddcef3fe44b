package web_test

import (
	"net/http"
	"testing"
)

// TestCanonicalPath: a slash at the end of an address, and /incidents, lead to the page
// that is meant, and never to another host.
func TestCanonicalPath(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	for path, want := range map[string]string{
		"/incidents": "/", "/incidents/": "/", "/incidents?all=1": "/?all=1", "/incidents/INC-7/": "/incidents/INC-7",
		"/declare/": "/declare", "/sessions/": "/sessions", "/sign-in/": "/sign-in", "/nothing/": "", "/evil.example/": "", "/incidents/INC-7/timeline/": "/incidents/INC-7/timeline",
	} {
		p := h.send("GET", path, "")
		if got := p.header.Get("Location"); got != want || want != "" && p.status != http.StatusSeeOther {
			t.Errorf("%s leads to %q with %d, want %q", path, got, p.status, want)
		}
	}
}
