package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"tocsin/bot/alerts"
)

// batches takes alerts in: those of all callers that wait are judged together
// and written by one script.
type batches struct {
	store *Store
	queue chan *taking
	ended <-chan struct{}
	over  chan struct{}
}

// taking is one batch of a caller's.
type taking struct {
	batch    alerts.Batch
	receipts []alerts.Receipt
	done     chan error
	mind     atomic.Int32
}

// The bounds of what is judged together: the server does nothing else while
// it writes, and a page must not wait for it.
const (
	maxTakings = 64
	maxAlerts  = 256
)

func newBatches(ctx context.Context, s *Store) *batches {
	b := &batches{store: s, queue: make(chan *taking, 4*maxTakings), ended: s.ended, over: make(chan struct{})}
	go b.run(ctx)
	return b
}

// Take implements [bot.Intake].
func (s *Store) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	t := &taking{batch: b, done: make(chan error, 1)}
	err := s.batches.submit(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("take %d alerts: %w", len(b.Arrivals), err)
	}
	return t.receipts, nil
}

// submit waits until a batch is durable, or has come to nothing. One whose
// caller goes first is dropped, unless it is under way.
func (b *batches) submit(ctx context.Context, t *taking) error {
	select {
	case <-b.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select {
	case b.queue <- t:
	case <-b.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-t.done:
		return err
	case <-b.over:
		select {
		case err := <-t.done:
			return err
		default:
			return ErrClosed
		}
	case <-ctx.Done():
		if t.mind.CompareAndSwap(waiting, dropped) {
			return ctx.Err()
		}
		return <-t.done
	}
}

func (b *batches) run(ctx context.Context) {
	defer close(b.over)
	for {
		select {
		case <-b.ended:
			return
		case t := <-b.queue:
			b.store.answer(ctx, b.gather(t))
		}
	}
}

// answer takes batches together; when that fails, and it is not the server's
// fault, each alone, so that only the culprit fails.
func (s *Store) answer(ctx context.Context, all []*taking) {
	err := s.takeAll(ctx, all)
	alone := err != nil && len(all) > 1 && !errors.Is(err, ErrUnavailable) && !errors.Is(err, errStale) && ctx.Err() == nil
	for _, t := range all {
		if alone {
			t.done <- s.takeAll(ctx, []*taking{t})
		} else {
			t.done <- err
		}
	}
}

// gather picks what waits.
func (b *batches) gather(first *taking) []*taking {
	var all []*taking
	arrivals := 0
	for t := first; ; {
		if t.mind.CompareAndSwap(waiting, picked) {
			all = append(all, t)
			arrivals += len(t.batch.Arrivals)
		}
		if len(all) >= maxTakings || arrivals >= maxAlerts {
			return all
		}
		select {
		case t = <-b.queue:
		default:
			return all
		}
	}
}

// errStale asks for another look: another replica was faster.
var errStale = errors.New("changed meanwhile")

// takeTries bounds how often alerts are judged again because another replica
// has changed what they were judged by.
const takeTries = 100

// takeAll judges batches on what is stored, and writes what comes of it if
// that has not changed meanwhile.
func (s *Store) takeAll(ctx context.Context, all []*taking) error {
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*giveUp)
	defer cancel()
	for range takeTries {
		err := s.takeOnce(ctx, all)
		shelved, is := errors.AsType[*shelvedError](err)
		if is {
			err = s.unshelve(ctx, shelved.number)
		}
		if err == nil && !is {
			return nil
		}
		if err != nil && !errors.Is(err, errStale) {
			return err
		}
	}
	return fmt.Errorf("%w, %d times", errStale, takeTries)
}

// shelvedError names an incident in compact form that gets mail.
type shelvedError struct{ number int64 }

func (e *shelvedError) Error() string { return idOf(e.number) + " is in compact form" }

func (s *Store) takeOnce(ctx context.Context, all []*taking) error {
	b, err := s.readBook(ctx, all)
	if err != nil {
		return err
	}
	if err = b.judge(all); err != nil || b.idle() {
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
	said, err := words(reply)
	if err != nil {
		return err
	}
	switch said[0] {
	case "ok":
		for _, m := range b.mail {
			s.changed(m.number)
		}
		return nil
	case "changed":
		return errStale
	}
	n, err := strconv.ParseInt(said[1], 10, 64)
	if err != nil {
		return fmt.Errorf("read what is wrong: %w", err)
	}
	if said[0] == "shelved" {
		return &shelvedError{n}
	}
	return fmt.Errorf("put mail for %s: it is not there", idOf(n))
}

// revision is one that no alert has had: of this process and this batch.
func (s *Store) revision() string {
	s.revisions++
	return fmt.Sprintf("%.8s%08x", s.origin, s.revisions)
}
