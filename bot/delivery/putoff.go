package delivery

import (
	"maps"
	"sync"
	"time"
)

// putOffPages holds the pages that their provider has put off. It is in memory: after a
// restart each may be put off once more.
type putOffPages struct {
	mu sync.Mutex
	at map[string]time.Time // by key of the page
}

func newPutOffPages() *putOffPages { return &putOffPages{at: map[string]time.Time{}} }

// isFirst notes that a page was put off, and reports whether it is the first time.
func (p *putOffPages) isFirst(key string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.at[key]; ok {
		return false
	}
	maps.DeleteFunc(p.at, func(_ string, at time.Time) bool { return now.Sub(at) > time.Hour })
	p.at[key] = now
	return true
}

// forget forgets a page that has an outcome.
func (p *putOffPages) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, key)
}
