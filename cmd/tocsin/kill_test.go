package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// patient is a configuration whose only deadline lies beyond the test's end.
const patient = `
webhooks: [{ name: noc, url: "$NOC", secret_env: NOC_SECRET }]
policies: [{ id: noc, steps: [{ notify: ["webhook:noc"], wait: 10m }] }]
default_policy: noc
default_access: responder
`

// TestX1Kill kills the real binary at random instants under load, and starts
// it again: nothing that was answered is lost, nothing is there twice, and each
// page comes at most once more per kill.
func TestX1Kill(t *testing.T) {
	kills := 40
	if testing.Short() {
		kills = 5
	}
	w := newTown(t, plan{config: patient})
	end := w.load(6, 0)
	w.killSome(rand.New(rand.NewPCG(2026, 11)), kills, 400*time.Millisecond)
	end()
	t.Logf("%d kills: %s", kills, w.judge(1, 0))
}

// killSome kills processes at random instants, one after the other, and starts
// each again.
func (w *town) killSome(rng *rand.Rand, kills int, apart time.Duration) {
	w.t.Helper()
	for range kills {
		h := w.houses[rng.IntN(len(w.houses))]
		select {
		case <-time.After(20*time.Millisecond + time.Duration(rng.Int64N(int64(apart)))):
		case <-h.server.ended:
			w.t.Fatalf("process %d ended by itself:\n%s", h.number, h.server.log.String())
		}
		h.kill()
		if err := h.start(); err != nil {
			w.t.Fatal(err)
		}
	}
}
