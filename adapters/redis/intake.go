package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// takeQueue stores incoming alerts: the batches of all waiting callers are decided
// together and written by one script.
type takeQueue struct {
	store   *Store
	waiting chan *pendingTake
	closing <-chan struct{}
	closed  chan struct{}
}

// pendingTake is the batch of one caller.
type pendingTake struct {
	batch    alerts.Batch
	receipts []alerts.Receipt
	done     chan error
	state    atomic.Int32
}

// The limits of one script call: the server does nothing else while the script
// writes, and a page must not wait for it.
const (
	maxTakes  = 64
	maxAlerts = 256
)

func newTakeQueue(ctx context.Context, s *Store) *takeQueue {
	b := &takeQueue{store: s, waiting: make(chan *pendingTake, 4*maxTakes), closing: s.closing, closed: make(chan struct{})}
	go b.run(ctx)
	return b
}

// Take implements [bot.Intake].
func (s *Store) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	t := &pendingTake{batch: b, done: make(chan error, 1)}
	err := s.takeQueue.submit(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("take %d alerts: %w", len(b.Arrivals), err)
	}
	return t.receipts, nil
}

// submit waits until a batch is durable or has failed. If ctx ends before the batch
// is picked up, the batch is dropped.
func (b *takeQueue) submit(ctx context.Context, t *pendingTake) error {
	select {
	case <-b.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select {
	case b.waiting <- t:
	case <-b.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-t.done:
		return err
	case <-b.closed:
		select {
		case err := <-t.done:
			return err
		default:
			return ErrClosed
		}
	case <-ctx.Done():
		if t.state.CompareAndSwap(waiting, dropped) {
			return ctx.Err()
		}
		return <-t.done
	}
}

func (b *takeQueue) run(ctx context.Context) {
	defer close(b.closed)
	for {
		select {
		case <-b.closing:
			return
		case t := <-b.waiting:
			b.store.answerTakes(ctx, b.gather(t))
		}
	}
}

// answerTakes stores batches together. When that fails for another reason than an
// unavailable server, it stores each alone, so that only a faulty batch fails.
func (s *Store) answerTakes(ctx context.Context, all []*pendingTake) {
	err := s.takeAll(ctx, all)
	alone := err != nil && len(all) > 1 && !errors.Is(err, ErrUnavailable) && !errors.Is(err, errStale) && ctx.Err() == nil
	for _, t := range all {
		if alone {
			t.done <- s.takeAll(ctx, []*pendingTake{t})
		} else {
			t.done <- err
		}
	}
}

// gather picks up the batches that are waiting.
func (b *takeQueue) gather(first *pendingTake) []*pendingTake {
	var all []*pendingTake
	arrivals := 0
	for t := first; ; {
		if t.state.CompareAndSwap(waiting, picked) {
			all = append(all, t)
			arrivals += len(t.batch.Arrivals)
		}
		if len(all) >= maxTakes || arrivals >= maxAlerts {
			return all
		}
		select {
		case t = <-b.waiting:
		default:
			return all
		}
	}
}

// errStale says that values which were read have changed since.
var errStale = errors.New("changed meanwhile")

// takeTries is how often alerts are decided again because another replica has
// changed the values they depend on.
const takeTries = 100

// takeAll decides what batches change, and writes it, again and again until no value
// has changed between reading and writing.
func (s *Store) takeAll(ctx context.Context, all []*pendingTake) error {
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*sendTimeout)
	defer cancel()
	for range takeTries {
		err := s.takeOnce(ctx, all)
		archived, ok := errors.AsType[*archivedError](err)
		if ok {
			err = s.restore(ctx, archived.number)
		}
		if err == nil && !ok {
			return nil
		}
		if err != nil && !errors.Is(err, errStale) {
			return err
		}
	}
	return fmt.Errorf("%w, %d times", errStale, takeTries)
}

// archivedError says that an incident must be restored before it can get mail.
type archivedError struct{ number int }

func (e *archivedError) Error() string { return workflow.ID(e.number) + " is archived" }

// takeOnce reads, decides and writes once.
func (s *Store) takeOnce(ctx context.Context, all []*pendingTake) error {
	b, err := s.readAlertsTx(ctx, all)
	if err != nil {
		return err
	}
	if err = b.take(all); err != nil || b.isUnchanged() {
		return err
	}
	c, err := s.takeCall(b)
	if err != nil {
		return err
	}
	reply, err := s.takes.do(ctx, c)
	if err != nil {
		return err
	}
	values, err := stringList(reply)
	if err != nil {
		return err
	}
	switch values[0] {
	case "ok":
		for _, m := range b.mail {
			s.notifyWatchers(m.number)
		}
		return nil
	case "stale":
		return errStale
	}
	n, err := strconv.Atoi(values[1])
	if err != nil {
		return fmt.Errorf("take.lua answered %q: %w", values, err)
	}
	if values[0] == "archived" {
		return &archivedError{n}
	}
	return fmt.Errorf("put mail for %s: the incident does not exist", workflow.ID(n))
}

// revision returns a revision that no alert has had: that of this process and batch.
func (s *Store) revision() string {
	s.revisions++
	return fmt.Sprintf("%.8s%08x", s.origin, s.revisions)
}
