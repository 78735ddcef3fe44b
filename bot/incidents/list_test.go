package incidents_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/incidents"
	"tocsin/commands"
	"tocsin/workflow"
)

// TestE14ListByNeed: however many newer or less severe incidents are open, the first ones of
// a list are those that need a person most; ended ones follow (E14: lists are by need).
func TestE14ListByNeed(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Worst --sev 1")
	w.Say("ben", "declare Old and done --sev 1")
	w.Say("ben", "resolve INC-2 fixed")
	w.Say("ben", "declare Bad but mine --sev 1")
	w.Say("ben", "ack INC-3")
	bottest.Flood(t, w.Store, 4, 700, nil)
	bottest.Flood(t, w.Store, 800, 1, func(i *workflow.Incident) { i.Severity, i.Paging.Unreachable = workflow.SEV5, true })
	w.Say("ben", "declare Newest")
	w.Say("ben", "resolve INC-801 fixed")
	ana := w.Person("ana")
	first, next, err := w.Incidents.List(t.Context(), ana, incidents.Filter{Limit: 3})
	if err != nil || ids(first) != "INC-800 INC-1 INC-4" || next.IsZero() {
		t.Errorf("the first are %s, %v", ids(first), err)
	}
	var all []string
	for after, more := (incidents.Cursor{}), true; more; more = !after.IsZero() {
		parsed, ok := incidents.ParseCursor(after.String())
		if !ok || parsed != after {
			t.Fatalf("the cursor %q is read as %q", after, parsed)
		}
		var page []workflow.Incident
		if page, after, err = w.Incidents.List(t.Context(), ana, incidents.Filter{All: true, After: parsed, Limit: 99}); err != nil {
			t.Fatal(err)
		}
		for _, i := range page {
			all = append(all, i.ID)
		}
	}
	if got := strings.Join(all[len(all)-4:], " "); len(all) != 705 || got != "INC-703 INC-3 INC-801 INC-2" {
		t.Errorf("%d are listed, the last are %s", len(all), got)
	}
	counts, err := w.Incidents.CountOpen(t.Context(), ana)
	if err != nil || counts != (bot.OpenCounts{Open: 703, Unacknowledged: 702, Unattended: 1}) {
		t.Errorf("counts %+v, %v", counts, err)
	}
}

// TestE14Awaiting: what waits for a person, or involves one, is found behind any number of
// incidents that need others more (E14: lists are by need).
func TestE14Awaiting(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	bottest.Flood(t, w.Store, 1, 700, func(i *workflow.Incident) { i.Severity = workflow.SEV1 })
	bottest.Flood(t, w.Store, 701, 30, func(i *workflow.Incident) {
		i.Severity, i.Visibility = workflow.SEV5, workflow.Private
		i.Paging = workflow.Escalation{State: workflow.Running, Pages: []workflow.PageState{{To: "ana", State: workflow.DeliveryAccepted}}}
	})
	bottest.Flood(t, w.Store, 731, 1, func(i *workflow.Incident) {
		i.Severity, i.Acknowledgement.Person, i.Roles = workflow.SEV5, "ben", map[string]string{workflow.Commander: "ana"}
	})
	for want, q := range map[string]incidents.Filter{
		"INC-701 INC-702":         {Awaiting: "ana", Limit: 2},
		"INC-731":                 {Involving: "ben"},
		"INC-701 INC-702 INC-703": {Involving: "ana", Limit: 3},
		"INC-704":                 {Paging: true, Text: "inc-704"},
		"":                        {Awaiting: "an"},
		"INC-1 INC-2":             {NotInvolving: "ana", Limit: 2},
	} {
		got, _, err := w.Incidents.List(t.Context(), w.Person("ana"), q)
		if err != nil || ids(got) != want {
			t.Errorf("%+v: %q, %v; want %q", q, ids(got), err, want)
		}
	}
	for person, want := range map[string]int{"ana": 31, "ben": 1, "cy": 0} {
		if n, err := w.Incidents.CountInvolving(t.Context(), person); err != nil || n != want {
			t.Errorf("%d involve %s, %v; want %d", n, person, err, want)
		}
	}
}

// TestP2CountsAndPages: private incidents of others are neither counted nor do they empty a
// page, whatever their need (P2: private means members only).
func TestP2CountsAndPages(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	bottest.Flood(t, w.Store, 1, 450, func(i *workflow.Incident) {
		i.Severity, i.Visibility, i.Paging.Unreachable = workflow.SEV1, workflow.Private, i.Number%2 == 0
		i.Invited = []string{"ana"}
	})
	bottest.Flood(t, w.Store, 451, 1, func(i *workflow.Incident) { i.Visibility, i.Reporter.Person = workflow.Private, "ben" })
	bottest.Flood(t, w.Store, 452, 3, nil)
	eve := access.Speaker{Person: "eve", Name: "Eve", Access: commands.Admin}
	for _, c := range []struct {
		s     access.Speaker
		first string
		want  bot.OpenCounts
	}{
		{w.Person("ana"), "INC-2 INC-4", bot.OpenCounts{Open: 453, Unacknowledged: 453, Unattended: 225}},
		{w.Person("ben"), "INC-451 INC-452", bot.OpenCounts{Open: 4, Unacknowledged: 4}},
		{eve, "INC-452 INC-453", bot.OpenCounts{Open: 3, Unacknowledged: 3}},
	} {
		first, _, err := w.Incidents.List(t.Context(), c.s, incidents.Filter{Limit: 2})
		if err != nil || ids(first) != c.first {
			t.Errorf("%s: the first are %s, %v; want %s", c.s.Name, ids(first), err, c.first)
		}
		if counts, err := w.Incidents.CountOpen(t.Context(), c.s); err != nil || counts != c.want {
			t.Errorf("%s: counts %+v, %v; want %+v", c.s.Name, counts, err, c.want)
		}
		var labels []string
		for _, choice := range w.Dispatcher.Choices(t.Context(), commands.Incident, c.s) {
			labels = append(labels, choice.Value)
		}
		if !strings.HasPrefix(strings.Join(labels, " "), c.first) {
			t.Errorf("%s: the choices are %v", c.s.Name, labels)
		}
	}
}

// TestListLeavesOutWhatCannotBeRead: one incident that cannot be decoded hides no other.
func TestListLeavesOutWhatCannotBeRead(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	for n, open := range []bool{true, false} {
		c := bot.Commit{At: bottest.Epoch, Incident: fmt.Sprint("INC-", 7+n), Snapshot: []byte("not an incident"), Open: open}
		c.Listing.Tags = []string{workflow.TagPrivate}
		if _, err := w.Store.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	got, next, err := w.Incidents.List(t.Context(), w.Person("ana"), incidents.Filter{All: true})
	if err != nil || ids(got) != "INC-1" || !next.IsZero() {
		t.Errorf("listed %s, %v", ids(got), err)
	}
	if counts, err := w.Incidents.CountOpen(t.Context(), w.Person("ana")); err != nil || counts.Open != 1 {
		t.Errorf("%d are open, %v", counts.Open, err)
	}
}

// TestCursor: what is no cursor is not read as one.
func TestCursor(t *testing.T) {
	for _, text := range []string{"x", "before-", "before-x", "before--1", "before-0", "before-1 ", " before-1", "after-1", "after--1-1", "after-1-x", "after-0-0", "after-1-1x", "after-99999999999999999999-1"} {
		if c, ok := incidents.ParseCursor(text); ok {
			t.Errorf("%q is read as %q", text, c)
		}
	}
	for _, text := range []string{"", "before-7", "after-1-7", "after-0-7"} {
		if c, ok := incidents.ParseCursor(text); !ok || c.String() != text {
			t.Errorf("%q is read as %q, %t", text, c, ok)
		}
	}
}
