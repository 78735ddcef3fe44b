package agenda

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

var errBundled = errors.New("waits for its bundle")

// auditEvery is between two audits (rule E13).
const auditEvery = time.Minute

// longestSleep bounds how long a loop sleeps without looking: a clock that was
// set, or another replica, may have changed what is due.
const longestSleep = time.Second

// Run carries the agenda out until ctx is done, then waits for what it has
// begun. It never returns an error: what fails is tried again.
func (r *Runner) Run(ctx context.Context) {
	var all sync.WaitGroup
	wakes := make([]chan struct{}, 0, 3)
	for _, p := range r.pools() {
		wake := make(chan struct{}, 1)
		wakes = append(wakes, wake)
		all.Go(func() { r.loop(ctx, p, wake) })
	}
	all.Go(func() { r.audits(ctx) })
	all.Go(func() { r.answers(ctx) })
	for {
		select {
		case <-ctx.Done():
			all.Wait()
			return
		case <-r.cfg.Bot.Nudged():
			for _, w := range wakes {
				select {
				case w <- struct{}{}:
				default:
				}
			}
		}
	}
}

// loop claims for one pool and carries out as many at a time as it may.
func (r *Runner) loop(ctx context.Context, p pool, wake <-chan struct{}) {
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, p.size)
	for range p.size {
		free <- struct{}{}
	}
	done := make(chan struct{}, 1)
	// What has begun is finished even when the process is asked to stop: a
	// page that was sent is also written down.
	work := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		if len(free) == 0 { // all hands are busy
			select {
			case <-done:
			case <-ctx.Done():
			}
			continue
		}
		leases, err := r.claim(ctx, p, len(free))
		if err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("the agenda cannot be read; trying again in a second", "pool", p.name, "error", err.Error())
			pause(ctx, longestSleep)
			continue
		}
		for _, group := range r.group(work, r.worstFirst(work, leases)) {
			<-free
			running.Go(func() {
				defer func() {
					free <- struct{}{}
					select {
					case done <- struct{}{}:
					default:
					}
				}()
				r.carry(work, group)
			})
		}
		if len(leases) > 0 {
			continue
		}
		r.sleep(ctx, p, wake, done)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// sleep waits until something may be due.
func (r *Runner) sleep(ctx context.Context, p pool, wake, done <-chan struct{}) {
	wait := longestSleep
	if next, err := r.cfg.Bot.Store().NextDue(ctx, p.classes); err == nil && !next.IsZero() {
		wait = min(wait, max(next.Sub(r.cfg.Bot.Now()), time.Millisecond))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	case <-done:
	}
}

func (r *Runner) audits(ctx context.Context) {
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
	h := Health{At: r.cfg.Bot.Now()}
	for after := 0; ; {
		m, err := r.cfg.Bot.Store().Mend(ctx, bot.Mend{At: h.At, After: after, Limit: 500})
		if err != nil {
			r.auditFailed(err)
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
	wrong, err := r.waitForEver(ctx)
	if err != nil {
		r.auditFailed(err)
		return
	}
	h.Wrong = wrong
	if h.Overdue > 0 || len(h.Repaired)+len(h.Wrong) > 0 {
		r.cfg.Log.Error("the audit found something", "overdue", h.Overdue, "repaired", h.Repaired, "wrong", h.Wrong)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health = h
	r.day.add(h)
}

func (r *Runner) auditFailed(err error) {
	r.cfg.Log.Error("the audit failed", "error", err.Error())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.day.failed(r.cfg.Bot.Now())
}

// waitForEver names open, unacknowledged incidents without a future deadline,
// and wakes them.
func (r *Runner) waitForEver(ctx context.Context) ([]string, error) {
	var wrong []string
	for before := 0; ; {
		page, err := r.cfg.Bot.Store().List(ctx, bot.Query{Open: true, Before: before, Limit: 200})
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
				if err := r.cfg.Bot.Report(ctx, l.ID, workflow.Escalate{Reason: "the audit found it waiting for ever"}); err != nil {
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
	h.Repaired, h.Wrong = slices.Clone(h.Repaired), slices.Clone(h.Wrong)
	return h
}
