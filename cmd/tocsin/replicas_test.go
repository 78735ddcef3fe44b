package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"tocsin/adapters/redis/redistest"
)

// hurried is a configuration with a deadline that falls due under load.
const hurried = `
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

// over are processes that share a server of Redis.
func over(url string) func(int) string { return func(int) string { return url } }

// TestX2Replicas kills replicas of the real binary, which share one real Redis,
// at random instants under load, and starts them again. Clients talk to any of
// them. Nothing that was answered is lost, nothing is there twice, no step
// fires twice or early, what is acknowledged stays so, and each page comes at
// most once more per kill.
func TestX2Replicas(t *testing.T) {
	kills := 30
	if testing.Short() {
		kills = 5
	}
	for _, houses := range []int{2, 3} {
		t.Run(fmt.Sprint(houses), func(t *testing.T) {
			server := redistest.Start(t, redistest.Config{})
			w := newTown(t, plan{config: hurried, houses: houses, redis: over(server.URL())})
			end := w.load(6, 100*time.Millisecond)
			began := time.Now()
			w.killSome(rand.New(rand.NewPCG(2026, uint64(houses))), kills, 700*time.Millisecond)
			end()
			t.Logf("%d kills in %s: %s", kills, time.Since(began).Round(time.Second), w.judge(hurriedSteps, hurriedWait))
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
	w := newTown(t, plan{config: hurried, houses: 2, redis: over(server.URL())})
	frozen := w.houses[0]
	w.received.slows(100 * time.Millisecond)
	end := w.load(6, 50*time.Millisecond)
	pass(t, 4*time.Second)
	if err := frozen.server.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.loseLeases()
	end() // whoever waits for an answer of the frozen one gives up
	w.away.Store(true)
	end = w.load(6, 100*time.Millisecond)
	pass(t, leaseTime)
	w.away.Store(false)
	awake := time.Now()
	if err := frozen.server.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	pass(t, 2*time.Second)
	end()
	t.Log(w.judge(hurriedSteps, hurriedWait))
	late := 0
	for id, came := range w.received.pages {
		for _, a := range came[1:] {
			if a.by.house == frozen.number && a.at.After(awake) {
				late++
				t.Logf("page %s came again from the one that had lost its lease: %s", id, w.times(came))
			}
		}
	}
	if late > 1 {
		t.Errorf("%d pages came again from the one that had lost its leases", late)
	}
}
