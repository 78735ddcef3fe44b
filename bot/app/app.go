// Package app assembles the application: it builds the engine and the packages that
// stand on it, and gives each what its Config asks for. It contains no logic of its
// own. Begin reading at [New].
package app

import (
	"log/slog"
	"time"

	"tocsin/bot"
	"tocsin/bot/agenda"
	"tocsin/bot/alerts"
	"tocsin/bot/conversation"
	"tocsin/bot/delivery"
	"tocsin/bot/dispatch"
	"tocsin/bot/incidents"
	"tocsin/bot/intake"
	"tocsin/bot/jobs"
	"tocsin/bot/outbound"
	"tocsin/bot/rooms"
	"tocsin/bot/signin"
)

// Config configures an application.
type Config struct {
	Store        bot.Store
	Organization bot.Organization
	Pagers       map[string]bot.Pager // by name: "email", "webhook", "log"
	Chats        map[string]bot.Chat  // by platform
	Builtin      map[string]bot.BuiltinRooms
	Sources      alerts.Sources // by integration type
	Secret       []byte         // signs acknowledgement links; at least 16 bytes
	Now          func() time.Time
	Log          *slog.Logger
}

// App is the application. Adapters use its parts directly.
type App struct {
	*bot.Engine
	Incidents    *incidents.Reader
	Conversation *conversation.Recorder
	SignIn       *signin.Service
	PageLinks    *signin.PageLinks
	Dispatcher   *dispatch.Dispatcher
	Intake       *intake.Receiver
	Delivery     *delivery.Sender
	Rooms        *rooms.Manager
	Jobs         *jobs.Ledger
	Health       *outbound.Health

	cfg Config
}

// New builds an application.
func New(c Config) (*App, error) {
	engine, err := bot.New(bot.Config{
		Store: c.Store, Organization: c.Organization, Pagers: c.Pagers, Chats: c.Chats, Builtin: c.Builtin, Now: c.Now, Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	a := &App{Engine: engine, cfg: c, Health: outbound.NewHealth(engine.Now, c.Log)}
	if a.PageLinks, err = signin.NewPageLinks(engine, c.Secret); err != nil {
		return nil, err
	}
	a.Incidents = incidents.New(engine, c.Store, c.Log)
	a.Conversation = conversation.New(engine, c.Store, a.Incidents)
	a.SignIn = signin.New(engine, c.Store)
	a.Dispatcher = dispatch.New(dispatch.Config{
		Engine: engine, Store: c.Store, Incidents: a.Incidents, Conversation: a.Conversation, SignIn: a.SignIn, Log: c.Log,
	})
	a.Intake = intake.New(intake.Config{Engine: engine, Store: c.Store, Sources: c.Sources, Log: c.Log})
	attempts, breaker := outbound.NewAttempts(c.Store, engine.Now), &outbound.Breaker{}
	a.Delivery = delivery.New(delivery.Config{Engine: engine, Links: a.PageLinks, Attempts: attempts, Breaker: breaker, Log: c.Log})
	a.Rooms = rooms.New(rooms.Config{Engine: engine, Store: c.Store, Attempts: attempts, Breaker: breaker, Health: a.Health, Log: c.Log})
	a.Jobs = jobs.NewLedger(engine, c.Store)
	return a, nil
}

// Agenda returns a runner that carries out the tasks of the agenda. audit is the
// interval of its audits; zero is the default.
func (a *App) Agenda(audit time.Duration) *agenda.Runner {
	return agenda.New(agenda.Config{
		Engine: a.Engine, Store: a.cfg.Store, Pages: a.Delivery, Rooms: a.Rooms, Intake: a.Intake, Log: a.cfg.Log, Audit: audit,
	})
}

// JobRunner returns a runner of the recurring jobs. audits is the agenda's runner of
// this process, replica the name of this process in the records of jobs.
func (a *App) JobRunner(audits jobs.Audits, pinger jobs.Pinger, replica string) *jobs.Runner {
	handlers := jobs.NewHandlers(jobs.HandlerConfig{Engine: a.Engine, Archive: a.cfg.Store, Incidents: a.Incidents, Audits: audits, Pinger: pinger})
	return jobs.NewRunner(jobs.Config{Engine: a.Engine, Ledger: a.Jobs, Delivery: a.Delivery, Handlers: handlers, Replica: replica, Log: a.cfg.Log})
}
