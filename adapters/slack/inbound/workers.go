package inbound

import (
	"context"
	"sync"
	"time"
)

// workers are the running deliveries. A delivery continues after its request has
// ended, and ends before [Server.Run] returns.
type workers struct {
	mu      sync.Mutex
	running map[int]context.CancelFunc
	started int
	closing bool
	idle    chan struct{} // closed when it is closing and nothing is running
}

func newWorkers() *workers {
	return &workers{running: map[int]context.CancelFunc{}, idle: make(chan struct{})}
}

// start starts a delivery, unless the workers are closing. The context that it is
// worked on with ends after the timeout; the caller calls end when it is done.
func (w *workers) start(ctx context.Context, timeout time.Duration) (working context.Context, end func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return ctx, func() {}, false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	id := w.started
	w.started++
	w.running[id] = cancel
	return ctx, func() {
		cancel()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.running, id)
		if w.closing && len(w.running) == 0 {
			close(w.idle)
		}
	}, true
}

// close waits until all running deliveries have ended, and cancels those that take
// longer than the grace.
func (w *workers) close(grace time.Duration) {
	w.mu.Lock()
	left := len(w.running)
	again := w.closing
	w.closing = true
	if left == 0 && !again {
		close(w.idle)
	}
	w.mu.Unlock()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-w.idle:
		return
	case <-timer.C:
	}
	w.mu.Lock()
	for _, cancel := range w.running {
		cancel()
	}
	w.mu.Unlock()
	<-w.idle
}
