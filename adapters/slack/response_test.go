package slack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRespond: a response URL is posted to once, redirects are not followed, and its
// address is in no error (I9: bounded bodies and pinned fetches).
func TestRespond(t *testing.T) {
	elsewhere := 0
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect-secret":
			http.Redirect(rw, r, server.URL+"/elsewhere", http.StatusTemporaryRedirect)
		case "/cut-secret":
			panic(http.ErrAbortHandler)
		case "/elsewhere":
			elsewhere++
		}
	}))
	defer server.Close()
	a := &API{cfg: Config{APIURL: server.URL + "/api/", HTTP: &http.Client{}}}
	for _, path := range []string{"/redirect-secret", "/cut-secret", "/%zz-secret"} {
		if err := a.Respond(t.Context(), server.URL+path, RenderReply("hello")); err == nil || strings.Contains(err.Error(), "secret") || elsewhere > 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := a.Respond(t.Context(), server.URL+"/good-secret", RenderReply("hello")); err != nil {
		t.Error(err)
	}
}

// TestIsResponseURL: an answer goes to Slack and nowhere else, whatever a payload says
// (I9: bounded bodies and pinned fetches).
func TestIsResponseURL(t *testing.T) {
	a := &API{cfg: Config{APIURL: DefaultAPI}}
	other := &API{cfg: Config{APIURL: "http://127.0.0.1:4000/api/"}}
	for address, want := range map[string][2]bool{
		"https://hooks.slack.com/commands/T1/2/x":      {true, true},
		"http://hooks.slack.com/commands/T1/2/x":       {},
		"https://hooks.slack.com.evil.example/x":       {},
		"https://hooks.slack.com@evil.example/x":       {},
		"https://evil.example/hooks.slack.com":         {},
		"https://hooks.slack.com:8443/x":               {},
		"https://slack.com/api/chat.postMessage":       {},
		"http://127.0.0.1:4000/response/x":             {false, true},
		"https://127.0.0.1:4000/response/x":            {},
		"http://127.0.0.1:4001/response/x":             {},
		"https://hooks.127.0.0.1:4000/x":               {false, true},
		"http://169.254.169.254/latest/meta-data":      {},
		"file:///etc/passwd":                           {},
		"//hooks.slack.com/x":                          {},
		"":                                             {},
		"https://user:pass@hooks.slack.com/commands/x": {},
	} {
		if a.isResponseURL(address) != want[0] || other.isResponseURL(address) != want[1] {
			t.Errorf("%q is taken for Slack's: %v, %v", address, a.isResponseURL(address), other.isResponseURL(address))
		}
	}
}
