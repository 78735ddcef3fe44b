// Package agenda carries out what is owed: it claims lanes that are due, hands each
// task to the package that can carry it out, settles what that answers, and retries
// what failed. Every minute it audits that nothing is overdue.
package agenda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/delivery"
	"tocsin/workflow"
)

// Store is what a runner needs of the store.
type Store interface {
	bot.Agenda
	bot.Library
}

// Pages carries out what pages people.
type Pages interface {
	// Bundle sorts works into those that are carried out together, and those that
	// wait for it.
	Bundle(works []bot.Work) (groups [][]bot.Work, held []delivery.HeldPage)
	// HandlePages carries one group out, and answers for each work in order.
	HandlePages(ctx context.Context, works []bot.Work) []bot.Answer
}

// Rooms carries out what is owed to chat platforms.
type Rooms interface {
	// Order puts what is to be done first at the front.
	Order(ctx context.Context, works []bot.Work) []bot.Work
	// HandleRoom carries one work out.
	HandleRoom(ctx context.Context, w bot.Work) bot.Answer
}

// Intake takes the alerts of an incident again, and is told how far behind the
// reading of mail is.
type Intake interface {
	// Reroute takes the alerts that still fire for an incident again.
	Reroute(ctx context.Context, incident string, before time.Time) error
	// ReportLag says how old the oldest unread mail is.
	ReportLag(by time.Duration)
}

// Config is what a runner is made of.
type Config struct {
	Engine *bot.Engine
	Store  Store
	Pages  Pages
	Rooms  Rooms
	Intake Intake
	Log    *slog.Logger
	Audit  time.Duration // between two audits [1 min]
}

// leaseFor is how long a claim lasts: longer than one send may take.
const leaseFor = 10 * time.Second

// Runner carries the agenda out. Several runners may share a store.
type Runner struct {
	cfg    Config
	sent   *sentAnswers
	mu     sync.Mutex
	health Health
	day    auditLog
}

// Health is what the auditor saw last.
type Health struct {
	At       time.Time // of the last whole audit; zero before the first
	Checked  int
	Overdue  int
	Repaired []string
	Stuck    []string // incidents that would wait for ever
}

// New makes a runner.
func New(cfg Config) *Runner {
	if cfg.Audit <= 0 {
		cfg.Audit = auditEvery
	}
	return &Runner{cfg: cfg, sent: newSentAnswers()}
}

// pool is a claiming loop of its own: pages never wait for anything else, and
// what makes pages (deadlines, mail, alerts that one incident forwards to
// another) never waits for a chat platform that hangs.
type pool struct {
	name    string
	classes bot.Classes
	workers int
}

func pools() []pool {
	return []pool{
		{"pages", bot.Classes{To: workflow.ClassPage}, 64},
		{"wakes", bot.Classes{From: workflow.ClassPage + 1, To: workflow.ClassForward}, 32},
		{"rest", bot.Classes{From: workflow.ClassForward + 1, To: workflow.ClassDroppable}, 64},
	}
}

// Tick claims everything that is due and carries it out, one after the other.
// It returns how much that was. Tests and the simulation drive the agenda with
// it; [Runner.Run] does the same for a process, many at a time.
func (r *Runner) Tick(ctx context.Context) (int, error) {
	done := 0
	for _, p := range pools() {
		leases, err := r.claim(ctx, p, 100)
		if err != nil {
			return done, err
		}
		for _, group := range r.groupWork(ctx, leases) {
			r.carryOut(ctx, group)
		}
		done += len(leases)
	}
	return done, nil
}

func (r *Runner) claim(ctx context.Context, p pool, limit int) ([]bot.Lease, error) {
	now := r.cfg.Engine.Now()
	leases, err := r.cfg.Store.Claim(ctx, bot.Claim{At: now, For: leaseFor, Limit: limit, Classes: p.classes})
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", p.name, err)
	}
	if p.classes.From <= workflow.ClassWake && p.classes.To >= workflow.ClassWake {
		var lag time.Duration
		for _, l := range leases {
			if l.ID == bot.WakeTask {
				lag = max(lag, now.Sub(l.Due))
			}
		}
		r.cfg.Intake.ReportLag(lag)
	}
	return leases, nil
}

// groups decodes what was claimed and sorts it into what is carried out together.
func (r *Runner) groupWork(ctx context.Context, leases []bot.Lease) [][]bot.Work {
	works := make([]bot.Work, 0, len(leases))
	for _, l := range leases {
		w := bot.Work{Lease: l}
		if l.ID != bot.WakeTask {
			var err error
			if w.Action, err = workflow.DecodeAction(l.Body); err != nil {
				r.giveUp(ctx, w, "a task that cannot be read", err)
				continue
			}
		}
		works = append(works, w)
	}
	groups, held := r.cfg.Pages.Bundle(r.cfg.Rooms.Order(ctx, works))
	for _, h := range held {
		r.postpone(ctx, h.Work, bot.RetryAfter(h.Until.Sub(r.cfg.Engine.Now()), errBundled))
	}
	return groups
}

var errBundled = errors.New("waits for its bundle")

// carryOut carries out one task, or a bundle of pages. What cannot be answered to
// the store is tried again when the lease has run out.
func (r *Runner) carryOut(ctx context.Context, group []bot.Work) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(interface{ Crash() }); ok {
				panic(p) // the simulation's kill -9
			}
			r.cfg.Log.Error("carrying a task out panicked", "task", group[0].ID, "incident", group[0].Owner, "panic", fmt.Sprint(p))
		}
	}()
	group = r.settleSent(ctx, group)
	if len(group) == 0 {
		return
	}
	for n, a := range r.handle(ctx, group) {
		r.settle(ctx, group[n], a)
	}
}

// handle hands works to the package that can carry them out.
func (r *Runner) handle(ctx context.Context, group []bot.Work) []bot.Answer {
	w := group[0]
	if w.ID == bot.WakeTask {
		return []bot.Answer{{Command: workflow.Wake{}}}
	}
	switch a := w.Action.(type) {
	case workflow.PageAction:
		return r.cfg.Pages.HandlePages(ctx, r.withIncidents(ctx, group))
	case workflow.RoomAction:
		i, err := r.cfg.Engine.LoadUnchecked(ctx, w.Owner)
		if err != nil {
			return []bot.Answer{bot.Retry(err)}
		}
		w.Incident = i
		return []bot.Answer{r.cfg.Rooms.HandleRoom(ctx, w)}
	case workflow.IncidentAction:
		return []bot.Answer{r.handleIncident(ctx, w, a)}
	case workflow.UnknownAction:
		return []bot.Answer{{Command: r.giveUpCommand(w, "a task of a newer version", fmt.Errorf("%s is not known here", a.Kind))}}
	}
	return []bot.Answer{{Command: r.giveUpCommand(w, "a task", fmt.Errorf("%T cannot be carried out", w.Action))}}
}

// handleIncident carries out what goes to another incident, or to the intake.
func (r *Runner) handleIncident(ctx context.Context, w bot.Work, a workflow.IncidentAction) bot.Answer {
	switch a := a.(type) {
	case workflow.Forward:
		_, err := r.cfg.Engine.Apply(ctx, a.Incident, bot.Change{By: systemActor(), Command: a.Command(), Operation: "effect " + w.ID})
		switch {
		case errors.Is(err, bot.ErrNotFound):
			return bot.Answer{Command: workflow.GiveUp{What: "passing alerts on to " + a.Incident, Why: "it does not exist"}}
		case err != nil:
			return bot.Retry(err)
		}
	case workflow.Reroute:
		if err := r.cfg.Intake.Reroute(ctx, w.Owner, a.At); err != nil {
			return bot.Retry(err)
		}
	}
	return bot.Answer{}
}

// withIncidents loads what pages are about, for half of what the lease has over a
// send, so that the lease covers the send all the same. When the store cannot be
// read the page goes out (rule E3).
func (r *Runner) withIncidents(ctx context.Context, group []bot.Work) []bot.Work {
	look, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	for n, w := range group {
		i, err := r.cfg.Engine.LoadUnchecked(look, w.Owner)
		if err != nil {
			r.cfg.Log.Error("the store cannot be read; paging all the same", "incident", w.Owner, "error", err.Error())
			continue
		}
		group[n].Incident = i
	}
	return group
}

// bySystem is Tocsin itself, in the record.
func systemActor() workflow.Actor { return workflow.Actor{Kind: workflow.BySystem} }
