package agenda

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// answerEvery is between two tries to write down that pages were sent.
const answerEvery = 200 * time.Millisecond

// rememberFor bounds how long a page is remembered that was sent and not
// written down: whoever took its lease over has answered for it long before.
const rememberFor = time.Hour

// handed remembers the pages that were sent while the store could not be told.
// They are not sent again, neither when the store is back nor when their lease
// has run out or was lost: this process has not crashed (rule E3). It is
// forgotten with the process.
type handed struct {
	mu    sync.Mutex
	pages map[string]handover
}

// handover is one such page.
type handover struct {
	task bot.PageTask
	at   time.Time
	lost bool // its lease: it is answered for when it is claimed again
}

func newHanded() *handed { return &handed{pages: map[string]handover{}} }

func handedKey(t bot.PageTask) string { return t.Lease.Owner + "/" + t.Deed.Page }

// add notes a page, and forgets old ones.
func (h *handed) add(o handover) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, old := range h.pages {
		if o.at.Sub(old.at) > rememberFor {
			delete(h.pages, key)
		}
	}
	h.pages[handedKey(o.task)] = o
}

// drop forgets a page that was written down.
func (h *handed) drop(t bot.PageTask) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pages, handedKey(t))
}

// has reports whether a page was sent already.
func (h *handed) has(t bot.PageTask) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, is := h.pages[handedKey(t)]
	return is
}

// held are the pages whose leases may still be there, the oldest first.
func (h *handed) held() []handover {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []handover
	for _, o := range h.pages {
		if !o.lost {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b handover) int {
		if d := a.at.Compare(b.at); d != 0 {
			return d
		}
		return strings.Compare(handedKey(a.task), handedKey(b.task))
	})
	return all
}

// delivered writes down that a page was sent. When that fails the page is
// remembered: sending it again would be the greater harm.
func (r *Runner) delivered(ctx context.Context, t bot.PageTask) error {
	var err error
	for range answerTries {
		if err = r.cfg.Bot.Answer(ctx, t.Lease, workflow.Delivered{Page: t.Deed.Page}, triedPage(t)...); err == nil {
			r.handed.drop(t)
			return nil
		}
		if errors.Is(err, bot.ErrLeaseLost) {
			break
		}
	}
	r.handed.add(handover{task: t, at: r.cfg.Bot.Now(), lost: errors.Is(err, bot.ErrLeaseLost)})
	return err
}

// answers tries again and again to write down what could not be.
func (r *Runner) answers(ctx context.Context) {
	ticker := time.NewTicker(answerEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, o := range r.handed.held() {
			if err := r.delivered(ctx, o.task); err != nil && !errors.Is(err, bot.ErrLeaseLost) {
				break // the store is still away
			}
		}
	}
}
