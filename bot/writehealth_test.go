package bot_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bot"
)

// TestX4WriteHealth: the result of the latest write counts; when it is too old a probe
// writes, one at a time, and a write that does not end is a failure (X4: go on without the
// store).
func TestX4WriteHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h bot.WriteHealth
		full := errors.New("the disk is full")
		var probes atomic.Int32
		var result error
		var stall chan struct{}
		check := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			return h.Check(ctx, time.Now(), func(context.Context) error {
				probes.Add(1)
				if stall != nil {
					<-stall
				}
				return result
			})
		}
		want := func(step string, err error, n int) {
			t.Helper()
			if got := check(); !errors.Is(got, err) || (got == nil) != (err == nil) || int(probes.Load()) != n {
				t.Errorf("%s: %v after %d probes, want %v after %d", step, got, probes.Load(), err, n)
			}
		}
		want("nothing was written yet", nil, 1)
		want("the probe has worked", nil, 1)
		h.RecordWrite(time.Now(), full)
		want("the latest write has failed", full, 1)
		h.RecordWrite(time.Now(), nil)
		want("the latest write has worked", nil, 1)
		wait(10 * time.Second)
		result = full
		want("nothing was written for a while", full, 2)
		want("a failure counts for a moment", full, 2)
		wait(time.Second)
		result = nil
		want("it recovers by itself", nil, 3)
		wait(10 * time.Second)
		stall = make(chan struct{})
		for range 3 {
			if err := check(); err == nil || probes.Load() != 4 {
				t.Errorf("a write that does not end: %v after %d probes", err, probes.Load())
			}
		}
		close(stall)
		synctest.Wait()
		stall = nil
		want("it has ended", nil, 4)
	})
}

// wait lets time pass.
func wait(d time.Duration) { <-time.After(d) }
