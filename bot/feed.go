package bot

import (
	"context"
	"sync"
	"sync/atomic"
)

// Feed tells watchers of changes: what a store implements the Watch of
// [Library] with. The zero value is ready, and it is safe for concurrent use.
//
// A store calls Changed when a change is durable and readers can see it, since
// whoever is told reads at once; and before it answers Commit or Take, so that
// in one process whoever has the answer knows that the watchers have been told.
type Feed struct {
	many     atomic.Int64 // watchers there are
	mu       sync.Mutex
	watchers map[string]map[*watcher]struct{} // by incident; "": of all
}

type watcher struct {
	told  chan struct{}
	ended <-chan struct{} // closed when its context ends; nil: never
}

// Watch implements the Watch of [Library].
func (f *Feed) Watch(ctx context.Context, incident string) <-chan struct{} {
	w := &watcher{told: make(chan struct{}, 1), ended: ctx.Done()}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == nil {
		f.watchers = map[string]map[*watcher]struct{}{}
	}
	if f.watchers[incident] == nil {
		f.watchers[incident] = map[*watcher]struct{}{}
	}
	f.watchers[incident][w] = struct{}{}
	f.many.Add(1)
	context.AfterFunc(ctx, func() { f.forget(incident, w) })
	return w.told
}

func (f *Feed) forget(incident string, w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.many.Add(-1)
	delete(f.watchers[incident], w)
	if len(f.watchers[incident]) == 0 {
		delete(f.watchers, incident)
	}
}

// Watched reports whether anybody watches, and costs next to nothing: a store
// need not even name what it has changed when nobody does. It is to be asked
// once the change can be read, never before: whoever begins to watch in between
// may have read what was there earlier, and would never be told.
func (f *Feed) Watched() bool { return f.many.Load() > 0 }

// Changed tells whoever watches these incidents, and whoever watches all. It
// never waits for a watcher, and tells none whose context has ended.
func (f *Feed) Changed(incidents ...string) {
	if len(incidents) == 0 || !f.Watched() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	tell(f.watchers[""])
	for _, id := range incidents {
		tell(f.watchers[id])
	}
}

// ChangedAny tells every watcher: something may have changed that the store has
// not heard of.
func (f *Feed) ChangedAny() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, watchers := range f.watchers {
		tell(watchers)
	}
}

func tell(watchers map[*watcher]struct{}) {
	for w := range watchers {
		select {
		case <-w.ended: // it is about to be forgotten
			continue
		default:
		}
		select {
		case w.told <- struct{}{}:
		default: // told already, and not yet received
		}
	}
}
