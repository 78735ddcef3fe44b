package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/bot/jobs"
	"tocsin/workflow"
)

func TestX3OneStartPerSlotAcrossReplicas(t *testing.T) {
	for _, replicas := range []int{1, 2, 3} {
		inCluster(t, replicas, []bot.Job{job(t, "@every 1m", bot.RunLate, "webhook:noc")}, func(p *cluster) {
			p.outcome = func(s jobs.Start) (jobs.Result, error) {
				return jobs.Result{Note: "swept", Outputs: []jobs.Output{func(card.View) card.Content { return card.Content{Title: s.Slot.Name} }}}, nil
			}
			p.run(time.Hour + time.Second)
			if len(p.started) != 60 || len(p.order) != 60 || len(p.pager.accepted) != 60 || len(p.pager.pages) != 60 {
				t.Errorf("%d replicas: %d slots were started %d times, and sent %d times", replicas, len(p.started), len(p.order), len(p.pager.pages))
			}
			if !slices.IsSorted(p.order) || p.order[0] != "2000-01-01T00:01:00Z/1" || p.pager.accepted["job/sweep/2000-01-01T01:00:00Z/1/webhook:noc"] != 1 {
				t.Errorf("started %q\nsent %v", p.order, p.pager.accepted)
			}
			if run := p.last(); run.Outcome != jobs.JobDone || run.Note != "swept" || run.Attempts != 1 || run.By == "" || !run.LeasedUntil.IsZero() {
				t.Errorf("the record is %+v", run)
			}
		})
	}
}

// TestO1AutumnAndSpringSlotsStartOnce runs a nightly job in the nights in which the
// clocks change.
func TestO1AutumnAndSpringSlotsStartOnce(t *testing.T) {
	for _, c := range []struct{ from, want string }{
		{"2026-10-24T23:00:00Z", "2026-10-25T02:30 Europe/Berlin/1"},
		{"2026-03-28T23:00:00Z", "2026-03-29T02:30 Europe/Berlin/1"},
	} {
		inCluster(t, 2, []bot.Job{job(t, "30 2 * * *", bot.RunLate)}, func(p *cluster) {
			from, err := time.Parse(time.RFC3339, c.from)
			if err != nil {
				t.Fatal(err)
			}
			p.offset = time.Until(from)
			p.run(6 * time.Hour)
			p.wants(c.want)
		})
	}
}

// TestX3MissedSlots: a missed slot runs once, late, or is skipped, as its job declares.
func TestX3MissedSlots(t *testing.T) {
	for _, c := range []struct {
		missed  bot.MissedPolicy
		down    time.Duration
		outcome jobs.Outcome
		note    string
		order   []string
	}{
		{bot.RunLate, 3*time.Hour + 10*time.Minute, jobs.JobDone, "swept, late by 10 min", []string{"2000-01-01T01:00:00Z/1", "2000-01-01T04:00:00Z/1"}},
		{bot.Skip, 3*time.Hour + 10*time.Minute, jobs.JobSkipped, "no replica ran at its time, 10 min ago", []string{"2000-01-01T01:00:00Z/1"}},
		{bot.Skip, 3*time.Hour + 30*time.Second, jobs.JobDone, "swept", []string{"2000-01-01T01:00:00Z/1", "2000-01-01T04:00:00Z/1"}},
		{bot.Skip, 20 * time.Minute, jobs.JobDone, "swept", []string{"2000-01-01T01:00:00Z/1"}},
	} {
		inCluster(t, 2, []bot.Job{job(t, "@every 1h", c.missed)}, func(p *cluster) {
			p.run(time.Hour + time.Second)
			time.Sleep(c.down) //nolint:forbidigo // in a bubble of time
			p.run(time.Minute)
			if run := p.last(); run.Outcome != c.outcome || run.Note != c.note {
				t.Errorf("%s after %s: %+v", c.missed, c.down, run)
			}
			p.wants(c.order...)
		})
	}
}

// TestX3NothingWasPromisedBefore: slots from before the first start, before the job was
// enabled or before its schedule was configured do not count as missed; a reload takes
// effect without a restart.
func TestX3NothingWasPromisedBefore(t *testing.T) {
	inCluster(t, 2, []bot.Job{job(t, "0 9 * * *", bot.RunLate)}, func(p *cluster) {
		p.offset = 12 * time.Hour
		reload := func(change func(*bot.Job)) {
			for _, b := range p.bots {
				org := *b.Organization()
				org.Jobs = slices.Clone(org.Jobs)
				change(&org.Jobs[0])
				if err := b.Configure(org, map[string]bot.Pager{"log": p.pager}); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.run(time.Hour)
		p.wants()
		reload(func(j *bot.Job) { j.Schedule = schedule(t, "0 10 * * *") })
		p.run(time.Hour)
		p.wants()
		reload(func(j *bot.Job) { j.Enabled = false })
		p.run(48 * time.Hour)
		p.wants()
		reload(func(j *bot.Job) { j.Enabled = true })
		p.run(time.Hour)
		p.wants()
		ctx, cancel := context.WithCancel(p.t.Context())
		var all sync.WaitGroup
		for _, j := range p.jobs {
			all.Go(func() { j.Run(ctx) })
		}
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble of time
		reload(func(j *bot.Job) { j.Schedule = schedule(t, "30 17 * * *") })
		time.Sleep(2 * time.Hour) //nolint:forbidigo // in a bubble of time
		cancel()
		all.Wait()
		p.wants("2000-01-03T17:30 Europe/Berlin/1")
	})
}

// TestX3APanicEndsItsSlotAndNothingElse: a panic in one job is recorded and logged
// once; the process and other jobs go on.
func TestX3APanicEndsItsSlotAndNothingElse(t *testing.T) {
	other := job(t, "@every 1m", bot.RunLate)
	other.Name = "other"
	inCluster(t, 1, []bot.Job{job(t, "@every 1m", bot.RunLate), other}, func(p *cluster) {
		others := 0
		p.works["other"] = jobs.Handler{Handle: func(context.Context, jobs.Start) (jobs.Result, error) { others++; return jobs.Result{}, nil }}
		p.outcome = func(jobs.Start) (jobs.Result, error) { panic("a bug") }
		p.run(5*time.Minute + time.Second)
		if run := p.last(); run.Outcome != jobs.JobPanicked || run.Note != "a bug" || run.Attempts != 1 || !run.RetryAt.IsZero() {
			t.Errorf("%+v", run)
		}
		if len(p.order) != 5 || others != 5 {
			t.Errorf("started %d and %d times", len(p.order), others)
		}
		if log := p.log.String(); strings.Count(log, "a bug") != 1 || !strings.Contains(log, "job=sweep") || !strings.Contains(log, "slot=2000-01-01T00:01:00Z") {
			t.Errorf("the log says\n%s", log)
		}
	})
}

func TestX3AFailureIsTriedAgainWithinItsSlot(t *testing.T) {
	inCluster(t, 2, []bot.Job{job(t, "@every 1h", bot.Skip)}, func(p *cluster) {
		var at []string
		p.outcome = func(s jobs.Start) (jobs.Result, error) {
			at = append(at, time.Now().Format("04:05"))
			if s.Attempt < 4 {
				return jobs.Result{}, errors.New("no luck")
			}
			return jobs.Result{Note: "swept"}, nil
		}
		p.run(time.Hour + 20*time.Second)
		if run := p.last(); run.Outcome != jobs.JobFailed || run.Note != "no luck" || run.RetryAt.Format("04:05") != "00:30" {
			t.Errorf("after the first attempt: %+v", run)
		}
		p.run(30 * time.Minute)
		if got := strings.Join(at, " "); got != "00:00 00:30 01:30 03:30" {
			t.Errorf("tried at %s", got)
		}
		if run := p.last(); run.Outcome != jobs.JobDone || run.Attempts != 4 || run.Note != "swept, late by 3 min" {
			t.Errorf("%+v", run)
		}
		at, p.outcome = nil, func(jobs.Start) (jobs.Result, error) {
			at = append(at, "x")
			return jobs.Result{}, errors.New("no luck")
		}
		p.run(50 * time.Minute)
		if run := p.last(); run.Outcome != jobs.JobFailed || run.Attempts != 5 || !run.RetryAt.IsZero() || len(at) != 5 {
			t.Errorf("given up: %+v", run)
		}
		at, p.outcome = nil, func(jobs.Start) (jobs.Result, error) {
			at = append(at, "x")
			return jobs.Result{}, bot.Permanent(errors.New("never"))
		}
		p.run(time.Hour)
		if run := p.last(); run.Outcome != jobs.JobFailed || len(at) != 1 {
			t.Errorf("permanent: %+v", run)
		}
	})
	inCluster(t, 1, []bot.Job{job(t, "@every 1m", bot.Skip)}, func(p *cluster) { // never into the next slot
		p.outcome = func(jobs.Start) (jobs.Result, error) { return jobs.Result{}, errors.New("no luck") }
		p.run(2*time.Minute + 59*time.Second)
		p.wants("2000-01-01T00:01:00Z/1", "2000-01-01T00:01:00Z/2", "2000-01-01T00:02:00Z/1", "2000-01-01T00:02:00Z/2")
		if run := p.last(); !run.RetryAt.IsZero() {
			t.Errorf("an attempt is promised in the next slot: %+v", run)
		}
	})
}

// TestX3OutputsAreSentOnce: a message that was sent is not sent again when another one
// fails.
func TestX3OutputsAreSentOnce(t *testing.T) {
	inCluster(t, 2, []bot.Job{job(t, "@every 1h", bot.RunLate, "team:all", "webhook:noc")}, func(p *cluster) {
		tries := 0
		p.outcome = func(jobs.Start) (jobs.Result, error) {
			return jobs.Result{Note: "sent", Outputs: []jobs.Output{func(card.View) card.Content { return card.Content{Title: "News"} }}}, nil
		}
		p.pager.refuse = func(page bot.Page) error {
			if page.Person == "ben" {
				tries++
				if tries < 3 {
					return errors.New("greylisted")
				}
			}
			return nil
		}
		p.run(time.Hour + 5*time.Minute)
		got := slices.Sorted(maps.Keys(p.pager.accepted))
		want := []string{"job/sweep/2000-01-01T01:00:00Z/1/ana", "job/sweep/2000-01-01T01:00:00Z/1/ben", "job/sweep/2000-01-01T01:00:00Z/1/webhook:noc"}
		if !slices.Equal(got, want) || len(p.pager.pages) != 3 {
			t.Errorf("sent %v", p.pager.accepted)
		}
		run := p.last() // dan has only a telephone, and no pager calls
		if run.Outcome != jobs.JobFailed || !strings.Contains(run.Note, "send to dan") && !strings.Contains(run.Note, "send to Dan") || !run.RetryAt.IsZero() {
			t.Errorf("%+v", run)
		}
		if page := p.pager.pages[0]; page.Purpose != workflow.PurposeNotice || len(page.Incidents) != 0 || page.Content.Title != "News" {
			t.Errorf("page %+v", page)
		}
	})
}

// TestE4cSlowIsNotFailed: a slow party is waited for, one that hangs leaves time for the
// others, and a message that may have arrived is not sent again (E4c: slow is not failed).
func TestE4cSlowIsNotFailed(t *testing.T) {
	const noc = "webhook:noc"
	for name, c := range map[string]struct {
		takes   time.Duration // until ana's messages are accepted
		answer  error         // to ana's messages
		sent    []string      // the recipients
		outcome jobs.Outcome
		tries   int // to reach ana
	}{
		"slow":            {12 * time.Second, nil, []string{"ana", noc}, jobs.JobDone, 1},
		"hangs":           {time.Hour, nil, []string{noc}, jobs.JobFailed, 0},
		"unknown outcome": {0, fmt.Errorf("no answer: %w", bot.ErrUnknownOutcome), []string{noc}, jobs.JobDone, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 1, []bot.Job{job(t, "@every 1h", bot.RunLate, "person:ana", noc)}, func(p *cluster) {
				p.outcome = func(jobs.Start) (jobs.Result, error) {
					return jobs.Result{Outputs: []jobs.Output{func(card.View) card.Content { return card.Content{Title: "News"} }}}, nil
				}
				tries := 0
				p.pager.takes = map[string]time.Duration{"ana": c.takes}
				p.pager.refuse = func(page bot.Page) error {
					if page.Person != "ana" {
						return nil
					}
					tries++
					return c.answer
				}
				p.run(time.Hour + 30*time.Minute)
				var sent []string
				for _, page := range p.pager.pages {
					sent = append(sent, page.Person)
				}
				if run := p.last(); !slices.Equal(sent, c.sent) || run.Outcome != c.outcome || tries != c.tries {
					t.Errorf("sent to %q in %d tries: %+v", sent, tries, run)
				}
			})
		})
	}
}

// TestX3AStopIsTakenOver: a slot of a process that is stopping is taken over at once by
// another replica or at the next start.
func TestX3AStopIsTakenOver(t *testing.T) {
	inCluster(t, 1, []bot.Job{job(t, "@every 1h", bot.RunLate)}, func(p *cluster) {
		p.works["sweep"] = jobs.Handler{Timeout: 30 * time.Minute, Handle: func(ctx context.Context, s jobs.Start) (jobs.Result, error) {
			p.order = append(p.order, fmt.Sprint(s.Attempt))
			if s.Attempt == 1 {
				<-ctx.Done()
				return jobs.Result{}, ctx.Err()
			}
			return jobs.Result{Note: "swept"}, nil
		}}
		p.run(time.Hour + time.Minute)
		if run := p.last(); run.Outcome != jobs.JobInterrupted || run.RetryAt.IsZero() {
			t.Errorf("stopped: %+v", run)
		}
		p.run(time.Second)
		if run := p.last(); run.Outcome != jobs.JobDone || run.Attempts != 2 || len(p.order) != 2 {
			t.Errorf("started again: %+v", run)
		}
	})
}

// TestX3ATimeoutEndsAnAttempt: an attempt that takes too long is canceled, and a slot
// that comes due meanwhile waits.
func TestX3ATimeoutEndsAnAttempt(t *testing.T) {
	inCluster(t, 2, []bot.Job{job(t, "@every 1h", bot.Skip)}, func(p *cluster) {
		p.works["sweep"] = jobs.Handler{Timeout: 10 * time.Minute, Handle: func(ctx context.Context, _ jobs.Start) (jobs.Result, error) {
			p.order = append(p.order, time.Now().Format("15:04"))
			<-ctx.Done()
			return jobs.Result{}, ctx.Err()
		}}
		p.run(90 * time.Minute)
		if run := p.last(); !strings.Contains(strings.Join(p.order, " "), "01:00 01:10") || run.Outcome == jobs.JobDone {
			t.Errorf("tried at %v: %+v", p.order, run)
		}
	})
}
