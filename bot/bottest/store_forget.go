package bottest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// testListEnded: incidents are listed least recently changed first, in one of the two lists.
func testListEnded(t *testing.T, s bot.Store) {
	ctx := t.Context()
	for n, seconds := range []float64{40, 10, 30, 10, 20} {
		c := commitOf(fmt.Sprint("INC-", n+1), 0, 1)
		c.At, c.Open = at(seconds), false
		must1(s.Commit(ctx, c))(t)
	}
	must1(s.Commit(ctx, commitOf("INC-6", 0, 1)))(t) // open
	take(t, s, at(0), fire("a", "g"))                // a stub
	must1(s.Commit(ctx, messageCommit("INC-2", "late: a message is not a step")))(t)
	for _, c := range []struct {
		before float64
		limit  int
		want   string
	}{
		{100, 100, "INC-2 INC-4 INC-5 INC-3 INC-1 | "},
		{100, 2, "INC-2 INC-4 | "},
		{100, 0, " | "},
		{30, 100, "INC-2 INC-4 INC-5 | "},
		{10, 100, " | "},
	} {
		if got := listEnded(t, s, at(c.before), c.limit); got != c.want {
			t.Errorf("before %v s, at most %d: %q, want %q", c.before, c.limit, got, c.want)
		}
	}
	for _, id := range []string{"INC-5", "INC-2", "INC-1"} {
		archive(t, s, id, true)
	}
	if got, want := listEnded(t, s, at(40), 100), "INC-4 INC-3 | INC-2 INC-5"; got != want {
		t.Errorf("after archiving: %q, want %q", got, want)
	}
	c := commitOf("INC-2", 1, 2) // a step counts as a change
	c.At, c.Open = at(50), false
	must1(s.Commit(ctx, c))(t)
	if got, want := listEnded(t, s, at(100), 100), "INC-4 INC-3 INC-2 | INC-5 INC-1"; got != want {
		t.Errorf("after a step: %q, want %q", got, want)
	}
}

// testForget: nothing of a forgotten incident is left except its number, archived or not.
func testForget(t *testing.T, s bot.Store) {
	ctx := t.Context()
	addEndedIncident(t, s)
	take(t, s, at(150), fire("other", "h")) // INC-2 is kept
	endIncident(t, s, "INC-2", at(151), "")
	other := dumpIncident(t, s, "INC-2")
	gone := func(id string) {
		t.Helper()
		_, err := s.Load(ctx, id)
		wantError(t, err, bot.ErrNotFound)
		_, err = s.History(ctx, id, 0, 10)
		wantError(t, err, bot.ErrNotFound)
		wantMessages(t, s, id, "")
		_, err = s.Commit(ctx, messageCommit(id, "a: hello"))
		wantError(t, err, bot.ErrNotFound)
		_, err = s.Commit(ctx, commitOf(id, 2, 9))
		wantError(t, err, bot.ErrConflict)
		for _, p := range export(t, s, 100) {
			text := string(must1(json.Marshal(p))(t))
			if p.Key == "incident/"+strings.TrimPrefix(id, "INC-") || strings.Contains(text, `"`+id+`"`) {
				t.Errorf("left of %s: %s", id, text)
			}
		}
	}
	one, all := s.Watch(ctx, "INC-1"), s.Watch(ctx, "")
	forget(t, s, "INC-1", true)
	if !isNotified(one) || !isNotified(all) {
		t.Error("watchers are not notified")
	}
	gone("INC-1")
	forget(t, s, "INC-1", true)
	if isNotified(all) {
		t.Error("watchers are notified of an incident that was forgotten before")
	}
	if now := dumpIncident(t, s, "INC-2"); now != other {
		t.Errorf("INC-2 has changed to\n%s", now)
	}
	// Its alerts and its group are unknown: a start from before the resolve is not a
	// late delivery (I5: an older event changes nothing).
	got := take(t, s, at(104), resolved(fire("b", "g"), at(104)), fire("a", "g"))
	if want := []alerts.Receipt{{Change: alerts.Ignored}, {Change: alerts.Started, Incident: "INC-3", New: true}}; !slices.Equal(got, want) {
		t.Fatalf("taken %+v, want %+v", got, want)
	}
	if l := must1(s.Load(ctx, "INC-3"))(t); l.Previous != "" {
		t.Errorf("the previous incident is %s, which is forgotten", l.Previous)
	}
	// The newest incident, archived: its number is not given out again.
	must1(s.Commit(ctx, commitOf("INC-4", 0, 1)))(t)
	endIncident(t, s, "INC-4", at(201), "")
	archive(t, s, "INC-4", true)
	forget(t, s, "INC-4", true)
	gone("INC-4")
	wantEnded(t, s, "INC-2 | ")
	if n := mustReserve(t, s); n != 5 {
		t.Errorf("the next number is %d", n)
	}
}

// testForgetRefused: an incident that has not ended, owes something or has firing alerts is
// kept.
func testForgetRefused(t *testing.T, s bot.Store) {
	ctx := t.Context()
	forget(t, s, "INC-1", true) // it does not exist
	take(t, s, at(0), fire("a", "g"))
	forget(t, s, "INC-1", false) // a stub
	c := commitOf("INC-1", 0, 1)
	c.ReadMail, c.Group = 1, &bot.GroupHold{Key: "g", Always: true}
	must1(s.Commit(ctx, c))(t)
	forget(t, s, "INC-1", false) // open
	c = commitOf("INC-1", 1, 2)
	c.Open, c.WakeAt, c.Tasks = false, at(500), []bot.Task{task("INC-1", "INC-1/2.0", workflow.ClassUpdate, "room")}
	must1(s.Commit(ctx, c))(t)
	leases := claim(t, s, at(500))
	forget(t, s, "INC-1", false) // it owes a post and a wake-up
	if err := settle(t, s, leases[1]); err != nil {
		t.Fatal(err)
	}
	forget(t, s, "INC-1", false) // it still has a wake-up
	endIncident(t, s, "INC-1", at(501), "")
	forget(t, s, "INC-1", false) // a fires
	archive(t, s, "INC-1", true)
	forget(t, s, "INC-1", false) // also when it is archived
	take(t, s, at(600), resolved(fire("a", "g"), at(600)))
	forget(t, s, "INC-1", false) // mail is unread
	if history := must1(s.History(ctx, "INC-1", 0, 10))(t); len(history) != 3 {
		t.Errorf("%d events, want 3", len(history))
	}
	endIncident(t, s, "INC-1", at(601), "")
	// Another incident holds the group by now, and keeps it.
	c = commitOf("INC-1", 4, 5)
	c.At, c.Open, c.Group = at(602), false, &bot.GroupHold{Key: "g"}
	must1(s.Commit(ctx, c))(t)
	if got := take(t, s, at(603), fire("b", "g"))[0]; got.Incident != "INC-2" || !got.New {
		t.Fatalf("taken %+v", got)
	}
	forget(t, s, "INC-1", true)
	if got := take(t, s, at(604), fire("c", "g"))[0]; got.Incident != "INC-2" {
		t.Errorf("taken %+v", got)
	}
	// An incident without alerts.
	c = commitOf("INC-3", 0, 1)
	c.Open, c.WakeAt = false, at(9000)
	must1(s.Commit(ctx, c))(t)
	forget(t, s, "INC-3", false) // it wakes later
	c = commitOf("INC-3", 1, 2)
	c.Open, c.Tasks = false, []bot.Task{task("INC-3", "INC-3/2.0", workflow.ClassUpdate, "room")}
	c.Tasks[0].Due = at(9000)
	must1(s.Commit(ctx, c))(t)
	forget(t, s, "INC-3", false) // a last post is owed
	if got := joinNames(claim(t, s, at(604))); got != "INC-2:wake" {
		t.Errorf("claimed %s", got)
	}
}

// testForgetRecords: the records that an incident owns are deleted with it, also those
// found by another name, and no others (see [bot.OwnedKinds]).
func testForgetRecords(t *testing.T, s bot.Store) {
	ctx := t.Context()
	put := func(kind, id, body string) bot.RecordChange {
		return bot.RecordChange{Kind: kind, ID: id, Version: bot.AnyVersion, Body: []byte(body)}
	}
	must1(s.Commit(ctx, bot.Commit{At: Epoch, Records: []bot.RecordChange{
		put("card", "INC-1/square/C1", "{}"), put("card", "INC-1/", "{}"), put("card", "INC-1/square/\xff", "{}"), put("attempt", "INC-1/4.0", "me"),
		put("room", "INC-1/square/C1", ""), put("room", "square/C1", "INC-1"),
		put("room", "INC-1/square/C9", ""), put("room", "square/C9", "INC-2"), // it belongs to another incident by now

		put("card", "INC-10/square/C2", "{}"), put("card", "INC-1", "{}"), put("card", "INC-1.", "{}"), put("card", "INC-2/INC-1/x", "{}"),
		put("card", "square/C1", "{}"), put("attempt", "INC-10/4.0", "me"), put("room", "square/C2", "INC-1"), // no record of the incident names this one
		put("plan", "INC-1/square/C1", "{}"), put("cursor", "INC-1/0", "1"), put("plan", "square/C1", "INC-1"),
	}}))(t)
	records := func() string {
		var all []string
		for _, kind := range []string{"attempt", "card", "cursor", "plan", "room"} {
			for _, r := range must1(s.Records(ctx, kind, "", 100))(t) {
				if _, err := s.Get(ctx, kind, r.ID); err != nil {
					t.Error(err)
				}
				all = append(all, kind+":"+r.ID)
			}
		}
		return strings.Join(all, " ")
	}
	before := records()
	forget(t, s, "INC-1", true) // it does not exist: nothing is deleted
	commitStep(t, s, "INC-1")
	forget(t, s, "INC-1", false) // it is open
	if now := records(); now != before {
		t.Fatalf("records\n%s, want\n%s", now, before)
	}
	endIncident(t, s, "INC-1", at(100), "")
	archive(t, s, "INC-1", true)
	forget(t, s, "INC-1", true)
	const want = "attempt:INC-10/4.0 card:INC-1 card:INC-1. card:INC-10/square/C2 card:INC-2/INC-1/x card:square/C1 cursor:INC-1/0 " +
		"plan:INC-1/square/C1 plan:square/C1 room:square/C2 room:square/C9"
	if now := records(); now != want {
		t.Fatalf("records\n%s, want\n%s", now, want)
	}
	for _, p := range export(t, s, 100) {
		if r := p.Record; r != nil && !strings.Contains(want, r.Kind+":"+r.ID) {
			t.Errorf("left: %+v", r)
		}
	}
	if r := must1(s.Commit(ctx, bot.Commit{At: at(101), Records: []bot.RecordChange{{Kind: "room", ID: "square/C1", Body: []byte("INC-2")}}}))(t); r.Repeated {
		t.Errorf("receipt %+v", r) // the ID is free again
	}
}
