package jobs_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/bot/jobs"
)

// TestX3KilledAtEveryCommitEdge crashes a process before and after each commit. With
// run-once-late the slot runs again under the same keys; with skip it is recorded as
// interrupted. No slot is run by two replicas at once, and nothing that is recorded as
// sent is sent again.
func TestX3KilledAtEveryCommitEdge(t *testing.T) {
	for _, missed := range []bot.MissedPolicy{bot.RunLate, bot.Skip} {
		for edge := range 24 {
			inCluster(t, 2, []bot.Job{job(t, "@every 1h", missed, "person:ana", "webhook:noc")}, func(p *cluster) {
				p.outcome = func(s jobs.Start) (jobs.Result, error) {
					return jobs.Result{Note: "sent", Outputs: []jobs.Output{func(card.View) card.Content { return card.Content{Title: "News"} }}}, nil
				}
				p.store.edge = func(commit int, after bool) error {
					if commit == edge/2+1 && after == (edge%2 == 1) {
						panic(crash{})
					}
					return nil
				}
				crashes := 0
				for range 4*60*4 + 20 { // four hours and a bit, a look every 15 s
					time.Sleep(15 * time.Second) //nolint:forbidigo // in a bubble of time
					for n := range p.jobs {
						func() {
							defer func() {
								if v := recover(); v != nil {
									if _, ok := v.(crash); !ok {
										panic(v)
									}
									crashes++
									p.jobs[n] = p.boot(p.bots[n])
								}
							}()
							p.jobs[n].Tick(p.t.Context())
						}()
					}
				}
				if crashes != 1 {
					t.Errorf("%s, edge %d: %d crashes", missed, edge, crashes)
				}
				p.judgeKilled(missed, edge)
			})
		}
	}
}

// judgeKilled checks what a crash at one edge led to.
func (p *cluster) judgeKilled(missed bot.MissedPolicy, edge int) {
	p.t.Helper()
	again, repeated := 0, 0
	for _, n := range p.started {
		again += n - 1
	}
	for _, n := range p.pager.accepted {
		repeated += n - 1
	}
	if run := p.last(); run.Outcome != jobs.JobDone || run.Slot != "2000-01-01T04:00:00Z" {
		p.t.Errorf("%s, edge %d: in the end %+v", missed, edge, run)
	}
	if again > 1 || repeated > 1 {
		p.t.Errorf("%s, edge %d: started %v, sent %v", missed, edge, p.started, p.pager.accepted)
	}
	switch {
	case missed == bot.Skip && again != 0:
		p.t.Errorf("edge %d: a slot was started twice: %v", edge, p.started)
	case missed == bot.RunLate && (len(p.started) != 4 || len(p.pager.accepted) != 8):
		p.t.Errorf("edge %d: started %v, sent %v", edge, p.started, p.pager.accepted)
	}
}

// TestX3FaultyWorlds runs many worlds in which the store fails and processes crash at
// random.
func TestX3FaultyWorlds(t *testing.T) {
	worlds := 60
	if testing.Short() {
		worlds = 20
	}
	for seed := range worlds {
		inCluster(t, 1+seed%3, []bot.Job{job(t, "@every 1h", bot.RunLate, "person:ana", "person:ben", "webhook:noc")}, func(p *cluster) {
			rng, faults := rand.New(rand.NewPCG(uint64(seed), 3)), true
			p.outcome = func(jobs.Start) (jobs.Result, error) {
				if faults && rng.IntN(6) == 0 {
					return jobs.Result{}, errStore
				}
				return jobs.Result{Note: "sent", Outputs: []jobs.Output{func(card.View) card.Content { return card.Content{Title: "News"} }}}, nil
			}
			p.store.edge = func(int, bool) error {
				switch n := rng.IntN(40); {
				case !faults || n > 5:
					return nil
				case n < 2:
					panic(crash{})
				}
				return errStore
			}
			for range 10 * 60 * 2 {
				time.Sleep(30 * time.Second) //nolint:forbidigo // in a bubble of time
				n := rng.IntN(len(p.jobs))
				func() {
					defer func() {
						if v := recover(); v != nil {
							if _, ok := v.(crash); !ok {
								panic(v)
							}
							p.jobs[n] = p.boot(p.bots[n])
						}
					}()
					p.jobs[n].Tick(p.t.Context())
				}()
				run, on := p.last(), map[string]bool{}
				for _, key := range run.Sent {
					if on[key] {
						t.Fatalf("seed %d: %s is on record twice", seed, key)
					}
					on[key] = true
				}
			}
			if !slices.IsSortedFunc(p.order, strings.Compare) {
				t.Errorf("seed %d: out of order: %v", seed, p.order)
			}
			faults = false
			time.Sleep(time.Hour) //nolint:forbidigo // in a bubble of time
			for range 4 {
				for n := range p.jobs {
					p.jobs[n].Tick(p.t.Context())
				}
				time.Sleep(3 * time.Minute) //nolint:forbidigo // in a bubble of time
			}
			if run := p.last(); run.Outcome != jobs.JobDone || len(run.Sent) != 3 || p.now().Sub(run.At) > 2*time.Hour {
				t.Errorf("seed %d: in the end %+v", seed, run)
			}
		})
	}
}

// TestX3LostAnswers: a slot whose claim was written and not answered is run at once by
// the process that wrote it. A slot whose result could not be written is not run again
// by the same process.
func TestX3LostAnswers(t *testing.T) {
	inCluster(t, 2, []bot.Job{job(t, "@every 1h", bot.Skip)}, func(p *cluster) {
		p.store.edge = func(commit int, after bool) error {
			if commit == 2 && after { // the first is the record, the second the claim
				return errStore
			}
			return nil
		}
		p.run(time.Hour + 15*time.Second)
		p.wants("2000-01-01T01:00:00Z/1")
		if run := p.last(); run.Outcome != jobs.JobDone || run.Attempts != 1 {
			t.Errorf("%+v", run)
		}
	})
	inCluster(t, 1, []bot.Job{job(t, "@every 1h", bot.Skip, "webhook:noc")}, func(p *cluster) {
		p.outcome = func(jobs.Start) (jobs.Result, error) {
			return jobs.Result{Outputs: []jobs.Output{func(card.View) card.Content { return card.Content{Title: "News"} }}}, nil
		}
		p.store.edge = func(commit int, _ bool) error {
			if at := p.now().Sub(time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)); commit > 2 && at < 70*time.Second {
				return errStore
			}
			return nil
		}
		p.run(time.Hour + 10*time.Minute)
		p.wants("2000-01-01T01:00:00Z/1")
		if run := p.last(); run.Outcome != jobs.JobInterrupted || len(p.pager.pages) != 1 {
			t.Errorf("%d pages, %+v", len(p.pager.pages), run)
		}
	})
	// The answer of one write is lost in the middle: the slot goes on.
	inCluster(t, 1, []bot.Job{job(t, "@every 1h", bot.Skip, "webhook:noc", "person:ana")}, func(p *cluster) {
		p.outcome = func(jobs.Start) (jobs.Result, error) {
			return jobs.Result{Note: "sent", Outputs: []jobs.Output{func(card.View) card.Content { return card.Content{Title: "News"} }}}, nil
		}
		p.store.edge = func(commit int, after bool) error {
			if after && (commit == 3 || commit == 5) {
				return errStore
			}
			return nil
		}
		p.run(time.Hour + time.Minute)
		p.wants("2000-01-01T01:00:00Z/1")
		if run := p.last(); run.Outcome != jobs.JobDone || len(run.Sent) != 2 || len(p.pager.pages) != 2 || run.Attempts != 1 {
			t.Errorf("%d pages, %+v", len(p.pager.pages), run)
		}
	})
}
