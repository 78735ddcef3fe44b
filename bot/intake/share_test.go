package intake_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestE10cShare: alerts of one integration that come after hundreds of another's are woken
// before those, whatever their severity, and within a flood the worst is woken first
// (E10c: integrations share fairly).
func TestE10cShare(t *testing.T) {
	for _, flood := range []string{"critical", "info"} {
		t.Run(flood, func(t *testing.T) {
			store := memory.New()
			w := bottest.NewApp(t, store)
			send := func(integration, severity string, keys ...string) []alerts.Receipt {
				all := make([]alerts.Alert, len(keys))
				for n, k := range keys {
					all[n] = alerts.Alert{Key: k, State: alerts.Firing, Severity: severity, Labels: map[string]string{"alertname": k}}
				}
				receipts, err := w.Intake.Receive(t.Context(), integration, all)
				if err != nil {
					t.Fatal(err)
				}
				return receipts
			}
			keys := make([]string, 1000)
			for n := range keys {
				keys[n] = fmt.Sprintf("flood %d", n)
			}
			send("prometheus", flood, keys...)
			w.Clock = w.Clock.Add(2 * time.Second)
			worst := send("prometheus", "critical", "worst")[0].Incident
			warning := send("other", "warning", "warning")[0].Incident
			critical := send("other", "critical", "critical")[0].Incident
			place := map[string]int{}
			leases, err := store.Claim(t.Context(), bot.Claim{
				At: w.Clock, For: time.Minute, Limit: 2000, Classes: bot.Classes{From: workflow.ClassWake, To: workflow.ClassWake},
			})
			if err != nil || len(leases) != 1003 {
				t.Fatalf("claimed %d: %v", len(leases), err)
			}
			for n, l := range leases {
				place[l.Owner] = n
			}
			if place[critical] > 250 || place[warning] > 251 {
				t.Errorf("the other integration's alerts are woken as number %d and %d", place[critical], place[warning])
			}
			if flood == "info" && place[worst] > 252 {
				t.Errorf("the worst alert of the flood is woken as number %d", place[worst])
			}
		})
	}
}

// TestE10cFirstPage: the first page keeps the place that its alert had, so that it goes
// before those of a flood (E10c: integrations share fairly).
func TestE10cFirstPage(t *testing.T) {
	store := memory.New()
	w := bottest.NewApp(t, store)
	if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{Key: "k", State: alerts.Firing, Severity: "critical"}}); err != nil {
		t.Fatal(err)
	}
	claim := func(class workflow.Class) []bot.Lease {
		leases, err := store.Claim(t.Context(), bot.Claim{At: w.Clock, For: time.Minute, Limit: 10, Classes: bot.Classes{From: class, To: class}})
		if err != nil || len(leases) == 0 {
			t.Fatalf("claimed %d: %v", len(leases), err)
		}
		return leases
	}
	wake := claim(workflow.ClassWake)[0]
	if _, err := w.Engine.Apply(t.Context(), wake.Owner, bot.Change{By: workflow.Actor{Kind: workflow.BySystem}, Command: workflow.Wake{}, Settle: &wake}); err != nil {
		t.Fatal(err)
	}
	if page := claim(workflow.ClassFirstPage)[0]; !page.Due.Equal(wake.Due) || !page.Due.Before(w.Clock) {
		t.Errorf("the page is due at %s, its wake-up at %s", page.Due, wake.Due)
	}
}

// TestE10cStoring: an integration whose deliveries are being stored keeps no other from
// having theirs stored (E10c: integrations share fairly; I2: overload is a 503).
func TestE10cStoring(t *testing.T) {
	store := &stuckStore{Store: memory.New(), entered: make(chan struct{}, 10)}
	w := bottest.NewApp(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	store.stuck.Store(true)
	var deliveries sync.WaitGroup
	for n := range 5 {
		deliveries.Go(func() {
			all := make([]alerts.Alert, 250)
			for k := range all {
				all[k] = alerts.Alert{Key: fmt.Sprint(n, " ", k), State: alerts.Firing}
			}
			if _, err := w.Intake.Receive(ctx, "prometheus", all); err == nil {
				t.Error("a delivery that was never stored was accepted")
			}
		})
	}
	<-store.entered
	<-store.entered
	store.stuck.Store(false)
	if _, err := w.Intake.Receive(t.Context(), "other", []alerts.Alert{{Key: "k", State: alerts.Firing}}); err != nil {
		t.Error(err)
	}
	if n := len(store.entered); n > 0 {
		t.Errorf("%d more deliveries of 250 alerts were being stored at the same time", n)
	}
	store.stuck.Store(true)
	cancel()
	deliveries.Wait()
}

// stuckStore stores nothing while it is stuck.
type stuckStore struct {
	bot.Store
	stuck   atomic.Bool
	entered chan struct{}
}

func (s *stuckStore) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	if s.stuck.Load() {
		s.entered <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Store.Take(ctx, b)
}
