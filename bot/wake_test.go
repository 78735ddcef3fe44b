package bot_test

import (
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestWake: a commit wakes the loop that claims what it owes, and no other: a flood of
// alerts must not make every loop read the store.
func TestWake(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	loops := map[string]<-chan struct{}{
		"pages":     w.Due(bot.Classes{From: workflow.ClassFirstPage, To: workflow.ClassPage}),
		"deadlines": w.Due(bot.Classes{From: workflow.ClassWake, To: workflow.ClassWake}),
		"rest":      w.Due(bot.Classes{From: workflow.ClassWake + 1, To: workflow.ClassDroppable}),
	}
	woken := func() (names []string) {
		for _, name := range []string{"pages", "deadlines", "rest"} {
			select {
			case <-loops[name]:
				names = append(names, name)
			default:
			}
		}
		return names
	}
	expect := func(what string, want ...string) {
		t.Helper()
		got := woken()
		if len(got) != len(want) {
			t.Fatalf("%s woke %q, want %q", what, got, want)
		}
		for n := range got {
			if got[n] != want[n] {
				t.Errorf("%s woke %q, want %q", what, got, want)
			}
		}
	}
	w.Wake(workflow.ClassPage)
	expect("a page", "pages")
	w.Wake(workflow.ClassWake, workflow.ClassWake)
	expect("a deadline", "deadlines")
	w.Wake(workflow.ClassDroppable)
	expect("a post", "rest")
	w.Wake()
	expect("nothing")
	w.Say("ben", "declare Checkout is down --sev 1 --service search")
	expect("an incident that pages and has deadlines, and no room", "pages", "deadlines")
	w.Say("ben", "note INC-1 It is the database")
	expect("a note, which moves no deadline of an open incident", "deadlines")
}
