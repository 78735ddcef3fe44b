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
	count    atomic.Int64 // watchers there are
	mu       sync.Mutex
	watchers map[string]map[*watcher]struct{} // by incident; "": of all
}

type watcher struct {
	changed chan struct{}
	done    <-chan struct{} // closed when its context ends; nil: never
}

// Watch implements the Watch of [Library].
func (f *Feed) Watch(ctx context.Context, incident string) <-chan struct{} {
	w := &watcher{changed: make(chan struct{}, 1), done: ctx.Done()}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == nil {
		f.watchers = map[string]map[*watcher]struct{}{}
	}
	if f.watchers[incident] == nil {
		f.watchers[incident] = map[*watcher]struct{}{}
	}
	f.watchers[incident][w] = struct{}{}
	f.count.Add(1)
	context.AfterFunc(ctx, func() { f.remove(incident, w) })
	return w.changed
}

func (f *Feed) remove(incident string, w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count.Add(-1)
	delete(f.watchers[incident], w)
	if len(f.watchers[incident]) == 0 {
		delete(f.watchers, incident)
	}
}

// Watched reports whether anybody watches, and costs next to nothing: a store
// need not even name what it has changed when nobody does. It is to be asked
// once the change can be read, never before: whoever begins to watch in between
// may have read what was there earlier, and would never be told.
func (f *Feed) HasWatchers() bool { return f.count.Load() > 0 }

// Changed tells whoever watches these incidents, and whoever watches all. It
// never waits for a watcher, and tells none whose context has ended.
func (f *Feed) Notify(incidents ...string) {
	if len(incidents) == 0 || !f.HasWatchers() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	notify(f.watchers[""])
	for _, id := range incidents {
		notify(f.watchers[id])
	}
}

// ChangedAny tells every watcher: something may have changed that the store has
// not heard of.
func (f *Feed) NotifyAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, watchers := range f.watchers {
		notify(watchers)
	}
}

func notify(watchers map[*watcher]struct{}) {
	for w := range watchers {
		select {
		case <-w.done: // it is about to be forgotten
			continue
		default:
		}
		select {
		case w.changed <- struct{}{}:
		default: // told already, and not yet received
		}
	}
}
