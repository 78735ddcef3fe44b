// Package agenda carries out due tasks: it claims them from the store, passes each to
// the package that handles it, settles the task with the answer, and retries failed
// ones with a growing delay. Every minute it audits that no task is overdue and no
// incident is stuck.
//
// It does not send anything itself: packages delivery and rooms do. Begin reading at
// [Runner.Tick], which does one round of what [Runner.Run] does for a process.
package agenda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// Store is the part of the store that a runner uses.
type Store interface {
	bot.Agenda
	bot.Library
}

// Pages sends pages (package delivery).
type Pages interface {
	// Bundle groups work that goes out as one message, and separates pages that are
	// held back for a later bundle.
	Bundle(works []bot.Work) (groups [][]bot.Work, held []bot.HeldWork)
	// HandlePages sends one group. The answers are in the order of the works.
	HandlePages(ctx context.Context, works []bot.Work) []bot.Answer
	// HandleCancel takes back a page.
	HandleCancel(ctx context.Context, w bot.Work, c workflow.CancelPage) bot.Answer
}

// Rooms carries out the work of chat platforms (package rooms).
type Rooms interface {
	// Order sorts works so that the most urgent is first.
	Order(ctx context.Context, works []bot.Work) []bot.Work
	// HandleRoom carries one work out, whose action is a.
	HandleRoom(ctx context.Context, w bot.Work, a workflow.RoomAction) bot.Answer
}

// Intake receives alerts (package intake).
type Intake interface {
	// Reroute passes the firing alerts of an incident through the intake again.
	Reroute(ctx context.Context, incident string, before time.Time) error
	// Judge judges held firing notices again.
	Judge(ctx context.Context, held []workflow.HeldAlert) error
}

// Config configures a runner.
type Config struct {
	Engine *bot.Engine
	Store  Store
	Pages  Pages
	Rooms  Rooms
	Intake Intake
	Log    *slog.Logger
	Audit  time.Duration // interval of the audits [1 min]
}

// leaseFor is how long a claim lasts. It is renewed while its work goes on.
const leaseFor = 10 * time.Second

// Runner carries out the tasks of the agenda. Several replicas may share a store,
// with a runner each.
type Runner struct {
	cfg    Config
	sent   *sentAnswers
	mu     sync.Mutex
	health Health
	audits auditLog
}

// Health is the result of the last complete audit.
type Health struct {
	At       time.Time // zero before the first audit
	Checked  int       // incidents
	Overdue  int       // tasks more than a minute past their due time, and unclaimed
	Repaired []string  // what was wrong in the agenda and was repaired, a line each
	Stuck    []string  // incidents that nothing would have happened to any more, a line each
}

// New returns a runner.
func New(cfg Config) *Runner {
	if cfg.Audit <= 0 {
		cfg.Audit = auditEvery
	}
	return &Runner{cfg: cfg, sent: newSentAnswers()}
}

// pool is a claiming loop with workers of its own. Pages never wait for other work,
// and what leads to pages (deadlines, mail, alerts that one incident forwards to
// another) never waits for a chat platform that hangs (E10: lanes by priority).
type pool struct {
	name    string
	classes bot.Classes
	workers int
	waiting int // how many works may go on without a worker, because they wait for an outside party
}

func pools() []pool {
	return []pool{
		{"pages", bot.Classes{To: workflow.ClassPage}, 64, 1000},
		{"wakes", bot.Classes{From: workflow.ClassPage + 1, To: workflow.ClassForward}, 32, 0},
		{"rest", bot.Classes{From: workflow.ClassForward + 1, To: workflow.ClassDroppable}, 64, 64},
	}
}

// Tick claims the tasks that are due and carries them out one after the other. It
// returns the number of tasks. Tests and the simulation call it; [Runner.Run] does
// the same for a process, many tasks at a time, and survives a panic in a task.
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

// claim leases due tasks of a pool.
func (r *Runner) claim(ctx context.Context, p pool, limit int) ([]bot.Lease, error) {
	leases, err := r.cfg.Store.Claim(ctx, bot.Claim{At: r.cfg.Engine.Now(), For: leaseFor, Limit: limit, Classes: p.classes})
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", p.name, err)
	}
	return leases, nil
}

// groupWork decodes claimed tasks and groups those that go out as one message. A
// task that cannot be decoded is given up; a page held for a bundle is postponed.
func (r *Runner) groupWork(ctx context.Context, leases []bot.Lease) [][]bot.Work {
	works := make([]bot.Work, 0, len(leases))
	for _, l := range leases {
		w := bot.Work{Lease: l}
		if l.ID != bot.WakeTask {
			var err error
			if w.Action, err = workflow.DecodeAction(l.Body); err != nil {
				r.giveUp(ctx, w, "a task that cannot be decoded", err)
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

var errBundled = errors.New("held back for a bundle")

// carryOut carries out one task, or a group of pages, and settles it.
func (r *Runner) carryOut(ctx context.Context, group []bot.Work) {
	group = r.settleSent(ctx, group)
	if len(group) == 0 {
		return
	}
	work, leases := r.keepLeases(ctx, slices.Clone(group))
	defer leases.end() // also after a panic: the task is repeated when its lease ends
	answers := r.handle(work, group)
	group = leases.end()
	for n, a := range answers {
		r.settle(ctx, group[n], a)
	}
}

// systemActor is Tocsin itself as the actor of an event.
func systemActor() workflow.Actor { return workflow.Actor{Kind: workflow.BySystem} }
