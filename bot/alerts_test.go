package bot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/directory"
	"tocsin/bot/intake"
	"tocsin/workflow"
)

// TestI1DeadLetters: what cannot be read is kept, opens or joins one incident,
// and is replayed.
func TestI1DeadLetters(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	for range 2 {
		w.now = w.now.Add(time.Second)
		if err := w.Intake.KeepUnreadable(ctx, "prometheus", []byte("{broken"), "at line 1, column 2: unexpected end"); err != nil {
			t.Fatal(err)
		}
	}
	w.tick(time.Second)
	reply := w.say("ana", "list")
	if strings.Count(reply.Text, "Alerts from prometheus cannot be read") != 1 {
		t.Fatalf("list: %q", reply.Text)
	}
	letters, err := w.Intake.DeadLetters(ctx)
	if err != nil || len(letters) != 2 {
		t.Fatalf("%+v %v", letters, err)
	}
	_, err = w.Intake.Replay(ctx, letters[0].ID)
	if no, is := errors.AsType[*workflow.Refusal](err); !is || !strings.Contains(no.Error(), "still cannot be read") {
		t.Errorf("replay: %v", err)
	}
	if err = errors.Join(w.Intake.Discard(ctx, letters[0].ID), w.Intake.Discard(ctx, letters[1].ID)); err != nil {
		t.Fatal(err)
	}
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-1"), true, "monitoring")
	if err = w.Intake.KeepUnreadable(ctx, "prometheus", []byte("Disk full"), "a decoder that was broken then"); err != nil {
		t.Fatal(err)
	}
	letters, _ = w.Intake.DeadLetters(ctx)
	receipts, err := w.Intake.Replay(ctx, letters[0].ID)
	if err != nil || len(receipts) != 1 || receipts[0].Change != alerts.Started {
		t.Errorf("replay: %+v %v", receipts, err)
	}
}

// TestI1Owner: what cannot be read pages the integration's owner first.
func TestI1Owner(t *testing.T) {
	w := newTown(t)
	org := bottest.Town()
	org.Integrations[0].Owner = "all"
	if err := w.Configure(org, map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w}); err != nil {
		t.Fatal(err)
	}
	if err := w.Intake.KeepUnreadable(t.Context(), "prometheus", []byte("{"), "at line 1, column 2: unexpected end"); err != nil {
		t.Fatal(err)
	}
	w.tick(time.Second)
	var paged []string
	for _, p := range w.paged {
		paged = append(paged, p.Person)
	}
	slices.Sort(paged)
	if !slices.Equal(paged, []string{"ana", "ben", "dan"}) {
		t.Errorf("paged %v, want the whole team", paged)
	}
	w.expect(w.say("ana", "show INC-1"), true, "Alerts from prometheus cannot be read")
}

// TestE4Retry: a page that fails for now is tried again beside the advance.
func TestE4Retry(t *testing.T) {
	w := newTown(t)
	w.refuse = errors.New("connection refused")
	w.say("ben", "declare Checkout is down --sev 1 --service search")
	w.tick(0)
	w.expect(w.say("ana", "who INC-1"), true, "failed, retrying: connection refused")
	w.expect(w.say("ana", "list"), true, "UNATTENDED")
	w.refuse = nil
	w.tick(6 * time.Second)
	w.expect(w.say("ana", "who INC-1"), true, "delivered at")
}

// TestE10Bundle: a person paged three times in two minutes gets the rest as
// one message with a count.
func TestE10Bundle(t *testing.T) {
	w := newTown(t)
	for range 7 {
		w.say("dan", "declare Something --sev 1 --service search")
	}
	w.tick(0)
	sizes := func() (all []int) {
		for _, p := range w.paged {
			if p.Person == "ben" {
				all = append(all, len(p.Incidents))
			}
		}
		return all
	}
	if got := sizes(); !slices.Equal(got, []int{1, 1, 1, 4}) {
		t.Fatalf("pages: %v", got)
	}
	title := w.paged[len(w.paged)-1].Content.Title
	if title != "4 incidents need you" {
		t.Errorf("the bundle says %q", title)
	}
	if since := w.paged[len(w.paged)-1].Since; !since.Equal(w.now) {
		t.Errorf("the bundle is looked for since %s", since)
	}
	// Two more, one after the other: they wait for each other.
	for range 2 {
		w.say("dan", "declare Something --sev 1 --service search")
		w.tick(time.Second)
	}
	if got := sizes(); len(got) != 4 {
		t.Fatalf("pages at once: %v", got)
	}
	w.tick(31 * time.Second)
	if got := sizes(); len(got) != 5 || got[4] != 2 {
		t.Fatalf("pages after half a minute: %v", got)
	}
	w.expect(w.say("ana", "who INC-7"), true, "delivered")
}

// TestI6Reroute: alerts left firing for an hour after a person resolved open a
// new, linked incident.
func TestI6Reroute(t *testing.T) {
	w := newTown(t)
	alert := alerts.Alert{Key: "k", Title: "Disk full", State: alerts.Firing, Severity: "critical", StartedAt: w.now, Labels: map[string]string{"alertname": "Disk"}}
	receive := func(a alerts.Alert) alerts.Receipt {
		t.Helper()
		r, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a})
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
	receive(alert)
	w.tick(0)
	w.expect(w.say("ana", "resolve INC-1 Cleaned up"), true, "1 alert is still firing (Disk full), quiet until")
	w.tick(time.Minute)
	if r := receive(alert); r.Change != alerts.Repeated {
		t.Errorf("while it is quiet: %+v", r)
	}
	w.tick(time.Hour)
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-2"), true, "Earlier INC-1")
	if r := receive(alert); r.Change != alerts.Repeated || r.Incident != "INC-2" {
		t.Errorf("afterwards: %+v", r)
	}
}

// TestI6RerouteIgnored: an alert that routes ignore by now, or of which only a
// notice came since, still opens an incident that can be declared and pages.
func TestI6RerouteIgnored(t *testing.T) {
	w := newTown(t)
	alert := alerts.Alert{Key: "k", Title: "Disk full", State: alerts.Firing, Severity: "critical", StartedAt: w.now, Labels: map[string]string{"alertname": "Disk"}}
	notice := alert
	notice.State, notice.Title = alerts.Notice, "flapping"
	for _, a := range []alerts.Alert{alert, notice} {
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
			t.Fatal(err)
		}
	}
	w.tick(0)
	w.say("ana", "resolve INC-1")
	org := bottest.Town()
	org.Routes = []alerts.Route{{Match: "true", Ignore: true}}
	if err := w.Configure(org, map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w}); err != nil {
		t.Fatal(err)
	}
	w.tick(61 * time.Minute)
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-2"), true, "INC-2 · Disk full")
	w.expect(w.say("ana", "ack INC-2"), true, "Acknowledged")
	// Its resolve still counts, whatever routes say (I3).
	alert.State, alert.EndedAt = alerts.Resolved, w.now
	if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{alert}); err != nil {
		t.Fatal(err)
	}
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-2"), true, "monitoring")
}

// TestMergedAlerts: alerts of a merged incident are not forgotten when the
// other ends, and a live page is not canceled for them.
func TestMergedAlerts(t *testing.T) {
	w := newTown(t)
	fire := func(key string) {
		t.Helper()
		a := alerts.Alert{Key: key, Title: "Alert " + key, State: alerts.Firing, Severity: "critical", StartedAt: w.now, Labels: map[string]string{"alertname": key}}
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
			t.Fatal(err)
		}
		w.tick(time.Second)
	}
	fire("a")
	fire("b")
	w.expect(w.say("ana", "merge INC-1 INC-2"), true, "Merged into INC-2")
	w.tick(time.Second)
	w.say("ana", "ack INC-2")
	w.expect(w.say("ana", "resolve INC-2"), true, "2 alerts are still firing")
	w.tick(time.Second)
	fire("c")
	w.tick(time.Hour)
	w.tick(time.Second)
	list := w.say("ana", "list").Text
	for _, title := range []string{"Alert a", "Alert b", "Alert c"} {
		if !strings.Contains(list, title) {
			t.Errorf("%s still fires, and no open incident is about it:\n%s", title, list)
		}
	}
}

// TestMergeCircle: two incidents merged into each other at the same instant
// both go on.
func TestMergeCircle(t *testing.T) {
	w := newTown(t)
	w.say("ana", "declare One --sev 1")
	w.say("ana", "declare Two --sev 1")
	// What ana sees of the other is from before: the store answers as it was.
	one, err := w.store.Load(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	w.expect(w.say("ana", "merge INC-1 INC-2"), true, "Merged")
	w.stale = map[string]bot.Loaded{"INC-1": one}
	w.expect(w.say("ana", "merge INC-2 INC-1"), true, "Merged")
	w.stale = nil
	w.tick(time.Second)
	w.tick(time.Second)
	if list := w.say("ana", "list").Text; !strings.Contains(list, "One") && !strings.Contains(list, "Two") {
		t.Errorf("both are gone:\n%s", list)
	}
}

// TestP2Merge: a private incident is not merged where everybody reads of it.
func TestP2Merge(t *testing.T) {
	w := newTown(t)
	w.say("ana", "declare Data leak --sev 1 --private")
	w.say("ana", "declare Something --sev 1")
	w.expect(w.say("ana", "merge INC-1 INC-2"), false, "INC-1 is private and INC-2 is not")
	w.expect(w.say("ana", "link INC-2 INC-1"), true, "")
	if text := w.say("ben", "show INC-2").Text; strings.Contains(text, "leak") {
		t.Errorf("a link tells what a private incident is about:\n%s", text)
	}
}

// TestPagePolicy: a policy can be paged by hand.
func TestPagePolicy(t *testing.T) {
	w := newTown(t)
	w.say("ana", "declare Something --sev 1")
	w.expect(w.say("ana", "page INC-1 policy:two please"), true, "Paged Ben")
}

// TestMergeCircleCounts: after a merge in a circle both count their own alerts.
func TestMergeCircleCounts(t *testing.T) {
	w := newTown(t)
	alert := func(key string, state alerts.State) {
		t.Helper()
		a := alerts.Alert{Key: key, Title: "Alert " + key, State: state, Severity: "critical", StartedAt: w.now, EndedAt: w.now, Labels: map[string]string{"alertname": key}}
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
			t.Fatal(err)
		}
		w.tick(time.Second)
	}
	alert("a", alerts.Firing)
	alert("b", alerts.Firing)
	one, err := w.store.Load(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	w.expect(w.say("ana", "merge INC-1 INC-2"), true, "Merged")
	w.stale = map[string]bot.Loaded{"INC-1": one}
	w.expect(w.say("ana", "merge INC-2 INC-1"), true, "Merged")
	w.stale = nil
	w.tick(time.Second)
	w.tick(time.Second)
	alert("a", alerts.Resolved)
	alert("b", alerts.Resolved)
	for _, id := range []string{"INC-1", "INC-2"} {
		i, err := w.LoadUnchecked(t.Context(), id)
		if err != nil || i.Alerts.Firing != 0 {
			t.Errorf("%s (%s) counts %d firing alerts, %v", id, i.Status, i.Alerts.Firing, err)
		}
	}
}

// TestI5LateResolve: a resolve that is older than the last start ends nothing.
func TestI5LateResolve(t *testing.T) {
	w := newTown(t)
	start := w.now
	at := func(state alerts.State, began, ended time.Time) alerts.Change {
		t.Helper()
		a := alerts.Alert{Key: "k", Title: "Disk full", State: state, Severity: "critical", StartedAt: began, EndedAt: ended, Labels: map[string]string{"alertname": "Disk"}}
		r, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a})
		if err != nil {
			t.Fatal(err)
		}
		return r[0].Change
	}
	at(alerts.Firing, start, time.Time{})
	w.now = start.Add(30 * time.Second)
	at(alerts.Firing, start.Add(20*time.Second), time.Time{})
	w.now = start.Add(40 * time.Second)
	if c := at(alerts.Resolved, start, start.Add(10*time.Second)); c != alerts.Stale {
		t.Errorf("the late resolve is %s", c)
	}
}

// TestE8Live: who answers for a target is read when the step fires, while the
// policy is the one that was copied in at the start.
func TestE8Live(t *testing.T) {
	w := newTown(t)
	w.say("ana", "declare Search is down --sev 1 --service search") // pages ben, then nobody for ten minutes
	w.tick(0)
	org := bottest.Town()
	org.Directory.People = append(org.Directory.People, directory.Person{ID: "eve", Name: "Eve", Email: "eve@example.com"})
	org.Directory.Teams[0].Members = []string{"eve"}
	org.Policies[1].Steps[0].Notify = []workflow.Target{"person:ana"} // no running incident learns of this
	org.Policies[0].Steps[2].RoundRobin = false
	if err := w.Configure(org, map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.say("ana", "page INC-1 @all"), true, "Paged Eve (email)")
	w.expect(w.say("ana", "unack INC-1"), false, "not acknowledged")
	w.say("ana", "ack INC-1")
	w.expect(w.say("ana", "unack INC-1"), true, "Step 1 of two pages Ben (email), noc (webhook)")
}

// TestI2Overload: too old unread mail refuses more, and says so.
func TestI2Overload(t *testing.T) {
	w := newTown(t)
	w.Intake.ReportLag(6 * time.Second)
	if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{Key: "k", State: alerts.Firing}}); !errors.Is(err, bot.ErrOverload) {
		t.Errorf("got %v", err)
	}
	w.tick(0)
	if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{Key: "k", State: alerts.Firing}}); err != nil {
		t.Error(err)
	}
}

func TestSimulate(t *testing.T) {
	org := bottest.Town()
	sim, err := intake.Simulate(org, "prometheus", []alerts.Alert{
		{Key: "a", Title: "Errors", State: alerts.Firing, Severity: "critical", Labels: map[string]string{"alertname": "Errors", "service": "search"}},
		{Key: "b", Title: "Gone", State: alerts.Resolved, Labels: map[string]string{"alertname": "Errors", "service": "search"}},
	}, bottest.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	if len(sim.Incidents) != 1 || sim.Incidents[0].Policy != "two" || sim.Alerts[1].Change != alerts.Ignored {
		t.Fatalf("%+v", sim)
	}
	var steps []string
	for _, s := range sim.Incidents[0].Steps {
		steps = append(steps, s.At.Format("15:04:05 ")+s.Text)
	}
	all := strings.Join(steps, "\n")
	for _, want := range []string{"03:00:00 Declared SEV1: Errors (search)", "03:00:00 Step 1 of two pages Ben (email), noc (webhook)", "03:10:00 NO ONE HAS ACKNOWLEDGED"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}
