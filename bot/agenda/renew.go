package agenda

import (
	"context"
	"errors"
	"sync"
	"time"

	"tocsin/bot"
)

// renewEvery is the interval at which the leases of running work are renewed: two
// attempts fit into a lease.
const renewEvery = leaseFor / 3

// keeper renews the leases of a group of works while they are carried out, so that one
// that takes long is not claimed by another replica, and the work of a dead process is,
// within the time of one lease (X2b: a lease is renewed while its send goes on).
type keeper struct {
	runner *Runner
	stop   context.CancelCauseFunc // ends the work

	mu    sync.Mutex
	group []bot.Work
	timer *time.Timer
	ended bool
}

// keepLeases begins to renew the leases of a group. The context ends with the cause
// [bot.ErrLeaseLost] when one is lost.
func (r *Runner) keepLeases(ctx context.Context, group []bot.Work) (context.Context, *keeper) {
	ctx, stop := context.WithCancelCause(ctx)
	k := &keeper{runner: r, stop: stop, group: group}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer = time.AfterFunc(renewEvery, func() { k.renew(ctx) })
	return ctx, k
}

// renew renews each lease once. A store that does not answer is asked again at the next
// interval: meanwhile no other replica can claim the work from it either.
func (k *keeper) renew(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return
	}
	ask, cancel := context.WithTimeout(ctx, renewEvery/2)
	defer cancel()
	for n := range k.group {
		w := &k.group[n]
		until := k.runner.cfg.Engine.Now().Add(leaseFor)
		err := k.runner.cfg.Store.Renew(ask, w.Lease, until)
		switch {
		case err == nil:
			w.Until = until
		case errors.Is(err, bot.ErrLeaseLost):
			k.stop(bot.ErrLeaseLost)
			return
		default:
			k.runner.cfg.Log.Warn("cannot renew the lease of a task; trying again", "task", w.ID, "incident", w.Owner, "error", err.Error())
		}
	}
	k.timer.Reset(renewEvery)
}

// end ends the renewals and returns the works with the leases that they have now.
func (k *keeper) end() []bot.Work {
	k.stop(nil)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = true
	k.timer.Stop()
	return k.group
}
