package bottest

import (
	"fmt"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// standingTask is a standing task that is due so many seconds after Epoch.
func standingTask(owner, destination string, rev int, due float64) bot.Task {
	t := task(owner, "card:"+destination, workflow.ClassCard, destination)
	t.Rev, t.Due, t.Body = rev, at(due), fmt.Appendf(nil, "card %d", rev)
	return t
}

// commitStep commits tasks with the next step of an incident.
func commitStep(t *testing.T, s bot.Store, id string, tasks ...bot.Task) {
	t.Helper()
	version := 0
	if l, err := s.Load(t.Context(), id); err == nil {
		version = l.Version
	}
	c := commitOf(id, version, version+1)
	c.Tasks = tasks
	must1(s.Commit(t.Context(), c))(t)
}

func wantNextDue(t *testing.T, s bot.Store, seconds float64) {
	t.Helper()
	if due := must1(s.NextDue(t.Context(), everyClass))(t); !due.Equal(at(seconds)) {
		t.Fatalf("next due is %s, want %s", due, at(seconds))
	}
}

// wantCard claims standing tasks, and wants this one only.
func wantCard(t *testing.T, s bot.Store, when time.Time, want bot.Task) bot.Lease {
	t.Helper()
	cards := bot.Claim{At: when, For: 10 * time.Second, Limit: 100, Classes: bot.Classes{From: workflow.ClassCard, To: workflow.ClassCard}}
	got := must1(s.Claim(t.Context(), cards))(t)
	if len(got) != 1 || !sameTask(got[0].Task, want) {
		t.Fatalf("claimed %+v, want %+v", got, want)
	}
	return got[0]
}

func wantNothing(t *testing.T, s bot.Store, when time.Time) {
	t.Helper()
	if got := claim(t, s, when); len(got) != 0 {
		t.Fatalf("claimed %s", joinNames(got))
	}
}

func mustSettle(t *testing.T, s bot.Store, l bot.Lease) {
	t.Helper()
	if err := settle(t, s, l); err != nil {
		t.Fatal(err)
	}
}

// wantSoundAgenda fails if the audit repairs anything.
func wantSoundAgenda(t *testing.T, s bot.Store) {
	t.Helper()
	if m := must1(s.Repair(t.Context(), bot.RepairQuery{At: Epoch, Limit: 100}))(t); len(m.Repaired) != 0 {
		t.Fatalf("repaired %q", m.Repaired)
	}
}

// testStandingTasks: a task with a revision replaces what its lane holds, and nothing else,
// so that edits of a card collapse into one (X5: go on without a chat platform).
func testStandingTasks(t *testing.T, s bot.Store) {
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 1, 0), standingTask("INC-1", "announce", 1, 0), task("INC-1", "post", workflow.ClassUpdate, "room"))
	commitStep(t, s, "INC-2", standingTask("INC-2", "room", 1, 0))
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 2, 60))
	due := claim(t, s, at(0))
	if got := joinNames(due); got != "INC-1:post INC-1:card:announce INC-2:card:room" {
		t.Fatalf("claimed %s", got)
	}
	for _, l := range due {
		mustSettle(t, s, l)
	}
	wantNextDue(t, s, 60)
	wantNothing(t, s, at(59))
	wantSoundAgenda(t, s)

	// A newer revision is due sooner than the one that failed, and is itself replaced
	// before it is claimed.
	card := wantCard(t, s, at(60), standingTask("INC-1", "room", 2, 60))
	if err := s.Postpone(t.Context(), card, at(500)); err != nil {
		t.Fatal(err)
	}
	wantNextDue(t, s, 500)
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 3, 61))
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 4, 62))
	wantNextDue(t, s, 62)
	card = wantCard(t, s, at(62), standingTask("INC-1", "room", 4, 62))

	// The commit that settles a card writes a newer one.
	c := commitOf("INC-1", 4, 5)
	c.Settle, c.Tasks = &card, []bot.Task{standingTask("INC-1", "room", 5, 63)}
	must1(s.Commit(t.Context(), c))(t)
	wantNextDue(t, s, 63)
	archive(t, s, "INC-1", false)
	mustSettle(t, s, wantCard(t, s, at(63), standingTask("INC-1", "room", 5, 63)))
	wantNothing(t, s, at(1000))

	// The lane of a settled card is empty.
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 6, 70))
	mustSettle(t, s, wantCard(t, s, at(70), standingTask("INC-1", "room", 6, 70)))

	// A standing task also replaces tasks without a revision.
	commitStep(t, s, "INC-1", task("INC-1", "old-1", workflow.ClassCard, "other"), task("INC-1", "old-2", workflow.ClassCard, "other"))
	mustSettle(t, s, claim(t, s, at(80))[0])
	commitStep(t, s, "INC-1", task("INC-1", "old-3", workflow.ClassCard, "other"))
	commitStep(t, s, "INC-1", standingTask("INC-1", "other", 9, 81))
	wantNextDue(t, s, 81)
	mustSettle(t, s, wantCard(t, s, at(81), standingTask("INC-1", "other", 9, 81)))
	wantNothing(t, s, at(1000))
	wantSoundAgenda(t, s)
	endIncident(t, s, "INC-1", at(1000), "")
	archive(t, s, "INC-1", true) // nothing is left of the replaced tasks
}

// testStandingTasksLeased: a worker that has leased a revision keeps the lane, and settles
// only that revision.
func testStandingTasksLeased(t *testing.T, s bot.Store) {
	ctx := t.Context()
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 1, 0))
	first := wantCard(t, s, at(0), standingTask("INC-1", "room", 1, 0))
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 2, 1))
	wantNothing(t, s, at(5))
	wantNextDue(t, s, 10)
	wantSoundAgenda(t, s)
	mustSettle(t, s, first)
	wantNextDue(t, s, 1)

	// Postponing an older revision does not change when the newer one is due.
	second := wantCard(t, s, at(5), standingTask("INC-1", "room", 2, 1))
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 3, 20))
	if err := s.Postpone(ctx, second, at(100)); err != nil {
		t.Fatal(err)
	}
	wantNextDue(t, s, 20)
	wantNothing(t, s, at(19))
	wantSoundAgenda(t, s)

	// The lease ends before its worker settles the task.
	third := wantCard(t, s, at(20), standingTask("INC-1", "room", 3, 20))
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 4, 21))
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 5, 22))
	wantNothing(t, s, at(29))
	fifth := wantCard(t, s, at(30), standingTask("INC-1", "room", 5, 22))
	wantError(t, settle(t, s, third), bot.ErrLeaseLost)
	wantError(t, s.Postpone(ctx, third, at(100)), bot.ErrLeaseLost)

	// The commit that settles an older revision writes a still newer one.
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 6, 31))
	l := must1(s.Load(ctx, "INC-1"))(t)
	c := commitOf("INC-1", l.Version, l.Version+1)
	c.Settle, c.Tasks = &fifth, []bot.Task{standingTask("INC-1", "room", 7, 32)}
	must1(s.Commit(ctx, c))(t)
	wantNextDue(t, s, 32)
	last := wantCard(t, s, at(32), standingTask("INC-1", "room", 7, 32))
	commitStep(t, s, "INC-1", standingTask("INC-1", "room", 8, 90)) // due after the lease has ended
	wantNextDue(t, s, 90)
	mustSettle(t, s, last)
	mustSettle(t, s, wantCard(t, s, at(90), standingTask("INC-1", "room", 8, 90)))
	wantNothing(t, s, at(1000))
	wantSoundAgenda(t, s)
}
