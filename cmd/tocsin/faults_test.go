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

// TestX1RedisKilled kills Redis itself under load and starts it again: what was
// answered is still there, what could not be taken was said so in words, and
// all pages come, once.
func TestX1RedisKilled(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	w := newTown(t, plan{config: hurried, houses: 2, redis: over(server.URL())})
	w.received.slows(300 * time.Millisecond)
	end := w.load(6, 50*time.Millisecond)
	for _, down := range []time.Duration{time.Second, 100 * time.Millisecond, 3 * time.Second} {
		pass(t, 2*time.Second)
		server.Kill()
		w.awaitReady(http.StatusServiceUnavailable, "the store does not answer: ")
		pass(t, down)
		server.Restart()
		w.awaitReady(http.StatusOK, "ok\n")
	}
	pass(t, time.Second)
	end()
	t.Log(w.judge(hurriedSteps, hurriedWait))
	if hooks, commands := w.saidInWords(); hooks == 0 || commands == 0 {
		t.Errorf("%d hooks and %d commands were refused: Redis was away too shortly to prove anything", hooks, commands)
	}
}

// awaitReady waits until every process says that it can work, or cannot.
func (w *town) awaitReady(status int, words string) {
	w.t.Helper()
	for _, h := range w.houses {
		await(w.t, 20*time.Second, "/readyz says "+words, func() bool {
			got, answer := h.do("GET", "/readyz", "", "", "")
			return got == status && strings.HasPrefix(string(answer), words)
		})
	}
}

// saidInWords judges what clients were told that came while the store was away
// (rules X4, I2).
func (w *town) saidInWords() (hooks, commands int) {
	w.t.Helper()
	for text, n := range w.done.refused {
		w.t.Logf("%d times: %s", n, text)
		switch {
		case strings.HasPrefix(text, "503 ") && strings.Contains(text, "this could not be stored right now; send it again"):
			hooks += n
		case strings.HasPrefix(text, "503 ") && strings.Contains(text, `"code":"overloaded"`): // what came in the outage is still being read (I2)
			hooks += n
		case strings.HasPrefix(text, "503 ") && strings.Contains(text, "Tocsin cannot reach its store right now"):
			commands += n
		default:
			w.t.Errorf("%d times: %s", n, text)
		}
	}
	return hooks, commands
}

// TestX4Proxy: the network between each replica and Redis loses replies, is
// slow, falls silent and breaks. Nothing is lost, and nothing is told twice: a
// fault of the network is no crash.
func TestX4Proxy(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	a, b := redistest.NewProxy(t, server.Addr()), redistest.NewProxy(t, server.Addr())
	w := newTown(t, plan{config: hurried, houses: 2, redis: func(n int) string {
		return "redis://" + []*redistest.Proxy{a, b}[n].Addr()
	}})
	w.received.slows(300 * time.Millisecond)
	end := w.load(6, 50*time.Millisecond)
	pass(t, time.Second)
	for range 2 { // one after the other, so that not every try of one call is lost
		for _, p := range []*redistest.Proxy{a, b} {
			p.LoseRepliesTo(15, "evalsha")
			await(t, 20*time.Second, "so many replies lost", p.Lost)
		}
	}
	a.Delay(50 * time.Millisecond)
	b.Delay(25 * time.Millisecond)
	pass(t, 4*time.Second)
	a.Heal()
	b.Delay(100 * time.Millisecond)
	pass(t, 2*time.Second)
	b.Heal()
	pass(t, time.Second)
	a.HalfClose()
	pass(t, 2*time.Second)
	a.Heal()
	pass(t, time.Second)
	b.Cut()
	pass(t, 3*time.Second)
	b.Heal()
	w.awaitReady(http.StatusOK, "ok\n")
	pass(t, time.Second)
	end()
	t.Log(w.judge(hurriedSteps, hurriedWait))
	w.saidInWords()
}

// TestE1AgendaDeleted deletes the agenda under load, and later the lists of
// incidents with it: they are an index. What is owed comes at the next audit
// (here every five seconds). A page that was being sent then may come again
// from another replica: whoever held its lease cannot answer for it.
func TestE1AgendaDeleted(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: needs a build of its own")
	}
	server := redistest.Start(t, redistest.Config{})
	w := newTown(t, plan{
		config: hurried, houses: 2, tags: "chaos", redis: over(server.URL()),
		env: func(int) []string { return []string{"TOCSIN_CHAOS_AUDIT=5s"} },
	})
	agenda := []string{"DEL", "{tocsin}:lease", "{tocsin}:idle"}
	for _, c := range workflow.Classes() {
		n := strconv.Itoa(int(c))
		agenda = append(agenda, "{tocsin}:due:"+n, "{tocsin}:leased:"+n)
	}
	lists := slices.Concat(agenda, []string{"{tocsin}:open", "{tocsin}:owing", "{tocsin}:all"})
	w.received.slows(300 * time.Millisecond)
	end := w.load(6, 50*time.Millisecond)
	for _, keys := range [][]string{agenda, lists, agenda} {
		pass(t, 2*time.Second)
		w.loseLeases()
		if n, err := server.Do(keys...); err != nil || n == int64(0) {
			t.Fatalf("%v: %v %v", keys, n, err)
		}
	}
	pass(t, time.Second)
	end()
	t.Log(w.judge(hurriedSteps, hurriedWait))
}
