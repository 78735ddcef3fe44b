//go:build chaos

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// A program that is built with `-tags chaos` kills itself at random and may have
// a clock that is wrong, for `make chaos`. It reads these variables, which a
// program without the tag ignores:
//
//	TOCSIN_CHAOS=SEED:CHANCE[:EDGE]  SIGKILL at each edge with this probability
//	TOCSIN_CHAOS_SKEW=-5m            how far this machine's clock is ahead
//	TOCSIN_CHAOS_AUDIT=5s            time between two audits, instead of a minute
//
// Edges are commit, take, claim, postpone, page and cancel, each with .before (the
// call has not begun) and .after (the call is done, and its caller has not got the
// result). With an EDGE, such as page.after, only that one kills.

// chaos decides at each edge whether the process is killed.
type chaos struct {
	mu     sync.Mutex
	rng    *rand.Rand
	chance float64
	only   string
}

// readChaos reads TOCSIN_CHAOS. It panics when the value is malformed: a test
// without kills would prove nothing.
func readChaos(stream uint64) *chaos {
	value := os.Getenv("TOCSIN_CHAOS")
	if value == "" {
		return &chaos{rng: rand.New(rand.NewPCG(0, stream))}
	}
	seed, rest, _ := strings.Cut(value, ":")
	chance, only, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(seed, 10, 64)
	f := &chaos{rng: rand.New(rand.NewPCG(n, stream)), only: only}
	if err == nil {
		f.chance, err = strconv.ParseFloat(chance, 64)
	}
	if err != nil {
		panic(fmt.Sprintf("read TOCSIN_CHAOS=%s: %v; write SEED:CHANCE, such as 7:0.01, or SEED:CHANCE:EDGE, such as 7:0.5:page.after", value, err))
	}
	return f
}

// passEdge kills the process, or does nothing.
func (c *chaos) passEdge(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.only != "" && c.only != name || c.rng.Float64() >= c.chance {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
		select {} // until the signal arrives
	}
}

// withChaos returns a store that passes an edge at every change.
func withChaos(s store) store { return &chaosStore{s, readChaos(1)} }

type chaosStore struct {
	store
	chaos *chaos
}

// Commit implements [bot.Incidents].
func (s *chaosStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	s.chaos.passEdge("commit.before")
	defer s.chaos.passEdge("commit.after")
	return s.store.Commit(ctx, c)
}

// Take implements [bot.Intake].
func (s *chaosStore) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	s.chaos.passEdge("take.before")
	defer s.chaos.passEdge("take.after")
	return s.store.Take(ctx, b)
}

// Claim implements [bot.Agenda]. A claim that finds nothing passes no edge, else
// idle processes would be killed most.
func (s *chaosStore) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	leases, err := s.store.Claim(ctx, q)
	if len(leases) > 0 {
		s.chaos.passEdge("claim.after")
	}
	return leases, err
}

// Postpone implements [bot.Agenda].
func (s *chaosStore) Postpone(ctx context.Context, l bot.Lease, due time.Time) error {
	s.chaos.passEdge("postpone.before")
	defer s.chaos.passEdge("postpone.after")
	return s.store.Postpone(ctx, l, due)
}

// pagersWithChaos returns pagers that pass an edge at every send.
func pagersWithChaos(all map[string]bot.Pager) map[string]bot.Pager {
	c := readChaos(2)
	wrapped := make(map[string]bot.Pager, len(all))
	for name, p := range all {
		wrapped[name] = &chaosPager{p, c}
		if canceler, ok := p.(bot.Canceler); ok {
			wrapped[name] = &chaosCanceler{chaosPager{p, c}, canceler}
		}
		if _, ok := p.(bot.Rechecker); ok { // its edges are the calls that it makes
			wrapped[name] = p
		}
	}
	return wrapped
}

type chaosPager struct {
	pager bot.Pager
	chaos *chaos
}

// Page implements [bot.Pager].
func (s *chaosPager) Page(ctx context.Context, p bot.Page) error {
	s.chaos.passEdge("page.before")
	defer s.chaos.passEdge("page.after")
	return s.pager.Page(ctx, p)
}

type chaosCanceler struct {
	chaosPager
	canceler bot.Canceler
}

// Cancel implements [bot.Canceler].
func (s *chaosCanceler) Cancel(ctx context.Context, p bot.Page, why string) error {
	s.chaos.passEdge("cancel.before")
	defer s.chaos.passEdge("cancel.after")
	return s.canceler.Cancel(ctx, p, why)
}

// clockWithChaos returns a clock that is wrong by TOCSIN_CHAOS_SKEW.
func clockWithChaos(now func() time.Time) func() time.Time {
	skew := readChaosDuration("TOCSIN_CHAOS_SKEW")
	if skew == 0 {
		return now
	}
	return func() time.Time { return now().Add(skew) }
}

// chaosAuditInterval returns the time between two audits of the agenda; 0: the
// default.
func chaosAuditInterval() time.Duration { return readChaosDuration("TOCSIN_CHAOS_AUDIT") }

// readChaosDuration reads a duration from the environment; 0 when it is not set.
func readChaosDuration(name string) time.Duration {
	value := os.Getenv(name)
	if value == "" {
		return 0
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		panic(fmt.Sprintf("read %s=%s: %v; write a duration such as -5m", name, value, err))
	}
	return d
}
