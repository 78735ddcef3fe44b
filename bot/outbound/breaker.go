package outbound

import (
	"errors"
	"sync"
	"time"
)

// A party that let so many sends in a row run out of time is left alone for a
// while. Then one send at a time tries whether it answers again.
const (
	openAfter = 8
	openFor   = 10 * time.Second
)

// ErrNoAnswer is the error of a send to a party that is left alone.
var ErrNoAnswer = errors.New("it has not answered lately")

// Breaker is a circuit breaker for each party: what hangs at one party holds up
// no other. The zero value is ready, and it is safe for concurrent use.
type Breaker struct {
	mu      sync.Mutex
	parties map[string]partyState
}

type partyState struct {
	timeouts int       // in a row
	until    time.Time // the party is left alone; zero: never yet
}

// IsOpen reports whether a party is left alone at an instant. The first caller
// after that tries for all.
func (b *Breaker) IsOpen(party string, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.parties[party]
	if !ok || c.until.IsZero() {
		return false
	}
	if c.until.After(at) {
		return true
	}
	c.until = at.Add(openFor)
	b.parties[party] = c
	return false
}

// Remaining is how long a party is still left alone; 0: it may be tried.
func (b *Breaker) Remaining(party string, at time.Time) time.Duration {
	if !b.IsOpen(party, at) {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.parties[party].until.Sub(at), time.Millisecond)
}

// Ended records how a send ended.
func (b *Breaker) RecordResult(party string, timedOut bool, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !timedOut {
		delete(b.parties, party)
		return
	}
	c := b.parties[party]
	c.timeouts++
	if c.timeouts >= openAfter {
		c.until = at.Add(openFor)
	}
	if b.parties == nil {
		b.parties = map[string]partyState{}
	}
	b.parties[party] = c
}
