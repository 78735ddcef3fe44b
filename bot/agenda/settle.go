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

// lookFor bounds looking at an incident before its page is sent.
const loadTimeout = (leaseFor - outbound.SendTimeout) / 2

// settleTries is how often the answer of something that was sent is tried to be
// written down before it is remembered.
const settleTries = 3

// settle writes down what became of a work, or gives its task back.
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
			return // a report is not fenced: a replica that lost the task may not report (rule X2)
		}
		if _, e := r.cfg.Engine.Apply(ctx, w.Owner, bot.Change{By: systemActor(), Command: a.Report}); e != nil {
			err = errors.Join(err, e)
		}
	}
	if err == nil || errors.Is(err, bot.ErrLeaseLost) || ctx.Err() != nil { // shutting down: the lease ends with the process
		return
	}
	level := slog.LevelWarn
	if _, later := bot.RetryDelay(err); later || a.Report != nil { // it was only put off, or the handler has said so
		level = slog.LevelDebug
	}
	r.cfg.Log.Log(ctx, level, "a task failed, trying again", "task", w.ID, "incident", w.Owner, "attempt", w.Attempt, "error", err.Error())
	r.postpone(ctx, w, err)
}

// write gives an effect's answer to the incident that asked for it, and ends its
// task.
func (r *Runner) writeAnswer(ctx context.Context, w bot.Work, a bot.Answer) error {
	if a.Command == nil {
		return r.cfg.Engine.Settle(ctx, w.Lease, a.Records...)
	}
	_, err := r.cfg.Engine.Apply(ctx, w.Owner, bot.Change{By: systemActor(), Command: a.Command, Settle: &w.Lease, Records: a.Records})
	return err
}

// giveUp ends a task that cannot succeed.
func (r *Runner) giveUp(ctx context.Context, w bot.Work, what string, why error) {
	r.settle(ctx, w, bot.Answer{Command: r.giveUpCommand(w, what, why)})
}

// gaveUp says, in the log and where people read it, that a task cannot succeed.
func (r *Runner) giveUpCommand(w bot.Work, what string, why error) workflow.Command {
	r.cfg.Log.Error("gave up", "task", w.ID, "incident", w.Owner, "what", what, "error", why.Error())
	return workflow.GiveUp{What: what, Why: why.Error()}
}

// postpone gives a task back, to be tried again.
func (r *Runner) postpone(ctx context.Context, w bot.Work, because error) {
	wait, told := bot.RetryDelay(because)
	if !told {
		wait = backOff(w.Lease)
	}
	err := r.cfg.Store.Postpone(ctx, w.Lease, r.cfg.Engine.Now().Add(wait))
	if err != nil && !errors.Is(err, bot.ErrLeaseLost) {
		r.cfg.Log.Error("cannot postpone a task; it comes again when its lease runs out", "task", w.ID, "incident", w.Owner, "error", err.Error())
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
