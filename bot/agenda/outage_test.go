package agenda_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
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

// unreachableStore is a store that can be unreachable, lose a lease, or not renew any.
type unreachableStore struct {
	bot.Store
	unreachable, loses, renewsNone atomic.Bool
}

func (o *unreachableStore) Renew(ctx context.Context, l bot.Lease, until time.Time) error {
	if o.unreachable.Load() || o.renewsNone.Load() {
		return errUnreachable
	}
	return o.Store.Renew(ctx, l, until)
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
				b, end := paging(t, store, func(context.Context, bot.Page) error {
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

// TestX2StoodStill: a process that was suspended for longer than its lease finds that
// another one has the page. It abandons its send and reports nothing, and does not open
// the circuit of the pager.
func TestX2StoodStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &unreachableStore{Store: memory.New()}
		store.renewsNone.Store(true)
		var sent atomic.Int32
		b, end := paging(t, store, func(ctx context.Context, page bot.Page) error {
			if page.Person != "dan" { // the next step, because this process was not really suspended
				return nil
			}
			switch sent.Add(1) {
			case 1: // suspended until 12 s; its lease was claimed at 10 s
				time.Sleep(12 * time.Second) //nolint:forbidigo // the time of the bubble
				store.renewsNone.Store(false)
				<-ctx.Done() // the first renewal says that the lease is lost
				return ctx.Err()
			case 2: // the process that holds the lease then, from 10 s to 13 s
				time.Sleep(3 * time.Second) //nolint:forbidigo // as above
			}
			return nil
		})
		defer end()
		pass(30 * time.Second)
		i, err := b.LoadUnchecked(t.Context(), "INC-1")
		if err != nil || sent.Load() != 2 || i.Paging.Pages[0].State != workflow.DeliveryAccepted {
			t.Errorf("sent %d times: %+v %v", sent.Load(), i.Paging.Pages, err)
		}
	})
}

// TestX2LeaseRenewed: while a send goes on for minutes, no other process sends the page
// (X2b: a lease is renewed while its send goes on). When the first one dies, another
// sends it within ten seconds.
func TestX2LeaseRenewed(t *testing.T) {
	for _, dies := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := &unreachableStore{Store: memory.New()}
			start := time.Now()
			var sent []time.Duration
			var mu sync.Mutex
			b, end := paging(t, store, func(ctx context.Context, page bot.Page) error {
				mu.Lock()
				sent = append(sent, time.Since(start))
				first := len(sent) == 1 && page.Person == "dan"
				mu.Unlock()
				if first {
					timer := time.NewTimer(4 * time.Minute)
					defer timer.Stop()
					select {
					case <-timer.C:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			})
			defer end()
			pass(time.Minute)
			if dies {
				store.renewsNone.Store(true)
			}
			pass(time.Minute)
			mu.Lock()
			pages := slices.Clone(sent)
			mu.Unlock()
			i, err := b.LoadUnchecked(t.Context(), "INC-1")
			if err != nil {
				t.Fatal(err)
			}
			byDan := slices.DeleteFunc(slices.Clone(i.Paging.Pages), func(p workflow.PageState) bool { return p.ID != "1.0.0.0/dan/sms" })
			switch {
			case !dies && (len(byDan) != 1 || byDan[0].State != workflow.DeliverySlow):
				t.Errorf("the page that is being sent: %+v", byDan)
			case dies && (len(byDan) != 1 || byDan[0].State != workflow.DeliveryAccepted):
				t.Errorf("the page of the dead process: %+v, sent at %v", byDan, pages)
			}
			if late := slices.ContainsFunc(pages, func(d time.Duration) bool { return d > 60*time.Second && d <= 70*time.Second }); late != dies {
				t.Errorf("dies %v: sent at %v", dies, pages)
			}
		})
	}
}

// paging returns a running application whose first incident pages one person.
func paging(t *testing.T, store bot.Store, page pagerFunc) (b *app.App, end func()) {
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
