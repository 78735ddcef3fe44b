package redis_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/adapters/redis"
	"tocsin/adapters/redis/redistest"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

func wantListed(t *testing.T, s *redis.Store) {
	t.Helper()
	if err := bottest.CheckListed(t.Context(), s); err != nil {
		t.Error(err)
	}
}

// mustDo runs commands on a server, each a line of words.
func mustDo(t *testing.T, server *redistest.Server, commands ...string) {
	t.Helper()
	for _, c := range commands {
		if _, err := server.Do(strings.Fields(c)...); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
	}
}

// forgetListings makes of a namespace what a build wrote that knew no listings.
func forgetListings(t *testing.T, server *redistest.Server, incidents int) {
	t.Helper()
	mustDo(t, server, "DEL {tocsin}:listed")
	for n := range incidents {
		mustDo(t, server, fmt.Sprintf("HDEL {tocsin}:i:%d l", n+1))
	}
}

// TestE14EarlierNamespace: a namespace of the same layout from a build that knew no lists by
// need is listed when it is opened, however many incidents are open in it (E14: lists are by
// need).
func TestE14EarlierNamespace(t *testing.T) {
	for _, many := range []int{0, 1, 499, 500, 1201} {
		server := redistest.Start(t, redistest.Config{})
		s := open(t, server.URL())
		bottest.OpenIncidents(t, s, 1, many)
		if _, err := s.Take(t.Context(), batchOf("a")); err != nil {
			t.Fatal(err)
		}
		forgetListings(t, server, many+1)
		for range 2 {
			again := open(t, server.URL())
			wantListed(t, again)
			if c, err := again.CountOpen(t.Context(), ""); err != nil || c.Open != many+1 {
				t.Errorf("%d of %d are listed, %v", c.Open, many+1, err)
			}
			if m, err := again.Repair(t.Context(), bot.RepairQuery{At: bottest.Epoch, Limit: 10_000}); err != nil || len(m.Repaired) > 0 {
				t.Errorf("repaired %q, %v", m.Repaired, err)
			}
		}
	}
}

// TestE14EarlierReplica: what a replica writes that knows no lists is listed by the next
// audit, and by the next opening: steps, ends and new incidents.
func TestE14EarlierReplica(t *testing.T) {
	for _, repair := range []bool{true, false} {
		server := redistest.Start(t, redistest.Config{})
		s := open(t, server.URL())
		bottest.OpenIncidents(t, s, 1, 30)
		body, err := server.Do("HGET", "{tocsin}:i:28", "b")
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 3; n++ {
			if _, err = server.Do("HSET", fmt.Sprintf("{tocsin}:i:%d", n), "v", "2", "b", fmt.Sprint(body)); err != nil {
				t.Fatal(err)
			}
		}
		mustDo(
			t, server,
			"HSET {tocsin}:i:4 v 2 o 0", "ZREM {tocsin}:open 4", "ZADD {tocsin}:ended 1 4", // ended
			"COPY {tocsin}:i:30 {tocsin}:i:40", "HDEL {tocsin}:i:40 l", "ZADD {tocsin}:open 40 40", "ZADD {tocsin}:all 40 40", "SET {tocsin}:last_number 40",
		)
		if !repair {
			s = open(t, server.URL())
			wantListed(t, s)
			continue
		}
		repaired := repairs(t, s, bottest.Epoch)
		if text := strings.Join(repaired, "\n"); len(repaired) != 5 || !strings.Contains(text, "INC-40, its place") || !strings.Contains(text, "INC-4, in the lists of open incidents, but it has ended") {
			t.Errorf("repaired %s", text)
		}
		wantListed(t, s)
	}
}

// TestE13RepairListed: an audit lists what is missing from the lists, a rebuild removes what
// does not belong there, and lists that were lost are rebuilt.
func TestE13RepairListed(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	bottest.OpenIncidents(t, s, 1, 12)
	place := func(tag, need string, n int) string { return fmt.Sprintf("%s\x00%016s\x00%012d", tag, need, n) }
	all, err := s.ListOpen(t.Context(), bot.OpenQuery{Limit: 1})
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	for _, c := range [][]string{
		{"ZREM", "{tocsin}:listed", fmt.Sprintf("\x00%s\x00%012d", all[0].Need, all[0].Number)},
		{"ZADD", "{tocsin}:listed", "0", place("", "7", 3), "0", place("private", "8", 77), "0", "nonsense"},
	} {
		if n, failed := server.Do(c...); failed != nil || fmt.Sprint(n) == "0" {
			t.Fatal(n, failed)
		}
	}
	want := fmt.Sprintf("%s, missing from the lists of open incidents; INC-3, in a wrong place in the lists of open incidents; INC-77, in a wrong place in the lists of open incidents", all[0].ID)
	if got := strings.Join(repairs(t, s, bottest.Epoch), "; "); got != want {
		t.Errorf("repaired %s", got)
	}
	wantListed(t, s)
	if _, err = server.Do("ZADD", "{tocsin}:listed", "0", place("private", "8", 3)); err != nil { // the list of all has none too many
		t.Fatal(err)
	}
	repaired, err := s.Rebuild(t.Context(), bottest.Epoch)
	if err != nil || strings.Join(repaired, "; ") != "INC-3, in a wrong place in the lists of open incidents" {
		t.Errorf("rebuilt %q, %v", repaired, err)
	}
	wantListed(t, s)
	mustDo(t, server, "DEL {tocsin}:listed")
	bottest.OpenIncidents(t, s, 13, 1)
	if got := strings.Join(repairs(t, s, bottest.Epoch), "\n"); !strings.Contains(got, "these lists were lost: listed") {
		t.Errorf("repaired %s", got)
	}
	wantListed(t, s)
	mustDo(t, server, "DEL {tocsin}:listed")
	wantListed(t, open(t, server.URL()))
}
