// Package bottest has the conformance suites for the ports, hand-written fakes, and the
// simulated world.
package bottest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Epoch is the instant at which the tests begin.
var Epoch = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// everyClass is the range of all classes.
var everyClass = bot.Classes{From: 0, To: workflow.ClassDroppable} //nolint:gochecknoglobals // a constant

// Store is the conformance suite of [bot.Store]. open returns an empty store that is
// closed when the test ends.
func Store(t *testing.T, open func(t *testing.T) bot.Store) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s bot.Store)
	}{
		{"Commit", testCommit},
		{"CommitAtomic", testCommitAtomic},
		{"Operations", testOperations},
		{"Groups", testGroups},
		{"Take", testTake},
		{"Mailbox", testMailbox},
		{"MailRace", testMailRace},
		{"WakeUp", testWakeUp},
		{"WakeUpOrder", testWakeUpOrder},
		{"Lanes", testLanes},
		{"Leases", testLeases},
		{"Renew", testRenew},
		{"Postpone", testPostpone},
		{"StandingTasks", testStandingTasks},
		{"StandingTasksLeased", testStandingTasksLeased},
		{"Records", testRecords},
		{"List", testList},
		{"ListOpen", testListOpen},
		{"ListOpenLoads", testListOpenLoads},
		{"ListEndedOnly", testListEndedOnly},
		{"ListOpenForgets", testListOpenForgets},
		{"ImportListed", testImportListed},
		{"TwentyWriters", testTwentyWriters},
		{"ManyAlerts", testManyAlerts},
		{"Reroute", testReroute},
		{"Messages", testMessages},
		{"MessagePages", testMessagePages},
		{"MessagesAtomic", testMessagesAtomic},
		{"EditedMessages", testEditedMessages},
		{"EditedMessagesAtomic", testEditedMessagesAtomic},
		{"EditedMessagesWatch", testEditedMessagesWatch},
		{"EditedMessagesArchived", testEditedMessagesArchived},
		{"EditedMessagesRace", testEditedMessagesRace},
		{"Watch", testWatch},
		{"WatchInvisible", testWatchInvisible},
		{"WatchOnce", testWatchOnce},
		{"WatchEnds", testWatchEnds},
		{"WatchReads", testWatchReads},
		{"Archive", testArchive},
		{"ArchiveRefused", testArchiveRefused},
		{"ArchivedRestored", testArchivedRestored},
		{"ArchivedAlert", testArchivedAlert},
		{"ListEnded", testListEnded},
		{"Forget", testForget},
		{"ForgetRefused", testForgetRefused},
		{"ForgetRecords", testForgetRecords},
		{"ExportPages", testExportPages},
		{"ImportAtomic", testImportAtomic},
		{"ImportOverwrites", testImportOverwrites},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
	t.Run("Import", func(t *testing.T) { testImport(t, open(t), open(t)) })
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// wantError fails unless err is target.
func wantError(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}

// at returns the instant so many seconds after Epoch.
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

func testCommit(t *testing.T, s bot.Store) {
	ctx := t.Context()
	_, err := s.Load(ctx, "INC-1")
	wantError(t, err, bot.ErrNotFound)
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
	wantError(t, err, bot.ErrConflict)
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

// must1 is [must] for a call with two results as its arguments.
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

// testCommitAtomic: a commit that fails changes nothing.
func testCommitAtomic(t *testing.T, s bot.Store) {
	ctx := t.Context()
	must1(s.Commit(ctx, commitOf("INC-1", 0, 1)))(t)
	must1(s.Commit(ctx, bot.Commit{At: Epoch, Records: []bot.RecordChange{{Kind: "k", ID: "a", Body: []byte("1")}}}))(t)
	c := commitOf("INC-1", 1, 2)
	c.Tasks = []bot.Task{{ID: "INC-1/2.0", Owner: "INC-1", Lane: workflow.Lane{Class: workflow.ClassPage, Destination: "p"}, Due: Epoch}}
	c.WakeAt, c.Operation, c.Reply = Epoch, "op", []byte("yes")
	c.Group = &bot.GroupHold{Key: "g", Always: true}
	c.Records = []bot.RecordChange{{Kind: "k", ID: "b", Body: []byte("2")}, {Kind: "k", ID: "a", Version: 7, Body: []byte("x")}}
	_, err := s.Commit(ctx, c)
	wantError(t, err, bot.ErrConflict)
	if l := must1(s.Load(ctx, "INC-1"))(t); l.Version != 1 {
		t.Errorf("version is %d after a commit that failed", l.Version)
	}
	_, err = s.Get(ctx, "k", "b")
	wantError(t, err, bot.ErrNotFound)
	_, err = s.Reply(ctx, "op")
	wantError(t, err, bot.ErrNotFound)
	if due := must1(s.Claim(ctx, bot.Claim{At: Epoch, For: time.Second, Limit: 9, Classes: everyClass}))(t); len(due) != 0 {
		t.Errorf("claimed %+v after a commit that failed", due)
	}
	taken := take(t, s, Epoch, fire("a", "g"))
	if !taken[0].New {
		t.Error("the group is held after a commit that failed")
	}
}

func testOperations(t *testing.T, s bot.Store) {
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
	// Operations are kept for 25 hours and deleted some time after that.
	for n, hours := range []int{24, 26, 27} {
		c := commitOf("INC-1", n+1, n+2)
		c.At, c.Operation, c.Reply = Epoch.Add(time.Duration(hours)*time.Hour), fmt.Sprintf("op-%d", hours), []byte("x")
		must1(s.Commit(ctx, c))(t)
		if _, err := s.Reply(ctx, "op-1"); hours < 25 && err != nil {
			t.Fatalf("forgotten after %d h: %v", hours, err)
		}
	}
	_, err := s.Reply(ctx, "op-1")
	wantError(t, err, bot.ErrNotFound)
}

func testGroups(t *testing.T, s bot.Store) {
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
	wantError(t, hold("INC-2", 0, bot.GroupHold{Key: "g", Always: true}, Epoch), bot.ErrTaken)
	if err := hold("INC-1", 1, bot.GroupHold{Key: "g", Until: at(60)}, Epoch); err != nil {
		t.Fatal(err)
	}
	wantError(t, hold("INC-2", 0, bot.GroupHold{Key: "g", Always: true}, at(59)), bot.ErrTaken)
	if err := hold("INC-2", 0, bot.GroupHold{Key: "g", Always: true}, at(60)); err != nil {
		t.Fatal(err)
	}
	// Releasing a group that another incident holds changes nothing.
	if err := hold("INC-1", 2, bot.GroupHold{Key: "g"}, at(61)); err != nil {
		t.Fatal(err)
	}
	wantError(t, hold("INC-3", 0, bot.GroupHold{Key: "g", Always: true}, at(62)), bot.ErrTaken)
}

// fire is an arrival that fires; resolved and firingSince change it.
func fire(key, group string) alerts.Arrival {
	return alerts.Arrival{
		Integration: "prometheus", Group: group, Severity: workflow.SEV2, Declare: stubOf(group),
		Alert: alerts.Alert{Key: key, State: alerts.Firing, Title: "Disk full " + key, StartedAt: Epoch},
	}
}

// stubOf is the incident that the arrivals of a group declare.
func stubOf(group string) workflow.Declare {
	return workflow.Declare{Title: "stub of " + group, Source: workflow.SourceAlert, Severity: workflow.SEV2, Group: group}
}

// isStub reports whether an incident is the stub of a group.
func isStub(t *testing.T, l bot.Loaded, group string) bool {
	t.Helper()
	return l.Version == 0 && l.Snapshot == nil && bytes.Equal(l.Stub, must1(alerts.EncodeStub(stubOf(group)))(t))
}

// resolved is the arrival when the alert has resolved.
func resolved(a alerts.Arrival, when time.Time) alerts.Arrival {
	a.Alert.State, a.Alert.EndedAt = alerts.Resolved, when
	return a
}

// firingSince is the arrival with another start.
func firingSince(a alerts.Arrival, when time.Time) alerts.Arrival {
	a.Alert.StartedAt = when
	return a
}

func take(t *testing.T, s bot.Store, when time.Time, arrivals ...alerts.Arrival) []alerts.Receipt {
	t.Helper()
	return must1(s.Take(t.Context(), alerts.Batch{At: when, Arrivals: arrivals}))(t)
}

// testTake: what each alert changes, and for which incident (G1: an equal group key
// joins the open incident; I5: an older event changes nothing).
func testTake(t *testing.T, s bot.Store) {
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
	other.Integration = "other" // I3: identity is integration and dedup key
	expect(at(4), other, alerts.Receipt{Change: alerts.Started, Incident: "INC-1"})
	expect(at(10), resolved(a, at(9)), alerts.Receipt{Change: alerts.Ended, Incident: "INC-1"})
	expect(at(11), resolved(a, at(9)), alerts.Receipt{Change: alerts.Ignored})
	expect(at(12), a, alerts.Receipt{Change: alerts.Held, Incident: "INC-1"}) // I5c: an old start is judged again after a minute
	expect(at(20), firingSince(a, at(19)), alerts.Receipt{Change: alerts.Again, Incident: "INC-1"})
	expect(at(21), resolved(a, at(9)), alerts.Receipt{Change: alerts.Stale, Incident: "INC-1"})
	expect(at(30), resolved(fire("unknown", "g"), at(30)), alerts.Receipt{Change: alerts.Ignored})
	ignored := fire("d", "")
	expect(at(31), ignored, alerts.Receipt{Change: alerts.Ignored})
	// An alert that was reported as resolved fires again with its old start long after.
	expect(at(40), resolved(b, at(40)), alerts.Receipt{Change: alerts.Ended, Incident: "INC-1"})
	expect(at(45), b, alerts.Receipt{Change: alerts.Held, Incident: "INC-1"})
	expect(at(46), b, alerts.Receipt{Change: alerts.Repeated, Incident: "INC-1"})
	judge := alerts.Arrival{Integration: "prometheus", Group: "g", Alert: alerts.Alert{Key: "b"}}
	judge.Held = at(44)
	expect(at(105), judge, alerts.Receipt{Change: alerts.Ignored})
	judge.Held = at(45)
	expect(at(105), judge, alerts.Receipt{Change: alerts.Again, Incident: "INC-1"})
	expect(at(106), judge, alerts.Receipt{Change: alerts.Ignored})
	expect(at(110), resolved(b, at(110)), alerts.Receipt{Change: alerts.Ended, Incident: "INC-1"})
	expect(at(800), b, alerts.Receipt{Change: alerts.Again, Incident: "INC-1"})

	l := must1(s.Load(t.Context(), "INC-1"))(t)
	if !isStub(t, l, "g") || l.Previous != "" {
		t.Fatalf("stub %+v", l)
	}
	started, again, end := 0, 0, 0
	for n, m := range l.Mail {
		started, again, end = started+m.Started, again+m.Refired, end+m.Ended
		if m.Seq != n+1 {
			t.Errorf("mail %d has number %d", n, m.Seq)
		}
	}
	if started != 3 || again != 3 || end != 3 {
		t.Errorf("mail counts %d started, %d again, %d ended", started, again, end)
	}
	if n := mustReserve(t, s); n != 3 {
		t.Errorf("the next number is %d", n)
	}
}
