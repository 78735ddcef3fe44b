// Package agenda carries out what is owed: it claims lanes that are due, pages,
// posts and wakes, and brings the answers back. It retries what failed, and
// audits every minute that nothing is overdue.
package agenda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// Config is what a runner is made of. Zero durations and numbers take their
// defaults.
type Config struct {
	Bot   *bot.Bot
	Log   *slog.Logger
	Lease time.Duration // how long a claim lasts [10 s]; longer than Send
	Send  time.Duration // how long one send may take [5 s]
	Audit time.Duration // between two audits [1 min]
	Pages int           // pages carried out at a time [64]
	Wakes int           // deadlines and new mail at a time [32]
	Rest  int           // everything else at a time [64]
}

// Runner carries the agenda out. Several runners may share a store.
type Runner struct {
	cfg     Config
	bundles *bundles
	silent  *silent
	once    *once
	handed  *handed
	mu      sync.Mutex
	health  Health
	day     day
}

// Health is what the auditor saw last.
type Health struct {
	At       time.Time // of the last whole audit; zero before the first
	Checked  int
	Overdue  int
	Repaired []string
	Wrong    []string // incidents that would wait for ever
}

// New makes a runner.
func New(cfg Config) *Runner {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&cfg.Lease, 10*time.Second)
	def(&cfg.Send, 5*time.Second)
	def(&cfg.Audit, auditEvery)
	cfg.Pages, cfg.Wakes, cfg.Rest = positive(cfg.Pages, 64), positive(cfg.Wakes, 32), positive(cfg.Rest, 64)
	return &Runner{cfg: cfg, bundles: newBundles(), silent: newSilent(), once: newOnce(), handed: newHanded()}
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// pool is a claiming loop of its own: pages never wait for anything else, and
// what makes pages (deadlines, mail, alerts that one incident tells another of)
// never waits for a chat platform that hangs.
type pool struct {
	name    string
	classes bot.Classes
	size    int
}

func (r *Runner) pools() []pool {
	return []pool{
		{"pages", bot.Classes{To: workflow.ClassPage}, r.cfg.Pages},
		{"wakes", bot.Classes{From: workflow.ClassPage + 1, To: workflow.ClassForward}, r.cfg.Wakes},
		{"rest", bot.Classes{From: workflow.ClassForward + 1, To: workflow.ClassDroppable}, r.cfg.Rest},
	}
}

// Tick claims everything that is due and carries it out, one after the other.
// It returns how much that was. Tests and the simulation drive the agenda with
// it; [Runner.Run] does the same for a process, many at a time.
func (r *Runner) Tick(ctx context.Context) (int, error) {
	done := 0
	for _, p := range r.pools() {
		leases, err := r.claim(ctx, p, 100)
		if err != nil {
			return done, err
		}
		for _, group := range r.group(ctx, r.worstFirst(ctx, leases)) {
			r.carry(ctx, group)
		}
		done += len(leases)
	}
	return done, nil
}

func (r *Runner) claim(ctx context.Context, p pool, limit int) ([]bot.Lease, error) {
	now := r.cfg.Bot.Now()
	leases, err := r.cfg.Bot.Store().Claim(ctx, bot.Claim{At: now, For: r.cfg.Lease, Limit: limit, Classes: p.classes})
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
		r.cfg.Bot.Lagged(lag)
	}
	return leases, nil
}

// carry carries out one task, or a bundle of pages. What cannot be answered to
// the store is tried again when the lease has run out.
func (r *Runner) carry(ctx context.Context, group []bot.Lease) {
	defer func() {
		if p := recover(); p != nil {
			if _, crash := p.(interface{ Crash() }); crash {
				panic(p) // the simulation's kill -9
			}
			r.cfg.Log.Error("carrying a task out panicked", "task", group[0].ID, "incident", group[0].Owner, "panic", fmt.Sprint(p))
		}
	}()
	head := group[0]
	var err error
	if head.ID == bot.WakeTask {
		err = r.cfg.Bot.Wake(ctx, head)
	} else {
		err = r.deed(ctx, group)
	}
	switch {
	case err == nil, errors.Is(err, bot.ErrLeaseLost):
	case ctx.Err() != nil: // shutting down: the lease ends with the process
	default:
		level := slog.LevelWarn
		if _, later := bot.RetryDelay(err); later { // it has only been put off
			level = slog.LevelDebug
		}
		r.cfg.Log.Log(ctx, level, "a task failed, trying again", "task", head.ID, "incident", head.Owner, "attempt", head.Attempt, "error", err.Error())
		for _, l := range group {
			r.postpone(ctx, l, err)
		}
	}
}

// deed carries out what is no wake-up.
func (r *Runner) deed(ctx context.Context, group []bot.Lease) error {
	l := group[0]
	d, err := workflow.DecodeAction(l.Body)
	if err != nil {
		return r.giveUp(ctx, l, "a task that cannot be read", err)
	}
	switch d := d.(type) {
	case workflow.SendPage:
		return r.page(ctx, group)
	case workflow.CancelPage:
		return r.takeBack(ctx, l, d)
	case workflow.RoomAction:
		return r.roomDeed(ctx, l, d)
	case workflow.Forward:
		return r.cfg.Bot.Tell(ctx, l, d)
	case workflow.Reroute:
		if err := r.cfg.Bot.Reroute(ctx, l.Owner, d.At); err != nil {
			return err
		}
		return r.cfg.Bot.Settle(ctx, l)
	case workflow.UnknownAction:
		return r.giveUp(ctx, l, "a task of a newer version", fmt.Errorf("%s is not known here", d.Kind))
	}
	return r.giveUp(ctx, l, "a task", fmt.Errorf("nobody knows how to carry out %T", d))
}

// giveUp ends a task that cannot succeed, and says so where people read it.
func (r *Runner) giveUp(ctx context.Context, l bot.Lease, what string, why error) error {
	r.cfg.Log.Error("gave up", "task", l.ID, "incident", l.Owner, "what", what, "error", why.Error())
	return r.cfg.Bot.Answer(ctx, l, workflow.GiveUp{What: what, Why: why.Error()})
}

// postpone gives a task back, to be tried again.
func (r *Runner) postpone(ctx context.Context, l bot.Lease, because error) {
	wait, told := bot.RetryDelay(because)
	if !told {
		wait = backOff(l)
	}
	err := r.cfg.Bot.Store().Postpone(ctx, l, r.cfg.Bot.Now().Add(wait))
	if err != nil && !errors.Is(err, bot.ErrLeaseLost) {
		r.cfg.Log.Error("cannot postpone a task; it comes again when its lease runs out", "task", l.ID, "incident", l.Owner, "error", err.Error())
	}
}

// backOff waits 5 s, 10 s, 20 s … at most a minute for pages and wake-ups, half
// of it for what people read in rooms, so that a platform that is back is soon
// caught up with (rule X5), and five minutes for the rest.
func backOff(l bot.Lease) time.Duration {
	most := 5 * time.Minute
	switch {
	case l.Lane.Class <= workflow.ClassWake:
		most = time.Minute
	case l.Lane.Class <= workflow.ClassCard:
		most = 30 * time.Second
	}
	return min(most, 5*time.Second<<min(l.Attempt, 10))
}

// covers reports whether the lease outlasts a send that begins now: a worker
// whose lease does not may not send (rule X2).
func (r *Runner) covers(l bot.Lease) bool {
	return r.cfg.Bot.Now().Add(r.cfg.Send).Before(l.Until)
}
