package slack

import (
	"context"
	"sync"
	"time"
)

// seen knows the latest deliveries, so that none is worked on twice at once by
// this process, and a repeat is answered as the first.
type seen struct {
	mu    sync.Mutex
	all   map[string]*sighting
	order []string
}

// sighting is a delivery that has been seen. What it came to is there once it
// is done.
type sighting struct {
	key    string
	done   chan struct{}
	now    any
	failed error
}

// mostSeen bounds what is remembered. What is older is known by its operation,
// in the store.
const mostSeen = 10_000

func (m *seen) begin(key string) (s *sighting, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s = m.all[key]; s != nil && key != "" {
		return s, false
	}
	s = &sighting{key: key, done: make(chan struct{})}
	if key != "" {
		m.all[key] = s
		if m.order = append(m.order, key); len(m.order) > mostSeen {
			delete(m.all, m.order[0])
			m.order = m.order[1:]
		}
	}
	return s, true
}

// end notes what a delivery came to. One that failed is new when it comes again.
func (m *seen) end(s *sighting, a answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.now, s.failed = a.now, a.failed
	close(s.done)
	if a.failed != nil && m.all[s.key] == s {
		delete(m.all, s.key)
	}
}

// order lets what is about one channel be done in the order in which it came.
type order struct {
	mu   sync.Mutex
	last map[string]chan struct{} // lane → closed when the last of it is done
}

// join takes a place in a lane: turn is closed when everybody before has left.
func (o *order) join(lane string) (turn <-chan struct{}, leave func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, mine := o.last[lane], make(chan struct{})
	if before == nil || lane == "" {
		before = make(chan struct{})
		close(before)
	}
	if lane == "" {
		return before, func() {}
	}
	o.last[lane] = mine
	return before, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		close(mine)
		if o.last[lane] == mine {
			delete(o.last, lane)
		}
	}
}

// crew is the work under way. It goes on when what asked for it is gone, and is
// over before [Workspace.Run] returns.
type crew struct {
	mu      sync.Mutex
	work    map[int]context.CancelFunc
	begun   int
	closing bool
	idle    chan struct{} // closed when it is closing and nothing is left
}

// begin begins work, unless the crew is closing.
func (c *crew) begin(ctx context.Context, most time.Duration) (working context.Context, end func(), open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ctx, func() {}, false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	id := c.begun
	c.begun++
	c.work[id] = cancel
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.work, id)
		if c.closing && len(c.work) == 0 {
			close(c.idle)
		}
	}, true
}

// close lets what is under way end, and ends what takes longer than the grace.
func (c *crew) close(grace time.Duration) {
	c.mu.Lock()
	left := len(c.work)
	again := c.closing
	c.closing = true
	if left == 0 && !again {
		close(c.idle)
	}
	c.mu.Unlock()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.idle:
		return
	case <-timer.C:
	}
	c.mu.Lock()
	for _, cancel := range c.work {
		cancel()
	}
	c.mu.Unlock()
	<-c.idle
}
