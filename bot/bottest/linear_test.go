package bottest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
)

// broken is a store with a fault.
type broken struct {
	*memory.Store
	commit func(context.Context, bot.Commit) (bot.Receipt, error)
	load   func(context.Context, string) (bot.Loaded, error)
	take   func(context.Context, alerts.Batch) ([]alerts.Receipt, error)
	claim  func(context.Context, bot.Claim) ([]bot.Lease, error)
}

func (b broken) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if b.commit == nil {
		return b.Store.Commit(ctx, c)
	}
	return b.commit(ctx, c)
}

func (b broken) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if b.load == nil {
		return b.Store.Load(ctx, id)
	}
	return b.load(ctx, id)
}

func (b broken) Take(ctx context.Context, batch alerts.Batch) ([]alerts.Receipt, error) {
	if b.take == nil {
		return b.Store.Take(ctx, batch)
	}
	return b.take(ctx, batch)
}

func (b broken) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	if b.claim == nil {
		return b.Store.Claim(ctx, q)
	}
	return b.claim(ctx, q)
}

// faults are the faults that a store may have.
var faults = map[string]func(s *memory.Store, b *broken){
	"an old state is read": func(s *memory.Store, b *broken) {
		var mu sync.Mutex
		old := map[string]bot.Loaded{}
		b.load = func(ctx context.Context, id string) (bot.Loaded, error) {
			l, err := s.Load(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			if was, there := old[id]; there && rand.IntN(4) == 0 {
				return was, nil
			}
			if err == nil {
				old[id] = l
			}
			return l, err
		}
	},
	"an update is lost": func(s *memory.Store, b *broken) {
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			r, err := s.Commit(ctx, c)
			if l, lost := s.Load(ctx, c.Incident); errors.Is(err, bot.ErrConflict) && lost == nil {
				c.Version = l.Version // overwrites a state that the caller has not read
				return s.Commit(ctx, c)
			}
			return r, err
		}
	},
	"an operation is done twice": func(s *memory.Store, b *broken) {
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			c.Operation = ""
			return s.Commit(ctx, c)
		}
	},
	"alerts are taken twice": func(s *memory.Store, b *broken) {
		b.take = func(ctx context.Context, batch alerts.Batch) ([]alerts.Receipt, error) {
			if r, err := s.Take(ctx, batch); err != nil || rand.IntN(4) > 0 {
				return r, err
			}
			return s.Take(ctx, batch)
		}
	},
	"alerts that were accepted are lost": func(s *memory.Store, b *broken) {
		b.take = func(ctx context.Context, batch alerts.Batch) ([]alerts.Receipt, error) {
			if len(batch.Arrivals) == 1 {
				return s.Take(ctx, batch)
			}
			r, err := s.Take(ctx, alerts.Batch{At: batch.At, Arrivals: batch.Arrivals[:1]})
			for range batch.Arrivals[1:] {
				r = append(r, alerts.Receipt{Change: alerts.Ignored})
			}
			return r, err
		}
	},
	"half a commit is seen": func(s *memory.Store, b *broken) {
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			if _, err := s.Commit(ctx, bot.Commit{At: c.At, Records: c.Records}); err != nil {
				return bot.Receipt{}, err
			}
			c.Records = nil
			return s.Commit(ctx, c)
		}
	},
	"a step keeps the old listing": func(s *memory.Store, b *broken) {
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			if all, err := s.ListOpen(ctx, bot.OpenQuery{Limit: 100}); err == nil {
				for _, l := range all {
					if l.ID == c.Incident {
						c.Listing.Need = l.Need
					}
				}
			}
			return s.Commit(ctx, c)
		}
	},
	"a lease is given to two": func(s *memory.Store, b *broken) {
		b.claim = func(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
			s.ForgetLeases()
			return s.Claim(ctx, q)
		}
	},
	"a lost lease settles": func(s *memory.Store, b *broken) {
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			r, err := s.Commit(ctx, c)
			if errors.Is(err, bot.ErrLeaseLost) {
				c.Settle = nil
				return s.Commit(ctx, c)
			}
			return r, err
		}
	},
	"a task is given before it is due": func(s *memory.Store, b *broken) {
		b.claim = func(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
			q.At = q.At.Add(3 * time.Second)
			q.For -= 3 * time.Second
			return s.Claim(ctx, q)
		}
	},
	"a newer card is lost": func(s *memory.Store, b *broken) {
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			c.Tasks = slices.DeleteFunc(slices.Clone(c.Tasks), func(t bot.Task) bool { return t.Rev > 1 })
			return s.Commit(ctx, c)
		}
	},
	"settling an older card settles the newer one": func(s *memory.Store, b *broken) {
		var mu sync.Mutex
		newest := map[string]int{}
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			mu.Lock()
			defer mu.Unlock()
			if c.Settle != nil && c.Settle.Rev > 0 && newest[c.Settle.Owner] > 0 {
				l := *c.Settle
				l.Rev, c.Settle = newest[l.Owner], &l
			}
			r, err := s.Commit(ctx, c)
			for _, t := range c.Tasks {
				if err == nil && t.Rev > 0 {
					newest[t.Owner] = t.Rev
				}
			}
			return r, err
		}
	},
	"an edit is lost": func(s *memory.Store, b *broken) {
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			if rand.IntN(4) == 0 {
				c.EditedMessages = nil
			}
			return s.Commit(ctx, c)
		}
	},
	"a refused commit is executed": func(s *memory.Store, b *broken) {
		b.commit = func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
			if r, err := s.Commit(ctx, c); err != nil || rand.IntN(4) > 0 {
				return r, err
			}
			return bot.Receipt{}, bot.ErrConflict
		}
	},
}

// TestLinearizableSees: the check finds each fault with one of the first seeds.
func TestLinearizableSees(t *testing.T) {
	for name, breaks := range faults {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(500) {
				b := &broken{Store: memory.New()}
				breaks(b.Store, b)
				if wrong := bottest.Linearize(t.Context(), []bot.Store{b, b}, seed); wrong != "" {
					if !strings.Contains(wrong, "no order explains") {
						t.Error(wrong)
					}
					t.Logf("seed %d: %s", seed, wrong)
					return
				}
			}
			t.Error("the fault was not found")
		})
	}
}

var errNetwork = errors.New("the network is gone")

// lossy loses some requests, and some answers to executed ones.
func lossy[T any](do func() (T, error)) (T, error) {
	var nothing T
	switch rand.IntN(20) { // with more of them there are too many orders to try
	case 0:
		return nothing, errNetwork
	case 1:
		_, _ = do()
		return nothing, errNetwork
	}
	return do()
}

// TestLinearizableUnclear: calls without an answer may or may not have been executed.
func TestLinearizableUnclear(t *testing.T) {
	bottest.Linearizable(t, func(*testing.T) []bot.Store {
		s := memory.New()
		return []bot.Store{&broken{
			Store: s,
			commit: func(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
				return lossy(func() (bot.Receipt, error) { return s.Commit(ctx, c) })
			},
			load: func(ctx context.Context, id string) (bot.Loaded, error) {
				return lossy(func() (bot.Loaded, error) { return s.Load(ctx, id) })
			},
			take: func(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
				return lossy(func() ([]alerts.Receipt, error) { return s.Take(ctx, b) })
			},
			claim: func(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
				if rand.IntN(3) > 0 {
					return s.Claim(ctx, q) // unclear leases multiply the orders to try
				}
				return lossy(func() ([]bot.Lease, error) { return s.Claim(ctx, q) })
			},
		}}
	})
}
