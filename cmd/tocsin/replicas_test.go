package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"tocsin/adapters/redis/redistest"
)

// shortDeadlineConfig is a configuration with a deadline that is due during
// the test.
const shortDeadlineConfig = `
webhooks: [{ name: noc, url: "$NOC", secret_env: NOC_SECRET }]
policies: [{ id: noc, steps: [{ notify: ["webhook:noc"], wait: 3s }, { notify: ["webhook:noc"], wait: 30m }] }]
default_policy: noc
default_access: responder
`

// What the hurried configuration asks for.
const (
	hurriedSteps = 2
	hurriedWait  = 3 * time.Second
)

// overRedisAt returns the REDIS_URL of processes that share a Redis.
func overRedisAt(url string) func(int) string { return func(int) string { return url } }

// TestX2Replicas kills replicas of the real binary, which share one real
// Redis, at random instants under load, and restarts them. Clients use any of
// them. Nothing that was confirmed is lost or exists twice, no step fires
// twice or early, what is acknowledged stays so, and each page is repeated at
// most once for each kill.
func TestX2Replicas(t *testing.T) {
	kills := 30
	if testing.Short() {
		kills = 5
	}
	for _, count := range []int{2, 3} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			server := redistest.Start(t, redistest.Config{})
			w := newCluster(t, clusterPlan{config: shortDeadlineConfig, replicas: count, redis: overRedisAt(server.URL())})
			end := w.startLoad(6, 100*time.Millisecond)
			began := time.Now()
			w.killSome(rand.New(rand.NewPCG(2026, uint64(count))), kills, 700*time.Millisecond)
			end()
			t.Logf("%d kills in %s: %s", kills, time.Since(began).Round(time.Second), w.checkAll(hurriedSteps, hurriedWait))
		})
	}
}

// TestX2Stopped freezes a replica in the middle of its sends, for longer than
// its leases last, while another takes them over; then it goes on. It changes
// nothing, and sends nothing that the other has sent.
//
// Between the last look at the lease and the write to the network lie some
// microseconds in which a process can be frozen like everywhere else; no
// process can close that window by itself. At most one send may fall into it.
func TestX2Stopped(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	w := newCluster(t, clusterPlan{config: shortDeadlineConfig, replicas: 2, redis: overRedisAt(server.URL())})
	frozen := w.replicas[0]
	w.received.setDelay(100 * time.Millisecond)
	end := w.startLoad(6, 50*time.Millisecond)
	waitFor(t, 4*time.Second)
	if err := frozen.server.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.markLeasesLost()
	end() // clients that wait for the frozen process give up
	w.avoidFirst.Store(true)
	end = w.startLoad(6, 100*time.Millisecond)
	waitFor(t, leaseTime)
	w.avoidFirst.Store(false)
	awake := time.Now()
	if err := frozen.server.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 2*time.Second)
	end()
	t.Log(w.checkAll(hurriedSteps, hurriedWait))
	late := 0
	for id, came := range w.received.pages {
		for _, a := range came[1:] {
			if a.by.replica == frozen.number && a.at.After(awake) {
				late++
				t.Logf("page %s came again from the one that had lost its lease: %s", id, w.formatPages(came))
			}
		}
	}
	if late > 1 {
		t.Errorf("%d pages came again from the one that had lost its leases", late)
	}
}
