package agenda_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/agenda"
	"tocsin/bot/bottest"
	"tocsin/bot/card"
	"tocsin/bot/timetable"
	"tocsin/workflow"
)

// killed is kill -9: no recovery may swallow it.
type killed struct{}

func (killed) Crash() {}

var errStore = errors.New("injected fault")

// shakyStore fails or crashes at the edges of its commits.
type shakyStore struct {
	*memory.Store
	mu      sync.Mutex
	commits int
	edge    func(commit int, after bool) error // may panic
}

func (s *shakyStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	s.mu.Lock()
	s.commits++
	n, edge := s.commits, s.edge
	s.mu.Unlock()
	if edge != nil {
		if err := edge(n, false); err != nil {
			return bot.Receipt{}, err
		}
	}
	r, err := s.Store.Commit(ctx, c)
	if err == nil && edge != nil {
		err = edge(n, true)
	}
	return r, err
}

// plant is some replicas over one store, and a job that notes its starts.
type plant struct {
	t        *testing.T
	store    *shakyStore
	bots     []*bot.Bot
	jobs     []*agenda.Jobs
	works    map[string]agenda.Work
	offset   time.Duration // of the clock from the bubble's, which begins in 2000
	pager    *notices
	log      *strings.Builder
	mu       sync.Mutex
	started  map[string]int // slot → how often
	order    []string
	outcome  func(s agenda.Start) (agenda.Result, error)
	takes    time.Duration
	replicas int
}

// notices is a pager that may refuse, and counts what it accepted.
type notices struct {
	mu       sync.Mutex
	accepted map[string]int
	pages    []bot.Page
	refuse   func(bot.Page) error
}

func (n *notices) Page(_ context.Context, p bot.Page) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse != nil {
		if err := n.refuse(p); err != nil {
			return err
		}
	}
	n.accepted[p.Key]++
	n.pages = append(n.pages, p)
	return nil
}

func schedule(t *testing.T, spec string) timetable.Schedule {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s, err := timetable.Parse(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func job(t *testing.T, spec string, missed bot.Missed, to ...workflow.Target) bot.Job {
	t.Helper()
	return bot.Job{Name: "sweep", Schedule: schedule(t, spec), Missed: missed, Enabled: true, To: to}
}

// inPlant runs a test in a bubble of time.
func inPlant(t *testing.T, replicas int, jobs []bot.Job, test func(p *plant)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &plant{
			t: t, store: &shakyStore{Store: memory.New()}, pager: &notices{accepted: map[string]int{}}, log: &strings.Builder{},
			started: map[string]int{}, replicas: replicas,
		}
		p.works = map[string]agenda.Work{"sweep": {Do: p.do}}
		p.build(jobs)
		test(p)
	})
}

func (p *plant) build(jobs []bot.Job) {
	org := bottest.Town()
	org.Jobs = jobs
	for range p.replicas {
		b, err := bot.New(bot.Config{
			Store: p.store, Organization: org, Secret: []byte("0123456789abcdef"), Log: slog.New(slog.DiscardHandler), Now: p.now,
			Pagers: map[string]bot.Pager{"email": p.pager, "webhook": p.pager, "log": p.pager},
		})
		if err != nil {
			p.t.Fatal(err)
		}
		p.bots = append(p.bots, b)
		p.jobs = append(p.jobs, p.boot(b))
	}
}

func (p *plant) boot(b *bot.Bot) *agenda.Jobs {
	return agenda.NewJobs(agenda.JobsConfig{Bot: b, Log: slog.New(slog.NewTextHandler(&locked{w: p.log, mu: &p.mu}, nil)), Works: p.works})
}

type locked struct {
	w  *strings.Builder
	mu *sync.Mutex
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (p *plant) now() time.Time { return time.Now().Add(p.offset) }

func (p *plant) do(_ context.Context, s agenda.Start) (agenda.Result, error) {
	p.mu.Lock()
	p.started[s.Slot.Name]++
	p.order = append(p.order, fmt.Sprintf("%s/%d", s.Slot.Name, s.Attempt))
	outcome, takes := p.outcome, p.takes
	p.mu.Unlock()
	if takes > 0 {
		time.Sleep(takes) //nolint:forbidigo // in a bubble of time
	}
	if outcome != nil {
		return outcome(s)
	}
	return agenda.Result{Note: "swept"}, nil
}

// run lets all replicas run for a while.
func (p *plant) run(d time.Duration) {
	ctx, cancel := context.WithCancel(p.t.Context())
	var all sync.WaitGroup
	for _, j := range p.jobs {
		all.Go(func() { j.Run(ctx) })
	}
	time.Sleep(d) //nolint:forbidigo // in a bubble of time
	cancel()
	all.Wait()
}

func (p *plant) last() bot.JobRun {
	p.t.Helper()
	run, _, err := p.bots[0].JobRun(p.t.Context(), "sweep")
	if err != nil {
		p.t.Fatal(err)
	}
	return run
}

func (p *plant) wants(order ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.order, order) {
		p.t.Errorf("started %q, want %q", p.order, order)
	}
}

func TestX3OneStartPerSlotAcrossReplicas(t *testing.T) {
	for _, replicas := range []int{1, 2, 3} {
		inPlant(t, replicas, []bot.Job{job(t, "@every 1m", bot.RunLate, "webhook:noc")}, func(p *plant) {
			p.outcome = func(s agenda.Start) (agenda.Result, error) {
				return agenda.Result{Note: "swept", Outputs: []agenda.Output{func(card.View) card.Message { return card.Message{Title: s.Slot.Name} }}}, nil
			}
			p.run(time.Hour + time.Second)
			if len(p.started) != 60 || len(p.order) != 60 || len(p.pager.accepted) != 60 || len(p.pager.pages) != 60 {
				t.Errorf("%d replicas: %d slots were started %d times, and told %d times", replicas, len(p.started), len(p.order), len(p.pager.pages))
			}
			if !slices.IsSorted(p.order) || p.order[0] != "2000-01-01T00:01:00Z/1" || p.pager.accepted["job/sweep/2000-01-01T01:00:00Z/1/webhook:noc"] != 1 {
				t.Errorf("started %q\ntold %v", p.order, p.pager.accepted)
			}
			if run := p.last(); run.Outcome != bot.JobDone || run.Note != "swept" || run.Attempts != 1 || run.By == "" || !run.Until.IsZero() {
				t.Errorf("the record is %+v", run)
			}
		})
	}
}

// A night's job in the night in which the clocks go back, and forward.
func TestO1AutumnAndSpringSlotsStartOnce(t *testing.T) {
	for _, c := range []struct{ from, want string }{
		{"2026-10-24T23:00:00Z", "2026-10-25T02:30 Europe/Berlin/1"},
		{"2026-03-28T23:00:00Z", "2026-03-29T02:30 Europe/Berlin/1"},
	} {
		inPlant(t, 2, []bot.Job{job(t, "30 2 * * *", bot.RunLate)}, func(p *plant) {
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

func TestX3MissedSlots(t *testing.T) {
	for _, c := range []struct {
		missed  bot.Missed
		down    time.Duration
		outcome bot.Outcome
		note    string
		order   []string
	}{
		{bot.RunLate, 3*time.Hour + 10*time.Minute, bot.JobDone, "swept, late by 10m1s", []string{"2000-01-01T01:00:00Z/1", "2000-01-01T04:00:00Z/1"}},
		{bot.Skip, 3*time.Hour + 10*time.Minute, bot.JobSkipped, "nobody ran at its time, 10m1s ago", []string{"2000-01-01T01:00:00Z/1"}},
		{bot.Skip, 3*time.Hour + 30*time.Second, bot.JobDone, "swept", []string{"2000-01-01T01:00:00Z/1", "2000-01-01T04:00:00Z/1"}},
		{bot.Skip, 20 * time.Minute, bot.JobDone, "swept", []string{"2000-01-01T01:00:00Z/1"}},
	} {
		inPlant(t, 2, []bot.Job{job(t, "@every 1h", c.missed)}, func(p *plant) {
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

// Nothing was missed before there was a bot, before the job was turned on, or
// before the schedule held; and a reload takes effect without a restart.
func TestX3NothingWasPromisedBefore(t *testing.T) {
	inPlant(t, 2, []bot.Job{job(t, "0 9 * * *", bot.RunLate)}, func(p *plant) {
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

// A bug in one job is recorded and said once; the process and the others live.
func TestX3APanicEndsItsSlotAndNothingElse(t *testing.T) {
	other := job(t, "@every 1m", bot.RunLate)
	other.Name = "other"
	inPlant(t, 1, []bot.Job{job(t, "@every 1m", bot.RunLate), other}, func(p *plant) {
		others := 0
		p.works["other"] = agenda.Work{Do: func(context.Context, agenda.Start) (agenda.Result, error) { others++; return agenda.Result{}, nil }}
		p.outcome = func(agenda.Start) (agenda.Result, error) { panic("a bug") }
		p.run(5*time.Minute + time.Second)
		if run := p.last(); run.Outcome != bot.JobPanicked || run.Note != "a bug" || run.Attempts != 1 || !run.Again.IsZero() {
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
	inPlant(t, 2, []bot.Job{job(t, "@every 1h", bot.Skip)}, func(p *plant) {
		var at []string
		p.outcome = func(s agenda.Start) (agenda.Result, error) {
			at = append(at, time.Now().Format("04:05"))
			if s.Attempt < 4 {
				return agenda.Result{}, errors.New("no luck")
			}
			return agenda.Result{Note: "swept"}, nil
		}
		p.run(time.Hour + 20*time.Second)
		if run := p.last(); run.Outcome != bot.JobFailed || run.Note != "no luck" || run.Again.Format("04:05") != "00:30" {
			t.Errorf("after the first attempt: %+v", run)
		}
		p.run(30 * time.Minute)
		if got := strings.Join(at, " "); got != "00:00 00:30 01:30 03:30" {
			t.Errorf("tried at %s", got)
		}
		if run := p.last(); run.Outcome != bot.JobDone || run.Attempts != 4 || run.Note != "swept, late by 3m30s" {
			t.Errorf("%+v", run)
		}
		at, p.outcome = nil, func(agenda.Start) (agenda.Result, error) {
			at = append(at, "x")
			return agenda.Result{}, errors.New("no luck")
		}
		p.run(50 * time.Minute)
		if run := p.last(); run.Outcome != bot.JobFailed || run.Attempts != 5 || !run.Again.IsZero() || len(at) != 5 {
			t.Errorf("given up: %+v", run)
		}
		at, p.outcome = nil, func(agenda.Start) (agenda.Result, error) {
			at = append(at, "x")
			return agenda.Result{}, bot.Permanent(errors.New("never"))
		}
		p.run(time.Hour)
		if run := p.last(); run.Outcome != bot.JobFailed || len(at) != 1 {
			t.Errorf("permanent: %+v", run)
		}
	})
	inPlant(t, 1, []bot.Job{job(t, "@every 1m", bot.Skip)}, func(p *plant) { // never into the next slot
		p.outcome = func(agenda.Start) (agenda.Result, error) { return agenda.Result{}, errors.New("no luck") }
		p.run(2*time.Minute + 59*time.Second)
		p.wants("2000-01-01T00:01:00Z/1", "2000-01-01T00:01:00Z/2", "2000-01-01T00:02:00Z/1", "2000-01-01T00:02:00Z/2")
		if run := p.last(); !run.Again.IsZero() {
			t.Errorf("an attempt is promised in the next slot: %+v", run)
		}
	})
}

// Who was told is not told again when somebody else could not be.
func TestX3OutputsAreSentOnce(t *testing.T) {
	inPlant(t, 2, []bot.Job{job(t, "@every 1h", bot.RunLate, "team:all", "webhook:noc")}, func(p *plant) {
		tries := 0
		p.outcome = func(agenda.Start) (agenda.Result, error) {
			return agenda.Result{Note: "told", Outputs: []agenda.Output{func(card.View) card.Message { return card.Message{Title: "News"} }}}, nil
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
			t.Errorf("told %v", p.pager.accepted)
		}
		run := p.last() // dan has a telephone alone, and nobody is connected who calls
		if run.Outcome != bot.JobFailed || !strings.Contains(run.Note, "tell dan") && !strings.Contains(run.Note, "tell Dan") || !run.Again.IsZero() {
			t.Errorf("%+v", run)
		}
		if page := p.pager.pages[0]; page.Purpose != workflow.ToKnow || len(page.Incidents) != 0 || page.Message.Title != "News" {
			t.Errorf("page %+v", page)
		}
	})
}

// Stopping is no failure: another replica, or the next start, goes on at once.
func TestX3AStopIsTakenOver(t *testing.T) {
	inPlant(t, 1, []bot.Job{job(t, "@every 1h", bot.RunLate)}, func(p *plant) {
		p.works["sweep"] = agenda.Work{Timeout: 30 * time.Minute, Do: func(ctx context.Context, s agenda.Start) (agenda.Result, error) {
			p.order = append(p.order, fmt.Sprint(s.Attempt))
			if s.Attempt == 1 {
				<-ctx.Done()
				return agenda.Result{}, ctx.Err()
			}
			return agenda.Result{Note: "swept"}, nil
		}}
		p.run(time.Hour + time.Minute)
		if run := p.last(); run.Outcome != bot.JobInterrupted || run.Again.IsZero() {
			t.Errorf("stopped: %+v", run)
		}
		p.run(time.Second)
		if run := p.last(); run.Outcome != bot.JobDone || run.Attempts != 2 || len(p.order) != 2 {
			t.Errorf("started again: %+v", run)
		}
	})
}

// What takes too long is ended, and a slot that comes meanwhile waits.
func TestX3ATimeoutEndsAnAttempt(t *testing.T) {
	inPlant(t, 2, []bot.Job{job(t, "@every 1h", bot.Skip)}, func(p *plant) {
		p.works["sweep"] = agenda.Work{Timeout: 10 * time.Minute, Do: func(ctx context.Context, _ agenda.Start) (agenda.Result, error) {
			p.order = append(p.order, time.Now().Format("15:04"))
			<-ctx.Done()
			return agenda.Result{}, ctx.Err()
		}}
		p.run(90 * time.Minute)
		if run := p.last(); !strings.Contains(strings.Join(p.order, " "), "01:00 01:10") || run.Outcome == bot.JobDone {
			t.Errorf("tried at %v: %+v", p.order, run)
		}
	})
}

// kill -9 at every edge of every commit: run-once-late runs the slot again
// under the same keys; skip records that it was interrupted. No slot is begun
// by two at once, and nothing that is on record as sent is sent again.
func TestX3KilledAtEveryCommitEdge(t *testing.T) {
	for _, missed := range []bot.Missed{bot.RunLate, bot.Skip} {
		for edge := range 24 {
			inPlant(t, 2, []bot.Job{job(t, "@every 1h", missed, "person:ana", "webhook:noc")}, func(p *plant) {
				p.outcome = func(s agenda.Start) (agenda.Result, error) {
					return agenda.Result{Note: "told", Outputs: []agenda.Output{func(card.View) card.Message { return card.Message{Title: "News"} }}}, nil
				}
				p.store.edge = func(commit int, after bool) error {
					if commit == edge/2+1 && after == (edge%2 == 1) {
						panic(killed{})
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
									if _, is := v.(killed); !is {
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

func (p *plant) judgeKilled(missed bot.Missed, edge int) {
	p.t.Helper()
	again, repeated := 0, 0
	for _, n := range p.started {
		again += n - 1
	}
	for _, n := range p.pager.accepted {
		repeated += n - 1
	}
	if run := p.last(); run.Outcome != bot.JobDone || run.Slot != "2000-01-01T04:00:00Z" {
		p.t.Errorf("%s, edge %d: in the end %+v", missed, edge, run)
	}
	if again > 1 || repeated > 1 {
		p.t.Errorf("%s, edge %d: started %v, told %v", missed, edge, p.started, p.pager.accepted)
	}
	switch {
	case missed == bot.Skip && again != 0:
		p.t.Errorf("edge %d: a slot was started twice: %v", edge, p.started)
	case missed == bot.RunLate && (len(p.started) != 4 || len(p.pager.accepted) != 8):
		p.t.Errorf("edge %d: started %v, told %v", edge, p.started, p.pager.accepted)
	}
}

// Many worlds in which the store fails before and after, and processes die.
func TestX3FaultyWorlds(t *testing.T) {
	worlds := 60
	if testing.Short() {
		worlds = 20
	}
	for seed := range worlds {
		inPlant(t, 1+seed%3, []bot.Job{job(t, "@every 1h", bot.RunLate, "person:ana", "person:ben", "webhook:noc")}, func(p *plant) {
			rng, faults := rand.New(rand.NewPCG(uint64(seed), 3)), true
			p.outcome = func(agenda.Start) (agenda.Result, error) {
				if faults && rng.IntN(6) == 0 {
					return agenda.Result{}, errStore
				}
				return agenda.Result{Note: "told", Outputs: []agenda.Output{func(card.View) card.Message { return card.Message{Title: "News"} }}}, nil
			}
			p.store.edge = func(int, bool) error {
				switch n := rng.IntN(40); {
				case !faults || n > 5:
					return nil
				case n < 2:
					panic(killed{})
				}
				return errStore
			}
			for range 10 * 60 * 2 {
				time.Sleep(30 * time.Second) //nolint:forbidigo // in a bubble of time
				n := rng.IntN(len(p.jobs))
				func() {
					defer func() {
						if v := recover(); v != nil {
							if _, is := v.(killed); !is {
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
			if run := p.last(); run.Outcome != bot.JobDone || len(run.Sent) != 3 || p.now().Sub(run.At) > 2*time.Hour {
				t.Errorf("seed %d: in the end %+v", seed, run)
			}
		})
	}
}

// A claim whose answer is lost is begun at once: nobody else may. What was
// carried out and could not be written down is not begun again by the same
// process, whatever the store says when it is back.
func TestX3LostAnswers(t *testing.T) {
	inPlant(t, 2, []bot.Job{job(t, "@every 1h", bot.Skip)}, func(p *plant) {
		p.store.edge = func(commit int, after bool) error {
			if commit == 2 && after { // the first is the record, the second the claim
				return errStore
			}
			return nil
		}
		p.run(time.Hour + 15*time.Second)
		p.wants("2000-01-01T01:00:00Z/1")
		if run := p.last(); run.Outcome != bot.JobDone || run.Attempts != 1 {
			t.Errorf("%+v", run)
		}
	})
	inPlant(t, 1, []bot.Job{job(t, "@every 1h", bot.Skip, "webhook:noc")}, func(p *plant) {
		p.outcome = func(agenda.Start) (agenda.Result, error) {
			return agenda.Result{Outputs: []agenda.Output{func(card.View) card.Message { return card.Message{Title: "News"} }}}, nil
		}
		p.store.edge = func(commit int, _ bool) error {
			if at := p.now().Sub(time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)); commit > 2 && at < 70*time.Second {
				return errStore
			}
			return nil
		}
		p.run(time.Hour + 10*time.Minute)
		p.wants("2000-01-01T01:00:00Z/1")
		if run := p.last(); run.Outcome != bot.JobInterrupted || len(p.pager.pages) != 1 {
			t.Errorf("%d pages, %+v", len(p.pager.pages), run)
		}
	})
	// One write's answer is lost in the middle: it is our own, and we go on.
	inPlant(t, 1, []bot.Job{job(t, "@every 1h", bot.Skip, "webhook:noc", "person:ana")}, func(p *plant) {
		p.outcome = func(agenda.Start) (agenda.Result, error) {
			return agenda.Result{Note: "told", Outputs: []agenda.Output{func(card.View) card.Message { return card.Message{Title: "News"} }}}, nil
		}
		p.store.edge = func(commit int, after bool) error {
			if after && (commit == 3 || commit == 5) {
				return errStore
			}
			return nil
		}
		p.run(time.Hour + time.Minute)
		p.wants("2000-01-01T01:00:00Z/1")
		if run := p.last(); run.Outcome != bot.JobDone || len(run.Sent) != 2 || len(p.pager.pages) != 2 || run.Attempts != 1 {
			t.Errorf("%d pages, %+v", len(p.pager.pages), run)
		}
	})
}
