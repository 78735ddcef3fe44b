package inbound

import "sync"

// lanes keeps the order of deliveries: those of one lane, such as the messages of
// one channel, are done in the order in which they came.
type lanes struct {
	mu   sync.Mutex
	last map[string]chan struct{} // lane → closed when the last of it is done
}

func newLanes() *lanes { return &lanes{last: map[string]chan struct{}{}} }

// enter takes a place in a lane: turn is closed when everything before it has
// left. The lane "" has no order.
func (l *lanes) enter(lane string) (turn <-chan struct{}, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, mine := l.last[lane], make(chan struct{})
	if before == nil || lane == "" {
		before = make(chan struct{})
		close(before)
	}
	if lane == "" {
		return before, func() {}
	}
	l.last[lane] = mine
	return before, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		close(mine)
		if l.last[lane] == mine {
			delete(l.last, lane)
		}
	}
}
