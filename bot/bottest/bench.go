package bottest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// benchAlert returns a routed alert of the size that Alertmanager sends.
func benchAlert(key, group string) alerts.Arrival {
	a := alerts.Alert{
		Key: key, State: alerts.Firing, Title: "The disk of " + key + " is nearly full", StartedAt: Epoch, Severity: "critical",
		Labels:      map[string]string{"alertname": "DiskNearlyFull", "instance": key, "job": "node", "severity": "critical", "cluster": "europe-1"},
		Annotations: map[string]string{"summary": "The disk of " + key + " is 93 % full", "runbook_url": "https://example.com/runbooks/disk"},
		Link:        "https://prometheus.example.com/graph?g0.expr=node_filesystem_avail_bytes",
		Runbook:     "https://example.com/runbooks/disk",
	}
	return alerts.Arrival{ // routing is not measured here
		Integration: "alertmanager", Alert: a, Severity: workflow.SEV2, Group: group,
		Declare: workflow.Declare{Title: a.Title, Source: workflow.SourceAlert, Severity: workflow.SEV2, Group: group, Services: []string{"database"}},
	}
}

// runCallers calls do b.N times from so many goroutines, and reports the throughput in
// things per second, the median and the 99th percentile.
func runCallers(b *testing.B, many, things int, do func(n int) error) {
	b.Helper()
	took := make([][]time.Duration, many)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for c := range many {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(b.N); n = next.Add(1) - 1 {
				begin := time.Now()
				if err := do(int(n)); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(begin))
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N*things)/time.Since(start).Seconds(), "things/s")
	report(b, slices.Concat(took...))
}

// report reports the median and the 99th percentile of durations.
func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// Bench measures a store. open returns an empty store, which it closes at the end of
// the benchmark.
func Bench(b *testing.B, open func(b *testing.B) bot.Store) {
	for _, c := range []struct {
		name string
		run  func(b *testing.B, s bot.Store)
	}{
		{"NewAlerts/by1", func(b *testing.B, s bot.Store) { benchNewAlerts(b, s, 1) }},
		{"NewAlerts/by10", func(b *testing.B, s bot.Store) { benchNewAlerts(b, s, 10) }},
		{"NewIncidents", benchNewIncidents},
		{"Repeats", benchRepeats},
		{"Commit", benchCommit},
		{"Steps/post", func(b *testing.B, s bot.Store) { benchSteps(b, s, 0, 0) }},
		{"Steps/card", func(b *testing.B, s bot.Store) { benchSteps(b, s, 1, 0) }},
		{"Steps/listed", func(b *testing.B, s bot.Store) { benchSteps(b, s, 1, 1) }},
		{"ListOpen", benchListOpen},
		{"ListOpen/person", benchListAwaiting},
		{"CountOpen", benchCountOpen},
		{"Messages", benchMessages},
		{"Claim", benchClaim},
	} {
		b.Run(c.name, func(b *testing.B) { c.run(b, open(b)) })
	}
}

// benchNewAlerts takes alerts that are all new, of 20 groups.
func benchNewAlerts(b *testing.B, s bot.Store, size int) {
	runCallers(b, 64, size, func(n int) error {
		batch := alerts.Batch{At: Epoch, Arrivals: make([]alerts.Arrival, 0, size)}
		for k := range size {
			batch.Arrivals = append(batch.Arrivals, benchAlert(fmt.Sprintf("host-%x-%d", uint32(n)*2654435761, k), fmt.Sprintf("group-%d", n%20))) //nolint:gosec // wraps around on purpose
		}
		_, err := s.Take(b.Context(), batch)
		return err
	})
}

// benchNewIncidents takes alerts that each open an incident.
func benchNewIncidents(b *testing.B, s bot.Store) {
	runCallers(b, 64, 1, func(n int) error {
		key := fmt.Sprintf("host-%x", uint32(n)*2654435761)
		_, err := s.Take(b.Context(), alerts.Batch{At: Epoch, Arrivals: []alerts.Arrival{benchAlert(key, key)}})
		return err
	})
}

// benchRepeats takes repeats of a thousand firing alerts.
func benchRepeats(b *testing.B, s bot.Store) {
	send := func(n int) error {
		_, err := s.Take(b.Context(), alerts.Batch{At: Epoch, Arrivals: []alerts.Arrival{benchAlert(fmt.Sprint("host-", n%1000), "group")}})
		return err
	}
	for n := range 1000 {
		if err := send(n); err != nil {
			b.Fatal(err)
		}
	}
	runCallers(b, 64, 1, send)
}

// newStep returns the commit of a step with one event and one page.
func newStep(n, version int) bot.Commit {
	id := workflow.ID(n)
	return bot.Commit{
		At: Epoch, Incident: id, Version: version, Open: true, Snapshot: make([]byte, 3000), WakeAt: Epoch.Add(time.Hour),
		Listing: listed(2, 1+n%5, n, "awaiting:ana", "involving:ana"),
		Events:  []bot.StoredEvent{{Seq: version + 1, Body: make([]byte, 300)}},
		Tasks: []bot.Task{{
			ID: fmt.Sprintf("%s/%d.0", id, version+1), Owner: id, Due: Epoch, Body: make([]byte, 200),
			Lane: workflow.Lane{Class: workflow.ClassPage, Destination: fmt.Sprintf("page:%d", version)},
		}},
	}
}

// benchCommit commits first steps, of one event and one page each.
func benchCommit(b *testing.B, s bot.Store) {
	runCallers(b, 32, 1, func(n int) error {
		_, err := s.Commit(b.Context(), newStep(n+1, 0))
		return err
	})
}

// benchSteps commits later steps of a thousand incidents, of one event, one page and one
// more task: with rev 0 a post at the end of its lane, with rev 1 a card that replaces
// the one before. With move 1 every step changes the place of its incident in all its
// lists.
func benchSteps(b *testing.B, s bot.Store, rev, move int) {
	const many = 1000
	var turns [many]sync.Mutex
	var versions [many]int
	runCallers(b, 32, 1, func(n int) error {
		k := n % many
		turns[k].Lock()
		defer turns[k].Unlock()
		c := newStep(k+1, versions[k])
		t := c.Tasks[0]
		t.ID, t.Lane, t.Rev = t.ID+".more", workflow.Lane{Class: workflow.ClassCard, Destination: "room"}, rev*(versions[k]+1)
		c.Tasks = append(c.Tasks, t)
		if move > 0 && versions[k]%2 > 0 {
			c.Listing = listed(3, 1, k, "involving:ana")
		}
		versions[k]++
		_, err := s.Commit(b.Context(), c)
		return err
	})
}

// benchOpenIncidents is how many incidents are open in the benchmarks of lists.
const benchOpenIncidents = 10_000

// fillOpen commits the open incidents of a benchmark, with 32 callers.
func fillOpen(b *testing.B, s bot.Store) {
	b.Helper()
	var wg sync.WaitGroup
	for c := range 32 {
		wg.Go(func() {
			for n := c + 1; n <= benchOpenIncidents; n += 32 {
				commit := OpenIncident(b, n)
				if n%2 == 0 {
					commit.Listing.Tags = []string{"awaiting:ana"}
				}
				if _, err := s.Commit(b.Context(), commit); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// benchListOpen lists the first 50 of 10,000 open incidents by need, and benchListAwaiting
// the first five of the 5,000 that await one person.
func benchListOpen(b *testing.B, s bot.Store) { benchList(b, s, "", 50) }

func benchListAwaiting(b *testing.B, s bot.Store) { benchList(b, s, "awaiting:ana", 5) }

func benchList(b *testing.B, s bot.Store, tag string, limit int) {
	fillOpen(b, s)
	runCallers(b, 1, 1, func(int) error {
		all, err := s.ListOpen(b.Context(), bot.OpenQuery{Tag: tag, Limit: limit})
		if err == nil && len(all) != limit {
			err = fmt.Errorf("%d listed, want %d", len(all), limit)
		}
		return err
	})
}

// benchCountOpen counts 10,000 open incidents by the levels of need.
func benchCountOpen(b *testing.B, s bot.Store) {
	fillOpen(b, s)
	runCallers(b, 1, 1, func(int) error {
		_, err := s.CountOpen(b.Context(), "")
		return err
	})
}

// benchMessages writes messages into the conversations of 20 incidents.
func benchMessages(b *testing.B, s bot.Store) {
	for n := range 20 {
		if _, err := s.Commit(b.Context(), newStep(n+1, 0)); err != nil {
			b.Fatal(err)
		}
	}
	runCallers(b, 32, 1, func(n int) error {
		_, err := s.Commit(b.Context(), bot.Commit{
			At: Epoch, Incident: workflow.ID(n%20 + 1), Messages: []bot.StoredMessage{{Key: fmt.Sprint("message ", n), Body: make([]byte, 300)}},
		})
		return err
	})
}

// benchClaim claims and settles wake-ups that are due 2 ms apart, beside 100,000 that
// are not due. It measures the time from the due time to the commit that settles.
func benchClaim(b *testing.B, s bot.Store) {
	const pending = 100_000
	far := time.Now().Add(1000 * time.Hour)
	put := func(n, version int, wake time.Time) error {
		c := newStep(n, version)
		c.WakeAt, c.Tasks = wake, nil
		_, err := s.Commit(b.Context(), c)
		return err
	}
	start := func(from, many int, wake func(n int) time.Time) {
		var wg sync.WaitGroup
		for c := range 32 {
			wg.Go(func() {
				for n := c; n < many; n += 32 {
					if err := put(from+n, 0, wake(n)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	start(1, pending, func(int) time.Time { return far })
	begin := time.Now().Add(time.Duration(b.N)*40*time.Microsecond + 100*time.Millisecond)
	start(pending+1, b.N, func(n int) time.Time { return begin.Add(time.Duration(n) * 2 * time.Millisecond) })
	b.ResetTimer()
	var late []time.Duration
	classes := bot.Classes{To: workflow.ClassDroppable}
	for len(late) < b.N {
		due, err := s.NextDue(b.Context(), classes)
		if err != nil {
			b.Fatal(err)
		}
		<-time.After(time.Until(due))
		leases, err := s.Claim(b.Context(), bot.Claim{At: time.Now(), For: 10 * time.Second, Limit: 16, Classes: classes})
		if err != nil {
			b.Fatal(err)
		}
		took := make(chan time.Duration, len(leases))
		for _, l := range leases { // in parallel, as the agenda does
			go func() {
				loaded, err := s.Load(b.Context(), l.Owner)
				if err == nil {
					c := newStep(loaded.Number, loaded.Version)
					c.At, c.WakeAt, c.Settle, c.Tasks = time.Now(), far, &l, nil
					_, err = s.Commit(b.Context(), c)
				}
				if err != nil {
					b.Error(err)
				}
				took <- time.Since(l.Due)
			}()
		}
		for range leases {
			late = append(late, <-took)
		}
	}
	report(b, late)
}
