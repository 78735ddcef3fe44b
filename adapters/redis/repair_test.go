package redis_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/redis"
	"tocsin/adapters/redis/redistest"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

// listClaimable returns everything that a claim gets, as "INCIDENT:TASK".
func listClaimable(t *testing.T, s *redis.Store, at time.Time) []string {
	t.Helper()
	leases, err := s.Claim(t.Context(), bot.Claim{At: at, For: time.Second, Limit: 1000, Classes: everyClass})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, l := range leases {
		all = append(all, l.Owner+":"+l.ID)
	}
	slices.Sort(all)
	return all
}

// repairs runs a whole audit, and returns what it repaired.
func repairs(t *testing.T, s *redis.Store, at time.Time) []string {
	t.Helper()
	var all []string
	for after := 0; ; {
		m, err := s.Repair(t.Context(), bot.RepairQuery{At: at, After: after, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Repaired...)
		if after = m.Next; after == 0 {
			return all
		}
	}
}

// TestE1IndexLost: whichever part of the agenda or of the lists of incidents is lost,
// the audit rebuilds it from the incidents (E1: the incident's record is the truth; E13: the
// auditor repairs and reports).
func TestE1IndexLost(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	for name, c := range map[string]struct {
		lost   string // keys
		leased bool   // everything is leased at that moment
		since  bool   // an incident is added after the loss
	}{
		"due":            {lost: "due:20 due:25"},
		"leases":         {lost: "leases leased:20 leased:25 idle_leases", leased: true},
		"agenda":         {lost: "due:10 due:20 due:25 due:30 due:50 leases leased:20 leased:25 idle_leases"},
		"agenda, leased": {lost: "due:10 due:20 due:25 due:30 due:50 leases leased:20 leased:25 idle_leases", leased: true},
		"lists":          {lost: "all open owing ended archived due:20 due:25"},
		"lists, since":   {lost: "all open owing ended archived due:20 due:25", since: true},
		"open":           {lost: "open owing", leased: true, since: true},
		"owing":          {lost: "owing due:20", since: true},
		"number":         {lost: "all open owing last_number due:20 due:25"},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := strings.NewReplacer(" ", "-", ",", "").Replace(name)
			s := open(t, server.URL()+"?namespace="+namespace)
			for n := 1; n <= 8; n++ {
				c := step(fmt.Sprint("INC-", n), 0)
				if n > 6 { // closed, but a last page is owed
					c.Open, c.WakeAt = false, time.Time{}
				}
				if _, err := s.Commit(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			want := strings.Fields("INC-1:INC-1/1.0 INC-1:wake INC-2:INC-2/1.0 INC-2:wake INC-3:INC-3/1.0 INC-3:wake INC-4:INC-4/1.0 INC-4:wake " +
				"INC-5:INC-5/1.0 INC-5:wake INC-6:INC-6/1.0 INC-6:wake INC-7:INC-7/1.0 INC-8:INC-8/1.0")
			at := bottest.Epoch.Add(time.Minute)
			if c.leased {
				if got := listClaimable(t, s, at); !slices.Equal(got, want) {
					t.Fatalf("claimed at first: %v", got)
				}
			}
			var keys []string
			for k := range strings.FieldsSeq(c.lost) {
				keys = append(keys, "{"+namespace+"}:"+k)
			}
			if _, err := server.Do(append([]string{"DEL"}, keys...)...); err != nil {
				t.Fatal(err)
			}
			last := 8
			if c.since {
				last = 9
				if _, err := s.Commit(t.Context(), step("INC-9", 0)); err != nil {
					t.Fatal(err)
				}
				want = append(want, "INC-9:INC-9/1.0", "INC-9:wake")
			}
			at = at.Add(2 * time.Second)
			if repaired := repairs(t, s, at); len(repaired) == 0 {
				t.Error("the audit found nothing")
			}
			if got := listClaimable(t, s, at); !slices.Equal(got, want) {
				t.Errorf("claimed %v, want %v", got, want)
			}
			if again := repairs(t, s, at); len(again) != 0 {
				t.Errorf("repaired twice: %v", again)
			}
			all, err := s.List(t.Context(), bot.Query{Limit: 99})
			isOpen, failed := s.List(t.Context(), bot.Query{Limit: 99, Open: true})
			if err != nil || failed != nil || len(all) != last || len(isOpen) != last-2 {
				t.Errorf("%d incidents, %d of them open, %v, %v", len(all), len(isOpen), err, failed)
			}
			if n, failed := s.Reserve(t.Context()); failed != nil || n != last+1 {
				t.Errorf("the next number is %d, %v", n, failed)
			}
			if _, err = server.Do("DEL", "{"+namespace+"}:last_number"); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Take(t.Context(), batchOf("a", "b")); err != nil || r[0].Incident != fmt.Sprint("INC-", last+1) {
				t.Errorf("without the number: %+v, %v", r, err)
			}
		})
	}
}

// TestRepairWrongIndex: wrong entries of the agenda are corrected and reported.
func TestRepairWrongIndex(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	if _, err := s.Commit(t.Context(), step("INC-1", 0)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{
		"ZADD {tocsin}:due:20 9999999999999999 000000000001:page:1",
		"ZADD {tocsin}:due:50 1 000000000001:room:web",
		"ZADD {tocsin}:due:50 1 000000000007:room:web", // of an incident that does not exist
		"ZADD {tocsin}:open 9 9",                       // as this one
		"ZADD {tocsin}:due:20 1 nonsense",
	} {
		if _, err := server.Do(strings.Fields(c)...); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := s.List(t.Context(), bot.Query{Open: true, Limit: 1}); err != nil || len(all) != 1 || all[0].ID != "INC-1" {
		t.Errorf("listed %+v, %v", all, err)
	}
	audited := repairs(t, s, bottest.Epoch)
	repaired, err := s.Rebuild(t.Context(), bottest.Epoch)
	repaired = append(audited, repaired...)
	text := strings.Join(repaired, "\n")
	for _, want := range []string{
		"INC-1, lane 20 page:1: in the agenda at another instant than",
		"INC-1, lane 50 room:web: in the agenda, with nothing owed",
		"INC-7, lane 50 room:web: in the agenda, with nothing owed",
		"INC-9, in a list of incidents, but it does not exist",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no repair says %q:\n%s", want, text)
		}
	}
	if err != nil || len(repaired) != 4 {
		t.Errorf("repaired %d, %v", len(repaired), err)
	}
	if got := listClaimable(t, s, bottest.Epoch); len(got) != 2 {
		t.Errorf("claimed %v", got)
	}
}

// TestClaimCorrectsIndex: a claim removes lanes in which nothing is owed from the
// agenda.
func TestClaimCorrectsIndex(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	if _, err := s.Commit(t.Context(), step("INC-1", 0)); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		if _, err := server.Do("ZADD", "{tocsin}:due:20", "1", fmt.Sprintf("%012d:page:9", n+1)); err != nil {
			t.Fatal(err)
		}
	}
	q := bot.Claim{At: bottest.Epoch, For: time.Second, Limit: 2, Classes: everyClass}
	got := 0
	for range 4 {
		leases, err := s.Claim(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got += len(leases)
	}
	if got != 2 {
		t.Errorf("claimed %d", got)
	}
	if due, err := s.NextDue(t.Context(), everyClass); err != nil || !due.Equal(bottest.Epoch.Add(time.Second)) {
		t.Errorf("next due %s, %v", due, err)
	}
}

// TestSoak: incidents that are opened, worked on, closed, archived and forgotten leave
// no key behind.
func TestSoak(t *testing.T) {
	total := 20_000
	if bottest.RaceEnabled || testing.Short() {
		total = 1_000
	}
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	before := measureUsage(t, server)
	ctx := context.WithoutCancel(t.Context())
	inParallel(t, total, 64, func(n int) error { return runIncident(ctx, s, n+1) })
	if err := settleAll(ctx, s); err != nil {
		t.Fatal(err)
	}
	closed := measureUsage(t, server)
	q := bot.EndedQuery{Before: bottest.Epoch.Add(24 * time.Hour), Limit: total}
	ended, err := s.ListEnded(ctx, q)
	if err != nil || len(ended) != total {
		t.Fatalf("%d have ended, %v", len(ended), err)
	}
	inParallel(t, total, 64, func(n int) error { return wantTrue(s.Archive(ctx, ended[n])) })
	archived := measureUsage(t, server)
	t.Logf("each of %d incidents: closed %d keys, %d bytes; archived %d keys, %d bytes", total,
		(closed.keys-before.keys)/total, (closed.bytes-before.bytes)/total, (archived.keys-before.keys)/total, (archived.bytes-before.bytes)/total)
	q.Archived = true
	if ended, err = s.ListEnded(ctx, q); err != nil || len(ended) != total {
		t.Fatalf("%d are archived, %v", len(ended), err)
	}
	inParallel(t, total, 64, func(n int) error { return wantTrue(s.Forget(ctx, ended[n])) })
	names, err := server.Do("KEYS", "*")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, name := range names.([]any) {
		if text := fmt.Sprint(name); !strings.Contains(text, ":answers:") {
			left = append(left, strings.TrimPrefix(text, "{tocsin}:"))
		}
	}
	slices.Sort(left)
	// Operations are kept for 25 hours, and the lists have their marks.
	if want := []string{"all", "archived", "ended", "last_number", "last_token", "listed", "meta", "open", "operations", "operations_by_age", "owing"}; !slices.Equal(left, want) {
		t.Errorf("left are %d keys, want %v; among them %v", len(left), want, left[:min(len(left), 20)])
	}
}

// wantTrue turns false into an error.
func wantTrue(ok bool, err error) error {
	if err == nil && !ok {
		return fmt.Errorf("the result is false")
	}
	return err
}
