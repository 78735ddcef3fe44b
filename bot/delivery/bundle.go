package delivery

import (
	"slices"
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
type recentPages struct {
	mu   sync.Mutex
	last map[string][]time.Time // by recipient and method
}

func newRecentPages() *recentPages { return &recentPages{last: map[string][]time.Time{}} }

func bundleKey(d workflow.SendPage) string { return d.To + "\x00" + d.Via }

// sent notes a page.
func (b *recentPages) add(d workflow.SendPage, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !isPerson(d.To) {
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

func (b *recentPages) recent(key string, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(b.last[key]), func(t time.Time) bool { return now.Sub(t) >= bundleWindow })
}

// until says how many of n pages go out singly now, and until when the rest
// waits; zero: the rest goes out now, as one.
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

// Held is a page that waits for its bundle.
type HeldPage struct {
	bot.Work
	Until time.Time
}

// Bundle sorts works into what is carried out together: each alone, but for pages
// to a person who has had too many. What waits for its bundle is held.
func (s *Sender) Bundle(works []bot.Work) (groups [][]bot.Work, held []HeldPage) {
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
			held = append(held, HeldPage{Work: w, Until: wait})
		}
	}
	return groups, held
}
