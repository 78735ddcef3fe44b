package bot_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"tocsin/bot"
)

// isNotified reports whether a watcher was notified since the last call.
func isNotified(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestFeedNotifies: watchers are notified of the incidents that they watch, and no
// others.
func TestFeedNotifies(t *testing.T) {
	var f bot.Feed
	f.Notify("INC-1") // there is no watcher yet
	one, again, two, all := f.Watch(t.Context(), "INC-1"), f.Watch(t.Context(), "INC-1"), f.Watch(t.Context(), "INC-2"), f.Watch(t.Context(), "")
	for _, c := range []struct {
		changed        []string
		one, two, both bool
	}{
		{nil, false, false, false},
		{[]string{"INC-1"}, true, false, true},
		{[]string{"INC-2"}, false, true, true},
		{[]string{"INC-1", "INC-2", "INC-1"}, true, true, true},
		{[]string{"INC-3"}, false, false, true},
	} {
		f.Notify(c.changed...)
		if isNotified(one) != c.one || isNotified(again) != c.one || isNotified(two) != c.two || isNotified(all) != c.both {
			t.Errorf("%v changed: not notified as expected, want %+v", c.changed, c)
		}
		if isNotified(one) || isNotified(again) || isNotified(two) || isNotified(all) {
			t.Errorf("%v changed: notified twice", c.changed)
		}
	}
}

// TestFeedCoalesces: a slow watcher gets one notification for many changes, and blocks
// no other.
func TestFeedCoalesces(t *testing.T) {
	var f bot.Feed
	slow, all := f.Watch(t.Context(), "INC-1"), f.Watch(t.Context(), "")
	for range 100 {
		f.Notify("INC-1")
	}
	if !isNotified(slow) || isNotified(slow) || !isNotified(all) || isNotified(all) {
		t.Error("a hundred changes are not one signal")
	}
	f.Notify("INC-1")
	if !isNotified(slow) {
		t.Error("not notified of what changed after the signal was received")
	}
}

// TestFeedRemovesWatchers: a watcher whose context has ended is not notified and is
// removed; others go on.
func TestFeedRemovesWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f bot.Feed
		if f.HasWatchers() {
			t.Error("has watchers before the first one")
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone, goneToo := f.Watch(ctx, "INC-1"), f.Watch(ctx, "")
		stays, leave := context.WithCancel(t.Context())
		other := f.Watch(stays, "INC-1")
		cancel()
		f.Notify("INC-1") // at once: it must not depend on when the feed hears of the end
		if isNotified(gone) || isNotified(goneToo) || !isNotified(other) {
			t.Error("notified after the end, or not before it")
		}
		synctest.Wait()
		f.Notify("INC-1")
		if isNotified(gone) || isNotified(goneToo) || !isNotified(other) || !f.HasWatchers() {
			t.Error("notified after the end, or not before it")
		}
		if late := f.Watch(ctx, "INC-1"); isNotified(late) {
			t.Error("notified although the context had ended before")
		}
		leave()
		synctest.Wait()
		if f.HasWatchers() {
			t.Error("has watchers after all have ended")
		}
	})
}

// TestFeedRace: watchers come and go while incidents change, and each is notified of
// the last change.
func TestFeedRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f bot.Feed
		var mu sync.Mutex
		value := map[string]int{} // what a store would keep
		const changes = 200
		var wg sync.WaitGroup
		for n := range 4 {
			id := fmt.Sprint("INC-", n)
			wg.Go(func() {
				for range changes {
					mu.Lock()
					value[id]++
					mu.Unlock()
					f.Notify(id)
				}
			})
			wg.Go(func() {
				for range changes {
					ctx, cancel := context.WithCancel(t.Context())
					f.Watch(ctx, id)
					cancel()
				}
			})
			for _, of := range []string{id, ""} {
				wg.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					// Every change is read in the end, or this waits for ever,
					// which the bubble calls a deadlock.
					for c, last := f.Watch(ctx, of), 0; last < changes; {
						mu.Lock()
						last = value[id]
						mu.Unlock()
						if last < changes {
							<-c
						}
					}
				})
			}
		}
		wg.Wait()
		synctest.Wait()
		if f.HasWatchers() {
			t.Error("has watchers after all have ended")
		}
	})
}
