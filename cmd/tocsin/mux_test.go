package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/app"
)

// TestI1bAddresses: the program redirects no delivery, which not every sender follows with
// its alerts, and keeps each that it does not read (I1b: no address swallows an alert).
func TestI1bAddresses(t *testing.T) {
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return time.Date(2026, 3, 2, 3, 4, 5, 0, time.UTC) }
	store := memory.New()
	a, err := app.New(app.Config{
		Store: store, Organization: bot.Default(), Pagers: map[string]bot.Pager{}, Sources: sources(), Builtin: builtinRooms(),
		Secret: []byte("0123456789abcdef"), Now: now, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, pages := routes{app: a, store: store, secrets: secrets{hook: "hook"}, log: log, ready: func() ([]string, error) { return nil, nil }}.newMux()
	t.Cleanup(pages.Close)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	send := func(method, path, token, body string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		got, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		return got.StatusCode
	}
	letters := 0
	for n, c := range []struct {
		method, path, token string
		status              int
		kept                bool
	}{
		{"POST", "/hooks/alertmanager", "hook", http.StatusAccepted, false},
		{"POST", "/hooks/alertmanager/", "hook", http.StatusAccepted, false},
		{"POST", "//hooks/alertmanager", "hook", http.StatusAccepted, false},
		{"POST", "/hooks//alertmanager", "hook", http.StatusAccepted, false},
		{"POST", "/hooks/./alertmanager", "hook", http.StatusAccepted, false},
		{"POST", "/HOOKS/AlertManager", "hook", http.StatusAccepted, false},
		{"POST", "/hooks/alert%6danager", "hook", http.StatusAccepted, false},
		{"PUT", "/hooks/alertmanager/", "hook", http.StatusAccepted, false},
		{"DELETE", "//hooks/alertmanager", "hook", http.StatusMethodNotAllowed, true},
		{"POST", "/hooks", "hook", http.StatusNotFound, true},
		{"POST", "/hooks/", "hook", http.StatusNotFound, true},
		{"POST", "//hooks//elsewhere/", "hook", http.StatusNotFound, true},
		{"POST", "//hooks/alertmanager/", "guess", http.StatusUnauthorized, false},
		{"POST", "/hooks/", "guess", http.StatusUnauthorized, false},
		{"GET", "/hooks/", "", http.StatusMethodNotAllowed, false},
	} {
		body := fmt.Sprintf(`{"alerts":[{"status":"firing","labels":{"alertname":"Disk %d"}}]}`, n)
		if status := send(c.method, c.path, c.token, body); status != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, status, c.status)
		}
		if c.kept {
			letters++
		}
		if all, err := a.Intake.DeadLetters(t.Context()); err != nil || len(all) != letters {
			t.Fatalf("%s %s: %d dead letters, want %d, %v", c.method, c.path, len(all), letters, err)
		}
	}
}
