package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/jobs"
	"tocsin/bot/timetable"
	"tocsin/workflow"
)

// crash is the panic that stands for kill -9.
type crash struct{}

func (crash) Crash() {}

var errStore = errors.New("injected fault")

// faultyStore fails or crashes before and after its commits, as the test says.
type faultyStore struct {
	*memory.Store
	mu      sync.Mutex
	commits int
	edge    func(commit int, after bool) error // may panic
}

func (s *faultyStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
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

// cluster is several replicas over one store, with a job that records its starts.
type cluster struct {
	t        *testing.T
	store    *faultyStore
	bots     []*app.App
	jobs     []*jobs.Runner
	works    map[string]jobs.Handler
	offset   time.Duration // of the clock from the bubble's, which begins in 2000
	pager    *notices
	log      *strings.Builder
	mu       sync.Mutex
	started  map[string]int // slot → how often
	order    []string
	outcome  func(s jobs.Start) (jobs.Result, error)
	takes    time.Duration
	replicas int
}

// notices is a pager that counts what it accepts, and may refuse.
type notices struct {
	mu       sync.Mutex
	accepted map[string]int
	pages    []bot.Page
	refuse   func(bot.Page) error
	takes    map[string]time.Duration // by person, how long it takes to accept
}

func (n *notices) Page(ctx context.Context, p bot.Page) error {
	select {
	case <-time.After(n.takes[p.Person]):
	case <-ctx.Done():
		return ctx.Err()
	}
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

func job(t *testing.T, spec string, missed bot.MissedPolicy, to ...workflow.Target) bot.Job {
	t.Helper()
	return bot.Job{Name: "sweep", Schedule: schedule(t, spec), Missed: missed, Enabled: true, To: to}
}

// inCluster runs a test with several replicas in a synctest bubble.
func inCluster(t *testing.T, replicas int, all []bot.Job, test func(p *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &cluster{
			t: t, store: &faultyStore{Store: memory.New()}, pager: &notices{accepted: map[string]int{}}, log: &strings.Builder{},
			started: map[string]int{}, replicas: replicas,
		}
		p.works = map[string]jobs.Handler{"sweep": {Handle: p.do}}
		p.build(all)
		test(p)
	})
}

func (p *cluster) build(all []bot.Job) {
	org := bottest.SampleOrganization()
	org.Jobs = all
	for range p.replicas {
		b, err := app.New(app.Config{
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

func (p *cluster) boot(b *app.App) *jobs.Runner {
	return jobs.NewRunner(jobs.Config{Engine: b.Engine, Ledger: b.Jobs, Delivery: b.Delivery, Log: slog.New(slog.NewTextHandler(&locked{w: p.log, mu: &p.mu}, nil)), Handlers: p.works})
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

func (p *cluster) now() time.Time { return time.Now().Add(p.offset) }

func (p *cluster) do(_ context.Context, s jobs.Start) (jobs.Result, error) {
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
	return jobs.Result{Note: "swept"}, nil
}

// run runs all replicas for a while.
func (p *cluster) run(d time.Duration) {
	ctx, cancel := context.WithCancel(p.t.Context())
	var all sync.WaitGroup
	for _, j := range p.jobs {
		all.Go(func() { j.Run(ctx) })
	}
	time.Sleep(d) //nolint:forbidigo // in a bubble of time
	cancel()
	all.Wait()
}

func (p *cluster) last() jobs.Run {
	p.t.Helper()
	run, _, err := p.bots[0].Jobs.Run(p.t.Context(), "sweep")
	if err != nil {
		p.t.Fatal(err)
	}
	return run
}

func (p *cluster) wants(order ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.order, order) {
		p.t.Errorf("started %q, want %q", p.order, order)
	}
}
