package bottest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

func claim(t *testing.T, s bot.Store, when time.Time) []bot.Lease {
	t.Helper()
	return must1(s.Claim(t.Context(), bot.Claim{At: when, For: 10 * time.Second, Limit: 100, Classes: everyClass}))(t)
}

func joinNames(leases []bot.Lease) string {
	all := make([]string, 0, len(leases))
	for _, l := range leases {
		all = append(all, l.Owner+":"+l.ID)
	}
	return strings.Join(all, " ")
}

func task(owner, id string, class workflow.Class, destination string) bot.Task {
	return bot.Task{ID: id, Owner: owner, Lane: workflow.Lane{Class: class, Destination: destination}, Due: Epoch, Body: []byte("task " + id)}
}

// settle commits the end of a task and nothing else.
func settle(t *testing.T, s bot.Store, l bot.Lease) error {
	t.Helper()
	_, err := s.Commit(t.Context(), bot.Commit{At: l.Until, Incident: l.Owner, Settle: &l})
	return err
}

// testWakeUp: every commit sets the one standing wake-up; mail wakes the incident at once,
// later mail at most every 100 ms.
func testWakeUp(t *testing.T, s bot.Store) {
	ctx := t.Context()
	next := func(want time.Time) {
		t.Helper()
		got := must1(s.NextDue(ctx, everyClass))(t)
		if !got.Equal(want) {
			t.Fatalf("next due is %s, want %s", got, want)
		}
	}
	next(time.Time{})
	c := commitOf("INC-1", 0, 1)
	c.WakeAt = at(60)
	must1(s.Commit(ctx, c))(t)
	next(at(60))
	c = commitOf("INC-1", 1, 2)
	c.WakeAt, c.Group = at(30), &bot.GroupHold{Key: "g", Always: true}
	must1(s.Commit(ctx, c))(t)
	next(at(30))
	if got := claim(t, s, at(29.9)); len(got) != 0 {
		t.Fatalf("claimed %s before it is due", joinNames(got))
	}
	l := claim(t, s, at(30))
	if joinNames(l) != "INC-1:wake" {
		t.Fatalf("claimed %s", joinNames(l))
	}
	// Mail that arrives while the wake-up is leased must not be lost when it is settled.
	take(t, s, at(30), fire("a", "g"))
	c = commitOf("INC-1", 2, 3)
	c.At, c.WakeAt, c.Settle = at(30.01), at(90), &l[0]
	must1(s.Commit(ctx, c))(t)
	l = claim(t, s, at(31))
	if joinNames(l) != "INC-1:wake" {
		t.Fatalf("the mail does not wake the incident: %s", joinNames(l))
	}
	c = commitOf("INC-1", 3, 4)
	c.At, c.WakeAt, c.ReadMail, c.Settle = at(31), at(90), 1, &l[0]
	must1(s.Commit(ctx, c))(t)
	next(at(90))
	// Mail soon after a reading waits until 100 ms have passed since.
	take(t, s, at(31.02), fire("b", "g"))
	next(at(31.1))
	l = claim(t, s, at(31.1))
	// A wake-up that changes nothing keeps the deadline.
	must1(s.Commit(ctx, bot.Commit{At: at(31.2), Incident: "INC-1", Version: 4, WakeAt: at(90), Settle: &l[0]}))(t)
	if got := claim(t, s, at(32)); joinNames(got) != "INC-1:wake" {
		t.Fatalf("unread mail must wake again: %s", joinNames(got))
	}
	// No deadline and no mail: no wake-up.
	c = commitOf("INC-1", 4, 5)
	c.At, c.ReadMail = at(33), 2
	must1(s.Commit(ctx, c))(t)
	if got := claim(t, s, at(1000)); len(got) != 0 {
		t.Fatalf("an incident without a deadline is woken: %s", joinNames(got))
	}
}

// testLanes: the order in a lane is strict, lanes do not wait for each other, and classes
// come in their order (E10: lanes by priority).
func testLanes(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Tasks = []bot.Task{
		task("INC-1", "post-1", workflow.ClassUpdate, "room:web"), task("INC-1", "post-2", workflow.ClassUpdate, "room:web"),
		task("INC-1", "square-1", workflow.ClassUpdate, "room:square"), task("INC-1", "page-1", workflow.ClassPage, "page:1"),
		task("INC-1", "first-1", workflow.ClassFirstPage, "page:0"),
	}
	must1(s.Commit(ctx, c))(t)
	c = commitOf("INC-2", 0, 1)
	c.Tasks = []bot.Task{task("INC-2", "post-1", workflow.ClassUpdate, "room:web")}
	must1(s.Commit(ctx, c))(t)
	first := claim(t, s, Epoch)
	if got := joinNames(first); got != "INC-1:first-1 INC-1:page-1 INC-1:square-1 INC-1:post-1 INC-2:post-1" &&
		got != "INC-1:first-1 INC-1:page-1 INC-1:post-1 INC-1:square-1 INC-2:post-1" {
		t.Fatalf("claimed %s", got)
	}
	if string(first[0].Body) != "task first-1" || first[0].Lane.Destination != "page:0" {
		t.Errorf("lease %+v", first[0])
	}
	if got := claim(t, s, Epoch); len(got) != 0 {
		t.Fatalf("claimed twice: %s", joinNames(got))
	}
	n := slices.IndexFunc(first, func(l bot.Lease) bool { return l.Owner == "INC-1" && l.ID == "post-1" })
	if err := settle(t, s, first[n]); err != nil {
		t.Fatal(err)
	}
	if got := joinNames(claim(t, s, Epoch)); got != "INC-1:post-2" {
		t.Fatalf("after the first task: %s", got)
	}
	only := bot.Claim{At: at(20), For: time.Second, Limit: 10, Classes: bot.Classes{To: workflow.ClassPage}}
	if got := joinNames(must1(s.Claim(ctx, only))(t)); got != "INC-1:first-1 INC-1:page-1" {
		t.Fatalf("pages only: %s", got)
	}
	if l := must1(s.Load(ctx, "INC-1"))(t); l.Version != 1 {
		t.Errorf("settling made version %d", l.Version)
	}
}

// testLeases: a leased task is not claimed again until the lease ends; a worker that has
// lost its lease changes nothing (X2: replicas never act twice).
func testLeases(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Tasks = []bot.Task{task("INC-1", "page-1", workflow.ClassPage, "page:1")}
	must1(s.Commit(ctx, c))(t)
	slow := claim(t, s, at(0))
	if due := must1(s.NextDue(ctx, everyClass))(t); !due.Equal(at(10)) {
		t.Errorf("next due is %s, want the end of the lease", due)
	}
	if got := claim(t, s, at(9.9)); len(got) != 0 {
		t.Fatalf("claimed %s while it is leased", joinNames(got))
	}
	quick := claim(t, s, at(10))
	if joinNames(quick) != "INC-1:page-1" {
		t.Fatalf("claimed %q after the lease ended", joinNames(quick))
	}
	wantError(t, settle(t, s, slow[0]), bot.ErrLeaseLost)
	wantError(t, s.Postpone(ctx, slow[0], at(60)), bot.ErrLeaseLost)
	answer := commitOf("INC-1", 1, 2)
	answer.Settle = &slow[0]
	_, err := s.Commit(ctx, answer)
	wantError(t, err, bot.ErrLeaseLost)
	if l := must1(s.Load(ctx, "INC-1"))(t); l.Version != 1 {
		t.Fatalf("a lost lease made version %d", l.Version)
	}
	answer.Settle = &quick[0]
	must1(s.Commit(ctx, answer))(t)
	wantError(t, settle(t, s, quick[0]), bot.ErrLeaseLost)
	if got := claim(t, s, at(100)); len(got) != 0 {
		t.Fatalf("claimed %s after it was settled", joinNames(got))
	}
}

// testRenew: a lease that is renewed is not claimed by others (X2b: a lease is renewed
// while its send goes on); one that was lost cannot be renewed.
func testRenew(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Tasks = []bot.Task{task("INC-1", "page-1", workflow.ClassPage, "page:1"), task("INC-1", "page-2", workflow.ClassPage, "page:1")}
	must1(s.Commit(ctx, c))(t)
	l := claim(t, s, at(0))
	if err := s.Renew(ctx, l[0], at(25)); err != nil {
		t.Fatal(err)
	}
	if due := must1(s.NextDue(ctx, everyClass))(t); !due.Equal(at(25)) {
		t.Errorf("next due is %s, want the new end of the lease", due)
	}
	if got := claim(t, s, at(24)); len(got) != 0 {
		t.Fatalf("claimed %s while it is leased", joinNames(got))
	}
	if err := s.Renew(ctx, l[0], at(30)); err != nil { // ended, and not claimed again
		t.Fatal(err)
	}
	second := claim(t, s, at(30))
	if joinNames(second) != "INC-1:page-1" {
		t.Fatalf("claimed %q after the lease ended", joinNames(second))
	}
	wantError(t, s.Renew(ctx, l[0], at(100)), bot.ErrLeaseLost)
	if err := s.Renew(ctx, second[0], at(60)); err != nil {
		t.Fatal(err)
	}
	if err := settle(t, s, second[0]); err != nil {
		t.Fatalf("settle with a renewed lease: %v", err)
	}
	wantError(t, s.Renew(ctx, second[0], at(100)), bot.ErrLeaseLost)
	if got := joinNames(claim(t, s, at(31))); got != "INC-1:page-2" {
		t.Errorf("claimed %q after the first was settled", got)
	}
}

// testPostpone: a postponed task is claimed again later, with one attempt more, and delays
// only its own lane.
func testPostpone(t *testing.T, s bot.Store) {
	ctx := t.Context()
	c := commitOf("INC-1", 0, 1)
	c.Tasks = []bot.Task{
		task("INC-1", "post-1", workflow.ClassUpdate, "room:web"), task("INC-1", "post-2", workflow.ClassUpdate, "room:web"),
		task("INC-1", "page-1", workflow.ClassPage, "page:1"),
	}
	must1(s.Commit(ctx, c))(t)
	l := claim(t, s, at(0))
	if err := s.Postpone(ctx, l[1], at(30)); err != nil {
		t.Fatal(err)
	}
	if err := settle(t, s, l[0]); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, s, at(29)); len(got) != 0 {
		t.Fatalf("claimed %s", joinNames(got))
	}
	if due := must1(s.NextDue(ctx, everyClass))(t); !due.Equal(at(30)) {
		t.Fatalf("next due %s", due)
	}
	l = claim(t, s, at(30))
	if joinNames(l) != "INC-1:post-1" || l[0].Attempt != 1 || string(l[0].Body) != "task post-1" {
		t.Fatalf("claimed %+v", l)
	}
	m := must1(s.Repair(ctx, bot.RepairQuery{At: at(500), Limit: 100}))(t)
	if m.Overdue != 1 || m.Next != 0 || len(m.Repaired) != 0 {
		t.Errorf("repaired %+v", m)
	}
}
