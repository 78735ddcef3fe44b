package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
)

// TestMergedAlerts: alerts of a merged incident are not lost when the other incident
// ends, and no live page is canceled for them.
func TestMergedAlerts(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	fire := func(key string) {
		t.Helper()
		a := alerts.Alert{Key: key, Title: "Alert " + key, State: alerts.Firing, Severity: "critical", StartedAt: w.Clock, Labels: map[string]string{"alertname": key}}
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
			t.Fatal(err)
		}
		w.Advance(time.Second)
	}
	fire("a")
	fire("b")
	w.Expect(w.Say("ana", "merge INC-1 INC-2"), true, "Merged into INC-2")
	w.Advance(time.Second)
	w.Say("ana", "ack INC-2")
	w.Expect(w.Say("ana", "resolve INC-2"), true, "2 alerts are still firing")
	w.Advance(time.Second)
	fire("c")
	w.Advance(time.Hour)
	w.Advance(time.Second)
	list := w.Say("ana", "list").Text
	for _, title := range []string{"Alert a", "Alert b", "Alert c"} {
		if !strings.Contains(list, title) {
			t.Errorf("%s still fires, and no open incident is about it:\n%s", title, list)
		}
	}
}

// TestMergeCircle: of two incidents that are merged into each other at the same
// instant, at least one stays open.
func TestMergeCircle(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ana", "declare One --sev 1")
	w.Say("ana", "declare Two --sev 1")
	// What ana sees of the other is from before: the store answers as it was.
	one, err := w.Store.Load(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	w.Expect(w.Say("ana", "merge INC-1 INC-2"), true, "Merged")
	w.Stale = map[string]bot.Loaded{"INC-1": one}
	w.Expect(w.Say("ana", "merge INC-2 INC-1"), true, "Merged")
	w.Stale = nil
	w.Advance(time.Second)
	w.Advance(time.Second)
	if list := w.Say("ana", "list").Text; !strings.Contains(list, "One") && !strings.Contains(list, "Two") {
		t.Errorf("both are gone:\n%s", list)
	}
}

// TestMergeCircleCounts: after two incidents were merged into each other, both count
// their own alerts.
func TestMergeCircleCounts(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	alert := func(key string, state alerts.State) {
		t.Helper()
		a := alerts.Alert{Key: key, Title: "Alert " + key, State: state, Severity: "critical", StartedAt: w.Clock, EndedAt: w.Clock, Labels: map[string]string{"alertname": key}}
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
			t.Fatal(err)
		}
		w.Advance(time.Second)
	}
	alert("a", alerts.Firing)
	alert("b", alerts.Firing)
	one, err := w.Store.Load(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	w.Expect(w.Say("ana", "merge INC-1 INC-2"), true, "Merged")
	w.Stale = map[string]bot.Loaded{"INC-1": one}
	w.Expect(w.Say("ana", "merge INC-2 INC-1"), true, "Merged")
	w.Stale = nil
	w.Advance(time.Second)
	w.Advance(time.Second)
	alert("a", alerts.Resolved)
	alert("b", alerts.Resolved)
	for _, id := range []string{"INC-1", "INC-2"} {
		i, err := w.LoadUnchecked(t.Context(), id)
		if err != nil || i.Alerts.Firing != 0 {
			t.Errorf("%s (%s) counts %d firing alerts, %v", id, i.Status, i.Alerts.Firing, err)
		}
	}
}

// TestP2Merge: a private incident is not merged into a public one.
func TestP2Merge(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ana", "declare Data leak --sev 1 --private")
	w.Say("ana", "declare Something --sev 1")
	w.Expect(w.Say("ana", "merge INC-1 INC-2"), false, "INC-1 is private and INC-2 is not")
	w.Expect(w.Say("ana", "link INC-2 INC-1"), true, "")
	if text := w.Say("ben", "show INC-2").Text; strings.Contains(text, "leak") {
		t.Errorf("a link tells what a private incident is about:\n%s", text)
	}
}

// TestPagePolicy: a policy can be paged by hand.
func TestPagePolicy(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ana", "declare Something --sev 1")
	w.Expect(w.Say("ana", "page INC-1 policy:two please"), true, "Paged Ben")
}
