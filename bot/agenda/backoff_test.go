package agenda_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bot"
)

// TestPutOffIsNoFailure: a platform that puts a call off again and again has not failed.
// The first failure after that is tried again after five seconds, and a page that is to be
// taken back still is (X5: go on without a chat platform).
func TestPutOffIsNoFailure(t *testing.T) {
	later := func(context.Context, string) error { return bot.RetryAfter(time.Second, errors.New("too many calls")) }
	c := &chat{}
	inBubbleWith(t, machines(), map[string]bot.Chat{"slack": c}, func(h *harness) {
		h.say("declare Checkout is down --sev 1 --service checkout")
		h.say("ack INC-1") // so that nothing else is posted
		pass(time.Second)
		for n := range 3 {
			c.answers(later)
			h.say("note INC-1 anyone?")
			pass(40 * time.Second)
			c.answers(fails)
			pass(1100 * time.Millisecond)
			c.answers(nil)
			_, before := c.received()
			pass(5100 * time.Millisecond)
			if _, posts := c.received(); len(posts) != len(before)+1 {
				t.Fatalf("note %d: not there 5 s after its first failure", n+1)
			}
		}
		c.answers(fails) // failures still back off
		h.say("note INC-1 again?")
		pass(21 * time.Second) // tried after 5 s and 10 s
		c.answers(nil)
		_, before := c.received()
		pass(8 * time.Second)
		if _, posts := c.received(); len(posts) != len(before) {
			t.Error("the third failure is tried again within 14 s")
		}
	})
}

// takenBack is a pager that puts off taking a page back.
type takenBack struct {
	bot.Pager
	putOff int
	taken  int
}

// Cancel implements [bot.Canceler].
func (p *takenBack) Cancel(context.Context, bot.Page, string) error {
	if p.putOff > 0 {
		p.putOff--
		return bot.RetryAfter(time.Second, errors.New("too many calls"))
	}
	p.taken++
	return nil
}

// TestPutOffCancel: a page is taken back however often its pager has put that off.
func TestPutOffCancel(t *testing.T) {
	inBubbleWith(t, machines(), nil, func(h *harness) {
		p := &takenBack{Pager: h.pager, putOff: 30}
		if err := h.bot.Configure(machines(), map[string]bot.Pager{"webhook": p}); err != nil {
			t.Fatal(err)
		}
		h.say("declare Checkout is down --sev 1 --service checkout")
		synctest.Wait()
		h.say("ack INC-1")
		pass(time.Minute)
		if p.taken != 1 {
			t.Errorf("taken back %d times, %d put-offs are left", p.taken, p.putOff)
		}
	})
}
