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
		"/incidents/inc-7": "/incidents/INC-7", "/incidents/7": "/incidents/INC-7", "/incidents/7/timeline/": "/incidents/INC-7/timeline", "/incidents/INC-7": "",
		"/incidents/%237": "/incidents/INC-7", "/incidents/nothing": "", "//evil.example/incidents/7": "", "/static/style.css": "",
	} {
		p := h.send("GET", path, "")
		if got := p.header.Get("Location"); got != want || want != "" && p.status != http.StatusSeeOther {
			t.Errorf("%s leads to %q with %d, want %q", path, got, p.status, want)
		}
	}
}

// TestNoPage: a reader who is signed in keeps the navigation on a page that does not
// exist; others get a link.
func TestNoPage(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.get("/nothing").expect(404, "There is nothing here", `href="/"`).expectNot("<nav", "Declare")
	in := h.signInAs("ana")
	in.get("/nothing").expect(404, "There is nothing here", "<nav", `href="/declare"`, "Ana Silva")
	in.get("/incidents/INC-99").expect(404, "<nav")
	h.send("POST", "/sessions/nothing", "").expect(404, "There is nothing here")
}
