// Package outbound holds what every send to an outside party needs: records of
// attempts whose result is unknown ([Attempts]), a circuit breaker for each party
// ([Breaker]), and the chat platforms that do not answer ([Health]).
//
// It sends nothing itself: packages delivery and rooms do.
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

// SendTimeout is how long the lease of a work must last when a send begins. It is renewed
// from then on.
const SendTimeout = 5 * time.Second

// ChatTimeout is how long one piece of work on a chat platform may take. Whether one that
// takes longer was done is asked before it is repeated (E4c: slow is not failed).
const ChatTimeout = 15 * time.Second

// SlowAfter is how long a page may be without an outcome before the next contact method
// goes out beside it (E4c: slow is not failed).
const SlowAfter = 10 * time.Second

// Store is the part of the store that attempts use.
type Store interface {
	bot.Records
	bot.Committer
}

// Attempts records which effects may have been carried out although no answer came.
// An effect is recorded before its first attempt. A process that finds the record
// asks the other party first, so that nothing is done twice where the party can be
// asked (E3: check again before each send). Only the process that wrote the record may
// know that the effect was not carried out: when the party always answered "later".
type Attempts struct {
	store   Store
	now     func() time.Time
	process string // this process
	mu      sync.Mutex
	// deferred are the effects that this process attempted, and that the party has
	// always put off.
	deferred map[string]bool
}

// NewAttempts returns the attempts of this process.
func NewAttempts(store Store, now func() time.Time) *Attempts {
	return &Attempts{store: store, now: now, process: rand.Text()[:12], deferred: map[string]bool{}}
}

// Process returns the ID of this process in the records of attempts.
func (a *Attempts) Process() string { return a.process }

// MayHaveRun reports whether an effect may have been carried out. by is the process
// that attempted it last; "": none. When that was another process, what this one knew of
// its own attempts counts no more.
func (a *Attempts) MayHaveRun(key, by string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if by != a.process {
		delete(a.deferred, key)
	}
	return by != "" && (by != a.process || !a.deferred[key])
}

// RecordResult records the result of an attempt. An error with a delay
// ([bot.RetryAfter]) means that the party did not begin this attempt; when again is
// set, an earlier attempt may still have been carried out.
func (a *Attempts) RecordResult(key string, again bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, later := bot.RetryDelay(err); err != nil && later && !again {
		a.deferred[key] = true
		return
	}
	delete(a.deferred, key)
}

// Begin records that this process is about to carry out an effect. It returns whether
// the effect may have been carried out before; true when that cannot be read.
func (a *Attempts) Begin(ctx context.Context, key string) (again bool, err error) {
	rec, err := a.store.Get(ctx, bot.KindAttempt, key)
	if err != nil && !errors.Is(err, bot.ErrNotFound) {
		return true, fmt.Errorf("read the attempt of %s: %w", key, err)
	}
	by := string(rec.Body)
	if again = a.MayHaveRun(key, by); by == a.process {
		return again, nil
	}
	_, err = a.store.Commit(ctx, bot.Commit{At: a.now(), Records: []bot.RecordChange{
		{Kind: bot.KindAttempt, ID: key, Version: rec.Version, Body: []byte(a.process)},
	}})
	if err != nil {
		return true, fmt.Errorf("record the attempt of %s: %w", key, err)
	}
	return again, nil
}

// EndAttempt returns the change that deletes the record of an effect, for the commit
// that settles it.
func EndAttempt(key string) bot.RecordChange {
	return bot.RecordChange{Kind: bot.KindAttempt, ID: key, Version: bot.AnyVersion}
}
