package intake_test

import (
	"context"
	"fmt"
	"slices"
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

// TestE10cUpdates: many updates of one incident are no flood: the next incident of their
// integration is woken before those of a flood (E10c: integrations share fairly).
func TestE10cUpdates(t *testing.T) {
	store := memory.New()
	w := bottest.NewApp(t, store)
	for n := range 150 {
		receive(t, w, "chatty", alerts.Alert{Key: fmt.Sprint(n), State: alerts.Firing, Severity: "info", Labels: map[string]string{"alertname": "Noise"}})
	}
	receive(t, w, "prometheus", numbered(500, alerts.Alert{State: alerts.Firing, Severity: "critical"})...)
	next := receive(t, w, "chatty", alerts.Alert{Key: "next", State: alerts.Firing, Severity: "info", Labels: map[string]string{"alertname": "Next"}})[0]
	if place := wakeOrder(t, w, store)[next.Incident]; place > 255 {
		t.Errorf("the incident is woken as number %d", place)
	}
}

// TestE10cTakenAgain: alerts of many incidents that were held or quiet come again as a
// flood, so that another integration's first page goes before them (E10c: integrations
// share fairly).
func TestE10cTakenAgain(t *testing.T) {
	const count = 300
	for _, how := range []string{"held", "quiet"} {
		t.Run(how, func(t *testing.T) {
			store := memory.New()
			w := bottest.NewApp(t, store)
			start := w.Clock
			alert := alerts.Alert{State: alerts.Firing, Severity: "critical", StartedAt: start}
			receipts := receive(t, w, "prometheus", numbered(count, alert)...)
			if how == "held" {
				w.Clock = start.Add(time.Second)
				ended := alert
				ended.State, ended.EndedAt = alerts.Resolved, w.Clock
				receive(t, w, "prometheus", numbered(count, ended)...)
				w.Clock = start.Add(2 * time.Second)
				for part := range slices.Chunk(numbered(count, alert), 100) {
					receive(t, w, "prometheus", part...)
				}
			}
			var held []workflow.HeldAlert
			for _, one := range receipts {
				l, err := store.Load(t.Context(), one.Incident)
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, l.Mail[len(l.Mail)-1].Held...)
			}
			wakeAll(t, w, store)
			w.Clock = start.Add(2 * time.Minute)
			wakeAll(t, w, store) // those that hold alerts pass them on
			w.Clock = w.Clock.Add(time.Second)
			for n, one := range receipts {
				var err error
				if how == "held" {
					err = w.Intake.Judge(t.Context(), held[n:n+1])
				} else {
					err = w.Intake.Reroute(t.Context(), one.Incident, time.Time{})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			w.Clock = w.Clock.Add(time.Millisecond)
			other := receive(t, w, "other", alerts.Alert{Key: "k", State: alerts.Firing, Severity: "critical"})[0].Incident
			order := wakeOrder(t, w, store)
			if len(order) != count+1 || order[other] > 110 {
				t.Errorf("of %d incidents, the other integration's is woken as number %d", len(order), order[other])
			}
		})
	}
}

// receive stores alerts of an integration.
func receive(t *testing.T, w *bottest.App, integration string, all ...alerts.Alert) []alerts.Receipt {
	t.Helper()
	receipts, err := w.Intake.Receive(t.Context(), integration, all)
	if err != nil {
		t.Fatal(err)
	}
	return receipts
}

// numbered returns an alert many times, each with a key and a name of its own.
func numbered(count int, a alerts.Alert) []alerts.Alert {
	all := make([]alerts.Alert, count)
	for n := range all {
		all[n] = a
		all[n].Key = fmt.Sprint("flood ", n)
		all[n].Labels = map[string]string{"alertname": all[n].Key}
	}
	return all
}

// wakeOrder claims the incidents that are to be woken, and returns the place of each.
func wakeOrder(t *testing.T, w *bottest.App, store bot.Store) map[string]int {
	t.Helper()
	place := map[string]int{}
	for n, l := range claimWakes(t, w, store) {
		place[l.Owner] = n
	}
	return place
}

// wakeAll lets each incident read its mail.
func wakeAll(t *testing.T, w *bottest.App, store bot.Store) {
	t.Helper()
	for _, l := range claimWakes(t, w, store) {
		if _, err := w.Engine.Apply(t.Context(), l.Owner, bot.Change{By: workflow.Actor{Kind: workflow.BySystem}, Command: workflow.Wake{}, Settle: &l}); err != nil {
			t.Fatal(err)
		}
	}
}

func claimWakes(t *testing.T, w *bottest.App, store bot.Store) []bot.Lease {
	t.Helper()
	leases, err := store.Claim(t.Context(), bot.Claim{
		At: w.Clock, For: time.Minute, Limit: 2000, Classes: bot.Classes{From: workflow.ClassWake, To: workflow.ClassWake},
	})
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

// TestI5cParts: any number of held or quiet alerts is taken again in parts, so that none
// blocks the store (I5c: an old start is judged again after a minute; I6: firing again
// reopens or links).
func TestI5cParts(t *testing.T) {
	store := &countingStore{Store: memory.New()}
	w := bottest.NewApp(t, store)
	all := numbered(600, alerts.Alert{State: alerts.Firing})
	for n := range all {
		all[n].Labels = map[string]string{"alertname": "Disk"}
	}
	incident := receive(t, w, "prometheus", all...)[0].Incident
	for _, how := range []string{"held", "quiet"} {
		store.sizes = nil
		var err error
		if how == "held" {
			held := make([]workflow.HeldAlert, 600)
			for n := range held {
				held[n] = workflow.HeldAlert{Integration: "prometheus", Key: all[n].Key, Since: w.Clock}
			}
			err = w.Intake.Judge(t.Context(), held)
		} else {
			err = w.Intake.Reroute(t.Context(), incident, time.Time{})
		}
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(store.sizes, []int{250, 250, 100}) {
			t.Errorf("%s: taken in parts of %v", how, store.sizes)
		}
	}
}

// countingStore notes the size of each batch.
type countingStore struct {
	bot.Store
	sizes []int
}

func (s *countingStore) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	s.sizes = append(s.sizes, len(b.Arrivals))
	return s.Store.Take(ctx, b)
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
