package agenda

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// A person who was paged so often, so lately, gets the next pages as one
// message with a count (rule E10).
const (
	bundleAfter  = 3
	bundleWindow = 2 * time.Minute
	bundleEvery  = 30 * time.Second
)

// bundles remembers when each person was paged last. It is forgotten with the
// process: at worst somebody gets three single pages more.
type bundles struct {
	mu   sync.Mutex
	last map[string][]time.Time // by recipient and method
}

func newBundles() *bundles { return &bundles{last: map[string][]time.Time{}} }

func bundleKey(d workflow.SendPage) string { return d.To + "\x00" + d.Via }

// sent notes a page.
func (b *bundles) sent(d workflow.SendPage, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !human(d) {
		return
	}
	key := bundleKey(d)
	b.last[key] = append(b.recent(key, now), now)
	for k := range b.last {
		if len(b.recent(k, now)) == 0 {
			delete(b.last, k)
		}
	}
}

// human reports whether a page goes to a person. Machines and the log read
// everything.
func human(d workflow.SendPage) bool { return !strings.Contains(d.To, ":") && d.To != "log" }

func (b *bundles) recent(key string, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(b.last[key]), func(t time.Time) bool { return now.Sub(t) >= bundleWindow })
}

// until says how many of n pages go out singly now, and until when the rest
// waits; zero: the rest goes out now, as one.
func (b *bundles) until(d workflow.SendPage, n int, now time.Time) (single int, wait time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	recent := b.recent(bundleKey(d), now)
	single = min(n, max(0, bundleAfter-len(recent)))
	if len(recent) < bundleAfter {
		return single, time.Time{}
	}
	if next := recent[len(recent)-1].Add(bundleEvery); next.After(now) {
		return single, next
	}
	return single, time.Time{}
}

// group sorts claimed leases into what is carried out together: each alone,
// but for pages to somebody who has had too many.
func (r *Runner) group(ctx context.Context, leases []bot.Lease) [][]bot.Lease {
	var groups [][]bot.Lease
	pages := map[string][]bot.Lease{}
	deeds := map[string]workflow.SendPage{}
	var order []string
	for _, l := range leases {
		page, is := pageOf(l)
		if !is || !human(page) {
			groups = append(groups, []bot.Lease{l})
			continue
		}
		key := bundleKey(page)
		if pages[key] == nil {
			order = append(order, key)
		}
		pages[key], deeds[key] = append(pages[key], l), page
	}
	now := r.cfg.Bot.Now()
	for _, key := range order {
		all := pages[key]
		single, wait := r.bundles.until(deeds[key], len(all), now)
		for _, l := range all[:single] {
			groups = append(groups, []bot.Lease{l})
		}
		rest := all[single:]
		switch {
		case len(rest) == 0:
		case !wait.IsZero():
			for _, l := range rest {
				r.postpone(ctx, l, bot.RetryAfter(wait.Sub(now), errBundled))
			}
		default:
			groups = append(groups, rest)
		}
	}
	return groups
}

func pageOf(l bot.Lease) (workflow.SendPage, bool) {
	if l.ID == bot.WakeTask {
		return workflow.SendPage{}, false
	}
	d, err := workflow.DecodeAction(l.Body)
	if err != nil {
		return workflow.SendPage{}, false
	}
	page, is := d.(workflow.SendPage)
	return page, is
}
