package bottest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// openPlaces returns the numbers of all open incidents with a tag in their order, read in
// pages: "3 1 2".
func openPlaces(t *testing.T, s bot.Library, tag string, limit int) string {
	t.Helper()
	var all []string
	for l, err := range bot.ListAllOpen(t.Context(), s, bot.OpenQuery{Tag: tag, Limit: limit}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimPrefix(l.ID, "INC-"))
	}
	return strings.Join(all, " ")
}

// wantOpen wants the open incidents with a tag in an order, and the same number of them in
// the counts.
func wantOpen(t *testing.T, s bot.Library, tag, want string) {
	t.Helper()
	for _, limit := range []int{1, 2, 100} {
		if got := openPlaces(t, s, tag, limit); got != want {
			t.Errorf("open with the tag %q, by %d: %q, want %q", tag, limit, got, want)
		}
	}
	if c := must1(s.CountOpen(t.Context(), tag))(t); c.Open != len(strings.Fields(want)) {
		t.Errorf("%d are open with the tag %q, want %q", c.Open, tag, want)
	}
}

// listed is a listing of a level (1: unattended, 2: not acknowledged, 3: acknowledged), a
// severity and an age.
func listed(level, severity, age int, tags ...string) workflow.Listing {
	i := workflow.Incident{Status: workflow.Triage, Severity: workflow.Severity(severity), DeclaredAt: Epoch.Add(time.Duration(age) * time.Second)}
	switch level {
	case 1:
		i.Paging.Unreachable = true
	case 3:
		i.Acknowledgement.Person = "ana"
	}
	return workflow.Listing{Need: i.Listing().Need, Tags: tags}
}

// commitListed commits a step of an incident that is open with a listing, or has ended.
func commitListed(t *testing.T, s bot.Store, number, version int, l *workflow.Listing) {
	t.Helper()
	c := commitOf(workflow.ID(number), version, version+1)
	if c.Open = l != nil; c.Open {
		c.Listing = *l
	}
	must1(s.Commit(t.Context(), c))(t)
}

// testListOpen: open incidents are listed by need, then by number, whatever their number,
// under each of their tags (E14: lists are by need).
func testListOpen(t *testing.T, s bot.Store) {
	wantOpen(t, s, "", "")
	put := func(number, version int, l workflow.Listing) { t.Helper(); commitListed(t, s, number, version, &l) }
	put(1, 0, listed(3, 1, 0))
	put(2, 0, listed(2, 4, 0, "awaiting:ana", "private"))
	put(3, 0, listed(2, 4, 0, "awaiting:ana", "awaiting:ana b"))
	put(10, 0, listed(2, 4, 0)) // by number, not by its digits
	put(4, 0, listed(1, 5, 9, "awaiting:an"))
	put(5, 0, listed(2, 4, 1, "awaiting:ana"))
	put(6, 0, listed(2, 1, 99))
	put(7, 0, workflow.Listing{})
	wantOpen(t, s, "", "7 4 6 2 3 10 5 1")
	wantOpen(t, s, "awaiting:ana", "2 3 5")
	wantOpen(t, s, "awaiting:an", "4")
	wantOpen(t, s, "awaiting:ana b", "3")
	wantOpen(t, s, "private", "2")
	wantOpen(t, s, "awaiting:", "")
	if c := must1(s.CountOpen(t.Context(), ""))(t); c != (bot.OpenCounts{Open: 8, Unacknowledged: 7, Unattended: 2}) {
		t.Errorf("counts %+v", c)
	}
	if c := must1(s.CountOpen(t.Context(), "awaiting:ana"))(t); c != (bot.OpenCounts{Open: 3, Unacknowledged: 3}) {
		t.Errorf("counts %+v", c)
	}
	// Each step moves its incident.
	put(2, 1, listed(3, 4, 0, "private"))
	put(3, 1, listed(2, 4, 0, "awaiting:ana b", "awaiting:ben"))
	put(7, 1, listed(2, 2, 0))
	commitListed(t, s, 4, 1, nil)
	wantOpen(t, s, "", "6 7 3 10 5 1 2")
	wantOpen(t, s, "awaiting:ana", "5")
	wantOpen(t, s, "awaiting:ben", "3")
	wantOpen(t, s, "awaiting:an", "")
	wantOpen(t, s, "private", "2")
	put(4, 2, listed(3, 1, 0, "private"))
	wantOpen(t, s, "", "6 7 3 10 5 1 4 2")
	wantOpen(t, s, "private", "4 2")
	// A commit that changes no state moves nothing, and neither does one that is refused.
	must1(s.Commit(t.Context(), messageCommit("INC-6", "m: hello")))(t)
	l := listed(3, 5, 0)
	c := commitOf("INC-6", 7, 8)
	c.Listing = l
	_, err := s.Commit(t.Context(), c)
	wantError(t, err, bot.ErrConflict)
	wantOpen(t, s, "", "6 7 3 10 5 1 4 2")
}

// testListOpenLoads: a list of open incidents has their state, their stubs and their place.
func testListOpenLoads(t *testing.T, s bot.Store) {
	take(t, s, at(5), fire("a", "g"), fire("b", "h"))
	l := listed(1, 3, 1, "private")
	commitListed(t, s, 3, 0, &l)
	sev1 := fire("c", "i")
	sev1.Severity, sev1.Declare.Severity = workflow.SEV1, workflow.SEV1
	take(t, s, at(6), sev1)
	all := must1(s.ListOpen(t.Context(), bot.OpenQuery{Limit: 10}))(t)
	if len(all) != 4 || all[0].ID != "INC-3" || string(all[0].Snapshot) != "state 1 of INC-3" || all[0].Need != l.Need || all[0].Version != 1 || all[0].Number != 3 {
		t.Fatalf("listed %+v", all)
	}
	if all[1].ID != "INC-4" || all[2].ID != "INC-1" || !isStub(t, all[2], "g") || !isStub(t, all[3], "h") || all[2].Need != workflow.StubListing(workflow.SEV2, at(5), false).Need {
		t.Errorf("listed %+v", all)
	}
	for _, n := range []int{0, -1} {
		if none := must1(s.ListOpen(t.Context(), bot.OpenQuery{Limit: n}))(t); len(none) != 0 {
			t.Errorf("%d listed with the limit %d", len(none), n)
		}
	}
	if rest := must1(s.ListOpen(t.Context(), bot.OpenQuery{After: bot.Place{Need: all[2].Need, Number: 1}, Limit: 10}))(t); len(rest) != 1 || rest[0].ID != "INC-2" {
		t.Errorf("after INC-1: %+v", rest)
	}
	// The first step of a stub moves it; a stub of a group that belonged to another
	// incident may be private.
	c := commitOf("INC-1", 0, 1)
	c.Listing, c.ReadMail, c.At = listed(3, 1, 0), 1, at(7)
	must1(s.Commit(t.Context(), c))(t)
	wantOpen(t, s, "", "3 4 2 1")
	c = commitOf("INC-1", 1, 2)
	c.Open, c.At, c.Group = false, at(8), &bot.GroupHold{Key: "g"}
	must1(s.Commit(t.Context(), c))(t)
	c = commitOf("INC-2", 0, 1)
	c.Open, c.ReadMail, c.At, c.Group = false, 1, at(9), &bot.GroupHold{Key: "h"}
	must1(s.Commit(t.Context(), c))(t)
	take(t, s, at(10), fire("d", "h"))
	wantOpen(t, s, "", "3 4 5")
	wantOpen(t, s, "private", "3 5")
}

// testListEndedOnly: a list of ended incidents is by descending number and leaves out all
// that are open, however many come between.
func testListEndedOnly(t *testing.T, s bot.Store) {
	l := listed(2, 3, 0)
	for n := 1; n <= 30; n++ {
		open := &l
		if n%10 == 1 {
			open = nil
		}
		commitListed(t, s, n, 0, open)
	}
	for want, q := range map[string]bot.Query{
		"21 11 1": {Ended: true, Limit: 10}, "21 11": {Ended: true, Limit: 2}, "11": {Ended: true, Limit: 1, Before: 21}, "1": {Ended: true, Limit: 5, Before: 11},
		"": {Ended: true, Limit: 5, Before: 1},
	} {
		var got []string
		for _, l := range must1(s.List(t.Context(), q))(t) {
			got = append(got, fmt.Sprint(l.Number))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("list %+v: %v, want %s", q, got, want)
		}
	}
}

// testListOpenForgets: an incident that is archived, restored, forgotten or imported is
// listed as before.
func testListOpenForgets(t *testing.T, s bot.Store) {
	fillStore(t, s)
	archive(t, s, "INC-1", true)
	before := openPlaces(t, s, "", 2)
	if before != "2 3" {
		t.Fatalf("open are %s", before)
	}
	must1(s.Commit(t.Context(), messageCommit("INC-1", "late: hello")))(t) // restores it
	wantOpen(t, s, "", before)
	l := listed(1, 1, 0, "awaiting:ana", "private")
	commitListed(t, s, 20, 0, &l)
	commitListed(t, s, 20, 1, nil)
	wantOpen(t, s, "awaiting:ana", "")
	if ok := must1(s.Forget(t.Context(), "INC-20"))(t); !ok {
		t.Fatal("INC-20 is not forgotten")
	}
	wantOpen(t, s, "", before)
}

// testImportListed: an incident that is imported is listed where its state says, in place of
// where it was.
func testImportListed(t *testing.T, s bot.Store) {
	l := listed(3, 5, 0, "awaiting:ben")
	commitListed(t, s, 1, 0, &l)
	commitListed(t, s, 2, 0, &l)
	i := workflow.Incident{
		ID: "INC-1", Number: 1, Seq: 1, Status: workflow.Triage, Severity: workflow.SEV1, DeclaredAt: Epoch, Visibility: workflow.Private,
		Paging: workflow.Escalation{Pages: []workflow.PageState{{To: "ana", State: workflow.DeliveryAccepted}}},
	}
	body := must1(workflow.EncodeIncident(i))(t)
	item := bot.ArchivedIncident{Number: 1, Version: 4, Open: true, Body: body}
	items := []bot.ArchiveItem{
		{Key: "incident/1", Incident: &item},
		{Key: "incident/3", Incident: &bot.ArchivedIncident{Number: 3, Version: 1, Open: true, Body: []byte("not an incident")}},
		{Key: "incident/4", Incident: &bot.ArchivedIncident{Number: 4, Version: 1, Body: body}},
	}
	for range 2 {
		if err := s.Import(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		wantOpen(t, s, "", "3 1 2")
		wantOpen(t, s, "private", "3 1")
		wantOpen(t, s, "awaiting:ana", "1")
		wantOpen(t, s, "awaiting:ben", "2")
	}
	item.Open = false
	if err := s.Import(t.Context(), items[:1]); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, s, "", "3 2")
	wantOpen(t, s, "awaiting:ana", "")
}

// randomListing returns a listing of a few needs and tags, so that many are equal.
func (tw *twins) randomListing() workflow.Listing {
	l := listed(1+tw.rand.IntN(3), 1+tw.rand.IntN(2), tw.rand.IntN(2))
	for _, tag := range []string{"private", "awaiting:ana", "awaiting:ben"} {
		if tw.chance(40) {
			l.Tags = append(l.Tags, tag)
		}
	}
	slices.Sort(l.Tags)
	return l
}

// compareOpen wants both stores to have the same open incidents in the same order.
func (tw *twins) compareOpen() {
	q := bot.OpenQuery{Tag: tw.pick("", "", "private", "awaiting:ana", "awaiting:ben", "awaiting:"), Limit: 1 + tw.rand.IntN(10)}
	if tw.chance(50) {
		q.After = bot.Place{Need: tw.randomListing().Need, Number: tw.rand.IntN(10)}
	}
	m, errM := tw.model.ListOpen(tw.Context(), q)
	s, errS := tw.tested.ListOpen(tw.Context(), q)
	wantSame(tw, fmt.Sprintf("open %+v", q), m, s, errM, errS)
	if len(m) > 1 {
		tw.reached["several open"]++
	}
	countM, errM := tw.model.CountOpen(tw.Context(), q.Tag)
	countS, errS := tw.tested.CountOpen(tw.Context(), q.Tag)
	wantSame(tw, "count of "+q.Tag, countM, countS, errM, errS)
	ended := bot.Query{Ended: true, Limit: 1 + tw.rand.IntN(5), Before: tw.rand.IntN(10)}
	m, errM = tw.model.List(tw.Context(), ended)
	s, errS = tw.tested.List(tw.Context(), ended)
	for n := range m {
		m[n].Mail = nil
	}
	wantSame(tw, "ended only", m, s, errM, errS)
}
