package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/redis/redistest"
	"tocsin/workflow"
)

// TestX1RedisKilled kills Redis under load and restarts it: what was confirmed
// still exists, the rest was refused in words, and all pages arrive, once.
func TestX1RedisKilled(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	w := newCluster(t, clusterPlan{config: shortDeadlineConfig, replicas: 2, redis: overRedisAt(server.URL())})
	w.received.setDelay(300 * time.Millisecond)
	end := w.startLoad(6, 50*time.Millisecond)
	for _, down := range []time.Duration{time.Second, 100 * time.Millisecond, 3 * time.Second} {
		waitFor(t, 2*time.Second)
		server.Kill()
		w.awaitReady(http.StatusServiceUnavailable, "the store does not answer: ")
		waitFor(t, down)
		server.Restart()
		w.awaitReady(http.StatusOK, "ok\n")
	}
	waitFor(t, time.Second)
	end()
	t.Log(w.checkAll(hurriedSteps, hurriedWait))
	if hooks, commands := w.checkRefusals(); hooks == 0 || commands == 0 {
		t.Errorf("%d hooks and %d commands were refused: Redis was away too shortly to prove anything", hooks, commands)
	}
}

// awaitReady waits until /readyz of every process has a status and a text.
func (c *cluster) awaitReady(status int, words string) {
	c.t.Helper()
	for _, h := range c.replicas {
		await(c.t, 20*time.Second, "/readyz says "+words, func() bool {
			got, answer := h.sendRequest("GET", "/readyz", "", "", "")
			return got == status && strings.HasPrefix(string(answer), words)
		})
	}
}

// checkRefusals checks the answers that clients got while the store was away (X4: go
// on without the store).
func (c *cluster) checkRefusals() (hooks, commands int) {
	c.t.Helper()
	for text, n := range c.log.refused {
		c.t.Logf("%d times: %s", n, text)
		switch {
		case strings.HasPrefix(text, "503 ") && strings.Contains(text, "this could not be stored right now; send it again"):
			hooks += n
		case strings.HasPrefix(text, "503 ") && strings.Contains(text, `"code":"overloaded"`): // what came in the outage is still being read (I2)
			hooks += n
		case strings.HasPrefix(text, "503 ") && strings.Contains(text, "Tocsin cannot reach its store right now"):
			commands += n
		default:
			c.t.Errorf("%d times: %s", n, text)
		}
	}
	return hooks, commands
}

// TestX4Proxy: the network between each replica and Redis loses replies, is
// slow, stops, and breaks connections. Nothing is lost, and no page is
// repeated: a fault of the network is not a crash.
func TestX4Proxy(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	a, b := redistest.NewProxy(t, server.Addr()), redistest.NewProxy(t, server.Addr())
	w := newCluster(t, clusterPlan{config: shortDeadlineConfig, replicas: 2, redis: func(n int) string {
		return "redis://" + []*redistest.Proxy{a, b}[n].Addr()
	}})
	w.received.setDelay(300 * time.Millisecond)
	end := w.startLoad(6, 50*time.Millisecond)
	waitFor(t, time.Second)
	for range 2 { // one after the other, so that not every try of one call is lost
		for _, p := range []*redistest.Proxy{a, b} {
			p.LoseRepliesTo(15, "evalsha")
			await(t, 20*time.Second, "so many replies lost", p.Lost)
		}
	}
	a.Delay(50 * time.Millisecond)
	b.Delay(25 * time.Millisecond)
	waitFor(t, 4*time.Second)
	a.Heal()
	b.Delay(100 * time.Millisecond)
	waitFor(t, 2*time.Second)
	b.Heal()
	waitFor(t, time.Second)
	a.HalfClose()
	waitFor(t, 2*time.Second)
	a.Heal()
	waitFor(t, time.Second)
	b.Cut()
	waitFor(t, 3*time.Second)
	b.Heal()
	w.awaitReady(http.StatusOK, "ok\n")
	waitFor(t, time.Second)
	end()
	t.Log(w.checkAll(hurriedSteps, hurriedWait))
	w.checkRefusals()
}

// TestE1AgendaDeleted deletes the agenda under load, and later also the lists
// of incidents: both are indexes. What is owed arrives after the next audit
// (here every five seconds). A page that was being sent may be repeated by
// another replica, because the lease of its sender is gone.
func TestE1AgendaDeleted(t *testing.T) {
	skipShort(t)
	server := redistest.Start(t, redistest.Config{})
	w := newCluster(t, clusterPlan{
		config: shortDeadlineConfig, replicas: 2, tags: "chaos", redis: overRedisAt(server.URL()),
		env: func(int) []string { return []string{"TOCSIN_CHAOS_AUDIT=5s"} },
	})
	agenda := []string{"DEL", "{tocsin}:lease", "{tocsin}:idle"}
	for _, c := range workflow.Classes() {
		n := strconv.Itoa(int(c))
		agenda = append(agenda, "{tocsin}:due:"+n, "{tocsin}:leased:"+n)
	}
	lists := slices.Concat(agenda, []string{"{tocsin}:open", "{tocsin}:owing", "{tocsin}:all"})
	w.received.setDelay(300 * time.Millisecond)
	end := w.startLoad(6, 50*time.Millisecond)
	for _, keys := range [][]string{agenda, lists, agenda} {
		waitFor(t, 2*time.Second)
		w.markLeasesLost()
		if n, err := server.Do(keys...); err != nil || n == int64(0) {
			t.Fatalf("%v: %v %v", keys, n, err)
		}
	}
	waitFor(t, time.Second)
	end()
	t.Log(w.checkAll(hurriedSteps, hurriedWait))
}
