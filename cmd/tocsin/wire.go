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
	"tocsin/adapters/slack"
	"tocsin/adapters/web"
	"tocsin/adapters/webhook"
	"tocsin/bot"
	"tocsin/bot/alerts"
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
func watcher() bot.Pinger { return deadman.New(deadman.Config{}) }

// chats are the platforms on which incidents have rooms, by name.
func chats(b func() *bot.Bot, s *slack.Workspace) map[string]bot.Chat {
	all := map[string]bot.Chat{web.Platform: web.Chat{Bot: b}}
	if s != nil {
		all[slack.Platform] = s
	}
	return all
}

// mux is the one place where paths meet adapters. The pages are to be closed
// when serving ends.
func mux(b *bot.Bot, s secrets, log *slog.Logger, ready func() ([]string, error)) (m *http.ServeMux, pages *web.Server) {
	m, pages = http.NewServeMux(), web.New(web.Config{Bot: b, Log: log, Ready: ready})
	m.Handle("/hooks/{integration}", hooks.New(hooks.Config{
		Receiver: b, Sources: sources(), Now: b.Now, Log: log, DefaultTokens: func() []string { return []string{s.hook} },
	}))
	m.Handle("/api/", api.New(api.Config{Bot: b, Log: log, Tokens: func() []bot.Token { return tokens(b, s) }}))
	m.Handle("/", pages)
	return m, pages
}
