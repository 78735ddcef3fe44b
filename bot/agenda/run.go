package agenda

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bot"
)

// auditEvery is the default interval of the audits (E13: the auditor repairs and
// reports).
const auditEvery = time.Minute

// longestSleep is how long a loop sleeps at most before it claims again: the clock
// may have been set, or another replica may have written tasks that are due.
const longestSleep = time.Second

// busyFor is how long a work keeps its worker at most: after that it only waits for an
// outside party, and must not keep others from being sent.
const busyFor = time.Second

// stopAfter is how long work that has begun may take after the process was asked to
// stop. What is cut off is done again by another process once the lease has ended.
const stopAfter = 6 * time.Second

// Run carries out due tasks until ctx is done, then waits for those that have begun.
// It returns no error: what fails is retried.
func (r *Runner) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, p := range pools() {
		due := r.cfg.Engine.Due(p.classes)
		all.Go(func() { r.claimLoop(ctx, p, due) })
	}
	all.Go(func() { r.auditLoop(ctx) })
	all.Go(func() { r.settleLoop(ctx) })
	all.Wait()
}

// claimLoop claims tasks for one pool and carries them out, as many at a time as the
// pool has workers.
func (r *Runner) claimLoop(ctx context.Context, p pool, wake <-chan struct{}) {
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, p.workers)
	for range p.workers {
		free <- struct{}{}
	}
	done := make(chan struct{}, 1)
	var waiting atomic.Int64
	// A task that has begun is finished even when the process is asked to stop, so
	// that the delivery of a page that was sent is also recorded; but not for longer
	// than stopAfter.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopAfter, stop) })()
	for ctx.Err() == nil {
		if len(free) == 0 { // all workers are busy
			select {
			case <-done:
			case <-ctx.Done():
			}
			continue
		}
		leases, err := r.claim(ctx, p, len(free))
		if err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("cannot claim tasks; trying again in a second", "pool", p.name, "error", err.Error())
			pause(ctx, longestSleep)
			continue
		}
		for _, group := range r.groupWork(work, leases) {
			<-free
			running.Go(func() {
				release := sync.OnceFunc(func() {
					free <- struct{}{}
					select {
					case done <- struct{}{}:
					default:
					}
				})
				defer release()
				early := time.AfterFunc(busyFor, func() {
					if waiting.Add(1) <= int64(p.waiting) {
						release()
					}
				})
				r.carryOutSafely(work, group)
				if !early.Stop() {
					waiting.Add(-1)
				}
			})
		}
		if len(leases) > 0 {
			continue
		}
		r.sleep(ctx, p, wake, done)
	}
}

// carryOutSafely carries work out. A panic ends the task and not the process: the task
// is repeated when its lease ends.
func (r *Runner) carryOutSafely(ctx context.Context, group []bot.Work) {
	defer func() {
		if p := recover(); p != nil {
			r.cfg.Log.Error("a task panicked", "task", group[0].ID, "incident", group[0].Owner, "panic", fmt.Sprint(p))
		}
	}()
	r.carryOut(ctx, group)
}

// pause waits for a duration, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// sleep waits until a task may be due or a worker is free.
func (r *Runner) sleep(ctx context.Context, p pool, wake, done <-chan struct{}) {
	wait := longestSleep
	if next, err := r.cfg.Store.NextDue(ctx, p.classes); err == nil && !next.IsZero() {
		wait = min(wait, max(next.Sub(r.cfg.Engine.Now()), time.Millisecond))
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
