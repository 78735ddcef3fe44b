package agenda_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
)

// stalledStore stops answering loads after pages have been claimed: each load takes as
// long as three tries of a frozen Redis, unless its context ends.
type stalledStore struct {
	*memory.Store
	from    int // incidents that are declared before it stalls
	stalled atomic.Bool
}

func (s *stalledStore) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	if n, err := s.Reserved(ctx); err != nil || n < s.from {
		return nil, err
	}
	leases, err := s.Store.Claim(ctx, q)
	if len(leases) > 0 {
		s.stalled.Store(true)
	}
	return leases, err
}

// Reserved returns the number of incidents.
func (s *stalledStore) Reserved(ctx context.Context) (int, error) {
	all, err := s.List(ctx, bot.Query{Limit: 1000})
	return len(all), err
}

func (s *stalledStore) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if s.stalled.Load() {
		timer := time.NewTimer(9 * time.Second)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return bot.Loaded{}, ctx.Err()
		case <-timer.C:
			return bot.Loaded{}, errors.New("i/o timeout")
		}
	}
	return s.Store.Load(ctx, id)
}

// TestX4StalledStore: claimed pages are sent although the store has stopped answering,
// while their leases last: single pages, and those of a bundle as one message that
// names them all (E3: check again before each send; X2: replicas never act twice; X4:
// go on without the store).
func TestX4StalledStore(t *testing.T) {
	for _, incidents := range []int{1, 6} {
		synctest.Test(t, func(t *testing.T) {
			store := &stalledStore{Store: memory.New(), from: incidents}
			sms := &pager{at: map[string]time.Duration{}, start: time.Now()}
			quiet := slog.New(slog.DiscardHandler)
			b, err := app.New(app.Config{
				Store: store, Organization: bottest.SampleOrganization(), Secret: []byte("0123456789abcdef"), Log: quiet, Now: time.Now,
				Pagers: map[string]bot.Pager{"email": sms, "sms": sms, "webhook": sms, "log": sms},
			})
			if err != nil {
				t.Fatal(err)
			}
			ana, _ := access.Person(b.Organization(), "ana")
			for range incidents {
				if r, err := b.Dispatcher.Run(t.Context(), dispatch.Request{Text: "declare Checkout is down --sev 1 --service checkout", Speaker: ana}); err != nil || !r.OK {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { b.Agenda(0).Run(ctx); close(ended) }()
			pass(5 * time.Second)
			if got := sms.sent(); len(got) != incidents {
				t.Errorf("%d of %d pages went out: %v", len(got), incidents, slices.Sorted(maps.Keys(got)))
			}
			cancel()
			<-ended
		})
	}
}
