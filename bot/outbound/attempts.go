// Package outbound holds what every send to an outside party needs: the record of
// what may have been sent already, a circuit breaker for each party, and which
// chat platforms do not answer.
package outbound

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"tocsin/bot"
)

// SendTimeout bounds one send to an outside party.
const SendTimeout = 5 * time.Second

// Store is where attempts are kept.
type Store interface {
	bot.Records
	bot.Committer
}

// Attempts knows which effects may have been carried out although no answer came.
// Each such effect is put on record before it is first tried; a process that
// finds the record asks the other side first, so that nothing is done twice where
// the other side can be asked (rule E3). Only the process that wrote the record
// may know better: that all it was ever told was to come again later.
type Attempts struct {
	store   Store
	now     func() time.Time
	process string // this process
	mu      sync.Mutex
	// deferred are the effects that this process began and the other side refused
	// to begin.
	deferred map[string]bool
}

// NewAttempts makes the attempts of this process.
func NewAttempts(store Store, now func() time.Time) *Attempts {
	return &Attempts{store: store, now: now, process: rand.Text()[:12], deferred: map[string]bool{}}
}

// Self names this process in the records of attempts.
func (a *Attempts) Process() string { return a.process }

// MayBeDone reports whether an effect may have been carried out, given which
// process tried it last; "" for none.
func (a *Attempts) MayHaveRun(key, by string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return by != "" && (by != a.process || !a.deferred[key])
}

// Ended records how a try went. An error that says when to come again means that
// the other side has refused to begin; what an earlier try did it cannot say.
func (a *Attempts) RecordResult(key string, again bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, later := bot.RetryDelay(err); err != nil && later && !again {
		a.deferred[key] = true
		return
	}
	delete(a.deferred, key)
}

// Begin puts on record that this process is about to carry an effect out, and
// reports whether it may have been carried out before.
func (a *Attempts) Begin(ctx context.Context, key string) (again bool, err error) {
	rec, err := a.store.Get(ctx, bot.KindAttempt, key)
	if err != nil && !errors.Is(err, bot.ErrNotFound) {
		return true, fmt.Errorf("look up whether %s was tried: %w", key, err)
	}
	by := string(rec.Body)
	if again = a.MayHaveRun(key, by); by == a.process {
		return again, nil
	}
	_, err = a.store.Commit(ctx, bot.Commit{At: a.now(), Records: []bot.RecordChange{
		{Kind: bot.KindAttempt, ID: key, Version: rec.Version, Body: []byte(a.process)},
	}})
	if err != nil {
		return true, fmt.Errorf("put on record that %s is tried: %w", key, err)
	}
	return again, nil
}

// Done is the change that ends the record of an effect.
func EndAttempt(key string) bot.RecordChange {
	return bot.RecordChange{Kind: bot.KindAttempt, ID: key, Version: bot.AnyVersion}
}
