package agenda_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/agenda"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/workflow"
)

// pager records when each page was sent, and can hang or panic.
type pager struct {
	mu    sync.Mutex
	at    map[string]time.Duration // page key → since the start
	start time.Time
	hangs func(bot.Page) bool
	panic bool
}

func (p *pager) Page(ctx context.Context, page bot.Page) error {
	p.mu.Lock()
	hangs := p.hangs
	p.mu.Unlock()
	if hangs != nil && hangs(page) {
		<-ctx.Done()
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.panic {
		p.panic = false
		panic("a bug in a pager")
	}
	for _, key := range page.Keys {
		p.at[key] = time.Since(p.start)
	}
	return nil
}

// sent returns a copy of what was sent so far.
func (p *pager) sent() map[string]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.at)
}

// harness is an application with its runner, running in a synctest bubble.
type harness struct {
	t     *testing.T
	bot   *app.App
	run   *agenda.Runner
	pager *pager
	store *memory.Store
}

func inBubble(t *testing.T, test func(h *harness)) {
	inBubbleWith(t, bottest.SampleOrganization(), nil, test)
}

// inBubbleWith is inBubble with an organization and chat platforms.
func inBubbleWith(t *testing.T, org bot.Organization, chats map[string]bot.Chat, test func(h *harness)) {
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t: t, store: memory.New(), pager: &pager{at: map[string]time.Duration{}, start: time.Now()}}
		quiet := slog.New(slog.DiscardHandler)
		var err error
		h.bot, err = app.New(app.Config{
			Store: h.store, Organization: org, Secret: []byte("0123456789abcdef"), Log: quiet, Now: time.Now, Chats: chats,
			Pagers: map[string]bot.Pager{"email": h.pager, "sms": h.pager, "webhook": h.pager, "log": h.pager},
		})
		if err != nil {
			t.Fatal(err)
		}
		h.run = h.bot.Agenda(0)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { h.run.Run(ctx); close(ended) }()
		test(h)
		cancel()
		<-ended
	})
}

func (h *harness) say(line string) {
	h.t.Helper()
	ana, _ := access.Person(h.bot.Organization(), "ana")
	reply, err := h.bot.Dispatcher.Run(h.t.Context(), dispatch.Request{Text: line, Speaker: ana})
	if err != nil || !reply.OK {
		h.t.Fatalf("%s: %+v %v", line, reply, err)
	}
}

// pass lets time pass in the bubble.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the time of the bubble
	synctest.Wait()
}

// TestRun: a page is sent at once, and the next step when its wait is over, never
// earlier.
func TestRun(t *testing.T) {
	inBubble(t, func(h *harness) {
		h.say("declare Checkout is down --sev 1 --service checkout")
		synctest.Wait()
		if at, ok := h.pager.sent()["INC-1/1.0.0.0/dan/sms"]; !ok || at > 10*time.Millisecond {
			h.t.Fatalf("the first page: %v", h.pager.sent())
		}
		pass(2*time.Minute - time.Millisecond)
		if len(h.pager.sent()) != 1 {
			h.t.Fatalf("early: %v", h.pager.sent())
		}
		pass(2 * time.Millisecond)
		if at := h.pager.sent()["INC-1/1.0.0.1/ana/email"]; at < 2*time.Minute || at > 2*time.Minute+5*time.Millisecond {
			h.t.Fatalf("the second step: %v", h.pager.sent())
		}
		pass(time.Minute)
		if _, ok := h.pager.sent()["INC-1/1.0.0.1/ana/sms"]; !ok {
			h.t.Fatalf("the second method: %v", h.pager.sent())
		}
		h.say("ack INC-1")
		pass(20 * time.Minute)
		if len(h.pager.sent()) != 3 {
			h.t.Fatalf("after the acknowledgement: %v", h.pager.sent())
		}
		if health := h.run.Health(); health.At.IsZero() || health.Overdue > 0 || len(health.Stuck) > 0 {
			h.t.Fatalf("health %+v", health)
		}
	})
}

// TestHangingPager: a pager that does not answer delays no other page, and is slow after
// ten seconds. It is not asked again while it hangs (E4c: slow is not failed).
func TestHangingPager(t *testing.T) {
	inBubble(t, func(h *harness) {
		asked := 0
		h.pager.hangs = func(p bot.Page) bool {
			if p.Person == "ben" {
				asked++
			}
			return p.Person == "ben"
		}
		h.say("declare Search is down --sev 1 --service search") // pages ben and the webhook
		synctest.Wait()
		if _, ok := h.pager.sent()["INC-1/1.0.0.0/webhook:noc/webhook"]; !ok {
			h.t.Fatalf("the webhook waits for the mail: %v", h.pager.sent())
		}
		pass(9 * time.Second)
		if got := h.stateOf("1.0.0.0/ben/email"); got != workflow.DeliveryQueued {
			h.t.Errorf("after 9 s ben's page is %s", got)
		}
		pass(2 * time.Second)
		if got := h.stateOf("1.0.0.0/ben/email"); got != workflow.DeliverySlow {
			h.t.Errorf("after 11 s ben's page is %s", got)
		}
		pass(5 * time.Minute)
		if asked != 1 {
			h.t.Errorf("the pager that hangs was asked %d times", asked)
		}
	})
}

// stateOf returns the state of a page of INC-1.
func (h *harness) stateOf(id string) workflow.DeliveryState {
	h.t.Helper()
	i, err := h.bot.LoadUnchecked(h.t.Context(), "INC-1")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range i.Paging.Pages {
		if p.ID == id {
			return p.State
		}
	}
	return ""
}

// TestSilentMedium: many pages to a pager that hangs delay no other pager, and after a
// few of them the rest fails at once (E4: a failed page moves on at once).
func TestSilentMedium(t *testing.T) {
	inBubble(t, func(h *harness) {
		h.pager.hangs = func(p bot.Page) bool { return p.Person == "ben" }
		for range 300 {
			h.say("declare Search is down --sev 1 --service search") // each pages ben and the webhook
		}
		pass(30 * time.Second)
		webhooks := 0
		for key, at := range h.pager.sent() {
			if strings.Contains(key, "webhook:noc") {
				webhooks++
				if at > 3*time.Second {
					h.t.Errorf("%s came after %s", key, at)
				}
			}
		}
		if webhooks < 300 {
			h.t.Errorf("%d of 300 webhooks came", webhooks)
		}
	})
}

// TestPanickingPager: a panic in a pager loses no page.
func TestPanickingPager(t *testing.T) {
	inBubble(t, func(h *harness) {
		h.pager.panic = true
		h.say("declare Checkout is down --sev 1 --service checkout")
		pass(15 * time.Second)
		if _, ok := h.pager.sent()["INC-1/1.0.0.0/dan/sms"]; !ok {
			h.t.Errorf("the page is lost: %v", h.pager.sent())
		}
	})
}

// TestPermanent: a permanent error is not retried.
func TestPermanent(t *testing.T) {
	err := bot.Permanent(errors.New("no such mailbox"))
	if !bot.IsPermanent(err) || bot.IsPermanent(errors.New("x")) {
		t.Error("Permanent is not recognized")
	}
	d, ok := bot.RetryDelay(bot.RetryAfter(time.Minute, errors.New("busy")))
	if !ok || d != time.Minute {
		t.Errorf("RetryAfter: %s %v", d, ok)
	}
}
