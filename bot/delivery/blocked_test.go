package delivery_test

import (
	"errors"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

// TestE4gNextWay: a page that a provider refuses until an operator fixes something goes the
// next way at once, and arrives by the first one after the fix (E4g: what an operator can
// fix waits).
func TestE4gNextWay(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.PagerError = bot.Blocked(errors.New("invalid_auth: install the app again"))
	w.Say("ben", "declare Checkout is down --sev 1 --service search")
	w.Advance(0)
	w.Expect(w.Say("ana", "who INC-1"), true, "failed, retrying: invalid_auth: install the app again")
	w.Expect(w.Say("ana", "list"), true, "UNATTENDED")
	w.PagerError = nil
	w.Advance(16 * time.Second)
	w.Expect(w.Say("ana", "who INC-1"), true, "delivered ")
}
