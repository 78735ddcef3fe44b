package delivery

import (
	"maps"
	"sync"
	"time"
)

// unknownPages holds the pages whose outcome is unknown, so that they are not sent again
// before their time when the store could not be told (E4c: slow is not failed).
type unknownPages struct {
	mu    sync.Mutex
	until map[string]time.Time // by key of the page
}

func newUnknownPages() *unknownPages { return &unknownPages{until: map[string]time.Time{}} }

// remember notes that a page is not sent again for a while.
func (u *unknownPages) remember(key string, now time.Time, wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(u.until, func(_ string, until time.Time) bool { return !until.After(now) })
	u.until[key] = now.Add(wait)
}

// wait returns how long a page is not sent yet; 0: not at all.
func (u *unknownPages) wait(key string, now time.Time) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return max(0, u.until[key].Sub(now))
}
