package bot_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"tocsin/bot"
)

// told reports whether a watcher has been told since it was asked last.
func told(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestFeedTells(t *testing.T) {
	var f bot.Feed
	f.Notify("INC-1") // nobody is there yet
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
		if told(one) != c.one || told(again) != c.one || told(two) != c.two || told(all) != c.both {
			t.Errorf("%v changed: not told as it should be, want %+v", c.changed, c)
		}
		if told(one) || told(again) || told(two) || told(all) {
			t.Errorf("%v changed: told twice", c.changed)
		}
	}
}

// TestFeedCoalesces: whoever is slow is told once, and holds nobody up.
func TestFeedCoalesces(t *testing.T) {
	var f bot.Feed
	slow, all := f.Watch(t.Context(), "INC-1"), f.Watch(t.Context(), "")
	for range 100 {
		f.Notify("INC-1")
	}
	if !told(slow) || told(slow) || !told(all) || told(all) {
		t.Error("a hundred changes are not one signal")
	}
	f.Notify("INC-1")
	if !told(slow) {
		t.Error("not told of what changed after the signal was received")
	}
}

// TestFeedForgets: once a context has ended its watcher is told nothing, and
// soon nothing is left of it; others go on.
func TestFeedForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f bot.Feed
		if f.HasWatchers() {
			t.Error("watched before anybody watches")
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone, goneToo := f.Watch(ctx, "INC-1"), f.Watch(ctx, "")
		stays, leave := context.WithCancel(t.Context())
		other := f.Watch(stays, "INC-1")
		cancel()
		f.Notify("INC-1") // at once: it must not depend on when the feed hears of the end
		if told(gone) || told(goneToo) || !told(other) {
			t.Error("told after the end, or not told before it")
		}
		synctest.Wait()
		f.Notify("INC-1")
		if told(gone) || told(goneToo) || !told(other) || !f.HasWatchers() {
			t.Error("told after the end, or not told before it")
		}
		if late := f.Watch(ctx, "INC-1"); told(late) {
			t.Error("told in a context that had ended before")
		}
		leave()
		synctest.Wait()
		if f.HasWatchers() {
			t.Error("still watched when everybody has gone")
		}
	})
}

// TestFeedRace: watchers come and go while things change, and each is told of
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
			t.Error("still watched when everybody has gone")
		}
	})
}
