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

	"tocsin/bot/card"
	"tocsin/bot/directory"
	"tocsin/commands"
)

// Config configures an engine.
type Config struct {
	Store        Store
	Organization Organization
	Pagers       map[string]Pager        // by name: "email", "webhook", "log"
	Chats        map[string]Chat         // by platform
	Builtin      map[string]BuiltinRooms // by platform: those whose rooms are in Tocsin's own store
	Now          func() time.Time
	Log          *slog.Logger
}

// Validate returns an error when a required field is missing.
func (c Config) Validate() error {
	if c.Store == nil || c.Now == nil || c.Log == nil {
		return errors.New("configure the engine: Store, Now and Log are required")
	}
	return nil
}

// Engine takes incidents through their steps: it loads an incident, answers the
// questions of the step, takes the step, and commits the outcome. Every change of
// an incident goes through [Engine.Apply]. It is safe for concurrent use.
type Engine struct {
	cfg       Config
	catalog   commands.Catalog
	platforms []string // names, sorted
	current   atomic.Pointer[snapshot]
	plans     sync.Map // hash → workflow.Plan, which never changes
	locks     incidentLocks
	wakers    wakers
}

// snapshot is one configuration with its pagers.
type snapshot struct {
	Organization
	pagers map[string]Pager
}

// New returns an engine.
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

// Configure replaces the configuration and the pagers as a whole. Running incidents
// keep the plan that they were declared with. After an error the old configuration
// stays in force.
func (e *Engine) Configure(o Organization, pagers map[string]Pager) error {
	prepared, err := o.Prepare()
	if err != nil {
		return fmt.Errorf("configure the engine: %w", err)
	}
	e.current.Store(&snapshot{Organization: prepared, pagers: pagers})
	return nil
}

// Organization returns the configuration in force.
func (e *Engine) Organization() *Organization { return &e.current.Load().Organization }

// Catalog returns the commands that people type.
func (e *Engine) Catalog() commands.Catalog { return e.catalog }

// Now returns the current time, in UTC.
func (e *Engine) Now() time.Time { return e.cfg.Now().UTC() }

// Pager returns the pager of a contact method, or nil when it is not connected. The
// method "sms#2" is the second one of the pager "sms".
func (e *Engine) Pager(method string) Pager {
	return e.current.Load().pagers[directory.PagerOf(method)]
}

// Chat returns the chat platform of that name.
func (e *Engine) Chat(platform string) (Chat, bool) {
	c, ok := e.cfg.Chats[platform]
	return c, ok
}

// View returns the view of cards for a reader in a time zone; nil is the
// organization's.
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
