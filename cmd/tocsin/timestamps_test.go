package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/console"
	"tocsin/adapters/memory"
	"tocsin/adapters/slack"
	slackinbound "tocsin/adapters/slack/inbound"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/platform"
	"tocsin/bot/signin"
	"tocsin/commands"
)

// outputRecorder keeps the mails that were to be sent, and what was written to
// the terminal and the log.
type outputRecorder struct {
	mu    sync.Mutex
	mails int
	bytes.Buffer
}

// Page implements [bot.Pager].
func (d *outputRecorder) Page(_ context.Context, p bot.Page) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mails++
	return json.NewEncoder(&d.Buffer).Encode(p)
}

// Write implements [io.Writer].
func (d *outputRecorder) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Buffer.Write(p)
}

// TestTimesStayTimes: Slack shows each reader times in their own zone, which a
// text marks with special characters. Nothing else has these characters: no
// page of the browser, no response of the API, no mail, no line of the log or
// the terminal.
func TestTimesStayTimes(t *testing.T) {
	now := bottest.Epoch
	clock := func() time.Time { return now }
	s := slacktest.New(slacktest.Options{Now: clock})
	t.Cleanup(s.Close)
	seen := &outputRecorder{}
	log := slog.New(slog.NewTextHandler(seen, &slog.HandlerOptions{Level: slog.LevelDebug}))
	org := bottest.SampleOrganization()
	org.Zone = time.FixedZone("CET", 3600)
	under := memory.New()
	d := slackinbound.Description()
	slackSecrets := map[string]string{"SLACK_BOT_TOKEN": s.BotToken, "SLACK_SIGNING_SECRET": s.SigningSecret, "SLACK_API_URL": s.URL()}
	settings := &slack.Settings{Announce: "#incidents", ArchiveAfter: time.Hour}
	room, err := d.Connect(platform.Options{
		Settings: settings, Secret: func(name string) string { return slackSecrets[name] }, Mark: "0a1b2c3d", Store: under, Now: clock, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	org.Operator = "api"
	room.Configure(settings, org)
	screen := console.New(console.Config{Log: log, Terminal: seen})
	b, err := app.New(app.Config{
		Store: under, Organization: org, Secret: []byte("0123456789abcdef"), Now: clock, Log: log, Sources: sources(),
		Chats: map[string]bot.Chat{slack.Platform: room}, Builtin: builtinRooms(),
		Pagers: map[string]bot.Pager{"email": seen, "webhook": seen, "sms": screen, "log": screen},
	})
	if err != nil {
		t.Fatal(err)
	}
	m, pages := routes{app: b, store: under, secrets: secrets{hook: "hook"}, log: log, ready: func() ([]string, error) { return nil, nil }}.newMux()
	t.Cleanup(pages.Close)
	connections{{Description: d, Platform: room}}.serve(b, m.ServeMux)
	runner := b.Agenda(0)
	ask := func(method, path, body string, header ...string) string {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Host = "tocsin.example.com"
		for n := 0; n < len(header); n += 2 {
			r.Header.Set(header[n], header[n+1])
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	read := map[string]string{}
	for _, text := range []string{
		"declare Checkout is down --sev 1 --service checkout", "ack INC-1", "update INC-1 rolling back --next 10m", "show INC-1", "timeline INC-1", "timers INC-1",
		"who INC-1", "list", "resolve INC-1 rolled back", "declare Search is slow --sev 1 --service search",
	} {
		body := fmt.Sprintf(`{"text": %q, "as": "ana"}`, text)
		read[text] = ask("POST", "/api/v1/commands", body, "Authorization", "Bearer api", "Content-Type", "application/json")
		for range 20 {
			if _, err = runner.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			now = now.Add(5 * time.Second)
		}
	}
	for _, path := range []string{
		"/api/v1/incidents", "/api/v1/incidents/INC-1", "/api/v1/incidents/INC-1/timeline", "/api/v1/incidents/INC-1/deliveries",
		"/api/v1/incidents/INC-2/timers", "/api/v1/jobs", "/api/v1/deadletters",
	} {
		read[path] = ask("GET", path, "", "Authorization", "Bearer api")
	}
	link, err := b.SignIn.CreateLink(t.Context(), access.Speaker{Person: "ana", Name: "Ana", Access: commands.Admin}, "/")
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := b.SignIn.SignIn(t.Context(), link[strings.LastIndex(link, "/")+1:], signin.Session{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/", "/?show=all", "/incidents/INC-1", "/incidents/INC-2", "/incidents/INC-1/timeline", "/declare", "/sessions", "/complete?line=ack", "/readyz",
	} {
		read[path] = ask("GET", path, "", "Cookie", "tocsin_session="+secret)
	}
	seen.mu.Lock()
	read["mails, terminal and log"] = seen.String()
	seen.mu.Unlock()
	for what, text := range read {
		if strings.ContainsAny(text, "\U0010FE00\U0010FE01\U0010FE02\U0010FE03") || strings.Contains(strings.ToLower(text), "10fe0") {
			t.Errorf("%s: %+q", what, text)
		}
	}
	dates := 0
	for _, p := range append(s.Posts(s.Channel("inc-1-checkout-is-down").ID), s.Posts(s.Channel("incidents").ID)...) {
		dates += len(p.Dates())
	}
	if dates < 5 || seen.mails < 2 || !strings.Contains(read["mails, terminal and log"], "CET") || !strings.Contains(read["/incidents/INC-1"], "rolling back") {
		t.Errorf("Slack shows %d dates, and %d mails were sent; the page is %s", dates, seen.mails, read["/incidents/INC-1"])
	}
}
