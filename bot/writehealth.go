package bot

import (
	"context"
	"errors"
	"sync"
	"time"
)

// WriteHealth says whether a store takes writes: whether the latest one worked. Each store
// has one. The zero value knows of no write.
type WriteHealth struct {
	mu      sync.Mutex
	at      time.Time     // of the latest write
	err     error         // why it failed; nil: it worked
	running chan struct{} // closed when the running probe has ended; nil: none runs
}

// How long the result of the latest write counts before Check writes something itself.
const (
	keepWorked = 10 * time.Second
	keepFailed = time.Second
)

// errStalled is returned by Check while a write does not end.
var errStalled = errors.New("a write has not ended in time: the disk or the server is overloaded, or does not answer")

// RecordWrite records the result of a write. An error that the caller is to blame for, such
// as a conflict, is no result.
func (h *WriteHealth) RecordWrite(at time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at, h.err = at, err
}

// Check returns why the store takes no writes, or nil. When the latest write is too long
// ago it calls probe, which writes durably; one probe runs at a time, and also after ctx,
// which must end, has ended.
func (h *WriteHealth) Check(ctx context.Context, now time.Time, probe func(context.Context) error) error {
	h.mu.Lock()
	age := now.Sub(h.at)
	if h.running == nil && (h.err == nil && age < keepWorked || h.err != nil && age < keepFailed) {
		defer h.mu.Unlock()
		return h.err
	}
	running := h.running
	if running == nil {
		running = make(chan struct{})
		h.running = running
		go func() {
			err := probe(context.WithoutCancel(ctx))
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.running = nil; !h.at.After(now) { // no write was recorded meanwhile
				h.at, h.err = now, err
			}
			close(running)
		}()
	}
	h.mu.Unlock()
	select {
	case <-running:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.err
	case <-ctx.Done():
		return errStalled
	}
}
