package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
)

// request is a change on its way into a transaction.
type request struct {
	take  bool            // alerts: after everything else
	size  int             // bytes it brings, roughly
	do    func(*tx) error // runs again when the first transaction fails
	done  chan error      // answered once, when the change is durable
	err   error           // what do said
	state atomic.Int32    // waiting, picked or dropped
}

const (
	waiting = iota
	picked
	dropped
)

// The bounds of one transaction. Commits leave room for takes, so that neither
// starves the other; takes that have begun make way for commits that came
// since once they are worth a sync.
const (
	maxRequests = 256
	maxCommits  = 192
	maxBytes    = 4 << 20
	minTakes    = 32 << 10 // bytes
)

// queue holds what waits for the writer.
type queue struct {
	mu      sync.Mutex
	commits []*request
	takes   []*request
	closed  bool
	wake    chan struct{}
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// submit waits until a change is durable. One whose caller goes before the
// writer has picked it up is dropped; one that was picked up is waited for,
// so that the answer is always true.
func (q *queue) submit(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.done = make(chan error, 1)
	if !q.push(r) {
		return ErrClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, dropped) {
			return ctx.Err()
		}
		return <-r.done
	}
}

func (q *queue) push(r *request) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	if r.take {
		q.takes = append(q.takes, r)
	} else {
		q.commits = append(q.commits, r)
	}
	q.mu.Unlock()
	q.signal()
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// load is what a transaction holds so far.
type load struct {
	requests, bytes int
	takes           int // requests among them
	taken           int // bytes among them
}

func (l *load) add(r *request) {
	l.requests++
	l.bytes += r.size
	if r.take {
		l.takes++
		l.taken += r.size
	}
}

// wait returns the first request of the next transaction; nil when the queue
// is closed and empty.
func (q *queue) wait() *request {
	for {
		q.mu.Lock()
		r := q.pop(load{})
		closed := q.closed
		q.mu.Unlock()
		if r != nil || closed {
			return r
		}
		<-q.wake
	}
}

// more returns another request for a transaction that holds l; nil when it
// should end.
func (q *queue) more(l load) *request {
	if l.requests >= maxRequests || l.bytes >= maxBytes {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pop(l)
}

// pop picks a request. Commits stand before takes in a transaction as well:
// mail is added up until its end.
func (q *queue) pop(l load) *request {
	if l.takes == 0 && l.requests < maxCommits {
		if r := pick(&q.commits); r != nil {
			return r
		}
	}
	if len(q.commits) > 0 && l.taken >= minTakes {
		return nil
	}
	return pick(&q.takes)
}

func pick(from *[]*request) *request {
	for len(*from) > 0 {
		r := (*from)[0]
		(*from)[0] = nil
		*from = (*from)[1:]
		if r.state.CompareAndSwap(waiting, picked) {
			return r
		}
	}
	return nil
}
