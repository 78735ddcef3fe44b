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

// routes connects the paths of HTTP with the adapters that serve them.
type routes struct {
	app     *app.App
	store   web.Watcher
	secrets secrets
	log     *slog.Logger
	ready   func() ([]string, error)
}

// newMux returns the handler of every path but those of the platforms. It is the
// one place where an adapter gets the parts of the application that it uses. The
// caller closes pages when serving ends.
func (r routes) newMux() (mux *http.ServeMux, pages *web.Server) {
	a := r.app
	pages = web.New(web.Config{
		Engine: a, Incidents: a.Incidents, Conversation: a.Conversation, Dispatcher: a.Dispatcher,
		SignIn: a.SignIn, Sessions: a.SignIn, PageLinks: a.PageLinks, Health: a.Health,
		Store: r.store, Log: r.log, Ready: r.ready,
	})
	alerts := hooks.New(hooks.Config{
		Receiver: a.Intake, Organization: a.Organization, Sources: sources(), Now: a.Now, Log: r.log,
		DefaultTokens: func() []string { return []string{r.secrets.hook} },
	})
	machines := api.New(api.Config{
		Engine: a, Incidents: a.Incidents, Dispatcher: a.Dispatcher, DeadLetters: a.Intake, Jobs: a.Jobs,
		Tokens: func() []bot.Token { return tokens(a, r.secrets) }, Log: r.log,
	})
	mux = http.NewServeMux()
	mux.Handle("/hooks/{integration}", alerts)
	mux.Handle("/api/", machines)
	mux.Handle("/", pages)
	return mux, pages
}

// builtinRooms are the platforms whose rooms are in our own store, by name.
func builtinRooms() map[string]bot.BuiltinRooms {
	return map[string]bot.BuiltinRooms{web.Platform: web.Rooms{}}
}
