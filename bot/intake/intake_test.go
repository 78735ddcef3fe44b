package intake_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestI1DeadLetters: a delivery that cannot be decoded is stored, opens or joins one
// incident, and can be replayed.
func TestI1DeadLetters(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	ctx := t.Context()
	for range 2 {
		w.Clock = w.Clock.Add(time.Second)
		if err := w.Intake.StoreDeadLetter(ctx, "prometheus", alerts.Unreadable{Body: []byte("{broken"), Reason: "at line 1, column 2: unexpected end"}); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(time.Second)
	reply := w.Say("ana", "list")
	if strings.Count(reply.Text, "Alerts from prometheus cannot be read") != 1 {
		t.Fatalf("list: %q", reply.Text)
	}
	letters, err := w.Intake.DeadLetters(ctx)
	if err != nil || len(letters) != 2 {
		t.Fatalf("%+v %v", letters, err)
	}
	_, err = w.Intake.Replay(ctx, letters[0].ID)
	if no, ok := errors.AsType[*workflow.Refusal](err); !ok || !strings.Contains(no.Error(), "still cannot be read") {
		t.Errorf("replay: %v", err)
	}
	if err = errors.Join(w.Intake.Discard(ctx, letters[0].ID), w.Intake.Discard(ctx, letters[1].ID)); err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "show INC-1"), true, "monitoring")
	if err = w.Intake.StoreDeadLetter(ctx, "prometheus", alerts.Unreadable{Body: []byte("Disk full"), Reason: "a decoder that was broken then"}); err != nil {
		t.Fatal(err)
	}
	letters, _ = w.Intake.DeadLetters(ctx)
	receipts, err := w.Intake.Replay(ctx, letters[0].ID)
	if err != nil || len(receipts) != 1 || receipts[0].Change != alerts.Started {
		t.Errorf("replay: %+v %v", receipts, err)
	}
}

// TestI1Owner: a delivery that cannot be decoded pages the integration's owner first.
func TestI1Owner(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	org := bottest.SampleOrganization()
	org.Integrations[0].Owner = "all"
	if err := w.Configure(org, map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w}); err != nil {
		t.Fatal(err)
	}
	if err := w.Intake.StoreDeadLetter(t.Context(), "prometheus", alerts.Unreadable{Body: []byte("{"), Reason: "at line 1, column 2: unexpected end"}); err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Second)
	var paged []string
	for _, p := range w.Paged {
		paged = append(paged, p.Person)
	}
	slices.Sort(paged)
	if !slices.Equal(paged, []string{"ana", "ben", "dan"}) {
		t.Errorf("paged %v, want the whole team", paged)
	}
	w.Expect(w.Say("ana", "show INC-1"), true, "Alerts from prometheus cannot be read")
}

// TestI6Reroute: an alert that still fires an hour after a person resolved its incident
// opens a new, linked incident.
func TestI6Reroute(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	alert := alerts.Alert{Key: "k", Title: "Disk full", State: alerts.Firing, Severity: "critical", StartedAt: w.Clock, Labels: map[string]string{"alertname": "Disk"}}
	receive := func(a alerts.Alert) alerts.Receipt {
		t.Helper()
		r, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a})
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
	receive(alert)
	w.Advance(0)
	w.Expect(w.Say("ana", "resolve INC-1 Cleaned up"), true, "1 alert is still firing (Disk full), quiet until")
	w.Advance(time.Minute)
	if r := receive(alert); r.Change != alerts.Repeated {
		t.Errorf("while it is quiet: %+v", r)
	}
	w.Advance(time.Hour)
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "show INC-2"), true, "Earlier INC-1")
	if r := receive(alert); r.Change != alerts.Repeated || r.Incident != "INC-2" {
		t.Errorf("afterwards: %+v", r)
	}
}

// TestI6RerouteIgnoredAlert: that holds also for an alert that routes ignore by now, or
// for which only a notice came since.
func TestI6RerouteIgnoredAlert(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	alert := alerts.Alert{Key: "k", Title: "Disk full", State: alerts.Firing, Severity: "critical", StartedAt: w.Clock, Labels: map[string]string{"alertname": "Disk"}}
	notice := alert
	notice.State, notice.Title = alerts.Notice, "flapping"
	for _, a := range []alerts.Alert{alert, notice} {
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(0)
	w.Say("ana", "resolve INC-1")
	org := bottest.SampleOrganization()
	org.Routes = []alerts.Route{{Match: "true", Ignore: true}}
	if err := w.Configure(org, map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w}); err != nil {
		t.Fatal(err)
	}
	w.Advance(61 * time.Minute)
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "show INC-2"), true, "INC-2 · Disk full")
	w.Expect(w.Say("ana", "ack INC-2"), true, "Acknowledged")
	// Its resolve still counts, whatever routes say (I3).
	alert.State, alert.EndedAt = alerts.Resolved, w.Clock
	if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{alert}); err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "show INC-2"), true, "monitoring")
}

// TestI5LateResolve: a resolve that is older than the last start ends nothing.
func TestI5LateResolve(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	start := w.Clock
	at := func(state alerts.State, began, ended time.Time) alerts.Change {
		t.Helper()
		a := alerts.Alert{Key: "k", Title: "Disk full", State: state, Severity: "critical", StartedAt: began, EndedAt: ended, Labels: map[string]string{"alertname": "Disk"}}
		r, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a})
		if err != nil {
			t.Fatal(err)
		}
		w.Advance(0)
		return r[0].Change
	}
	at(alerts.Firing, start, time.Time{})
	w.Clock = start.Add(30 * time.Second)
	at(alerts.Firing, start.Add(20*time.Second), time.Time{})
	w.Clock = start.Add(40 * time.Second)
	if c := at(alerts.Resolved, start, start.Add(10*time.Second)); c != alerts.Stale {
		t.Errorf("the late resolve is %s", c)
	}
}

// TestI2Overload: alerts of an integration are refused while its oldest unread mail is too
// old, and those of another are accepted (E10c: integrations share fairly).
func TestI2Overload(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	send := func(integration, key string) error {
		_, err := w.Intake.Receive(t.Context(), integration, []alerts.Alert{{Key: key, State: alerts.Firing}})
		return err
	}
	if err := send("prometheus", "k"); err != nil {
		t.Fatal(err)
	}
	w.Clock = w.Clock.Add(6 * time.Second)
	if err := send("prometheus", "k"); !errors.Is(err, bot.ErrOverload) {
		t.Errorf("got %v", err)
	}
	if err := send("other", "k"); err != nil {
		t.Errorf("the other integration: %v", err)
	}
	w.Clock = w.Clock.Add(10 * time.Second)
	if err := send("prometheus", "k"); err != nil {
		t.Errorf("one incident that is never read has its integration refused for ever: %v", err)
	}
}

// TestI2OverloadEnds: alerts are accepted once the mail has been read (I2: overload is a
// 503).
func TestI2OverloadEnds(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for range 2 {
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{Key: "k", State: alerts.Firing}}); err != nil {
			t.Fatal(err)
		}
		w.Advance(0)
		w.Clock = w.Clock.Add(6 * time.Second)
	}
}

// TestI5HeldNotice: an alert that resolves and fires again 5 or 20 seconds later with the
// same start fires after its minute, and pages (I5c: an old start is judged again after a
// minute). If it has resolved again meanwhile, nothing has changed.
func TestI5HeldNotice(t *testing.T) {
	for _, pause := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second, 59 * time.Second} {
		for _, resolvesAgain := range []bool{false, true} {
			w := bottest.NewApp(t, memory.New())
			start := w.Clock
			send := func(state alerts.State) {
				a := alerts.Alert{Key: "disk", Title: "Disk full", State: state, StartedAt: start, Severity: "critical"}
				if state == alerts.Resolved {
					a.EndedAt = w.Clock
				}
				if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
					t.Fatal(err)
				}
				w.Advance(0)
			}
			send(alerts.Firing)
			w.Advance(time.Minute)
			send(alerts.Resolved)
			w.Advance(pause)
			send(alerts.Firing)
			w.Expect(w.Say("ana", "show INC-1"), true, "monitoring")
			paged := len(w.Paged)
			w.Advance(30 * time.Second)
			if resolvesAgain {
				send(alerts.Resolved)
			}
			w.Advance(29 * time.Second)
			w.Expect(w.Say("ana", "show INC-1"), true, "monitoring")
			w.Advance(2 * time.Second)
			w.Advance(0)
			if resolvesAgain {
				w.Expect(w.Say("ana", "show INC-1"), true, "monitoring")
				continue
			}
			w.Expect(w.Say("ana", "show INC-1"), true, "1 firing")
			w.Expect(w.Say("ana", "timeline INC-1"), true, "was held for a minute")
			if len(w.Paged) == paged {
				t.Errorf("after %s: no one is paged", pause)
			}
		}
	}
}

// TestI1NoAlert: a delivery that holds no alert is kept and pages with a low severity,
// and does not change how one whose alerts cannot be read pages (I1: a 2xx means durable).
func TestI1NoAlert(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	store := func(got alerts.Unreadable) {
		t.Helper()
		w.Clock = w.Clock.Add(time.Second)
		if err := w.Intake.StoreDeadLetter(t.Context(), "prometheus", got); err != nil {
			t.Fatal(err)
		}
	}
	store(alerts.Unreadable{Body: []byte("{}"), Reason: "it holds no alert", HasNoAlert: true})
	store(alerts.Unreadable{Body: []byte("{"), Reason: "it is broken"})
	store(alerts.Unreadable{Body: nil, Reason: "it is empty", HasNoAlert: true})
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "show INC-1"), true, "What prometheus sends holds no alert")
	w.Expect(w.Say("ana", "show INC-1"), true, "SEV4")
	w.Expect(w.Say("ana", "show INC-2"), true, "Alerts from prometheus cannot be read")
	w.Expect(w.Say("ana", "show INC-2"), true, "SEV2")
	letters, err := w.Intake.DeadLetters(t.Context())
	if err != nil || len(letters) != 3 || !letters[0].HasNoAlert || letters[1].HasNoAlert {
		t.Fatalf("%+v %v", letters, err)
	}
	for _, l := range letters {
		if err := w.Intake.Discard(t.Context(), l.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "show INC-1"), true, "monitoring")
	w.Expect(w.Say("ana", "show INC-2"), true, "monitoring")
}

// TestI1DeadLettersHaveNoLimit: the 1,001st dead letter is kept like the first, also when
// two integrations send the same body in the same instant (I1: a 2xx means durable).
func TestI1DeadLettersHaveNoLimit(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	const letters = 1001
	for n := range letters {
		w.Clock = w.Clock.Add(time.Duration(n%2) * time.Millisecond)
		integration := []string{"prometheus", "other"}[n%2]
		if err := w.Intake.StoreDeadLetter(t.Context(), integration, alerts.Unreadable{Body: []byte(fmt.Sprintf("Disk full %d", (n+1)/2)), Reason: "no decoder"}); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(time.Second)
	all, err := w.Intake.DeadLetters(t.Context())
	if err != nil || len(all) != letters {
		t.Fatalf("%d of %d dead letters are listed, %v", len(all), letters, err)
	}
	w.Expect(w.Say("ana", "show INC-1"), true, "Alerts from prometheus cannot be read")
	if _, err = w.Intake.Replay(t.Context(), all[letters-1].ID); err != nil {
		t.Errorf("replay the last: %v", err)
	}
}
