package main

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"tocsin/adapters/alertmanager"
	"tocsin/adapters/api"
	"tocsin/adapters/console"
	"tocsin/adapters/deadman"
	"tocsin/adapters/email"
	"tocsin/adapters/hooks"
	"tocsin/adapters/web"
	"tocsin/adapters/webhook"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/app"
	"tocsin/bot/jobs"
)

// sources are the kinds of alert senders.
func sources() alerts.Sources {
	return alerts.Sources{
		alertmanager.Source(),
	}
}

// pagers reach people and machines, by medium. What they stamp and sign bears
// the time of all who share the store: a receiver refuses a page that seems
// minutes old, and one machine's clock may be wrong.
func pagers(l loaded, receivers func() []bot.Webhook, now func() time.Time, log *slog.Logger, terminal io.Writer) (map[string]bot.Pager, error) {
	all := map[string]bot.Pager{"log": console.New(console.Config{Log: log, Terminal: terminal})}
	hook, err := webhook.New(webhook.Config{Hooks: receivers, Now: now})
	if err != nil {
		return nil, err
	}
	all["webhook"] = hook
	if l.Has("pagers.email") {
		cfg := l.email
		cfg.Now = now
		mail, err := email.New(cfg, log)
		if err != nil {
			return nil, err
		}
		all["email"] = mail
	}
	return all, nil
}

// watcher is told that Tocsin is well.
func watcher() jobs.Pinger { return deadman.New(deadman.Config{}) }

// doors are what the mux connects to the application.
type doors struct {
	app     *app.App
	store   web.Watcher
	secrets secrets
	log     *slog.Logger
	ready   func() ([]string, error)
}

// mux is the one place where paths meet adapters. The pages are to be closed
// when serving ends.
func (d doors) mux() (m *http.ServeMux, pages *web.Server) {
	m, pages = http.NewServeMux(), web.New(web.Config{Bot: d.app, Store: d.store, Log: d.log, Ready: d.ready})
	m.Handle("/hooks/{integration}", hooks.New(hooks.Config{
		Receiver: d.app.Intake, Organization: d.app.Organization, Sources: sources(), Now: d.app.Now, Log: d.log,
		DefaultTokens: func() []string { return []string{d.secrets.hook} },
	}))
	m.Handle("/api/", api.New(api.Config{Bot: d.app, Log: d.log, Tokens: func() []bot.Token { return tokens(d.app, d.secrets) }}))
	m.Handle("/", pages)
	return m, pages
}

// builtin are the platforms whose rooms are in our own store, by name.
func builtin() map[string]bot.BuiltinRooms {
	return map[string]bot.BuiltinRooms{web.Platform: web.Rooms{}}
}
