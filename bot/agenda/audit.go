package agenda

import (
	"context"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// auditLoop audits at every interval until ctx is done.
func (r *Runner) auditLoop(ctx context.Context) {
	ticker := time.NewTicker(r.cfg.Audit)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.Audit(ctx)
		}
	}
}

// Audit compares the agenda with the open incidents, in slices, repairs it, and
// escalates incidents that are stuck (E13: the auditor repairs and reports). The
// findings are in the log and in [Runner.Health].
func (r *Runner) Audit(ctx context.Context) {
	h := Health{At: r.cfg.Engine.Now()}
	for after := 0; ; {
		repairs, err := r.cfg.Store.Repair(ctx, bot.RepairQuery{At: h.At, After: after, Limit: 500})
		if err != nil {
			r.countFailedAudit(err)
			return
		}
		h.Checked += repairs.Checked
		h.Overdue += repairs.Overdue
		h.Repaired = append(h.Repaired, repairs.Repaired...)
		if repairs.Next == 0 {
			break
		}
		after = repairs.Next
	}
	stuck, err := r.escalateStuck(ctx)
	if err != nil {
		r.countFailedAudit(err)
		return
	}
	h.Stuck = stuck
	if h.Overdue > 0 || len(h.Repaired)+len(h.Stuck) > 0 {
		r.cfg.Log.Error("the audit has findings", "overdue", h.Overdue, "repaired", h.Repaired, "stuck", h.Stuck)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health = h
	r.audits.add(h)
}

// countFailedAudit logs and counts an audit that could not read the store.
func (r *Runner) countFailedAudit(err error) {
	r.cfg.Log.Error("the audit failed", "error", err.Error())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.audits.addFailed(r.cfg.Engine.Now())
}

// escalateStuck returns open, unacknowledged incidents without a future deadline, a
// line each, and escalates them.
func (r *Runner) escalateStuck(ctx context.Context) ([]string, error) {
	var stuck []string
	for l, err := range bot.ListAll(ctx, r.cfg.Store, bot.Query{Open: true}) {
		if err != nil {
			return nil, err
		}
		if l.Snapshot == nil {
			continue
		}
		i, err := workflow.DecodeIncident(l.Snapshot)
		if err != nil {
			stuck = append(stuck, l.ID+": "+err.Error())
			continue
		}
		if !i.IsStuck() {
			continue
		}
		stuck = append(stuck, l.ID+": open and not acknowledged, but without a deadline")
		escalate := bot.Change{By: systemActor(), Command: workflow.Escalate{Reason: "the audit found it without a deadline"}}
		if _, err := r.cfg.Engine.Apply(ctx, l.ID, escalate); err != nil {
			return nil, err
		}
	}
	return stuck, nil
}

// Health returns the result of the last complete audit.
func (r *Runner) Health() Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.health
	h.Repaired, h.Stuck = slices.Clone(h.Repaired), slices.Clone(h.Stuck)
	return h
}
