package delivery

import (
	"slices"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// A person who was paged bundleAfter times within bundleWindow by one method gets the
// next pages as bundles, at most one in bundleEvery (E10: lanes by priority).
const (
	bundleAfter  = 3
	bundleWindow = 2 * time.Minute
	bundleEvery  = 30 * time.Second
)

// recentPages holds the times of the last pages of each person and method. It is in
// memory: after a restart a person gets at most bundleAfter single pages more.
type recentPages struct {
	mu   sync.Mutex
	last map[string][]time.Time // by recipient and method
}

func newRecentPages() *recentPages { return &recentPages{last: map[string][]time.Time{}} }

// bundleKey is what pages that can be bundled have in common.
func bundleKey(p workflow.SendPage) string { return p.To + "\x00" + p.Via }

// add records the time of a page, and drops times outside the window.
func (b *recentPages) add(p workflow.SendPage, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !isPerson(p.To) {
		return
	}
	key := bundleKey(p)
	b.last[key] = append(b.recent(key, now), now)
	for k := range b.last {
		if len(b.recent(k, now)) == 0 {
			delete(b.last, k)
		}
	}
}

// recent returns the times within the window.
func (b *recentPages) recent(key string, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(b.last[key]), func(t time.Time) bool { return now.Sub(t) >= bundleWindow })
}

// schedule returns how many of n pages go out one by one now, and until when the rest
// is held back; zero: the rest goes out now, as one bundle.
func (b *recentPages) schedule(key string, n int, now time.Time) (single int, wait time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	recent := b.recent(key, now)
	single = min(n, max(0, bundleAfter-len(recent)))
	if len(recent) < bundleAfter {
		return single, time.Time{}
	}
	if next := recent[len(recent)-1].Add(bundleEvery); next.After(now) {
		return single, next
	}
	return single, time.Time{}
}

// Bundle groups works that are carried out together: pages to a person who was paged
// often are a group, any other work is a group of its own. held are the pages that wait
// for the next bundle.
func (s *Sender) Bundle(works []bot.Work) (groups [][]bot.Work, held []bot.HeldWork) {
	pages := map[string][]bot.Work{}
	var order []string
	for _, w := range works {
		page, ok := w.Action.(workflow.SendPage)
		if !ok || !isPerson(page.To) {
			groups = append(groups, []bot.Work{w})
			continue
		}
		key := bundleKey(page)
		if pages[key] == nil {
			order = append(order, key)
		}
		pages[key] = append(pages[key], w)
	}
	now := s.engine.Now()
	for _, key := range order {
		all := pages[key]
		single, wait := s.recent.schedule(key, len(all), now)
		for _, w := range all[:single] {
			groups = append(groups, []bot.Work{w})
		}
		rest := all[single:]
		if len(rest) > 0 && wait.IsZero() {
			groups = append(groups, rest)
			continue
		}
		for _, w := range rest {
			held = append(held, bot.HeldWork{Work: w, Until: wait})
		}
	}
	return groups, held
}
