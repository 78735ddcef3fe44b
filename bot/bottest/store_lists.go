package bottest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

func testList(t *testing.T, s bot.Store) {
	ctx := t.Context()
	for n := 1; n <= 5; n++ {
		id := fmt.Sprintf("INC-%d", mustReserve(t, s))
		c := commitOf(id, 0, 1)
		c.Open = n%2 == 1
		must1(s.Commit(ctx, c))(t)
	}
	take(t, s, Epoch, fire("a", "g"))
	ids := func(q bot.Query) string {
		var all []string
		for _, l := range must1(s.List(ctx, q))(t) {
			all = append(all, strings.TrimPrefix(l.ID, "INC-"))
		}
		return strings.Join(all, " ")
	}
	for want, q := range map[string]bot.Query{
		"6 5 4 3 2 1": {Limit: 10}, "6 5": {Limit: 2}, "3 2": {Limit: 2, Before: 4}, "6 5 3 1": {Open: true, Limit: 10}, "3 1": {Open: true, Before: 5, Limit: 10},
	} {
		if got := ids(q); got != want {
			t.Errorf("list %+v: %s, want %s", q, got, want)
		}
	}
}

func testRecords(t *testing.T, s bot.Store) {
	ctx := t.Context()
	put := func(kind, id string, version int, body string) error {
		c := bot.RecordChange{Kind: kind, ID: id, Version: version, Body: []byte(body)}
		if body == "" {
			c.Body = nil
		}
		_, err := s.Commit(ctx, bot.Commit{At: Epoch, Records: []bot.RecordChange{c}})
		return err
	}
	for _, id := range []string{"b", "a", "c"} {
		if err := put("k", id, 0, "1"+id); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, put("k", "a", 0, "again"), bot.ErrConflict)
	if err := errors.Join(put("k", "a", 1, "2a"), put("k", "b", bot.AnyVersion, "2b"), put("other", "z", bot.AnyVersion, "z")); err != nil {
		t.Fatal(err)
	}
	if r := must1(s.Get(ctx, "k", "a"))(t); r.Version != 2 || string(r.Body) != "2a" || r.Kind != "k" || r.ID != "a" {
		t.Errorf("record %+v", r)
	}
	if err := put("k", "c", bot.AnyVersion, ""); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(ctx, "k", "c")
	wantError(t, err, bot.ErrNotFound)
	all := must1(s.Records(ctx, "k", "", 10))(t)
	if len(all) != 2 || all[0].ID != "a" || all[1].ID != "b" {
		t.Errorf("records %+v", all)
	}
	if rest := must1(s.Records(ctx, "k", "a", 10))(t); len(rest) != 1 {
		t.Errorf("after a: %+v", rest)
	}
	if one := must1(s.Records(ctx, "k", "", 1))(t); len(one) != 1 {
		t.Errorf("one: %+v", one)
	}
}

// testTwentyWriters: twenty writers race on one incident: the losers get ErrConflict, and
// no step is lost.
func testTwentyWriters(t *testing.T, s bot.Store) {
	ctx := t.Context()
	must1(s.Commit(ctx, commitOf("INC-1", 0, 1)))(t)
	const writers, each = 20, 5
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < each; {
				l, err := s.Load(ctx, "INC-1")
				if err == nil {
					_, err = s.Commit(ctx, commitOf("INC-1", l.Version, l.Version+1))
				}
				switch {
				case err == nil:
					done++
				case !errors.Is(err, bot.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	history := must1(s.History(ctx, "INC-1", 0, 1000))(t)
	if len(history) != 1+writers*each {
		t.Fatalf("%d events", len(history))
	}
	for n, body := range history {
		if string(body) != fmt.Sprintf("event %d", n+1) {
			t.Fatalf("event %d is %s", n+1, body)
		}
	}
}

// testManyAlerts: a hundred thousand alerts of one incident are at most a hundred pieces
// of mail, and reads return pages.
func testManyAlerts(t *testing.T, s bot.Store) {
	total := 100_000
	if RaceEnabled || testing.Short() {
		total = 5_000
	}
	for from := 0; from < total; from += 1000 {
		batch := make([]alerts.Arrival, 0, 1000)
		for n := range 1000 {
			batch = append(batch, fire(fmt.Sprintf("k%06d", from+n), "g"))
		}
		take(t, s, Epoch, batch...)
	}
	l := must1(s.Load(context.Background(), "INC-1"))(t) //nolint:usetesting // outlives a deadline on a slow machine
	started := 0
	for _, m := range l.Mail {
		started += m.Started
		if len(m.Samples) > 20 {
			t.Fatalf("%d samples in one piece of mail", len(m.Samples))
		}
	}
	if started != total || len(l.Mail) > total/1000 {
		t.Fatalf("%d alerts in %d pieces of mail", started, len(l.Mail))
	}
	page := must1(s.Firing(t.Context(), "INC-1", "", 100))(t)
	if len(page) != 100 || page[0].Key != "k000000" || page[99].Key != "k000099" {
		t.Fatalf("firing: %d", len(page))
	}
	last := page[99]
	if page = must1(s.Firing(t.Context(), "INC-1", last.Integration+"\x00"+last.Key, 100))(t); page[0].Key != "k000100" {
		t.Fatalf("the next page begins with %s", page[0].Key)
	}
}

// testReroute: alerts that an incident releases start in another one (I6: firing again
// reopens or links).
func testReroute(t *testing.T, s bot.Store) {
	ctx := t.Context()
	take(t, s, at(0), fire("a", "g"), fire("b", "g"))
	c := commitOf("INC-1", 0, 1)
	c.ReadMail, c.Group = 1, &bot.GroupHold{Key: "g"}
	must1(s.Commit(ctx, c))(t)
	take(t, s, at(5), resolved(fire("b", "g"), at(5)))
	again := fire("a", "g")
	again.From = "INC-1"
	gone := fire("b", "g")
	gone.From = "INC-1"
	got := take(t, s, at(10), again, gone, again)
	want := []alerts.Receipt{{Change: alerts.Started, Incident: "INC-2", New: true}, {Change: alerts.Ignored}, {Change: alerts.Ignored}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
