package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// floodAlerts returns a delivery of firing warnings that each open an incident.
func floodAlerts(first, count int) string {
	all := make([]string, count)
	for n := range all {
		all[n] = fmt.Sprintf(`{"labels":{"alertname":"%d"}}`, first+n)
	}
	return `{"alerts":[` + strings.Join(all, ",") + `]}`
}

// measureOther posts a critical alert of another integration, and returns the time until
// its first page.
func (r *benchServer) measureOther(title string) time.Duration {
	start := time.Now()
	r.post("/hooks/other", "hook", alertBody(title, title))
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		r.mu.Lock()
		at, ok := r.paged[title]
		r.mu.Unlock()
		if ok {
			return at.Sub(start)
		}
		if time.Since(start) > time.Minute {
			r.b.Fatalf("%s was not paged within a minute", title)
		}
		<-tick.C
	}
}

// BenchmarkPageDuringFlood: a critical alert of one integration until its first page,
// while 20,000 alerts of another come, each a new incident (E10c: integrations share
// fairly).
func BenchmarkPageDuringFlood(b *testing.B) {
	var all []time.Duration
	for range b.N {
		r := newBenchServer(b)
		var next atomic.Int64
		var flood sync.WaitGroup
		for range 8 {
			flood.Go(func() {
				for n := int(next.Add(1)); n <= 200; n = int(next.Add(1)) {
					r.post("/hooks/alertmanager", "hook", floodAlerts(n*100, 100))
				}
			})
		}
		for next.Load() < 100 {
			<-time.After(time.Millisecond)
		}
		all = append(all, r.measureOther("other"))
		flood.Wait()
	}
	report(b, "pages", b.N, all)
}

// BenchmarkPageDuringLargeDelivery: the same while one delivery of 99,000 alerts comes.
func BenchmarkPageDuringLargeDelivery(b *testing.B) {
	var all []time.Duration
	for range b.N {
		r := newBenchServer(b)
		var flood sync.WaitGroup
		stop := make(chan struct{})
		flood.Go(func() {
			r.postOnce("/hooks/alertmanager", "hook", floodAlerts(100_000, 99_000))
			close(stop)
		})
		<-time.After(3 * time.Second)
		all = append(all, r.measureOther("other"))
		<-stop
		flood.Wait()
	}
	report(b, "pages", b.N, all)
}
