package main

import (
	"fmt"
	"math/rand/v2"
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
