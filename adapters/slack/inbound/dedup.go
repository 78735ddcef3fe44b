package inbound

import "sync"

// maxSeen is the number of deliveries kept for deduplication. An older one is
// known by its operation, in the store.
const maxSeen = 10_000

// dedup knows the latest deliveries, so that this process works on none of them
// twice at once, and acknowledges a repeat as the first.
type dedup struct {
	mu    sync.Mutex
	seen  map[string]*seenDelivery
	order []string // keys, the oldest first
}

// seenDelivery is a delivery that has come. Its outcome is set once done is
// closed.
type seenDelivery struct {
	key     string
	done    chan struct{}
	payload any
	err     error
}

func newDedup() *dedup { return &dedup{seen: map[string]*seenDelivery{}} }

// begin records that a delivery has come, and returns whether it is the first
// with its key. A delivery with the key "" is always the first.
func (d *dedup) begin(key string) (s *seenDelivery, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s = d.seen[key]; s != nil && key != "" {
		return s, false
	}
	s = &seenDelivery{key: key, done: make(chan struct{})}
	if key != "" {
		d.seen[key] = s
		if d.order = append(d.order, key); len(d.order) > maxSeen {
			delete(d.seen, d.order[0])
			d.order = d.order[1:]
		}
	}
	return s, true
}

// end records the outcome of a delivery. A failed one counts as new when it is
// repeated.
func (d *dedup) end(s *seenDelivery, o outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.payload, s.err = o.payload, o.err
	close(s.done)
	if o.err != nil && d.seen[s.key] == s {
		delete(d.seen, s.key)
	}
}
