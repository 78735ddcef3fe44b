package bottest_test

import (
	"flag"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot/bottest"
)

var (
	seed  = flag.Uint64("seed", 0, "run this seed alone, and print what happened")
	seeds = flag.Int("seeds", 600, "how many seeds the simulation runs; a tenth of it with -short or -race")
)

// TestSimulation lets many worlds live: random alerts and commands, faults
// before and after every write and send, crashes, two replicas, clock jumps.
// Each is judged by rules E2, E3, E4, E7, E13, G3, G7 and X1. A seed
// reproduces exactly: go test ./bot/bottest -run TestSimulation -seed=N.
func TestSimulation(t *testing.T) {
	first, n := uint64(1), uint64(*seeds)
	if testing.Short() || bottest.RaceEnabled {
		n = max(1, n/10)
	}
	if *seed > 0 {
		first, n = *seed, 1
	}
	var crashes, failed atomic.Int64
	next := make(chan uint64)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for s := range next {
				w := bottest.NewWorld(s, memory.New())
				for _, line := range w.Run(t.Context(), 150) {
					t.Errorf("seed %d: %s", s, line)
					failed.Add(1)
				}
				if *seed > 0 {
					_, _ = os.Stdout.WriteString(w.Trace())
				}
				crashes.Add(int64(w.Crashes()))
			}
		})
	}
	for s := first; s < first+n && failed.Load() < 20; s++ {
		next <- s
	}
	close(next)
	workers.Wait()
	t.Logf("%d worlds, %d crashes", n, crashes.Load())
}

// TestSeedReproduces: the same seed is the same world, to the letter.
func TestSeedReproduces(t *testing.T) {
	for s := uint64(1); s <= 5; s++ {
		var traces [2]string
		for n := range traces {
			w := bottest.NewWorld(s, memory.New())
			w.Run(t.Context(), 150)
			traces[n] = w.Trace()
		}
		if traces[0] != traces[1] || len(traces[0]) < 1000 {
			t.Fatalf("seed %d differs from itself", s)
		}
	}
}
