package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/bot/agenda"
	"tocsin/bot/card"
	"tocsin/bot/incidents"
	"tocsin/workflow"
)

// Audits is what the auditor of this process has seen.
type Audits interface {
	// Health returns what the last audit saw.
	Health() agenda.Health
	// Day adds up the audits of the last 24 hours.
	Day() card.AuditDay
}

// Parts are what the jobs stand on.
type HandlerConfig struct {
	Engine    *bot.Engine
	Archive   bot.Archive
	Incidents *incidents.Reader
	Audits    Audits
	Pinger    Pinger
}

// Works are the jobs there are, by name.
func NewHandlers(p HandlerConfig) map[string]Handler {
	return map[string]Handler{
		bot.JobAuditReport:    {Handle: func(context.Context, Start) (Result, error) { return reportAudits(p.Audits) }},
		bot.JobOverdueUpdates: {Handle: func(ctx context.Context, _ Start) (Result, error) { return reportOverdueUpdates(ctx, p.Incidents) }},
		bot.JobArchive:        {Timeout: 10 * time.Minute, Handle: func(ctx context.Context, _ Start) (Result, error) { return archive(ctx, p) }},
		bot.JobDeadman:        {Timeout: 10 * time.Second, Handle: func(ctx context.Context, _ Start) (Result, error) { return pingDeadman(ctx, p) }},
	}
}

// auditReport tells what the auditor saw in the last day.
func reportAudits(a Audits) (Result, error) {
	seen := a.Day()
	if seen.Audits+seen.Failed == 0 {
		return Result{}, errors.New("there was no audit yet: this process has just begun")
	}
	return Result{
		Note:    fmt.Sprintf("told of the last day, audits: %d", seen.Audits),
		Outputs: []Output{func(v card.View) card.Content { return card.AuditReport(seen, v) }},
	}, nil
}

// mostOpen bounds how many open incidents are looked at.
const maxOpen = 10_000

// overdueUpdates tells of promised updates that nobody has posted. Private
// incidents are left out (rule P2).
func reportOverdueUpdates(ctx context.Context, reader *incidents.Reader) (Result, error) {
	open, err := reader.ListOpen(ctx, maxOpen)
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
		Outputs: []Output{func(v card.View) card.Content { return card.OverdueUpdates(late, v) }},
	}, nil
}

// freshAudit is how old an audit may be that says that all is well.
const maxAuditAge = 2 * time.Minute

// ping pings, but only when the last audit says that all is well (rule E12):
// silence is what raises the alarm.
func pingDeadman(ctx context.Context, p HandlerConfig) (Result, error) {
	h := p.Audits.Health()
	why := ""
	switch {
	case h.At.IsZero():
		why = "there was no audit yet"
	case p.Engine.Now().Sub(h.At) > maxAuditAge:
		why = "the last audit was at " + h.At.UTC().Format(time.RFC3339)
	case len(h.Stuck) > 0:
		why = fmt.Sprintf("the audit found %d incidents that would wait for ever", len(h.Stuck))
	case h.Overdue > 0:
		why = fmt.Sprintf("the audit found %d tasks overdue", h.Overdue)
	}
	if why != "" {
		// Every process begins without an audit: that is no news.
		return Result{Withheld: true, Note: "no ping: " + why, Quiet: h.At.IsZero()}, nil
	}
	if err := p.Pinger.Ping(ctx, p.Engine.Organization().Deadman); err != nil {
		return Result{}, fmt.Errorf("ping the dead-man's watcher: %w", err)
	}
	return Result{Note: "pinged", Quiet: true}, nil
}
