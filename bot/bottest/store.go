// Package bottest holds what every adapter must pass: one conformance suite
// for each port, hand-written fakes, and the simulated world.
package bottest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Epoch is when the tests' world begins.
var Epoch = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// every class there is.
var every = bot.Classes{From: 0, To: workflow.ClassDroppable} //nolint:gochecknoglobals // a constant

// Store is the conformance suite of [bot.Store]. open returns an empty store
// that is closed with the test.
func Store(t *testing.T, open func(t *testing.T) bot.Store) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s bot.Store)
	}{
		{"Commit", commits},
		{"Atomic", atomics},
		{"Operations", operations},
		{"Groups", groups},
		{"Take", takes},
		{"Mailbox", mailbox},
		{"MailRace", mailRace},
		{"Wake", wakes},
		{"Lanes", lanes},
		{"Leases", leases},
		{"Postpone", postpones},
		{"Standing", standing},
		{"StandingLeased", standingLeased},
		{"Records", records},
		{"List", lists},
		{"TwentyWriters", twentyWriters},
		{"ManyAlerts", manyAlerts},
		{"Reroute", reroutes},
		{"Talk", talks},
		{"TalkPages", talkPages},
		{"TalkAtomic", talkAtomic},
		{"Resaid", resaid},
		{"ResaidAtomic", resaidAtomic},
		{"ResaidWatch", resaidWatch},
		{"ResaidShelved", resaidShelved},
		{"ResaidRace", resaidRace},
		{"Watch", watches},
		{"WatchNothing", watchNothing},
		{"WatchOnce", watchOnce},
		{"WatchEnds", watchEnds},
		{"WatchReads", watchReads},
		{"Shelve", shelves},
		{"ShelveRefuses", shelveRefuses},
		{"ShelvedBack", shelvedBack},
		{"ShelvedAlert", shelvedAlert},
		{"Over", overs},
		{"Forget", forgets},
		{"ForgetRefuses", forgetRefuses},
		{"ForgetRecords", forgetRecords},
		{"ExportPages", exportPages},
		{"ImportAtomic", importAtomic},
		{"ImportOver", importOver},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
	t.Run("Import", func(t *testing.T) { imports(t, open(t), open(t)) })
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// wants fails unless err is target.
func wants(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}

func at(seconds float64) time.Time {
	return Epoch.Add(time.Duration(seconds * float64(time.Second)))
}

// commitOf is a commit that changes the state of an incident.
func commitOf(id string, version int, seqs ...int) bot.Commit {
	c := bot.Commit{At: Epoch, Incident: id, Version: version, Snapshot: fmt.Appendf(nil, "state %d of %s", version+1, id), Open: true}
	for _, s := range seqs {
		c.Events = append(c.Events, bot.StoredEvent{Seq: s, Body: fmt.Appendf(nil, "event %d", s)})
	}
	return c
}

func commits(t *testing.T, s bot.Store) {
	ctx := t.Context()
	_, err := s.Load(ctx, "INC-1")
	wants(t, err, bot.ErrNotFound)
	if n := mustReserve(t, s); n != 1 {
		t.Fatalf("the first number is %d", n)
	}
	r := must1(s.Commit(ctx, commitOf("INC-1", 0, 1, 2)))(t)
	if r.Version != 1 || r.Repeated {
		t.Fatalf("receipt %+v", r)
	}
	l := must1(s.Load(ctx, "INC-1"))(t)
	if l.Number != 1 || l.Version != 1 || string(l.Snapshot) != "state 1 of INC-1" || l.Stub != nil || len(l.Mail) != 0 {
		t.Fatalf("loaded %+v", l)
	}
	_, err = s.Commit(ctx, commitOf("INC-1", 0, 3))
	wants(t, err, bot.ErrConflict)
	must1(s.Commit(ctx, commitOf("INC-1", 1, 3)))(t)
	if n := mustReserve(t, s); n != 2 {
		t.Fatalf("the second number is %d", n)
	}
	history := must1(s.History(ctx, "INC-1", 1, 10))(t)
	if len(history) != 2 || string(history[0]) != "event 2" || string(history[1]) != "event 3" {
		t.Fatalf("history %s", history)
	}
	if history = must1(s.History(ctx, "INC-1", 0, 1))(t); len(history) != 1 || string(history[0]) != "event 1" {
		t.Fatalf("history %s", history)
	}
}

// must1 is [must] for a call in one expression.
func must1[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		return must(t, v, err)
	}
}

func mustReserve(t *testing.T, s bot.Store) int {
	t.Helper()
	return must1(s.Reserve(t.Context()))(t)
}

// atomics: what fails leaves nothing behind.
func atomics(t *testing.T, s bot.Store) {
	ctx := t.Context()
	must1(s.Commit(ctx, commitOf("INC-1", 0, 1)))(t)
	must1(s.Commit(ctx, bot.Commit{At: Epoch, Records: []bot.RecordChange{{Kind: "k", ID: "a", Body: []byte("1")}}}))(t)
	c := commitOf("INC-1", 1, 2)
	c.Tasks = []bot.Task{{ID: "INC-1/2.0", Owner: "INC-1", Lane: workflow.Lane{Class: workflow.ClassPage, Destination: "p"}, Due: Epoch}}
	c.WakeAt, c.Operation, c.Reply = Epoch, "op", []byte("yes")
	c.Group = &bot.GroupHold{Key: "g", Always: true}
	c.Records = []bot.RecordChange{{Kind: "k", ID: "b", Body: []byte("2")}, {Kind: "k", ID: "a", Version: 7, Body: []byte("x")}}
	_, err := s.Commit(ctx, c)
	wants(t, err, bot.ErrConflict)
	if l := must1(s.Load(ctx, "INC-1"))(t); l.Version != 1 {
		t.Errorf("version is %d after a commit that failed", l.Version)
	}
	_, err = s.Get(ctx, "k", "b")
	wants(t, err, bot.ErrNotFound)
	_, err = s.Reply(ctx, "op")
	wants(t, err, bot.ErrNotFound)
	if due := must1(s.Claim(ctx, bot.Claim{At: Epoch, For: time.Second, Limit: 9, Classes: every}))(t); len(due) != 0 {
		t.Errorf("claimed %+v after a commit that failed", due)
	}
	taken := take(t, s, Epoch, fire("a", "g"))
	if !taken[0].New {
		t.Error("the group is held after a commit that failed")
	}
}

func operations(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Operation, c.Reply = "op-1", []byte("INC-1 declared")
	must1(s.Commit(ctx, c))(t)
	again := commitOf("INC-1", 1, 2)
	again.Operation, again.Reply = "op-1", []byte("something else")
	r := must1(s.Commit(ctx, again))(t)
	if !r.Repeated || string(r.Reply) != "INC-1 declared" {
		t.Fatalf("receipt of the repeat %+v", r)
	}
	if l := must1(s.Load(ctx, "INC-1"))(t); l.Version != 1 {
		t.Fatalf("the repeat made version %d", l.Version)
	}
	if reply := must1(s.Reply(ctx, "op-1"))(t); string(reply) != "INC-1 declared" {
		t.Fatalf("reply %q", reply)
	}
	// Kept for 25 hours, then forgotten some time.
	for n, hours := range []int{24, 26, 27} {
		c := commitOf("INC-1", n+1, n+2)
		c.At, c.Operation, c.Reply = Epoch.Add(time.Duration(hours)*time.Hour), fmt.Sprintf("op-%d", hours), []byte("x")
		must1(s.Commit(ctx, c))(t)
		if _, err := s.Reply(ctx, "op-1"); hours < 25 && err != nil {
			t.Fatalf("forgotten after %d h: %v", hours, err)
		}
	}
	_, err := s.Reply(ctx, "op-1")
	wants(t, err, bot.ErrNotFound)
}

func groups(t *testing.T, s bot.Store) {
	ctx := t.Context()
	hold := func(id string, version int, g bot.GroupHold, when time.Time) error {
		c := commitOf(id, version)
		c.At, c.Group = when, &g
		_, err := s.Commit(ctx, c)
		return err
	}
	if err := hold("INC-1", 0, bot.GroupHold{Key: "g", Always: true}, Epoch); err != nil {
		t.Fatal(err)
	}
	wants(t, hold("INC-2", 0, bot.GroupHold{Key: "g", Always: true}, Epoch), bot.ErrTaken)
	if err := hold("INC-1", 1, bot.GroupHold{Key: "g", Until: at(60)}, Epoch); err != nil {
		t.Fatal(err)
	}
	wants(t, hold("INC-2", 0, bot.GroupHold{Key: "g", Always: true}, at(59)), bot.ErrTaken)
	if err := hold("INC-2", 0, bot.GroupHold{Key: "g", Always: true}, at(60)); err != nil {
		t.Fatal(err)
	}
	// Giving up what another owns by now changes nothing.
	if err := hold("INC-1", 2, bot.GroupHold{Key: "g"}, at(61)); err != nil {
		t.Fatal(err)
	}
	wants(t, hold("INC-3", 0, bot.GroupHold{Key: "g", Always: true}, at(62)), bot.ErrTaken)
}

// fire is an arrival that fires; the other helpers change it.
func fire(key, group string) alerts.Arrival {
	return alerts.Arrival{
		Integration: "prometheus", Group: group, Severity: workflow.SEV2, Declare: stubOf(group),
		Alert: alerts.Alert{Key: key, State: alerts.Firing, Title: "Disk full " + key, StartedAt: Epoch},
	}
}

// stubOf is what the arrivals of a group declare.
func stubOf(group string) workflow.Declare {
	return workflow.Declare{Title: "stub of " + group, Source: workflow.SourceAlert, Severity: workflow.SEV2, Group: group}
}

// isStub reports whether an incident is the stub of a group.
func isStub(t *testing.T, l bot.Loaded, group string) bool {
	t.Helper()
	return l.Version == 0 && l.Snapshot == nil && bytes.Equal(l.Stub, must1(alerts.EncodeStub(stubOf(group)))(t))
}

func ended(a alerts.Arrival, when time.Time) alerts.Arrival {
	a.Alert.State, a.Alert.EndedAt = alerts.Resolved, when
	return a
}

func since(a alerts.Arrival, when time.Time) alerts.Arrival {
	a.Alert.StartedAt = when
	return a
}

func take(t *testing.T, s bot.Store, when time.Time, arrivals ...alerts.Arrival) []alerts.Receipt {
	t.Helper()
	return must1(s.Take(t.Context(), alerts.Batch{At: when, Arrivals: arrivals}))(t)
}

// takes: what each alert changes, and for which incident (G1: an equal group key
// joins the open incident; I5: an older event changes nothing).
func takes(t *testing.T, s bot.Store) {
	expect := func(when time.Time, a alerts.Arrival, want alerts.Receipt) {
		t.Helper()
		if got := take(t, s, when, a)[0]; got != want {
			t.Errorf("%s %s: got %+v, want %+v", a.Alert.Key, a.Alert.State, got, want)
		}
	}
	a, b := fire("a", "g"), fire("b", "g")
	expect(at(0), a, alerts.Receipt{Change: alerts.Started, Incident: "INC-1", New: true})
	expect(at(1), a, alerts.Receipt{Change: alerts.Repeated, Incident: "INC-1"})
	expect(at(2), b, alerts.Receipt{Change: alerts.Started, Incident: "INC-1"})
	expect(at(3), fire("c", "h"), alerts.Receipt{Change: alerts.Started, Incident: "INC-2", New: true})
	other := a
	other.Integration = "other" // identity is (integration, key): rule I3
	expect(at(4), other, alerts.Receipt{Change: alerts.Started, Incident: "INC-1"})
	expect(at(10), ended(a, at(9)), alerts.Receipt{Change: alerts.Ended, Incident: "INC-1"})
	expect(at(11), ended(a, at(9)), alerts.Receipt{Change: alerts.Ignored})
	expect(at(12), a, alerts.Receipt{Change: alerts.Stale, Incident: "INC-1"}) // I5: an older event
	expect(at(20), since(a, at(19)), alerts.Receipt{Change: alerts.Again, Incident: "INC-1"})
	expect(at(21), ended(a, at(9)), alerts.Receipt{Change: alerts.Stale, Incident: "INC-1"})
	expect(at(30), ended(fire("unknown", "g"), at(30)), alerts.Receipt{Change: alerts.Ignored})
	ignored := fire("d", "")
	expect(at(31), ignored, alerts.Receipt{Change: alerts.Ignored})
	// One that was called resolved, and fires on with its old start long after.
	expect(at(40), ended(b, at(40)), alerts.Receipt{Change: alerts.Ended, Incident: "INC-1"})
	expect(at(800), b, alerts.Receipt{Change: alerts.Again, Incident: "INC-1"})

	l := must1(s.Load(t.Context(), "INC-1"))(t)
	if !isStub(t, l, "g") || l.Previous != "" {
		t.Fatalf("stub %+v", l)
	}
	started, again, end := 0, 0, 0
	for n, m := range l.Mail {
		started, again, end = started+m.Started, again+m.Again, end+m.Ended
		if m.Seq != n+1 {
			t.Errorf("mail %d has number %d", n, m.Seq)
		}
	}
	if started != 3 || again != 2 || end != 2 {
		t.Errorf("mail counts %d started, %d again, %d ended", started, again, end)
	}
	if n := mustReserve(t, s); n != 3 {
		t.Errorf("the next number is %d", n)
	}
}

// mailbox: mail of one batch is one piece; reading takes what was read and
// leaves the rest; a group is not given up while mail is unread, and what fires
// after that opens a linked incident (I6: firing again reopens or links).
func mailbox(t *testing.T, s bot.Store) {
	ctx := t.Context()
	take(t, s, at(0), fire("a", "g"), fire("b", "g"), ended(fire("a", "g"), at(1)), fire("x", "other"))
	l := must1(s.Load(ctx, "INC-1"))(t)
	if len(l.Mail) != 1 || l.Mail[0].Started != 2 || l.Mail[0].Ended != 1 || len(l.Mail[0].Samples) != 3 || !l.Mail[0].At.Equal(at(0)) {
		t.Fatalf("mail %+v", l.Mail)
	}
	take(t, s, at(1), fire("c", "g"))
	c := commitOf("INC-1", 0, 1)
	c.At, c.ReadMail, c.Group = at(2), 1, &bot.GroupHold{Key: "g"}
	_, err := s.Commit(ctx, c)
	wants(t, err, bot.ErrConflict)
	c.Group.Always = true
	must1(s.Commit(ctx, c))(t)
	l = must1(s.Load(ctx, "INC-1"))(t)
	if len(l.Mail) != 1 || l.Mail[0].Seq != 2 || l.Stub != nil {
		t.Fatalf("after reading: %+v", l)
	}
	c = commitOf("INC-1", 1, 2)
	c.At, c.ReadMail, c.Group = at(3), 2, &bot.GroupHold{Key: "g"}
	must1(s.Commit(ctx, c))(t)
	if got := take(t, s, at(4), fire("d", "g"))[0]; !got.New || got.Incident != "INC-3" {
		t.Fatalf("a group that was given up opens a new incident, got %+v", got)
	}
	if l := must1(s.Load(ctx, "INC-3"))(t); l.Previous != "INC-1" {
		t.Errorf("the new incident follows %q", l.Previous)
	}
	// An alert of the old incident goes on there.
	if got := take(t, s, at(5), ended(fire("c", "g"), at(5)))[0]; got.Incident != "INC-1" || got.Change != alerts.Ended {
		t.Errorf("resolve: %+v", got)
	}
}

// mailRace: while some read mail, more of it comes; none is lost or read twice.
func mailRace(t *testing.T, s bot.Store) {
	ctx := t.Context()
	const senders, each = 4, 25
	var wg sync.WaitGroup
	for n := range senders {
		wg.Go(func() {
			for k := range each {
				if _, err := s.Take(ctx, alerts.Batch{At: Epoch, Arrivals: []alerts.Arrival{fire(fmt.Sprintf("%d-%d", n, k), "g")}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	read, version := 0, 0
	for finished := false; ; {
		l, err := s.Load(ctx, "INC-1")
		if err == nil && len(l.Mail) > 0 {
			c := commitOf("INC-1", l.Version)
			c.ReadMail = l.Mail[len(l.Mail)-1].Seq
			for _, m := range l.Mail {
				read += m.Started
			}
			r, err := s.Commit(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			version = r.Version
			continue
		}
		if finished {
			break
		}
		select {
		case <-done:
			finished = true
		default:
		}
	}
	if read != senders*each {
		t.Errorf("read %d alerts of %d, in %d commits", read, senders*each, version)
	}
}
