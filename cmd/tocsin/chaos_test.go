package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tocsin/adapters/redis/redistest"
)

var kills = flag.Int("kills", 20, "how often processes kill themselves in TestX2Chaos (make chaos)")

// skipShort skips a test that builds a program of its own when -short is given; with
// CI=true it fails.
func skipShort(t *testing.T) {
	t.Helper()
	if !testing.Short() {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("-short leaves out the tests that need a build of their own; run them all in CI")
	}
	t.Skip("SKIPPED: -short leaves out what needs a build of its own")
}

// TestX2Chaos lets replicas kill themselves at the edges of commits and sends
// (see chaos.go), and restarts them, until that has happened often enough.
func TestX2Chaos(t *testing.T) {
	skipShort(t)
	server := redistest.Start(t, redistest.Config{})
	var deaths atomic.Int64
	w := newCluster(t, clusterPlan{
		config: shortDeadlineConfig, replicas: 3, tags: "chaos", redis: overRedisAt(server.URL()),
		env: func(n int) []string {
			if deaths.Load() >= int64(*kills) {
				return nil
			}
			return []string{fmt.Sprintf("TOCSIN_CHAOS=%d:0.01", 3*deaths.Load()+int64(n)+1)}
		},
	})
	began := time.Now()
	end := w.startLoad(6, 50*time.Millisecond)
	var keepers sync.WaitGroup
	enough := make(chan struct{})
	for _, h := range w.replicas {
		keepers.Go(func() { h.restartUntil(enough, &deaths) })
	}
	await(t, 30*time.Minute, "so many deaths", func() bool { return deaths.Load() >= int64(*kills) })
	close(enough)
	end()
	keepers.Wait()
	took := time.Since(began)
	for _, h := range w.replicas { // from now on, no process kills itself
		h.kill()
		if err := h.start(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d deaths in %s: %s", deaths.Load(), took.Round(time.Second), w.checkAll(hurriedSteps, hurriedWait))
}

// restartUntil restarts a process whenever it has killed itself, until enough
// is closed. A process that ends in another way fails the test.
func (r *replica) restartUntil(enough <-chan struct{}, deaths *atomic.Int64) {
	t := r.cluster.t
	for {
		select {
		case <-enough:
			return
		case <-r.server.ended:
		}
		r.markEnded()
		if status, ok := r.server.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Errorf("process %d was not killed: %s\n%s", r.number, r.server.cmd.ProcessState, r.server.log.String())
		}
		deaths.Add(1)
		for err := r.start(); err != nil; err = r.start() { // it killed itself before it printed its address
			if !strings.HasPrefix(err.Error(), "the server ended:") || strings.Contains(err.Error(), "panic") {
				t.Error(err)
			}
			deaths.Add(1)
			waitFor(t, 50*time.Millisecond)
		}
	}
}

// TestX2Skew: three replicas whose clocks are five minutes ahead, right, and
// five minutes behind. No deadline fires early or twice, and no page is late
// by more than a busy machine explains.
func TestX2Skew(t *testing.T) {
	skipShort(t)
	server := redistest.Start(t, redistest.Config{})
	w := newCluster(t, clusterPlan{
		config: shortDeadlineConfig, replicas: 3, tags: "chaos", redis: overRedisAt(server.URL()),
		env: func(n int) []string {
			return []string{"TOCSIN_CHAOS_SKEW=" + []string{"5m", "0s", "-5m"}[n]}
		},
	})
	end := w.startLoad(6, 100*time.Millisecond)
	waitFor(t, 8*time.Second)
	end()
	v := w.checkAll(hurriedSteps, hurriedWait)
	t.Log(v)
	if v.repeated > 0 {
		t.Errorf("%d pages came again", v.repeated)
	}
	v.checkLatency(t, 10*time.Second)
	w.received.mu.Lock()
	defer w.received.mu.Unlock()
	for id, came := range w.received.pages {
		if off := came[0].signed.Sub(came[0].at).Abs(); off > 2*time.Second {
			t.Fatalf("page %s is signed %s off: its receiver would refuse it", id, off)
		}
	}
}
