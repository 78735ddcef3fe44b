package slack

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// TestAnswerElsewhere: what a response URL does not take is shown in the
// channel, and else told in our conversation.
func TestAnswerElsewhere(t *testing.T) {
	d := newDesk(t, bySocket)
	d.inbox.patience = 10 * time.Millisecond
	d.slack.Fail("response_url", slacktest.Fault{Status: 404})
	d.slack.Fail("response_url", slacktest.Fault{CutBefore: true})
	late := func(text string) {
		d.t.Helper()
		_, release := d.store.hold()
		d.slash(d.ana, d.lobby, text)
		release()
	}
	late("declare Checkout is down")
	d.told(d.ana, "INC-1: Declared")
	d.slack.Fail("chat.postEphemeral", slacktest.Fault{Error: "channel_not_found"})
	late("declare Search is slow")
	d.eventually("ana has a message", func() bool {
		return slices.ContainsFunc(d.slack.Posts(d.slack.Direct(d.ana).ID), func(m slacktest.Message) bool { return strings.Contains(m.Plain(), "INC-2: Declared") })
	})
}

// TestRespond: a response URL is asked once, follows nobody elsewhere, and its
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
	w := &Workspace{cfg: Config{APIURL: server.URL + "/api/", HTTP: &http.Client{}}}
	for _, path := range []string{"/redirect-secret", "/cut-secret", "/%zz-secret"} {
		if err := w.respond(t.Context(), server.URL+path, sayReply("hello")); err == nil || strings.Contains(err.Error(), "secret") || elsewhere > 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := w.respond(t.Context(), server.URL+"/good-secret", sayReply("hello")); err != nil {
		t.Error(err)
	}
}

// TestPinned: an answer goes to Slack, and nowhere else, whatever a payload says
// (rule I9).
func TestPinned(t *testing.T) {
	w := &Workspace{cfg: Config{APIURL: DefaultAPI}}
	other := &Workspace{cfg: Config{APIURL: "http://127.0.0.1:4000/api/"}}
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
		if w.ofSlack(address) != want[0] || other.ofSlack(address) != want[1] {
			t.Errorf("%q is taken for Slack's: %v, %v", address, w.ofSlack(address), other.ofSlack(address))
		}
	}
}
