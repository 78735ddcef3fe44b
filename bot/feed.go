package bot

import (
	"context"
	"sync"
	"sync/atomic"
)

// Feed notifies watchers of changed incidents. A store uses one to implement the
// Watch of [Library]. The zero value is ready, and it is safe for concurrent use.
//
// A store calls Notify after a change is durable and can be read, because a watcher
// reads as soon as it is notified; and before it returns from Commit or Take, so
// that when a caller in the same process has the result, the watchers were notified.
type Feed struct {
	count    atomic.Int64 // of all watchers
	mu       sync.Mutex
	watchers map[string]map[*watcher]struct{} // by incident; "": of all incidents
}

// watcher is one caller of Watch.
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

// HasWatchers reports whether there is any watcher, at the cost of one atomic read,
// so that a store need not list what it changed when there is none. Call it after
// the change can be read: a watcher that begins between an earlier call and the
// change would read the old state and never be notified.
func (f *Feed) HasWatchers() bool { return f.count.Load() > 0 }

// Notify notifies the watchers of these incidents, and those of all incidents. It
// never waits for a watcher, and skips one whose context has ended.
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

// NotifyAll notifies every watcher. A store calls it when it may have missed
// changes, such as after its connection was lost.
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
		case <-w.done: // it is about to be removed
			continue
		default:
		}
		select {
		case w.changed <- struct{}{}:
		default: // a notification is waiting already
		}
	}
}
