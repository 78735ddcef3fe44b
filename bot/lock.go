package bot

import "sync"

// incidentLocks is one mutex for each incident that is being changed in this
// process: its inputs wait for each other here instead of conflicting in the store.
type incidentLocks struct {
	mu    sync.Mutex
	locks map[string]*incidentLock
}

type incidentLock struct {
	sync.Mutex
	users int // goroutines that hold it or wait for it
}

// lock locks an incident and returns the function that unlocks it.
func (l *incidentLocks) lock(id string) (unlock func()) {
	l.mu.Lock()
	if l.locks == nil {
		l.locks = map[string]*incidentLock{}
	}
	one := l.locks[id]
	if one == nil {
		one = &incidentLock{}
		l.locks[id] = one
	}
	one.users++
	l.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		one.users--
		if one.users == 0 {
			delete(l.locks, id)
		}
	}
}
