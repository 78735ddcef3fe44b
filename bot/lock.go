package bot

import "sync"

// turnstile lets one input of an incident through at a time, so that inputs
// queue in process before they race in the store.
type incidentLocks struct {
	mu    sync.Mutex
	locks map[string]*incidentLock
}

type incidentLock struct {
	sync.Mutex
	users int
}

// enter waits for the turn and returns how to leave.
func (t *incidentLocks) lock(id string) (leave func()) {
	t.mu.Lock()
	if t.locks == nil {
		t.locks = map[string]*incidentLock{}
	}
	g := t.locks[id]
	if g == nil {
		g = &incidentLock{}
		t.locks[id] = g
	}
	g.users++
	t.mu.Unlock()
	g.Lock()
	return func() {
		g.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		g.users--
		if g.users == 0 {
			delete(t.locks, id)
		}
	}
}
