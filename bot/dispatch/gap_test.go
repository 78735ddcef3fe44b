package dispatch_test

import (
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot/bottest"
)

// TestX1cGap: a number that was given out and not used, as after a crash, is not given out
// again, and reads like the number of a private incident (X1c: a gap in the numbers is no
// loss).
func TestX1cGap(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	if n, err := w.Store.Reserve(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	w.Expect(w.Say("ben", "declare Checkout is down"), true, "INC-2")
	w.Expect(w.Say("ben", "declare Data leak --private"), true, "INC-3")
	for _, line := range []string{"show", "ack", "timeline"} {
		for _, id := range []string{"INC-1", "INC-3", "INC-9"} {
			w.Expect(w.Say("stranger", line+" "+id), false, id+" does not exist. `list` shows the open incidents.")
		}
	}
}
