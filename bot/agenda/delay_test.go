package agenda_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/workflow"
)

// delayingPager delays its first pages.
type delayingPager struct {
	bot.Pager
	by    time.Duration
	times int
}

// Page implements [bot.Pager].
func (p *delayingPager) Page(ctx context.Context, page bot.Page) error {
	if p.times > 0 {
		p.times--
		return bot.RetryAfter(p.by, errors.New("one message a second"))
	}
	return p.Pager.Page(ctx, page)
}

// TestE4Delayed: a page that its pager delays for seconds has not failed, and no other
// method is used; one that is delayed for longer has failed.
func TestE4Delayed(t *testing.T) {
	for by, fails := range map[time.Duration]bool{2 * time.Second: false, time.Minute: true} {
		t.Run(by.String(), func(t *testing.T) {
			inBubbleWith(t, machines(), nil, func(h *harness) {
				p := &delayingPager{Pager: h.pager, by: by, times: 2}
				if err := h.bot.Configure(machines(), map[string]bot.Pager{"webhook": p}); err != nil {
					t.Fatal(err)
				}
				h.say("declare Checkout is down --sev 1 --service checkout")
				synctest.Wait()
				pass(10 * time.Second)
				ana, _ := access.Person(h.bot.Organization(), "ana")
				events, err := h.bot.Incidents.History(t.Context(), "INC-1", ana, 0)
				if err != nil {
					t.Fatal(err)
				}
				failed := false
				for _, e := range events {
					_, ok := e.Fact.(workflow.PageFailed)
					failed = failed || ok
				}
				if failed != fails {
					t.Errorf("put off by %s: failed %v", by, failed)
				}
				if at := h.pager.sent()["INC-1/1.0.0.0/webhook:noc/webhook"]; !fails && (at < 4*time.Second || at > 5*time.Second) {
					t.Errorf("it came after %s", at)
				}
			})
		})
	}
}
