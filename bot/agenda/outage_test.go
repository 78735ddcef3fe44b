package agenda_test

import (
	"context"
	"errors"
	"log/slog"
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
	"tocsin/workflow"
)

// unreachableStore is a store that can be unreachable, or lose a lease.
type unreachableStore struct {
	bot.Store
	unreachable, loses atomic.Bool
}

var errUnreachable = errors.New("the store is away")

func (o *unreachableStore) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if o.unreachable.Load() {
		return bot.Loaded{}, errUnreachable
	}
	return o.Store.Load(ctx, id)
}

func (o *unreachableStore) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	if o.unreachable.Load() {
		return nil, errUnreachable
	}
	return o.Store.Claim(ctx, q)
}

func (o *unreachableStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if o.unreachable.Load() {
		return bot.Receipt{}, errUnreachable
	}
	if c.Settle != nil && c.Settle.ID != bot.WakeTask && o.loses.CompareAndSwap(true, false) {
		return bot.Receipt{}, bot.ErrLeaseLost
	}
	return o.Store.Commit(ctx, c)
}

// TestE3Outage: a page that was sent while the store was unreachable, or whose lease
// was lost meanwhile, is not sent again by the same process. Its delivery is recorded
// once the store answers.
func TestE3Outage(t *testing.T) {
	for name, fail := range map[string]func(*unreachableStore){
		"away for 5 s": func(o *unreachableStore) {
			o.unreachable.Store(true)
			time.AfterFunc(5*time.Second, func() { o.unreachable.Store(false) })
		},
		"away for 1 min": func(o *unreachableStore) {
			o.unreachable.Store(true)
			time.AfterFunc(time.Minute, func() { o.unreachable.Store(false) })
		},
		"lease lost": func(o *unreachableStore) { o.loses.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &unreachableStore{Store: memory.New()}
				sent := 0
				b, end := paging(t, store, func() error {
					sent++
					if sent == 1 {
						fail(store)
					}
					return nil
				})
				defer end()
				pass(90 * time.Second) // the next step comes at two minutes
				i, err := b.LoadUnchecked(t.Context(), "INC-1")
				if err != nil || sent != 1 || len(i.Paging.Pages) != 1 || i.Paging.Pages[0].State != workflow.DeliveryAccepted {
					t.Errorf("sent %d times: %+v %v", sent, i.Paging.Pages, err)
				}
			})
		})
	}
}

// TestX2StoodStill: a process that was suspended for longer than its lease finds its
// send timed out. It does not report that, and does not open the circuit of the pager.
func TestX2StoodStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int32
		b, end := paging(t, memory.New(), func() error {
			switch sent.Add(1) {
			case 1: // frozen from 0 s to 12 s
				time.Sleep(12 * time.Second) //nolint:forbidigo // the time of the bubble
				return context.DeadlineExceeded
			case 2: // the process that holds the lease then, from 10 s to 13 s
				time.Sleep(3 * time.Second) //nolint:forbidigo // as above
			}
			return nil
		})
		defer end()
		pass(30 * time.Second)
		i, err := b.LoadUnchecked(t.Context(), "INC-1")
		if err != nil || sent.Load() != 2 || len(i.Paging.Pages) != 1 || i.Paging.Pages[0].State != workflow.DeliveryAccepted {
			t.Errorf("sent %d times: %+v %v", sent.Load(), i.Paging.Pages, err)
		}
	})
}

// paging returns a running application whose first incident pages one person.
func paging(t *testing.T, store bot.Store, page pages) (b *app.App, end func()) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	b, err := app.New(app.Config{
		Store: store, Organization: bottest.SampleOrganization(), Secret: []byte("0123456789abcdef"), Log: quiet, Now: time.Now,
		Pagers: map[string]bot.Pager{"sms": page},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { b.Agenda(0).Run(ctx); close(ended) }()
	ana, _ := access.Person(b.Organization(), "ana")
	reply, err := b.Dispatcher.Run(ctx, dispatch.Request{Text: "declare Checkout is down --sev 1 --service checkout", Speaker: ana})
	if err != nil || !reply.OK {
		t.Fatalf("%+v %v", reply, err)
	}
	return b, func() { cancel(); <-ended }
}

// pages is a pager that calls a function for each page.
type pages func() error

// Page implements [bot.Pager].
func (p pages) Page(context.Context, bot.Page) error { return p() }
