package slacktest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// app is a client of the Web API. It uses no library, so that the test decides about every byte of a request.
type app struct {
	t     *testing.T
	s     *slacktest.Server
	token string
}

// start starts a server that is closed at the end of the test.
func start(t *testing.T, o slacktest.Options) app {
	t.Helper()
	s := slacktest.New(o)
	t.Cleanup(s.Close)
	return app{t, s, s.BotToken}
}

// as returns a client with another token.
func (a app) as(token string) app {
	a.token = token
	return a
}

// do calls a method with arguments in pairs. The test fails if the answer is not ok.
func (a app) do(method string, pairs ...string) map[string]any {
	a.t.Helper()
	got := a.call(method, pairs...)
	if got["ok"] != true {
		a.t.Fatalf("%s %q: %v", method, pairs, got)
	}
	return got
}

// expectError calls a method. The test fails if the answer has not the error code.
func (a app) expectError(code, method string, pairs ...string) map[string]any {
	a.t.Helper()
	got := a.call(method, pairs...)
	if got["ok"] != false || got["error"] != code {
		a.t.Fatalf("%s %q: got %v, want error %q", method, pairs, got, code)
	}
	return got
}

// call calls a method, and returns the answer.
func (a app) call(method string, pairs ...string) map[string]any {
	a.t.Helper()
	form := url.Values{"token": {a.token}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.PostForm(a.s.URL()+method, form)
	if err != nil {
		a.t.Fatalf("%s: %v", method, err)
	}
	return a.read(r)
}

// read returns the JSON object in a response.
func (a app) read(r *http.Response) map[string]any {
	a.t.Helper()
	defer r.Body.Close()
	var got map[string]any
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		a.t.Fatalf("decode the answer, status %d: %v", r.StatusCode, err)
	}
	return got
}

// channel lets the app create a channel, and returns its ID.
func (a app) channel(name string) string {
	a.t.Helper()
	return text(a.do("conversations.create", "name", name), "channel", "id")
}

// post posts a message, and returns its timestamp.
func (a app) post(channel, message string, more ...string) string {
	a.t.Helper()
	return text(a.do("chat.postMessage", append([]string{"channel", channel, "text", message}, more...)...), "ts")
}

// text returns the string at a path of keys; empty if there is none.
func text(v any, path ...string) string {
	for _, key := range path {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	found, _ := v.(string)
	return found
}

// texts returns the strings of a key in all objects of a list, separated by spaces.
func texts(list any, key string) string {
	var all []string
	entries, _ := list.([]any)
	for _, e := range entries {
		all = append(all, text(e, key))
	}
	return strings.Join(all, " ")
}

// clock is a clock that stands still until the test moves it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
