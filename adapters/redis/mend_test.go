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

// owed is everything that a claim gets, as "incident:task".
func owed(t *testing.T, s *redis.Store, at time.Time) []string {
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

func mended(t *testing.T, s *redis.Store, at time.Time) []string {
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

// TestE1IndexLost: whatever of the agenda's index is lost, and of the lists of
// incidents, the audit finds what is owed in the incidents (rules E1, E13).
func TestE1IndexLost(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	for name, c := range map[string]struct {
		lost   string // keys
		leased bool   // while everything is leased
		since  bool   // and an incident came since
	}{
		"due":            {lost: "due:20 due:25"},
		"leases":         {lost: "lease leased:20 leased:25 idle", leased: true},
		"agenda":         {lost: "due:10 due:20 due:25 due:30 due:50 lease leased:20 leased:25 idle"},
		"agenda, leased": {lost: "due:10 due:20 due:25 due:30 due:50 lease leased:20 leased:25 idle", leased: true},
		"lists":          {lost: "all open owing over shelf due:20 due:25"},
		"lists, since":   {lost: "all open owing over shelf due:20 due:25", since: true},
		"open":           {lost: "open owing", leased: true, since: true},
		"what owes":      {lost: "owing due:20", since: true},
		"number":         {lost: "all open owing number due:20 due:25"},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := strings.NewReplacer(" ", "-", ",", "").Replace(name)
			s := open(t, server.URL()+"?namespace="+namespace)
			for n := 1; n <= 8; n++ {
				c := step(fmt.Sprint("INC-", n), 0)
				if n > 6 { // closed, and a last page is owed
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
				if got := owed(t, s, at); !slices.Equal(got, want) {
					t.Fatalf("owed at first: %v", got)
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
			if repaired := mended(t, s, at); len(repaired) == 0 {
				t.Error("the audit found nothing")
			}
			if got := owed(t, s, at); !slices.Equal(got, want) {
				t.Errorf("owed %v, want %v", got, want)
			}
			if again := mended(t, s, at); len(again) != 0 {
				t.Errorf("mended twice: %v", again)
			}
			all, err := s.List(t.Context(), bot.Query{Limit: 99})
			isOpen, failed := s.List(t.Context(), bot.Query{Limit: 99, Open: true})
			if err != nil || failed != nil || len(all) != last || len(isOpen) != last-2 {
				t.Errorf("%d incidents, %d of them open, %v, %v", len(all), len(isOpen), err, failed)
			}
			if n, failed := s.Reserve(t.Context()); failed != nil || n != last+1 {
				t.Errorf("the next number is %d, %v", n, failed)
			}
			if _, err = server.Do("DEL", "{"+namespace+"}:number"); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Take(t.Context(), batchOf("a", "b")); err != nil || r[0].Incident != fmt.Sprint("INC-", last+1) {
				t.Errorf("without the number: %+v, %v", r, err)
			}
		})
	}
}

// TestMendWrong: an index that says the wrong thing is put right, and says what
// was wrong.
func TestMendWrong(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	if _, err := s.Commit(t.Context(), step("INC-1", 0)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{
		"ZADD {tocsin}:due:20 9999999999999999 000000000001:page:1",
		"ZADD {tocsin}:due:50 1 000000000001:room:web",
		"ZADD {tocsin}:due:50 1 000000000007:room:web", // of an incident that is not there
		"ZADD {tocsin}:open 9 9",                       // and so is this
		"ZADD {tocsin}:due:20 1 nonsense",
	} {
		if _, err := server.Do(strings.Fields(c)...); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := s.List(t.Context(), bot.Query{Open: true, Limit: 1}); err != nil || len(all) != 1 || all[0].ID != "INC-1" {
		t.Errorf("listed %+v, %v", all, err)
	}
	audited := mended(t, s, bottest.Epoch)
	repaired, err := s.Rebuild(t.Context(), bottest.Epoch)
	repaired = append(audited, repaired...)
	text := strings.Join(repaired, "\n")
	for _, want := range []string{
		"INC-1, lane 20 page:1: in the agenda at another instant than",
		"INC-1, lane 50 room:web: in the agenda, with nothing owed",
		"INC-7, lane 50 room:web: in the agenda, with nothing owed",
		"INC-9, listed, and not there",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if err != nil || len(repaired) != 4 {
		t.Errorf("repaired %d, %v", len(repaired), err)
	}
	if got := owed(t, s, bottest.Epoch); len(got) != 2 {
		t.Errorf("owed %v", got)
	}
}

// TestClaimMends: an index that names a lane in which nothing is owed costs one
// look.
func TestClaimMends(t *testing.T) {
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

// TestSoak: incidents that are opened, worked on and closed leave what
// retention says, and nothing else.
func TestSoak(t *testing.T) {
	total := 20_000
	if bottest.RaceEnabled || testing.Short() {
		total = 1_000
	}
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	before := size(t, server)
	ctx := context.WithoutCancel(t.Context())
	many(t, total, 64, func(n int) error { return life(ctx, s, n+1) })
	if err := pay(ctx, s); err != nil {
		t.Fatal(err)
	}
	closed := size(t, server)
	q := bot.EndedQuery{Before: bottest.Epoch.Add(24 * time.Hour), Limit: total}
	over, err := s.ListEnded(ctx, q)
	if err != nil || len(over) != total {
		t.Fatalf("%d are over, %v", len(over), err)
	}
	many(t, total, 64, func(n int) error { return yes(s.Archive(ctx, over[n])) })
	shelved := size(t, server)
	t.Logf("each of %d incidents: closed %d keys, %d bytes; in compact form %d keys, %d bytes", total,
		(closed.keys-before.keys)/total, (closed.bytes-before.bytes)/total, (shelved.keys-before.keys)/total, (shelved.bytes-before.bytes)/total)
	q.Archived = true
	if over, err = s.ListEnded(ctx, q); err != nil || len(over) != total {
		t.Fatalf("%d are in compact form, %v", len(over), err)
	}
	many(t, total, 64, func(n int) error { return yes(s.Forget(ctx, over[n])) })
	names, err := server.Do("KEYS", "*")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, name := range names.([]any) {
		if text := fmt.Sprint(name); !strings.Contains(text, ":tx:") {
			left = append(left, strings.TrimPrefix(text, "{tocsin}:"))
		}
	}
	slices.Sort(left)
	// Operations stay for 25 hours, and the lists have their marks.
	if want := []string{"all", "meta", "number", "op", "open", "ops", "over", "owing", "shelf", "token"}; !slices.Equal(left, want) {
		t.Errorf("left are %d keys, want %v; among them %v", len(left), want, left[:min(len(left), 20)])
	}
}

func yes(ok bool, err error) error {
	if err == nil && !ok {
		return fmt.Errorf("it said no")
	}
	return err
}
