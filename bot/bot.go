package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bot/alerts"
	"tocsin/commands"
	"tocsin/workflow"
)

// Config is what a bot is made of.
type Config struct {
	Store        Store
	Organization Organization
	Pagers       map[string]Pager // by medium: "email", "webhook", "log"
	Chats        map[string]Chat  // by platform
	Sources      alerts.Sources   // kinds of alert senders
	Secret       []byte           // signs acknowledgement links; at least 16 bytes
	Now          func() time.Time
	Log          *slog.Logger
}

// Validate reports what is missing.
func (c Config) Validate() error {
	switch {
	case c.Store == nil, c.Now == nil, c.Log == nil:
		return errors.New("configure bot: a store, a clock and a log are needed")
	case len(c.Secret) < 16:
		return errors.New("configure bot: the secret has fewer than 16 bytes")
	}
	return nil
}

// Bot is the running application: every change of an incident goes through it.
// It is safe for concurrent use.
type Bot struct {
	cfg       Config
	catalog   commands.Catalog
	platforms []string            // of the chats, by name
	standing  map[string]Standing // of the chats, those that are, by platform
	org       atomic.Pointer[snapshot]
	plans     sync.Map // hash → workflow.Plan; plans never change under their hash
	turns     turnstile
	troubles  sync.Map // platform → Trouble
	nudged    chan struct{}
	lag       atomic.Int64 // how old the oldest unread mail was when last looked, in nanoseconds
}

// snapshot is one configuration with what is made of it.
type snapshot struct {
	Organization
	router *alerts.Router
	pagers map[string]Pager
}

// New makes a bot.
func New(cfg Config) (*Bot, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Bot{cfg: cfg, catalog: commands.New(), standing: map[string]Standing{}, nudged: make(chan struct{}, 1)}
	b.platforms = slices.Sorted(maps.Keys(cfg.Chats))
	for _, name := range b.platforms {
		if s, is := cfg.Chats[name].(Standing); is {
			b.standing[name] = s
		}
	}
	if err := b.Configure(cfg.Organization, cfg.Pagers); err != nil {
		return nil, err
	}
	return b, nil
}

// Configure swaps the whole configuration and the media it connects. Running
// incidents keep the plan they were declared with. When the error is not nil
// the old configuration stays.
func (b *Bot) Configure(o Organization, pagers map[string]Pager) error {
	services := make([]string, 0, len(o.Services))
	for _, s := range o.Services {
		services = append(services, s.ID)
	}
	router, err := alerts.NewRouter(o.Routes, services)
	if err != nil {
		return fmt.Errorf("configure bot: %w", err)
	}
	b.org.Store(&snapshot{Organization: o, router: router, pagers: pagers})
	return nil
}

// Organization returns the configuration that holds now.
func (b *Bot) Organization() *Organization { return &b.org.Load().Organization }

// Catalog returns the language.
func (b *Bot) Catalog() commands.Catalog { return b.catalog }

// Store returns the store the bot stands on.
func (b *Bot) Store() Store { return b.cfg.Store }

// Now returns the bot's time.
func (b *Bot) Now() time.Time { return b.cfg.Now().UTC() }

// Nudged receives whenever something may have fallen due at once.
func (b *Bot) Nudged() <-chan struct{} { return b.nudged }

func (b *Bot) nudge() {
	select {
	case b.nudged <- struct{}{}:
	default:
	}
}

// request is one input on its way.
type request struct {
	by        workflow.Actor
	command   workflow.Command
	operation string
	settle    *Lease
	guard     func(workflow.Incident) error           // may refuse, once the incident is known
	reply     func(result) []byte                     // what the operation answers
	others    func(id string) (workflow.Other, error) // looks at another incident
	records   []RecordChange                          // written in the same commit
}

// result is what a request came to.
type result struct {
	before   workflow.Incident
	outcome  workflow.Outcome
	refusal  error // a *workflow.Refusal
	repeated []byte
}

// maxConflicts bounds how often a step is taken again because somebody else
// was faster. Inputs of one incident queue in process before they race.
const maxConflicts = 100

// step takes an incident through one input and commits what came of it.
func (b *Bot) step(ctx context.Context, id string, r request) (result, error) {
	defer b.turns.enter(id)()
	if r.operation != "" {
		reply, err := b.cfg.Store.Reply(ctx, r.operation)
		if err == nil {
			return result{repeated: reply}, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return result{}, fmt.Errorf("look up operation: %w", err)
		}
	}
	for range maxConflicts {
		res, err := b.try(ctx, id, r)
		if !errors.Is(err, ErrConflict) {
			return res, err
		}
	}
	return result{}, fmt.Errorf("step %s: %w, %d times", id, ErrConflict, maxConflicts)
}

// try is one attempt of a step.
func (b *Bot) try(ctx context.Context, id string, r request) (result, error) {
	loaded, err := b.cfg.Store.Load(ctx, id)
	_, declares := r.command.(workflow.Declare)
	if errors.Is(err, ErrNotFound) && declares {
		err = nil
		loaded = Loaded{ID: id, Number: numberOf(id)}
	}
	if err != nil {
		return result{}, err
	}
	if loaded.Snapshot == nil && loaded.Stub != nil {
		if _, wakes := r.command.(workflow.Wake); wakes {
			return b.first(ctx, loaded, r.settle)
		}
		if _, err = b.first(ctx, loaded, nil); err != nil {
			return result{}, err
		}
		return result{}, ErrConflict // declared now: load it again, and go on
	}
	before, err := decode(loaded)
	if err != nil {
		return result{}, err
	}
	if r.guard != nil {
		if no := r.guard(before); no != nil {
			return result{before: before, refusal: no}, nil //nolint:nilerr // a refusal is an answer, not an error
		}
	}
	return b.advance(ctx, loaded, before, r)
}

// first takes the first step of an incident that alerts have reserved, before
// anything else happens to it.
func (b *Bot) first(ctx context.Context, l Loaded, settle *Lease) (result, error) {
	declare, err := alerts.DecodeStub(l.Stub)
	if err != nil {
		return result{}, fmt.Errorf("read the stub of %s: %w", l.ID, err)
	}
	declare.Previous = l.Follows
	if l.Follows != "" { // what was private stays private (rule P2)
		before, e := b.Peek(ctx, l.Follows)
		if e != nil && !errors.Is(e, ErrNotFound) {
			return result{}, e
		}
		declare.Private = before.Visibility == workflow.Private
	}
	return b.advance(ctx, l, workflow.Incident{ID: l.ID, Number: l.Number}, request{
		by: workflow.Actor{Kind: workflow.ByAlert, Name: declare.Reporter.Name}, command: declare, settle: settle,
	})
}

// advance asks, steps and commits.
func (b *Bot) advance(ctx context.Context, l Loaded, before workflow.Incident, r request) (result, error) {
	in := workflow.Input{ID: r.operation, At: b.Now(), By: r.by, Command: r.command, Mail: l.Mail}
	var err error
	if in.Known, err = b.known(ctx, before, in, r); err != nil {
		return result{}, err
	}
	res := result{before: before}
	res.outcome, res.refusal = workflow.Step(before, in)
	c, err := b.commitOf(l, in, res, r)
	if err != nil {
		return result{}, err
	}
	if c.Snapshot == nil && c.Settle == nil && c.Operation == "" && len(c.Records) == 0 {
		return res, nil // nothing changed
	}
	receipt, err := b.cfg.Store.Commit(ctx, c)
	if errors.Is(err, ErrTaken) { // another incident answers for the group by now
		c.Group = nil
		receipt, err = b.cfg.Store.Commit(ctx, c)
	}
	if err != nil {
		return result{}, err
	}
	if receipt.Repeated {
		return result{repeated: receipt.Reply}, nil
	}
	if hash := res.outcome.Incident.PlanHash; before.PlanHash == "" && hash != "" {
		b.plans.Store(hash, in.Known.Plan)
	}
	if len(c.Tasks) > 0 || !c.WakeAt.IsZero() {
		b.nudge()
	}
	return res, nil
}

func decode(l Loaded) (workflow.Incident, error) {
	if l.Snapshot == nil {
		return workflow.Incident{ID: l.ID, Number: l.Number}, nil
	}
	i, err := workflow.DecodeIncident(l.Snapshot)
	if err != nil {
		return workflow.Incident{}, fmt.Errorf("read %s: %w", l.ID, err)
	}
	return i, nil
}

// commitOf turns an outcome into a commit. An input that made nothing true
// only settles its task.
func (b *Bot) commitOf(l Loaded, in workflow.Input, res result, r request) (Commit, error) {
	out := res.outcome
	c := Commit{At: in.At, Incident: l.ID, Version: l.Version, Settle: r.settle, WakeAt: out.Incident.WakeAt(), Records: slices.Clone(r.records)}
	if r.operation != "" && res.refusal == nil {
		c.Operation = r.operation
		if r.reply != nil {
			c.Reply = r.reply(res)
		}
	}
	if len(out.Events) == 0 {
		return c, nil
	}
	var err error
	if c.Snapshot, err = workflow.EncodeIncident(out.Incident); err != nil {
		return c, err
	}
	c.Open = out.Incident.Open()
	if until, always := out.Incident.HoldsGroupUntil(in.Known.Plan.Rules); out.Incident.Alerts.Group != "" {
		c.Group = &GroupHold{Key: out.Incident.Alerts.Group, Always: always, Until: until}
	}
	if n := len(l.Mail); n > 0 {
		c.ReadMail = l.Mail[n-1].Seq
	}
	for _, e := range out.Events {
		body, bad := workflow.EncodeEvent(e)
		if bad != nil {
			return c, bad
		}
		c.Events = append(c.Events, StoredEvent{Seq: e.Seq, Body: body})
		change, bad := b.recordOf(l.ID, e.Fact, in.Known.Plan)
		if bad != nil {
			return c, bad
		}
		c.Records = append(c.Records, change...)
	}
	err = b.owe(&c, out)
	return c, err
}

// owe adds what is owed to the world: effects, what is said in our own rooms,
// and the cards that are to be brought up to date.
func (b *Bot) owe(c *Commit, out workflow.Outcome) error {
	for _, e := range out.Effects {
		if !b.can(e.Do) {
			continue
		}
		if post, is := e.Do.(workflow.Post); is && b.standing[post.Platform] != nil {
			said, err := b.saidOf(e.ID, post, out.Events)
			if err != nil {
				return err
			}
			c.Said = append(c.Said, said)
			continue
		}
		body, err := workflow.EncodeAction(e.Do)
		if err != nil {
			return err
		}
		c.Tasks = append(c.Tasks, Task{ID: e.ID, Owner: c.Incident, Lane: e.Lane, Due: c.At, Body: body})
	}
	cards, err := cardsOf(out.Incident, c.At)
	c.Tasks = append(c.Tasks, cards...)
	return err
}

// cardsOf are the standing tasks that keep an incident's cards up to date.
func cardsOf(i workflow.Incident, due time.Time) ([]Task, error) {
	var all []Task
	for _, show := range i.Cards() {
		body, err := workflow.EncodeAction(show)
		if err != nil {
			return nil, err
		}
		lane := workflow.LaneOf(show)
		all = append(all, Task{ID: "card:" + lane.Destination, Owner: i.ID, Lane: lane, Due: due, Rev: i.Seq, Body: body})
	}
	return all, nil
}

// can reports whether there is anybody to carry a deed out: a medium that
// cannot take pages back is not asked to.
func (b *Bot) can(d workflow.Action) bool {
	t, is := d.(workflow.CancelPage)
	if !is {
		return true
	}
	_, able := b.Canceler(t.Via)
	return able
}

// Kinds of records.
const (
	kindPlan   = "plan"   // by content hash
	kindCursor = "cursor" // by policy/step
	kindRoom   = "room"   // by platform/room: whose it is; and by incident/platform/room, so that it ends with the incident
)

// recordOf names the records that a fact writes in the same commit. A plan is
// written once: what this process has read or written stays.
func (b *Bot) recordOf(incident string, f workflow.Fact, plan workflow.Plan) ([]RecordChange, error) {
	if d, is := f.(workflow.Declared); is {
		if _, kept := b.plans.Load(d.Plan); kept {
			return nil, nil
		}
		body, err := json.Marshal(plan)
		return []RecordChange{{Kind: kindPlan, ID: d.Plan, Version: AnyVersion, Body: body}}, err
	}
	if r, is := f.(workflow.RoomOpened); is && b.standing[r.Platform] == nil {
		room := r.Platform + "/" + r.ID
		return []RecordChange{
			{Kind: kindRoom, ID: room, Version: AnyVersion, Body: []byte(incident)},
			{Kind: kindRoom, ID: incident + "/" + room, Version: AnyVersion, Body: []byte{}},
		}, nil
	}
	if s, is := f.(workflow.StepFired); is && s.Cursor != nil {
		body, err := json.Marshal(s.Cursor.Next)
		return []RecordChange{{Kind: kindCursor, ID: s.Cursor.Key, Version: s.Cursor.Was, Body: body}}, err
	}
	return nil, nil
}
