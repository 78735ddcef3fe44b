package outbound

import (
	"errors"
	"sync"
	"time"
)

// A party is not called for openFor after openAfter sends in a row timed out
// (E4: a failed page moves on at once). Then one send at a time tests whether it
// answers again.
const (
	openAfter = 8
	openFor   = 10 * time.Second
)

// ErrNoAnswer is the error of a send to a party whose circuit is open.
var ErrNoAnswer = errors.New("it has not answered lately")

// Breaker is a circuit breaker for each party, so that a party that hangs does not
// delay the sends to others. The zero value is ready, and it is safe for concurrent
// use.
type Breaker struct {
	mu      sync.Mutex
	parties map[string]partyState
}

// partyState is the circuit of one party.
type partyState struct {
	timeouts int       // in a row
	until    time.Time // the circuit is open until then; zero: it has not been open
}

// IsOpen reports whether a party must not be called at an instant. When the time is
// over it returns false to one caller, whose send is the test, and true to others.
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

// Remaining returns how long a party must still not be called; 0 when it may be.
func (b *Breaker) Remaining(party string, at time.Time) time.Duration {
	if !b.IsOpen(party, at) {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.parties[party].until.Sub(at), time.Millisecond)
}

// RecordResult records whether a send timed out. Any answer closes the circuit.
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
