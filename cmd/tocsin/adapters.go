package main

import (
	"time"

	"tocsin/adapters/alertmanager"
	"tocsin/adapters/console"
	"tocsin/adapters/deadman"
	"tocsin/adapters/email"
	"tocsin/adapters/web"
	"tocsin/adapters/webhook"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/jobs"
)

// sources is the table of alert sources, by integration type.
func sources() alerts.Sources {
	return alerts.Sources{
		alertmanager.Source(),
	}
}

// newPagers returns the pagers by name. now is the time of the store, which all
// replicas share: a receiver refuses a signed page that seems minutes old, and the
// clock of one machine may be wrong.
func newPagers(l loadedConfig, now func() time.Time, terminal console.Config) (map[string]bot.Pager, error) {
	all := map[string]bot.Pager{
		"log":     console.New(terminal),
		"webhook": webhook.New(webhook.Config{Hooks: l.Organization.Webhooks, Now: now}),
	}
	if l.Has("pagers.email") {
		cfg := l.email
		cfg.Now = now
		mail, err := email.New(cfg, terminal.Log)
		if err != nil {
			return nil, err
		}
		all["email"] = mail
	}
	return all, nil
}

// newPinger returns what pings the dead-man URL.
func newPinger() jobs.Pinger { return deadman.New(deadman.Config{}) }

// builtinRooms returns the platforms whose rooms are in our own store, by name.
func builtinRooms() map[string]bot.BuiltinRooms {
	return map[string]bot.BuiltinRooms{web.Platform: web.Rooms{}}
}
