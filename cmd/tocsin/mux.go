package main

import (
	"log/slog"
	"net/http"

	"tocsin/adapters/api"
	"tocsin/adapters/hooks"
	"tocsin/adapters/web"
	"tocsin/bot"
	"tocsin/bot/app"
)

// routes has what the HTTP handlers need.
type routes struct {
	app     *app.App
	store   web.Watcher
	secrets secrets
	log     *slog.Logger
	ready   func() ([]string, error)
}

// router serves requests by their path. Those for alerts do not pass through the mux,
// which redirects what is spelled differently.
type router struct {
	*http.ServeMux
	alerts http.Handler
}

// ServeHTTP passes a request to its handler.
func (m *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if hooks.Match(r) {
		m.alerts.ServeHTTP(w, r)
		return
	}
	m.ServeMux.ServeHTTP(w, r)
}

// newMux returns the handler of every path but those of the platforms. It is the
// one place where an adapter gets the parts of the application that it uses. The
// caller closes pages when serving ends.
func (r routes) newMux() (mux *router, pages *web.Server) {
	a := r.app
	pages = web.New(web.Config{
		Engine: a, Incidents: a.Incidents, Conversation: a.Conversation, Dispatcher: a.Dispatcher,
		SignIn: a.SignIn, Sessions: a.SignIn, PageLinks: a.PageLinks, Health: a.Health,
		Store: r.store, Log: r.log, Ready: r.ready,
	})
	alertHooks := hooks.New(hooks.Config{
		Receiver: a.Intake, Organization: a.Organization, Sources: sources(), Now: a.Now, Log: r.log,
		DefaultTokens: func() []string { return []string{r.secrets.hook} },
	})
	jsonAPI := api.New(api.Config{
		Engine: a, Incidents: a.Incidents, Messages: a.Conversation, Dispatcher: a.Dispatcher, DeadLetters: a.Intake, Jobs: a.Jobs,
		Tokens: func() []bot.Token { return apiTokens(a.Organization()) }, Log: r.log,
	})
	mux = &router{ServeMux: http.NewServeMux(), alerts: alertHooks}
	mux.Handle("/api/", jsonAPI)
	mux.Handle("/", pages)
	return mux, pages
}
