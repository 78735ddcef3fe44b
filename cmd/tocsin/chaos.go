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

// A program built with `-tags chaos` kills itself, and believes in a clock that
// is wrong. It is for `make chaos` and its like; without the tag nothing of it
// exists, and none of these is read.
//
//	TOCSIN_CHAOS=SEED:CHANCE[:EDGE]  SIGKILL at an edge, with this chance at each
//	TOCSIN_CHAOS_SKEW=-5m            how far this machine's clock is ahead
//	TOCSIN_CHAOS_AUDIT=5s            how long between two audits, instead of a minute
//
// Edges are commit, take, claim, postpone, page and cancel, each with .before
// and .after: what was asked for has not begun, or its answer is there and
// nobody has seen it. With an EDGE, such as page.after, the others are safe.

// fate decides at each edge whether the process lives on.
type fate struct {
	mu     sync.Mutex
	rng    *rand.Rand
	chance float64
	only   string
}

// readFate reads TOCSIN_CHAOS. What cannot be read ends a test that would
// otherwise prove nothing.
func readFate(stream uint64) *fate {
	said := os.Getenv("TOCSIN_CHAOS")
	if said == "" {
		return &fate{rng: rand.New(rand.NewPCG(0, stream))}
	}
	seed, rest, _ := strings.Cut(said, ":")
	chance, only, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(seed, 10, 64)
	f := &fate{rng: rand.New(rand.NewPCG(n, stream)), only: only}
	if err == nil {
		f.chance, err = strconv.ParseFloat(chance, 64)
	}
	if err != nil {
		panic(fmt.Sprintf("read TOCSIN_CHAOS=%s: %v; what would be right: 7:0.01, or 7:0.5:page.after", said, err))
	}
	return f
}

// edge kills the process, or does nothing.
func (f *fate) edge(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.only != "" && f.only != name || f.rng.Float64() >= f.chance {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
		select {} // nothing more happens here
	}
}

// shaken is a store whose every change is an edge.
func shaken(s store) store { return &shakenStore{s, readFate(1)} }

type shakenStore struct {
	store
	fate *fate
}

// Commit implements [bot.Incidents].
func (s *shakenStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	s.fate.edge("commit.before")
	defer s.fate.edge("commit.after")
	return s.store.Commit(ctx, c)
}

// Take implements [bot.Intake].
func (s *shakenStore) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	s.fate.edge("take.before")
	defer s.fate.edge("take.after")
	return s.store.Take(ctx, b)
}

// Claim implements [bot.Agenda]. One that finds nothing is no edge: idle
// processes would die most.
func (s *shakenStore) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	leases, err := s.store.Claim(ctx, q)
	if len(leases) > 0 {
		s.fate.edge("claim.after")
	}
	return leases, err
}

// Postpone implements [bot.Agenda].
func (s *shakenStore) Postpone(ctx context.Context, l bot.Lease, due time.Time) error {
	s.fate.edge("postpone.before")
	defer s.fate.edge("postpone.after")
	return s.store.Postpone(ctx, l, due)
}

// shakenPagers are pagers whose every send is an edge.
func shakenPagers(all map[string]bot.Pager) map[string]bot.Pager {
	f := readFate(2)
	shaken := make(map[string]bot.Pager, len(all))
	for name, p := range all {
		shaken[name] = &shakenPager{p, f}
		if c, is := p.(bot.Canceler); is {
			shaken[name] = &shakenCanceler{shakenPager{p, f}, c}
		}
		if _, is := p.(bot.Rechecker); is { // its edges are the calls that it makes
			shaken[name] = p
		}
	}
	return shaken
}

type shakenPager struct {
	pager bot.Pager
	fate  *fate
}

// Page implements [bot.Pager].
func (s *shakenPager) Page(ctx context.Context, p bot.Page) error {
	s.fate.edge("page.before")
	defer s.fate.edge("page.after")
	return s.pager.Page(ctx, p)
}

type shakenCanceler struct {
	shakenPager
	canceler bot.Canceler
}

// Cancel implements [bot.Canceler].
func (s *shakenCanceler) Cancel(ctx context.Context, p bot.Page, why string) error {
	s.fate.edge("cancel.before")
	defer s.fate.edge("cancel.after")
	return s.canceler.Cancel(ctx, p, why)
}

// shakenClock is the clock of a machine that is wrong about the time.
func shakenClock(now func() time.Time) func() time.Time {
	skew := duration("TOCSIN_CHAOS_SKEW")
	if skew == 0 {
		return now
	}
	return func() time.Time { return now().Add(skew) }
}

// shakenAudit is how long the agenda waits between two audits; zero: as long
// as it always does.
func shakenAudit() time.Duration { return duration("TOCSIN_CHAOS_AUDIT") }

func duration(name string) time.Duration {
	said := os.Getenv(name)
	if said == "" {
		return 0
	}
	d, err := time.ParseDuration(said)
	if err != nil {
		panic(fmt.Sprintf("read %s=%s: %v; what would be right: -5m", name, said, err))
	}
	return d
}
