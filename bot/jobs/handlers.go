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

// Audits returns the audits of this process ([agenda.Runner]).
type Audits interface {
	// Health returns the result of the last audit.
	Health() agenda.Health
	// Day returns the audits of the last 24 hours.
	Day() card.AuditDay
}

// HandlerConfig configures the handlers of the jobs.
type HandlerConfig struct {
	Engine    *bot.Engine
	Archive   bot.Archive
	Incidents *incidents.Reader
	Audits    Audits
	Pinger    Pinger
}

// NewHandlers returns the handlers of all jobs, by the job's name.
func NewHandlers(p HandlerConfig) map[string]Handler {
	return map[string]Handler{
		bot.JobAuditReport:    {Handle: func(context.Context, Start) (Result, error) { return reportAudits(p.Audits) }},
		bot.JobOverdueUpdates: {Handle: func(ctx context.Context, _ Start) (Result, error) { return reportOverdueUpdates(ctx, p.Incidents) }},
		bot.JobArchive:        {Timeout: 10 * time.Minute, Handle: func(ctx context.Context, _ Start) (Result, error) { return archive(ctx, p) }},
		bot.JobDeadman:        {Timeout: 10 * time.Second, Handle: func(ctx context.Context, _ Start) (Result, error) { return pingDeadman(ctx, p) }},
	}
}

// reportAudits reports the audits of the last 24 hours.
func reportAudits(a Audits) (Result, error) {
	day := a.Day()
	if day.Audits+day.Failed == 0 {
		return Result{}, errors.New("there was no audit yet: this process has just started")
	}
	return Result{
		Note:    fmt.Sprintf("reported %d audits of the last day", day.Audits),
		Outputs: []Output{func(v card.View) card.Content { return card.AuditReport(day, v) }},
	}, nil
}

// reportOverdueUpdates reports incidents whose promised update was not posted in time.
// It leaves out private ones (P2: private means members only).
func reportOverdueUpdates(ctx context.Context, reader *incidents.Reader) (Result, error) {
	var late []workflow.Incident
	err := reader.EachOpen(ctx, func(i workflow.Incident) {
		if !i.Promises.MissedUpdate.IsZero() && i.Visibility != workflow.Private {
			late = append(late, i)
		}
	})
	if err != nil || len(late) == 0 {
		return Result{}, err
	}
	incidents.SortByNeed(late)
	return Result{
		Note:    fmt.Sprintf("reported %d", len(late)),
		Outputs: []Output{func(v card.View) card.Content { return card.OverdueUpdates(late, v) }},
	}, nil
}

// maxAuditAge is how old the last audit may be for a ping.
const maxAuditAge = 2 * time.Minute

// pingDeadman pings the dead-man service, unless the last audit is too old or has
// findings (E12: the dead-man ping needs a clean audit). When pings stop, that service
// raises the alarm.
func pingDeadman(ctx context.Context, p HandlerConfig) (Result, error) {
	h := p.Audits.Health()
	why := ""
	switch {
	case h.At.IsZero():
		why = "there was no audit yet"
	case p.Engine.Now().Sub(h.At) > maxAuditAge:
		why = "the last audit was at " + h.At.UTC().Format(time.RFC3339)
	case len(h.Stuck) > 0:
		why = fmt.Sprintf("the audit found %d incidents without a deadline", len(h.Stuck))
	case h.Overdue > 0:
		why = fmt.Sprintf("the audit found %d overdue tasks", h.Overdue)
	}
	if why != "" {
		// Every process starts without an audit, which is not worth a log line.
		return Result{Withheld: true, Note: "no ping: " + why, Quiet: h.At.IsZero()}, nil
	}
	if err := p.Pinger.Ping(ctx, p.Engine.Organization().Deadman); err != nil {
		return Result{}, fmt.Errorf("ping the dead-man service: %w", err)
	}
	return Result{Note: "pinged", Quiet: true}, nil
}
