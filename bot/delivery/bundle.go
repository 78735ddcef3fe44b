package delivery

import (
	"cmp"
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

// recentPages holds the last pages of each person and method: those that were sent, and
// those on their way. It is in memory: after a restart a person gets at most bundleAfter
// single pages more.
type recentPages struct {
	mu  sync.Mutex
	all map[string][]recentPage // by recipient and method
}

// recentPage is a page that was handed out.
type recentPage struct {
	key      string // of the page
	message  string // the key of the first page in its message
	bundled  bool   // in a message of several
	severity workflow.Severity
	at       time.Time
}

func newRecentPages() *recentPages { return &recentPages{all: map[string][]recentPage{}} }

// bundleKey is what pages that can be bundled have in common.
func bundleKey(p workflow.SendPage) string { return p.To + "\x00" + p.Via }

// pageOf returns the page of a work.
func pageOf(w bot.Work) workflow.SendPage {
	p, _ := w.Action.(workflow.SendPage)
	return p
}

// pageKey returns the stable key of the page of a work: "INC-7/1.0.0.0/ana/email".
func pageKey(w bot.Work) string { return w.Owner + "/" + pageOf(w).Page }

// arrived notes that a page was accepted.
func (b *recentPages) arrived(w bot.Work, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.all[bundleKey(pageOf(w))]
	if n := slices.IndexFunc(all, func(r recentPage) bool { return r.key == pageKey(w) }); n >= 0 {
		all[n].at = now
	}
}

// forget forgets a page that is not on its way any more.
func (b *recentPages) forget(w bot.Work) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := bundleKey(pageOf(w))
	b.all[key] = slices.DeleteFunc(b.all[key], func(r recentPage) bool { return r.key == pageKey(w) })
}

// add notes the pages of a message that is handed out.
func (b *recentPages) add(message []bot.Work, bundled bool, now time.Time) {
	for _, w := range message {
		key := bundleKey(pageOf(w))
		b.all[key] = slices.DeleteFunc(b.all[key], func(r recentPage) bool { return r.key == pageKey(w) })
		b.all[key] = append(b.all[key], recentPage{
			key: pageKey(w), message: pageKey(message[0]), bundled: bundled, severity: pageOf(w).Severity, at: now,
		})
	}
}

// summarize returns how many messages a person got or is about to get, the worst severity
// among them, and the time of the latest. What is older than the window is dropped.
func (b *recentPages) summarize(key string, now time.Time) (messages int, worst workflow.Severity, latest time.Time) {
	for k, all := range b.all {
		if b.all[k] = slices.DeleteFunc(all, func(r recentPage) bool { return now.Sub(r.at) >= bundleWindow }); len(b.all[k]) == 0 {
			delete(b.all, k)
		}
	}
	seen := map[string]bool{}
	for _, r := range b.all[key] {
		seen[r.message] = true
		if r.severity.IsWorseThan(worst) {
			worst = r.severity
		}
		if r.at.After(latest) {
			latest = r.at
		}
	}
	return len(seen), worst, latest
}

// split divides pages to one person by one method into messages that go out now, and pages
// that are held until a time (E10: lanes by priority). The first three in two minutes go
// alone, and so does one that is worse than all of these. The others are a bundle, which
// waits for half a minute after the last message, unless one of them must not wait. A page
// that was put off keeps its place: it goes alone or in a bundle as before.
func (b *recentPages) split(pages []bot.Work, now time.Time) (messages [][]bot.Work, held []bot.HeldWork) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sortWorstFirst(pages)
	key := bundleKey(pageOf(pages[0]))
	before, worst, latest := b.summarize(key, now)
	var bundle, rest []bot.Work
	count := before
	for _, w := range pages {
		at := slices.IndexFunc(b.all[key], func(r recentPage) bool { return r.key == pageKey(w) })
		switch {
		case at >= 0 && b.all[key][at].bundled:
			bundle = append(bundle, w)
		case at >= 0:
			messages = append(messages, []bot.Work{w})
		case count < bundleAfter || pageOf(w).Severity.IsWorseThan(worst):
			message := []bot.Work{w}
			messages, count = append(messages, message), count+1
			b.add(message, false, now)
			if pageOf(w).Severity.IsWorseThan(worst) {
				worst = pageOf(w).Severity
			}
		default:
			rest = append(rest, w)
		}
	}
	mustNotWait := len(bundle) > 0 || before < bundleAfter || slices.ContainsFunc(rest, func(w bot.Work) bool { return pageOf(w).Urgent })
	if next := latest.Add(bundleEvery); !mustNotWait && next.After(now) {
		for _, w := range rest {
			held = append(held, bot.HeldWork{Work: w, Until: next})
		}
		return messages, held
	}
	if bundle = append(bundle, rest...); len(bundle) > 0 {
		sortWorstFirst(bundle)
		b.add(bundle, true, now)
		messages = append(messages, bundle)
	}
	return messages, held
}

// sortWorstFirst sorts pages by severity, and those of one severity by their due time.
func sortWorstFirst(pages []bot.Work) {
	slices.SortStableFunc(pages, func(x, y bot.Work) int {
		return cmp.Or(compareSeverity(pageOf(x).Severity, pageOf(y).Severity), x.Due.Compare(y.Due))
	})
}

// compareSeverity orders severities, the worst first and one that is not set last.
func compareSeverity(x, y workflow.Severity) int {
	return cmp.Compare(cmp.Or(x, workflow.SEV5+1), cmp.Or(y, workflow.SEV5+1))
}

// Bundle groups works that are carried out together: pages to a person who was paged
// often are a group, any other work is a group of its own. The worst pages are first. held
// are the pages that wait for the next bundle.
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
		messages, waiting := s.recent.split(pages[key], now)
		groups, held = append(groups, messages...), append(held, waiting...)
	}
	slices.SortStableFunc(groups, func(x, y []bot.Work) int {
		return compareSeverity(pageOf(x[0]).Severity, pageOf(y[0]).Severity)
	})
	return groups, held
}
