package agenda

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tocsin/bot"
	"tocsin/bot/outbound"
	"tocsin/workflow"
)

// loadTimeout is how long loading the incident of a page may take.
const loadTimeout = (leaseFor - outbound.SendTimeout) / 2

// settleTries is how often storing the answer of something that was sent is tried
// before it is kept in memory for later.
const settleTries = 3

// settle commits the answer of a work, or returns its task to the agenda.
func (r *Runner) settle(ctx context.Context, w bot.Work, a bot.Answer) {
	if a.Abandoned {
		return
	}
	if a.Sent {
		r.writeSent(ctx, sentAnswer{work: w, answer: a, at: r.cfg.Engine.Now()})
		return
	}
	err := a.Retry
	switch {
	case err == nil:
		err = r.writeAnswer(ctx, w, a)
	case a.Report != nil:
		if !r.cfg.Engine.Now().Before(w.Until) {
			return // the commit of a report does not check the lease: a replica that lost the task must not report (X2: replicas never act twice)
		}
		if _, e := r.cfg.Engine.Apply(ctx, w.Owner, bot.Change{By: systemActor(), Command: a.Report}); e != nil {
			err = errors.Join(err, e)
		}
	}
	if err == nil || errors.Is(err, bot.ErrLeaseLost) || ctx.Err() != nil { // shutting down: the lease ends with the process
		return
	}
	level := slog.LevelWarn
	if _, ok := bot.RetryDelay(err); ok || a.Report != nil { // only delayed, or logged by the handler
		level = slog.LevelDebug
	}
	r.cfg.Log.Log(ctx, level, "a task failed; trying again", "task", w.ID, "incident", w.Owner, "attempt", w.Attempt, "error", err.Error())
	r.postpone(ctx, w, err)
}

// writeAnswer applies an answer to its incident and settles the task, in one commit.
func (r *Runner) writeAnswer(ctx context.Context, w bot.Work, a bot.Answer) error {
	if a.Command == nil {
		return r.cfg.Engine.Settle(ctx, w.Lease, a.Records...)
	}
	_, err := r.cfg.Engine.Apply(ctx, w.Owner, bot.Change{By: systemActor(), Command: a.Command, Settle: &w.Lease, Records: a.Records})
	return err
}

// giveUp settles a task that cannot succeed.
func (r *Runner) giveUp(ctx context.Context, w bot.Work, what string, why error) {
	r.settle(ctx, w, bot.Answer{Command: r.giveUpCommand(w, what, why)})
}

// giveUpCommand logs that a task cannot succeed, and returns the command that says so
// in the incident's timeline.
func (r *Runner) giveUpCommand(w bot.Work, what string, why error) workflow.Command {
	r.cfg.Log.Error("gave up", "task", w.ID, "incident", w.Owner, "what", what, "error", why.Error())
	return workflow.GiveUp{What: what, Why: why.Error()}
}

// postpone returns a task to the agenda: due after the delay of [bot.RetryAfter],
// else after a back-off that grows with its failures.
func (r *Runner) postpone(ctx context.Context, w bot.Work, because error) {
	wait, ok := bot.RetryDelay(because)
	if !ok {
		wait = backOff(w.Lease)
	}
	if bot.IsPutOff(because) && w.ID != bot.WakeTask { // nothing has failed: the next failure backs off as a first one
		w.Attempt--
	}
	err := r.cfg.Store.Postpone(ctx, w.Lease, r.cfg.Engine.Now().Add(wait))
	if err != nil && !errors.Is(err, bot.ErrLeaseLost) {
		r.cfg.Log.Error("cannot postpone a task; it is due again when its lease ends", "task", w.ID, "incident", w.Owner, "error", err.Error())
	}
}

// backOff returns the delay before the next attempt of a task: 5 s, 10 s, 20 s … up to
// a minute for pages and wake-ups, half a minute for what is shown in rooms, so that
// a platform that answers again is soon up to date (X5: go on without a chat
// platform), and five minutes for the rest.
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
