package slacktest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// The kinds of tokens and the scopes of methods: docs.slack.dev/authentication/tokens, and the errors of every method.
func TestTokensAndScopes(t *testing.T) {
	a := start(t, slacktest.Options{Scopes: []string{"channels:read", "chat:write"}})
	a.as("").expectError("not_authed", "auth.test")
	a.as("xoxb-wrong").expectError("invalid_auth", "auth.test")
	a.as(a.s.AppToken).expectError("not_allowed_token_type", "auth.test")
	got := a.expectError("missing_scope", "conversations.create", "name", "inc-1")
	if got["provided"] != "channels:read,chat:write" || !strings.Contains(text(got, "needed"), "channels:manage") {
		t.Errorf("%v", got)
	}
	got = a.expectError("missing_scope", "conversations.list", "types", "private_channel")
	if got["needed"] != "groups:read" {
		t.Errorf("%v", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.s.URL()+"auth.test", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.s.BotToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.read(response); got["user_id"] != a.s.BotUser || response.Header.Get("X-OAuth-Scopes") != "channels:read,chat:write" {
		t.Errorf("auth.test %v, %v", got, response.Header)
	}
	a.s.RevokeToken("bot")
	a.expectError("token_revoked", "auth.test")
	a.expectError("unknown_method", "chat.shout")
	if u := a.s.UnexpectedCalls(); len(u) != 1 || u[0].Method != "chat.shout" {
		t.Errorf("unexpected %+v", u)
	}
}

// The content types of arguments: docs.slack.dev/apis/web-api, "Slack Web API methods".
func TestContentTypesOfArguments(t *testing.T) {
	a := start(t, slacktest.Options{})
	send := func(method, body string) map[string]any {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.s.URL()+method, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+a.s.BotToken)
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return a.read(response)
	}
	for _, c := range []struct{ method, body, code string }{
		{"conversations.create", `{"name":"inc-1","is_private":true}`, ""},
		{"conversations.create", `{"name"`, "invalid_json"},
		{"conversations.create", `["inc-1"]`, "json_not_object"},
		{"conversations.info", `{"channel":"C1"}`, "invalid_arguments"}, // forms only
	} {
		if got := send(c.method, c.body); text(got, "error") != c.code {
			t.Errorf("%s %s: %v, want %q", c.method, c.body, got, c.code)
		}
	}
	if !a.s.Channel("inc-1").Private {
		t.Error("is_private was not read from JSON")
	}
}

// Each kind of fault fails the calls that it should, and no others.
func TestFaults(t *testing.T) {
	a := start(t, slacktest.Options{Unlimited: true})
	id := a.channel("inc-1")
	a.s.Fail("chat.postMessage", slacktest.Fault{Error: "internal_error", Times: 2})
	a.expectError("internal_error", "chat.postMessage", "channel", id, "text", "x")
	a.expectError("internal_error", "chat.postMessage", "channel", id, "text", "x")
	a.s.Fail("chat.postMessage", slacktest.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond})
	status := func() (int, string) {
		r, err := http.PostForm(a.s.URL()+"chat.postMessage", map[string][]string{
			"token": {a.s.BotToken}, "channel": {id}, "text": {"hello"},
		})
		if err != nil {
			return 0, ""
		}
		defer r.Body.Close()
		return r.StatusCode, r.Header.Get("Retry-After")
	}
	if code, wait := status(); code != 429 || wait != "2" {
		t.Errorf("%d, Retry-After %q", code, wait)
	}
	a.s.Fail("chat.postMessage", slacktest.Fault{Status: 503})
	if code, _ := status(); code != 503 {
		t.Errorf("status %d", code)
	}
	a.s.Fail("chat.postMessage", slacktest.Fault{CutBefore: true})
	if code, _ := status(); code != 0 || len(a.s.Posts(id)) != 0 {
		t.Errorf("status %d with %d posts", code, len(a.s.Posts(id)))
	}
	a.s.Fail("*", slacktest.Fault{LoseAnswer: true, Skip: 1})
	_, _ = status()
	if code, _ := status(); code != 0 || len(a.s.Posts(id)) != 2 || a.s.CountDone("chat.postMessage") != 2 {
		t.Errorf("status %d with %d posts", code, len(a.s.Posts(id)))
	}
	a.s.SetDown(true)
	if code, _ := status(); code != 0 {
		t.Errorf("status %d while down", code)
	}
	a.s.SetDown(false)
	if code, _ := status(); code != 200 {
		t.Errorf("status %d after it was down", code)
	}
}

// Requests wait while the server hangs; the hook is called before and after each method that runs.
func TestHangingAndHooks(t *testing.T) {
	a := start(t, slacktest.Options{})
	var phases []string
	a.s.OnCall(func(c slacktest.Call) { phases = append(phases, c.Phase+" "+c.Method+" "+c.Error) })
	a.s.Hang(true)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.s.URL()+"auth.test", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(r); err == nil {
		response.Body.Close()
		t.Error("the server answered while it should hang")
	}
	a.s.Hang(false)
	a.do("auth.test")
	a.expectError("channel_not_found", "conversations.join", "channel", "C404")
	a.as("nobody").call("auth.test")
	want := []string{
		"before auth.test ", "after auth.test ", "before conversations.join ", "after conversations.join channel_not_found",
	}
	if !slices.Equal(phases, want) {
		t.Errorf("phases %q", phases)
	}
}
