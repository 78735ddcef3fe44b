package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/redis"
	"tocsin/adapters/redis/redistest"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

var everyClass = bot.Classes{To: workflow.ClassDroppable}

// step is one step of an incident that has a wake-up due at once and owes one page.
func step(id string, version int) bot.Commit {
	return bot.Commit{
		At: bottest.Epoch, Incident: id, Version: version, Snapshot: fmt.Appendf(nil, "state %d", version+1), Open: true, WakeAt: bottest.Epoch,
		Events: []bot.StoredEvent{{Seq: version + 1, Body: []byte("event")}},
		Tasks: []bot.Task{{
			ID: fmt.Sprintf("%s/%d.0", id, version+1), Owner: id, Due: bottest.Epoch, Body: []byte("payload"),
			Lane: workflow.Lane{Class: workflow.ClassPage, Destination: fmt.Sprint("page:", version+1)},
		}},
	}
}

// batchOf is a batch of firing alerts, each in a group of its own.
func batchOf(keys ...string) alerts.Batch {
	b := alerts.Batch{At: bottest.Epoch}
	for _, k := range keys {
		b.Arrivals = append(b.Arrivals, alerts.Arrival{
			Integration: "i", Group: "group of " + k, Severity: workflow.SEV1, Declare: workflow.Declare{Title: "stub"},
			Alert: alerts.Alert{Key: k, State: alerts.Firing},
		})
	}
	return b
}

// openThroughProxy opens a store through a proxy.
func openThroughProxy(t *testing.T, server *redistest.Server) (*redis.Store, *redistest.Proxy) {
	t.Helper()
	proxy := redistest.NewProxy(t, server.Addr())
	return open(t, "redis://"+proxy.Addr()), proxy
}

// TestLostReplies: a call whose reply is lost is executed once, and answered in the
// end.
func TestLostReplies(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s, proxy := openThroughProxy(t, server)
	ctx := t.Context()
	lose := func() { proxy.LoseRepliesTo(1, "evalsha") }
	lost := func(what string) {
		t.Helper()
		if !proxy.Lost() {
			t.Errorf("%s: no reply was lost", what)
		}
	}
	for n := range 10 {
		lose()
		if r, err := s.Commit(ctx, step("INC-1", n)); err != nil || r.Version != n+1 {
			t.Fatalf("commit %d: %+v, %v", n, r, err)
		}
		lost("a commit")
	}
	if history, err := s.History(ctx, "INC-1", 0, 100); err != nil || len(history) != 10 {
		t.Errorf("%d events, %v", len(history), err)
	}
	lose()
	receipts, err := s.Take(ctx, batchOf("a", "b"))
	if err != nil || !receipts[0].New || receipts[1].Incident != "INC-3" {
		t.Fatalf("take: %+v, %v", receipts, err)
	}
	lost("a take")
	if l, failed := s.Load(ctx, "INC-2"); failed != nil || len(l.Mail) != 1 {
		t.Errorf("the mail of one alert came %d times, %v", len(l.Mail), failed)
	}
	lose()
	leases, err := s.Claim(ctx, bot.Claim{At: bottest.Epoch, For: time.Hour, Limit: 100, Classes: everyClass})
	if err != nil || len(leases) != 13 {
		t.Fatalf("claimed %d, %v", len(leases), err)
	}
	lost("a claim")
	for _, l := range leases {
		if l.ID != bot.WakeTask && string(l.Body) != "payload" || l.Token == "" {
			t.Errorf("a lease without its task: %+v", l)
		}
	}
	lose()
	if err := s.Postpone(ctx, leases[0], bottest.Epoch.Add(time.Hour)); err != nil {
		t.Errorf("postpone: %v", err)
	}
	lost("a postponement")
	lose()
	c := bot.Commit{At: bottest.Epoch, Incident: "INC-1", Settle: &leases[1], Operation: "op", Reply: []byte("reply")}
	if r, err := s.Commit(ctx, c); err != nil || r.Repeated {
		t.Errorf("settle: %+v, %v", r, err)
	}
	lost("a settlement")
}

// TestLostClaimOfCard: a claim whose reply is lost gets the card that was leased,
// although a newer card that is not due yet has replaced it.
func TestLostClaimOfCard(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s, proxy := openThroughProxy(t, server)
	other := open(t, server.URL())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	commit := func(version int, due time.Time) {
		t.Helper()
		c := step("INC-1", version)
		c.WakeAt = due
		c.Tasks = []bot.Task{{
			ID: "card", Owner: "INC-1", Due: due, Rev: version + 1, Body: fmt.Appendf(nil, "card %d", version+1),
			Lane: workflow.Lane{Class: workflow.ClassCard, Destination: "room"},
		}}
		if _, err := other.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	commit(0, bottest.Epoch)
	proxy.LoseRepliesTo(1000, "evalsha")
	got := make(chan []bot.Lease, 1)
	go func() {
		leases, err := s.Claim(ctx, bot.Claim{At: bottest.Epoch, For: time.Hour, Limit: 10, Classes: everyClass})
		if err != nil {
			t.Error(err)
		}
		got <- leases
	}()
	for due := bottest.Epoch; due.Equal(bottest.Epoch); {
		var err error
		if due, err = other.NextDue(ctx, everyClass); err != nil {
			t.Fatal(err)
		}
	}
	later := bottest.Epoch.Add(time.Minute)
	commit(1, later)
	proxy.Heal()
	leases := <-got
	if len(leases) != 2 || leases[1].Rev != 1 || string(leases[1].Body) != "card 1" || !leases[0].Due.Equal(bottest.Epoch) {
		t.Fatalf("claimed %+v", leases)
	}
	if _, err := s.Commit(ctx, bot.Commit{At: later, Incident: "INC-1", Settle: &leases[1]}); err != nil {
		t.Fatal(err)
	}
	leases, err := s.Claim(ctx, bot.Claim{At: later, For: time.Hour, Limit: 10, Classes: everyClass})
	if err != nil || len(leases) != 1 || string(leases[0].Body) != "card 2" {
		t.Errorf("after that: %+v, %v", leases, err)
	}
}

// TestScriptsFlushed: scripts are loaded again into a server that has lost them.
func TestScriptsFlushed(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	for n := range 3 {
		if _, err := server.Do("SCRIPT", "FLUSH"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(t.Context(), step("INC-1", n)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestX4Unavailable: while the server is down, every call fails with ErrUnavailable
// within seconds; after its restart everything that was answered is there.
func TestX4Unavailable(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	ctx := t.Context()
	if _, err := s.Commit(ctx, step("INC-1", 0)); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	_, commit := s.Commit(ctx, step("INC-1", 1))
	_, take := s.Take(ctx, batchOf("a"))
	_, load := s.Load(ctx, "INC-1")
	_, claim := s.Claim(ctx, bot.Claim{At: bottest.Epoch, For: time.Second, Limit: 1, Classes: everyClass})
	_, due := s.NextDue(ctx, everyClass)
	_, ready := s.NextDue(ctx, bot.Classes{}) // as /readyz asks
	for _, err := range []error{commit, take, load, claim, due, ready} {
		if !errors.Is(err, redis.ErrUnavailable) {
			t.Errorf("while the server is down: %v", err)
		}
	}
	server.Restart()
	if l, err := s.Load(ctx, "INC-1"); err != nil || l.Version != 1 {
		t.Errorf("after the restart: %+v, %v", l, err)
	}
	if _, err := s.Commit(ctx, step("INC-1", 1)); err != nil {
		t.Error(err)
	}
}

// TestTransientFailure: a call waits for a server that is unreachable for a moment.
func TestTransientFailure(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s, proxy := openThroughProxy(t, server)
	proxy.Cut()
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			if _, err := s.Commit(context.WithoutCancel(t.Context()), step(fmt.Sprint("INC-", n+1), 0)); err != nil {
				t.Error(err)
			}
		})
	}
	timer := time.AfterFunc(time.Second, proxy.Heal)
	defer timer.Stop()
	wg.Wait()
	proxy.HalfClose() // and one that does not answer is asked again
	timer = time.AfterFunc(time.Second, proxy.Heal)
	defer timer.Stop()
	if _, err := s.Commit(t.Context(), step("INC-1", 1)); err != nil {
		t.Error(err)
	}
}

// TestFailover: after Sentinel has made a replica the primary, changes go there.
func TestFailover(t *testing.T) {
	all := redistest.Sentinel(t)
	addrs := all.Addrs()
	s := open(t, fmt.Sprintf("redis://%s?addr=%s&addr=%s&master_name=%s", addrs[0], addrs[1], addrs[2], redistest.MasterName))
	ctx := t.Context()
	if _, err := s.Commit(ctx, step("INC-1", 0)); err != nil {
		t.Fatal(err)
	}
	old := all.Master()
	for _, n := range all.Nodes() { // Redis answers before its replicas have a change: wait until they have it
		for got, tick := any(nil), time.NewTicker(10*time.Millisecond); n != old && got != "1"; <-tick.C {
			got, _ = n.Do("HGET", "{tocsin}:i:1", "v")
		}
	}
	old.Kill()
	all.AwaitOther(old)
	var err error
	for range 20 { // the client needs some time to notice
		if _, err = s.Commit(ctx, step("INC-1", 1)); err == nil || errors.Is(err, bot.ErrConflict) {
			break
		}
	}
	if l, failed := s.Load(ctx, "INC-1"); err != nil || failed != nil || l.Version != 2 {
		t.Errorf("after the failover: version %d, %v, %v", l.Version, err, failed)
	}
}

// TestWatchOtherReplica: watchers are notified of changes that another replica makes,
// also after their connection was lost.
func TestWatchOtherReplica(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	here := open(t, server.URL())
	there, proxy := openThroughProxy(t, server)
	one, all := there.Watch(t.Context(), "INC-1"), there.Watch(t.Context(), "")
	wantNotified := func(what string, channels ...<-chan struct{}) {
		t.Helper()
		timer := time.NewTimer(10 * time.Second)
		defer timer.Stop()
		for _, c := range channels {
			select {
			case <-c:
			case <-timer.C:
				t.Fatalf("not notified of %s", what)
			}
		}
	}
	if _, err := here.Commit(t.Context(), step("INC-1", 0)); err != nil {
		t.Fatal(err)
	}
	wantNotified("a step", one, all)
	if _, err := here.Take(t.Context(), batchOf("a")); err != nil {
		t.Fatal(err)
	}
	wantNotified("mail", all)
	proxy.Cut()
	if _, err := here.Commit(t.Context(), step("INC-1", 1)); err != nil {
		t.Fatal(err)
	}
	proxy.Heal()
	wantNotified("what changed while it was cut off", one, all)
	proxy.HalfClose()
	if _, err := here.Commit(t.Context(), step("INC-1", 2)); err != nil {
		t.Fatal(err)
	}
	proxy.Heal()
	wantNotified("what changed while its connection was dead", one, all)
}

// TestX2Fencing: a worker whose lease has gone to another changes nothing (X2: replicas
// never act twice), and tokens grow.
func TestX2Fencing(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	a, b := open(t, server.URL()), open(t, server.URL())
	ctx := t.Context()
	if _, err := a.Commit(ctx, step("INC-1", 0)); err != nil {
		t.Fatal(err)
	}
	q := bot.Claim{At: bottest.Epoch, For: 10 * time.Second, Limit: 9, Classes: bot.Classes{To: workflow.ClassPage}}
	slow, err := a.Claim(ctx, q)
	if err != nil || len(slow) != 1 {
		t.Fatalf("%v, %v", slow, err)
	}
	q.At = q.At.Add(10 * time.Second)
	quick, err := b.Claim(ctx, q)
	if err != nil || len(quick) != 1 || quick[0].Token <= slow[0].Token {
		t.Fatalf("%v, %v", quick, err)
	}
	_, err = a.Commit(ctx, bot.Commit{At: q.At, Incident: "INC-1", Settle: &slow[0]})
	if !errors.Is(err, bot.ErrLeaseLost) {
		t.Errorf("the worker that lost its lease: %v", err)
	}
	if _, err = b.Commit(ctx, bot.Commit{At: q.At, Incident: "INC-1", Settle: &quick[0]}); err != nil {
		t.Error(err)
	}
}

// TestUnknownClass: a task of a class that no replica would claim is refused.
func TestUnknownClass(t *testing.T) {
	s := open(t, redistest.Start(t, redistest.Config{}).URL())
	c := step("INC-1", 0)
	c.Tasks[0].Lane.Class = 77
	_, err := s.Commit(t.Context(), c)
	wantError(t, err, "class 77", "known class")
	if _, there := s.Load(t.Context(), "INC-1"); !errors.Is(there, bot.ErrNotFound) {
		t.Errorf("it was written: %v", there)
	}
	if strings.Contains(err.Error(), "payload") {
		t.Error("the error shows the body of the task")
	}
}

// TestNumbersOnce: each number is given out once when several replicas reserve numbers
// and open incidents for alerts at the same time.
func TestNumbersOnce(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	stores := []*redis.Store{open(t, server.URL()), open(t, server.URL()), open(t, server.URL())}
	ctx := context.WithoutCancel(t.Context())
	const each = 300
	given := make(chan string, 2*each)
	inParallel(t, 2*each, 24, func(n int) error {
		s := stores[n%len(stores)]
		if n%2 == 0 {
			number, err := s.Reserve(ctx)
			given <- fmt.Sprint("INC-", number)
			return err
		}
		r, err := s.Take(ctx, batchOf(fmt.Sprint("alert ", n)))
		if err == nil {
			given <- r[0].Incident
		}
		return err
	})
	close(given)
	seen := map[string]bool{}
	for id := range given {
		if seen[id] {
			t.Errorf("%s was given out twice", id)
		}
		seen[id] = true
	}
	if !seen[fmt.Sprint("INC-", 2*each)] || len(seen) != 2*each {
		t.Errorf("%d numbers, with gaps", len(seen))
	}
}
