package agenda

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// Works are the jobs there are. The runner is the one of this process, whose
// audits they tell of.
func Works(r *Runner, outside bot.Pinger) map[string]Work {
	b := r.cfg.Bot
	return map[string]Work{
		bot.JobAuditReport:    {Do: func(context.Context, Start) (Result, error) { return auditReport(r) }},
		bot.JobOverdueUpdates: {Do: func(ctx context.Context, _ Start) (Result, error) { return overdueUpdates(ctx, b) }},
		bot.JobArchive:        {Timeout: 10 * time.Minute, Do: func(ctx context.Context, _ Start) (Result, error) { return archive(ctx, b) }},
		bot.JobDeadman: {Timeout: 10 * time.Second, Do: func(ctx context.Context, _ Start) (Result, error) {
			return deadman(ctx, r, outside)
		}},
	}
}

// auditReport tells what the auditor saw in the last day.
func auditReport(r *Runner) (Result, error) {
	seen := r.Day()
	if seen.Audits+seen.Failed == 0 {
		return Result{}, errors.New("there was no audit yet: this process has just begun")
	}
	return Result{
		Note:    fmt.Sprintf("told of the last day, audits: %d", seen.Audits),
		Outputs: []Output{func(v card.View) card.Message { return card.AuditReport(seen, v) }},
	}, nil
}

// mostOpen bounds how many open incidents are looked at.
const mostOpen = 10_000

// overdueUpdates tells of promised updates that nobody has posted. Private
// incidents are left out (rule P2).
func overdueUpdates(ctx context.Context, b *bot.Bot) (Result, error) {
	open, err := b.OpenIncidents(ctx, mostOpen)
	if err != nil {
		return Result{}, err
	}
	var late []workflow.Incident
	for _, i := range open {
		if !i.Promises.MissedUpdate.IsZero() && i.Visibility != workflow.Private {
			late = append(late, i)
		}
	}
	if len(late) == 0 {
		return Result{}, nil
	}
	return Result{
		Note:    fmt.Sprintf("told of %d", len(late)),
		Outputs: []Output{func(v card.View) card.Message { return card.OverdueUpdates(late, v) }},
	}, nil
}

// freshAudit is how old an audit may be that says that all is well.
const freshAudit = 2 * time.Minute

// deadman pings, but only when the last audit says that all is well (rule E12):
// silence is what raises the alarm.
func deadman(ctx context.Context, r *Runner, outside bot.Pinger) (Result, error) {
	h := r.Health()
	why := ""
	switch {
	case h.At.IsZero():
		why = "there was no audit yet"
	case r.cfg.Bot.Now().Sub(h.At) > freshAudit:
		why = "the last audit was at " + h.At.UTC().Format(time.RFC3339)
	case len(h.Wrong) > 0:
		why = fmt.Sprintf("the audit found %d incidents that would wait for ever", len(h.Wrong))
	case h.Overdue > 0:
		why = fmt.Sprintf("the audit found %d tasks overdue", h.Overdue)
	}
	if why != "" {
		// Every process begins without an audit: that is no news.
		return Result{Withheld: true, Note: "no ping: " + why, Quiet: h.At.IsZero()}, nil
	}
	if err := outside.Ping(ctx, r.cfg.Bot.Organization().Deadman); err != nil {
		return Result{}, fmt.Errorf("ping the dead-man's watcher: %w", err)
	}
	return Result{Note: "pinged", Quiet: true}, nil
}
