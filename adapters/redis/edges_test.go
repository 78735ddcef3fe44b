package redis_test

import (
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

// endCommit is a commit that closes an incident, which then owes nothing and holds
// no group.
func endCommit(s *redis.Store, t *testing.T, id, group string) bot.Commit {
	t.Helper()
	l, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c := bot.Commit{At: bottest.Epoch, Incident: id, Version: l.Version, Snapshot: []byte("closed"), Events: []bot.StoredEvent{{Seq: l.Version + 1, Body: []byte("event")}}}
	for _, m := range l.Mail {
		c.ReadMail = m.Seq
	}
	if group != "" {
		c.Group = &bot.GroupHold{Key: group}
	}
	return c
}

// TestI3ForgetLeavesOthersAlerts: an alert whose stored value has expired (30 days
// after its resolve) and that fires again belongs to the new incident. Forgetting
// the old incident keeps it.
func TestI3ForgetLeavesOthersAlerts(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	ctx := t.Context()
	take := func(state alerts.State, after time.Duration) alerts.Receipt {
		t.Helper()
		b := batchOf("a", "kept")
		b.At = b.At.Add(after)
		b.Arrivals[0].Alert.State, b.Arrivals[1].Alert.State = state, alerts.Resolved
		r, err := s.Take(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
	take(alerts.Firing, 0)
	take(alerts.Resolved, time.Hour)
	if _, err := s.Commit(ctx, endCommit(s, t, "INC-1", "group of a")); err != nil {
		t.Fatal(err)
	}
	if n, err := server.Do("DEL", "{tocsin}:a:i\x00a"); err != nil || fmt.Sprint(n) != "1" { // as Redis expires it
		t.Fatal(n, err)
	}
	if r := take(alerts.Firing, 2*time.Hour); r.Incident != "INC-2" {
		t.Fatalf("fires again: %+v", r)
	}
	if ok, err := s.Forget(ctx, "INC-1"); !ok || err != nil {
		t.Fatalf("forget: %t, %v", ok, err)
	}
	if rows, err := s.Firing(ctx, "INC-2", "", 10); err != nil || len(rows) != 1 {
		t.Errorf("%d alerts of INC-2 fire, %v", len(rows), err)
	}
	if r := take(alerts.Resolved, 3*time.Hour); r.Change != alerts.Ended || r.Incident != "INC-2" {
		t.Errorf("its resolve: %+v", r)
	}
}

// TestFeedForbidden: if the server forbids the feed while a store is open, watchers of
// other replicas are not notified, but every change is made completely.
func TestFeedForbidden(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	must := func(words ...string) {
		t.Helper()
		if _, err := server.Do(words...); err != nil {
			t.Fatal(err)
		}
	}
	must("ACL", "SETUSER", "bot", "on", ">secret", "~*", "&*", "+@all")
	s := open(t, strings.Replace(server.URL(), "redis://", "redis://bot:secret@", 1))
	must("ACL", "SETUSER", "bot", "resetchannels")
	if r, err := s.Take(t.Context(), batchOf("a", "b")); err != nil || len(r) != 2 {
		t.Fatalf("take: %+v, %v", r, err)
	}
	for _, id := range []string{"INC-1", "INC-2"} {
		if l, err := s.Load(t.Context(), id); err != nil || len(l.Mail) != 1 {
			t.Errorf("%s has %d mail, %v", id, len(l.Mail), err)
		}
	}
	if got := listClaimable(t, s, bottest.Epoch); len(got) != 2 {
		t.Errorf("claimed %v", got)
	}
	if _, err := s.Commit(t.Context(), step("INC-3", 0)); err != nil {
		t.Error(err)
	}
}

// TestDamagedTask: a task that cannot be decoded does not keep others from being
// claimed.
func TestDamagedTask(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	for n := range 3 {
		if _, err := s.Commit(t.Context(), step(fmt.Sprint("INC-", n+1), 0)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := server.Do("HSET", "{tocsin}:i:2:tasks", "T20|page:1|1", fmt.Sprintf("%019dx", bottest.Epoch.UnixNano())); err != nil {
		t.Fatal(err)
	}
	leases, err := s.Claim(t.Context(), bot.Claim{At: bottest.Epoch, For: time.Second, Limit: 10, Classes: bot.Classes{To: workflow.ClassPage}})
	if err != nil || len(leases) != 2 {
		t.Errorf("claimed %d of the two pages that can be read, %v", len(leases), err)
	}
}

// TestE1LeasesLost: lanes whose leases are lost are due when their first tasks are
// due, and not claimed before.
func TestE1LeasesLost(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	ctx := t.Context()
	if _, err := s.Commit(ctx, step("INC-1", 0)); err != nil {
		t.Fatal(err)
	}
	if got := listClaimable(t, s, bottest.Epoch); len(got) != 2 {
		t.Fatalf("claimed %v", got)
	}
	if _, err := server.Do("DEL", "{tocsin}:leases"); err != nil {
		t.Fatal(err)
	}
	later := bottest.Epoch.Add(time.Hour)
	c := step("INC-1", 1)
	c.WakeAt, c.Tasks = later, nil
	if _, err := s.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
	at := bottest.Epoch.Add(2 * time.Second)
	if got := listClaimable(t, s, at); len(got) != 1 {
		t.Errorf("claimed %v", got)
	}
	wake := bot.Classes{From: workflow.ClassWake, To: workflow.ClassWake}
	if due, err := s.NextDue(ctx, wake); err != nil || !due.Equal(later) {
		t.Errorf("next due %s instead of %s, %v", due, later, err)
	}
	if again := repairs(t, s, at); len(again) != 0 {
		t.Errorf("the audit finds %v", again)
	}
}

// TestOpenTogether: replicas that open an empty namespace at the same time create it
// once.
func TestOpenTogether(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	for round := range 20 {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				s, err := redis.Open(t.Context(), redis.Config{URL: fmt.Sprint(server.URL(), "?namespace=r", round)})
				if err == nil {
					err = s.Close()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

// TestReserveAfterLoss: after the last number was lost, no number is given out twice,
// and alerts still open incidents.
func TestReserveAfterLoss(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	if _, err := s.Take(t.Context(), batchOf("a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Do("SET", "{tocsin}:last_number", "1"); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Take(t.Context(), batchOf("d")); err != nil || r[0].Incident != "INC-4" {
		t.Errorf("take: %+v, %v", r, err)
	}
}

// TestX2OneClock: in a Cluster, all replicas use the clock of the node that has the
// namespace, and check its settings.
func TestX2OneClock(t *testing.T) {
	nodes := redistest.Cluster(t)
	s := open(t, nodes[0].URL()+"?cluster=true")
	if _, err := s.Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := map[string]int{}
	for _, n := range nodes {
		stats, err := n.Do("INFO", "commandstats")
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"time", "config|get"} {
			if strings.Contains(fmt.Sprint(stats), "cmdstat_"+command+":") {
				asked[command]++
			}
		}
	}
	if asked["time"] != 1 || asked["config|get"] != 1 {
		t.Errorf("nodes that got these commands: %v", asked)
	}
}
