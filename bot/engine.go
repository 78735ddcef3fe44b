package bot

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bot/alerts"
	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// Config is what an engine is made of.
type Config struct {
	Store        Store
	Organization Organization
	Pagers       map[string]Pager        // by name: "email", "webhook", "log"
	Chats        map[string]Chat         // by platform
	Builtin      map[string]BuiltinRooms // by platform, those whose rooms are in our own store
	Now          func() time.Time
	Log          *slog.Logger
}

// Validate reports what is missing.
func (c Config) Validate() error {
	if c.Store == nil || c.Now == nil || c.Log == nil {
		return errors.New("configure the engine: a store, a clock and a log are needed")
	}
	return nil
}

// Engine takes incidents through their steps: it loads an incident, answers what
// the step asks, takes the step, and commits what came of it. Every change of an
// incident goes through [Engine.Apply]. It is safe for concurrent use.
type Engine struct {
	cfg       Config
	catalog   commands.Catalog
	platforms []string // by name
	current   atomic.Pointer[snapshot]
	plans     sync.Map // hash → workflow.Plan; plans never change under their hash
	locks     incidentLocks
	wakers    wakers
}

// snapshot is one configuration with the pagers it connects.
type snapshot struct {
	Organization
	pagers map[string]Pager
}

// New makes an engine.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, catalog: commands.New()}
	e.platforms = slices.AppendSeq(slices.Collect(maps.Keys(cfg.Chats)), maps.Keys(cfg.Builtin))
	slices.Sort(e.platforms)
	if err := e.Configure(cfg.Organization, cfg.Pagers); err != nil {
		return nil, err
	}
	return e, nil
}

// Configure swaps the whole configuration and the pagers it connects. Running
// incidents keep the plan they were declared with. When the error is not nil
// the old configuration stays.
func (e *Engine) Configure(o Organization, pagers map[string]Pager) error {
	prepared, err := o.Prepare()
	if err != nil {
		return fmt.Errorf("configure the engine: %w", err)
	}
	e.current.Store(&snapshot{Organization: prepared, pagers: pagers})
	return nil
}

// Organization returns the configuration that holds now.
func (e *Engine) Organization() *Organization { return &e.current.Load().Organization }

// Catalog returns the words that people type.
func (e *Engine) Catalog() commands.Catalog { return e.catalog }

// Now returns the engine's time, in UTC.
func (e *Engine) Now() time.Time { return e.cfg.Now().UTC() }

// Pager returns the pager of a contact method: "sms#2" is of "sms". It is nil
// when none is connected.
func (e *Engine) Pager(method string) Pager { return e.current.Load().pagers[pagerName(method)] }

// Chat returns the chat platform of that name.
func (e *Engine) Chat(platform string) (Chat, bool) {
	c, ok := e.cfg.Chats[platform]
	return c, ok
}

// View is how a reader in a zone (nil: the organization's) reads cards.
func (e *Engine) View(zone *time.Location) card.View {
	org := e.Organization()
	if zone == nil {
		zone = org.Zone
	}
	return card.View{
		Zone: zone, URL: org.URL,
		Name: func(id string) string { p, _ := org.Directory.Person(id); return p.Name },
		Word: func(w string) bool { _, ok := e.catalog.Find(w); return ok },
	}
}

// Prepare returns the organization with its routing rules compiled.
func (o Organization) Prepare() (Organization, error) {
	services := make([]string, 0, len(o.Services))
	for _, s := range o.Services {
		services = append(services, s.ID)
	}
	var err error
	o.router, err = alerts.NewRouter(o.Routes, services)
	return o, err
}

// Route decides where an alert of an integration goes. The organization is one
// that [Organization.Prepare] returned.
func (o *Organization) Route(integration string, a alerts.Alert) (alerts.Arrival, alerts.Decision) {
	sender := alerts.Sender{Name: integration}
	if i, ok := o.Integration(integration); ok {
		sender.Severities = i.Severities
	}
	d := o.router.Decide(sender, a)
	declare := workflow.Declare{}
	if service, ok := o.Service(d.Service); ok {
		declare.Services, declare.Category = []string{service.ID}, service.Category
		if a.Runbook == "" {
			a.Runbook = service.Runbook
		}
	} else if d.Service != "" {
		declare.Services = []string{d.Service}
	}
	return alerts.NewArrival(sender, a, d, declare), d
}
