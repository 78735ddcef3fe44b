package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// longDeadlineConfig is a configuration whose only deadline is after the end
// of the test.
const longDeadlineConfig = `
webhooks: [{ name: noc, url: "$NOC", secret_env: NOC_SECRET }]
policies: [{ id: noc, steps: [{ notify: ["webhook:noc"], wait: 10m }] }]
default_policy: noc
default_access: responder
`

// TestX1Kill kills the real binary at random instants under load, and restarts
// it: nothing that was confirmed is lost or exists twice, and each page is
// repeated at most once for each kill.
func TestX1Kill(t *testing.T) {
	kills := 40
	if testing.Short() {
		kills = 5
	}
	w := newCluster(t, clusterPlan{config: longDeadlineConfig})
	end := w.startLoad(6, 0)
	w.killSome(rand.New(rand.NewPCG(2026, 11)), kills, 400*time.Millisecond)
	end()
	t.Logf("%d kills: %s", kills, w.checkAll(1, 0))
}

// killSome kills processes at random instants, one after the other, and
// restarts each.
func (c *cluster) killSome(rng *rand.Rand, kills int, apart time.Duration) {
	c.t.Helper()
	for range kills {
		h := c.replicas[rng.IntN(len(c.replicas))]
		select {
		case <-time.After(20*time.Millisecond + time.Duration(rng.Int64N(int64(apart)))):
		case <-h.server.ended:
			c.t.Fatalf("process %d ended by itself:\n%s", h.number, h.server.log.String())
		}
		h.kill()
		if err := h.start(); err != nil {
			c.t.Fatal(err)
		}
	}
}
