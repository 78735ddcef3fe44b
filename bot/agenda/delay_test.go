package agenda_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/workflow"
)

// delayingPager puts off its first pages.
type delayingPager struct {
	bot.Pager
	by    time.Duration
	times int
	why   error
}

// Page implements [bot.Pager].
func (p *delayingPager) Page(ctx context.Context, page bot.Page) error {
	if p.times > 0 && page.Person == "webhook:noc" {
		p.times--
		return bot.RetryAfter(p.by, p.why)
	}
	return p.Pager.Page(ctx, page)
}

// TestE4Delayed: a page that its provider puts off once, for seconds, has not failed. One
// that is put off for longer, or again, has: the next step follows at once, and it is
// tried again beside that (E4f: later and later again is a failure). Our own pacing is
// never a failure, however long it takes (E4e).
func TestE4Delayed(t *testing.T) {
	busy, paced := errors.New("503 Service Unavailable"), fmt.Errorf("one message a second: %w", bot.ErrPaced)
	for _, c := range []struct {
		by      time.Duration
		times   int
		why     error
		fails   time.Duration // when; 0: it does not
		arrives time.Duration
	}{
		{2 * time.Second, 1, busy, 0, 2 * time.Second},
		{2 * time.Second, 2, busy, 2 * time.Second, 4 * time.Second},
		{time.Second, 15, busy, time.Second, 15 * time.Second},
		{20 * time.Second, 1, busy, time.Millisecond, 20 * time.Second},
		{time.Second, 30, paced, 0, 30 * time.Second},
		{30 * time.Second, 1, paced, 0, 30 * time.Second},
	} {
		t.Run(fmt.Sprintf("%d times by %s, %v", c.times, c.by, c.why), func(t *testing.T) {
			inBubbleWith(t, machines(), nil, func(h *harness) {
				p := &delayingPager{Pager: h.pager, by: c.by, times: c.times, why: c.why}
				if err := h.bot.Configure(machines(), map[string]bot.Pager{"webhook": p}); err != nil {
					t.Fatal(err)
				}
				h.say("declare Checkout is down --sev 1 --service checkout")
				pass(40 * time.Second)
				failedAt := time.Duration(0)
				ana, _ := access.Person(h.bot.Organization(), "ana")
				events, err := h.bot.Incidents.History(t.Context(), "INC-1", ana, 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range events {
					if _, ok := e.Fact.(workflow.PageFailed); ok && failedAt == 0 {
						failedAt = e.At.Sub(h.pager.start) + time.Millisecond
					}
				}
				if (failedAt > 0) != (c.fails > 0) || failedAt > c.fails+100*time.Millisecond {
					t.Errorf("failed after %s, want %s", failedAt, c.fails)
				}
				if at := h.pager.sent()["INC-1/1.0.0.0/webhook:noc/webhook"]; at < c.arrives || at > c.arrives+time.Second {
					t.Errorf("it came after %s, want %s", at, c.arrives)
				}
				if _, next := h.pager.sent()["INC-1/1.0.0.1/webhook:second/webhook"]; next != (c.fails > 0) {
					t.Errorf("the next step has fired: %v", next)
				}
			})
		})
	}
}

// TestE4UnknownOutcome: a page whose outcome its pager does not know is not sent again for
// ten minutes, also when paging starts again; the next step goes out at once (E4c: slow is not failed).
func TestE4UnknownOutcome(t *testing.T) {
	inBubbleWith(t, machines(), nil, func(h *harness) {
		asked := map[string]int{}
		p := pagerFunc(func(_ context.Context, page bot.Page) error {
			asked[page.Person]++
			return fmt.Errorf("post: %w", bot.ErrUnknownOutcome)
		})
		if err := h.bot.Configure(machines(), map[string]bot.Pager{"webhook": p}); err != nil {
			t.Fatal(err)
		}
		h.say("declare Checkout is down --sev 1 --service checkout")
		pass(time.Second)
		if asked["webhook:second"] != 1 || h.stateOf("1.0.0.0/webhook:noc/webhook") != workflow.DeliverySlow {
			t.Errorf("after a second: %v", asked)
		}
		pass(9 * time.Minute) // paging starts again every minute, beside the pages that are on their way
		if asked["webhook:noc"] != 1 || asked["webhook:second"] != 1 {
			t.Errorf("sent within nine minutes: %v", asked)
		}
	})
}

// pagerFunc is a function as a pager.
type pagerFunc func(context.Context, bot.Page) error

// Page implements [bot.Pager].
func (f pagerFunc) Page(ctx context.Context, p bot.Page) error { return f(ctx, p) }
