package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
)

// request is a change that waits for a transaction.
type request struct {
	take  bool            // a batch of alerts: after the commits
	size  int             // approximate size in bytes
	do    func(*tx) error // called again when its first transaction is rolled back
	done  chan error      // receives one answer, when the change is durable or has failed
	err   error           // the result of do
	state atomic.Int32    // waiting, picked or dropped
}

// The states of a request.
const (
	waiting = iota
	picked
	dropped
)

// The limits of one transaction. Commits leave room for takes, so that neither starves
// the other. Once a transaction has minTakes bytes of takes, it ends when commits are
// waiting.
const (
	maxRequests = 256
	maxCommits  = 192
	maxBytes    = 4 << 20
	minTakes    = 32 << 10 // bytes
)

// queue holds the requests that wait for the writer.
type queue struct {
	mu      sync.Mutex
	commits []*request
	takes   []*request
	closed  bool
	wake    chan struct{}
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// submit waits until a change is durable or has failed. If ctx ends before the writer has
// picked the request up, the request is dropped; after that submit waits for the answer,
// so that the result is never wrong.
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

// push adds a request, and returns false when the queue is closed.
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

// load is the size of a transaction so far.
type load struct {
	requests, bytes int
	takes           int // the number of takes
	taken           int // the bytes of takes
}

func (l *load) add(r *request) {
	l.requests++
	l.bytes += r.size
	if r.take {
		l.takes++
		l.taken += r.size
	}
}

// wait waits for the first request of the next transaction. It returns nil when the queue
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

// nextRequest returns another request for a transaction with the load l, or nil when the
// transaction should be committed.
func (q *queue) nextRequest(l load) *request {
	if l.requests >= maxRequests || l.bytes >= maxBytes {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pop(l)
}

// pop picks up a request. Commits also come before takes within a transaction, because
// mail is collected until its end.
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

// pick removes the first request that was not dropped.
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
