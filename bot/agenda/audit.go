package agenda

import (
	"context"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

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

// Audit compares the agenda's index with the open incidents, in slices, mends
// it, and looks for incidents that would wait for ever (rule E13). What it
// found is in the log and in [Runner.Health].
func (r *Runner) Audit(ctx context.Context) {
	h := Health{At: r.cfg.Engine.Now()}
	for after := 0; ; {
		m, err := r.cfg.Store.Repair(ctx, bot.RepairQuery{At: h.At, After: after, Limit: 500})
		if err != nil {
			r.countFailedAudit(err)
			return
		}
		h.Checked += m.Checked
		h.Overdue += m.Overdue
		h.Repaired = append(h.Repaired, m.Repaired...)
		if m.Next == 0 {
			break
		}
		after = m.Next
	}
	wrong, err := r.wakeStuck(ctx)
	if err != nil {
		r.countFailedAudit(err)
		return
	}
	h.Stuck = wrong
	if h.Overdue > 0 || len(h.Repaired)+len(h.Stuck) > 0 {
		r.cfg.Log.Error("the audit found something", "overdue", h.Overdue, "repaired", h.Repaired, "wrong", h.Stuck)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health = h
	r.day.add(h)
}

func (r *Runner) countFailedAudit(err error) {
	r.cfg.Log.Error("the audit failed", "error", err.Error())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.day.addFailed(r.cfg.Engine.Now())
}

// waitForEver names open, unacknowledged incidents without a future deadline,
// and wakes them.
func (r *Runner) wakeStuck(ctx context.Context) ([]string, error) {
	var wrong []string
	for before := 0; ; {
		page, err := r.cfg.Store.List(ctx, bot.Query{Open: true, Before: before, Limit: 200})
		if err != nil {
			return nil, err
		}
		for _, l := range page {
			before = l.Number
			if l.Snapshot == nil {
				continue
			}
			i, err := workflow.DecodeIncident(l.Snapshot)
			if err != nil {
				wrong = append(wrong, l.ID+": "+err.Error())
				continue
			}
			if i.IsStuck() {
				wrong = append(wrong, l.ID+": open, not acknowledged, and nothing would happen")
				wake := bot.Change{By: systemActor(), Command: workflow.Escalate{Reason: "the audit found it waiting for ever"}}
				if _, err := r.cfg.Engine.Apply(ctx, l.ID, wake); err != nil {
					return nil, err
				}
			}
		}
		if len(page) < 200 {
			return wrong, nil
		}
	}
}

// Health returns what the auditor saw last.
func (r *Runner) Health() Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.health
	h.Repaired, h.Stuck = slices.Clone(h.Repaired), slices.Clone(h.Stuck)
	return h
}
