package bottest

import (
	"fmt"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// stand is a standing task, due at some seconds.
func stand(owner, destination string, rev int, due float64) bot.Task {
	t := task(owner, "card:"+destination, workflow.ClassCard, destination)
	t.Rev, t.Due, t.Body = rev, at(due), fmt.Appendf(nil, "card %d", rev)
	return t
}

// step commits tasks with the next step of an incident.
func step(t *testing.T, s bot.Store, id string, tasks ...bot.Task) {
	t.Helper()
	version := 0
	if l, err := s.Load(t.Context(), id); err == nil {
		version = l.Version
	}
	c := commitOf(id, version, version+1)
	c.Tasks = tasks
	must1(s.Commit(t.Context(), c))(t)
}

func wantNext(t *testing.T, s bot.Store, seconds float64) {
	t.Helper()
	if due := must1(s.NextDue(t.Context(), every))(t); !due.Equal(at(seconds)) {
		t.Fatalf("next due is %s, want %s", due, at(seconds))
	}
}

// wantCard claims the one standing task that is due, as it was written.
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
		t.Fatalf("claimed %s", names(got))
	}
}

func mustSettle(t *testing.T, s bot.Store, l bot.Lease) {
	t.Helper()
	if err := settle(t, s, l); err != nil {
		t.Fatal(err)
	}
}

// soundAgenda: the audit finds nothing wrong.
func soundAgenda(t *testing.T, s bot.Store) {
	t.Helper()
	if m := must1(s.Repair(t.Context(), bot.RepairQuery{At: Epoch, Limit: 100}))(t); len(m.Repaired) != 0 {
		t.Fatalf("mended %q", m.Repaired)
	}
}

// standing: a task with a revision takes the place of what its lane holds, and
// of nothing else: edits of a card collapse into one (X5: go on without a chat
// platform).
func standing(t *testing.T, s bot.Store) {
	step(t, s, "INC-1", stand("INC-1", "room", 1, 0), stand("INC-1", "announce", 1, 0), task("INC-1", "post", workflow.ClassUpdate, "room"))
	step(t, s, "INC-2", stand("INC-2", "room", 1, 0))
	step(t, s, "INC-1", stand("INC-1", "room", 2, 60))
	due := claim(t, s, at(0))
	if got := names(due); got != "INC-1:post INC-1:card:announce INC-2:card:room" {
		t.Fatalf("claimed %s", got)
	}
	for _, l := range due {
		mustSettle(t, s, l)
	}
	wantNext(t, s, 60)
	wantNothing(t, s, at(59))
	soundAgenda(t, s)

	// One that is due sooner, in the place of one that failed; and again before
	// anybody looked.
	card := wantCard(t, s, at(60), stand("INC-1", "room", 2, 60))
	if err := s.Postpone(t.Context(), card, at(500)); err != nil {
		t.Fatal(err)
	}
	wantNext(t, s, 500)
	step(t, s, "INC-1", stand("INC-1", "room", 3, 61))
	step(t, s, "INC-1", stand("INC-1", "room", 4, 62))
	wantNext(t, s, 62)
	card = wantCard(t, s, at(62), stand("INC-1", "room", 4, 62))

	// The answer is a step with a card of its own.
	c := commitOf("INC-1", 4, 5)
	c.Settle, c.Tasks = &card, []bot.Task{stand("INC-1", "room", 5, 63)}
	must1(s.Commit(t.Context(), c))(t)
	wantNext(t, s, 63)
	shelve(t, s, "INC-1", false)
	mustSettle(t, s, wantCard(t, s, at(63), stand("INC-1", "room", 5, 63)))
	wantNothing(t, s, at(1000))

	// Once it is settled its lane is empty, for the next.
	step(t, s, "INC-1", stand("INC-1", "room", 6, 70))
	mustSettle(t, s, wantCard(t, s, at(70), stand("INC-1", "room", 6, 70)))

	// Whatever the lane holds.
	step(t, s, "INC-1", task("INC-1", "old-1", workflow.ClassCard, "other"), task("INC-1", "old-2", workflow.ClassCard, "other"))
	mustSettle(t, s, claim(t, s, at(80))[0])
	step(t, s, "INC-1", task("INC-1", "old-3", workflow.ClassCard, "other"))
	step(t, s, "INC-1", stand("INC-1", "other", 9, 81))
	wantNext(t, s, 81)
	mustSettle(t, s, wantCard(t, s, at(81), stand("INC-1", "other", 9, 81)))
	wantNothing(t, s, at(1000))
	soundAgenda(t, s)
	ends(t, s, "INC-1", at(1000), "")
	shelve(t, s, "INC-1", true) // nothing is left of what was replaced
}

// standingLeased: who is at work on a revision keeps the lane, and answers for
// that revision alone.
func standingLeased(t *testing.T, s bot.Store) {
	ctx := t.Context()
	step(t, s, "INC-1", stand("INC-1", "room", 1, 0))
	first := wantCard(t, s, at(0), stand("INC-1", "room", 1, 0))
	step(t, s, "INC-1", stand("INC-1", "room", 2, 1))
	wantNothing(t, s, at(5))
	wantNext(t, s, 10)
	soundAgenda(t, s)
	mustSettle(t, s, first)
	wantNext(t, s, 1)

	// An older one is put off: the newer one is due as it is.
	second := wantCard(t, s, at(5), stand("INC-1", "room", 2, 1))
	step(t, s, "INC-1", stand("INC-1", "room", 3, 20))
	if err := s.Postpone(ctx, second, at(100)); err != nil {
		t.Fatal(err)
	}
	wantNext(t, s, 20)
	wantNothing(t, s, at(19))
	soundAgenda(t, s)

	// The lease runs out, and its holder comes too late.
	third := wantCard(t, s, at(20), stand("INC-1", "room", 3, 20))
	step(t, s, "INC-1", stand("INC-1", "room", 4, 21))
	step(t, s, "INC-1", stand("INC-1", "room", 5, 22))
	wantNothing(t, s, at(29))
	fifth := wantCard(t, s, at(30), stand("INC-1", "room", 5, 22))
	wants(t, settle(t, s, third), bot.ErrLeaseLost)
	wants(t, s.Postpone(ctx, third, at(100)), bot.ErrLeaseLost)

	// The answer to an older one comes with a newer one still.
	step(t, s, "INC-1", stand("INC-1", "room", 6, 31))
	l := must1(s.Load(ctx, "INC-1"))(t)
	c := commitOf("INC-1", l.Version, l.Version+1)
	c.Settle, c.Tasks = &fifth, []bot.Task{stand("INC-1", "room", 7, 32)}
	must1(s.Commit(ctx, c))(t)
	wantNext(t, s, 32)
	last := wantCard(t, s, at(32), stand("INC-1", "room", 7, 32))
	step(t, s, "INC-1", stand("INC-1", "room", 8, 90)) // due when the lease is over
	wantNext(t, s, 90)
	mustSettle(t, s, last)
	mustSettle(t, s, wantCard(t, s, at(90), stand("INC-1", "room", 8, 90)))
	wantNothing(t, s, at(1000))
	soundAgenda(t, s)
}
