// Package jobs runs the recurring jobs: each slot of a job's schedule is started once
// across replicas (X3: a job starts once per slot), and its messages are sent to the
// recipients of the job.
//
// It does not parse schedules (package timetable does) and contains four jobs itself
// ([NewHandlers]). Replicas agree through one record per job ([Run]). Begin reading at
// [Runner.Tick].
package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/bot/delivery"
	"tocsin/bot/timetable"
)

// Config configures a runner.
type Config struct {
	Engine   *bot.Engine
	Ledger   *Ledger
	Delivery *delivery.Sender
	Log      *slog.Logger
	Handlers map[string]Handler // by the job's name, see [NewHandlers]
	Replica  string             // name of this process, such as its host's ["tocsin"]
}

// Handler carries out a job.
type Handler struct {
	Timeout time.Duration // of one attempt, including the sending of its outputs [1 min]
	// Handle does the work, and ends when ctx ends. After a crash another process may
	// do it again, so doing it twice must change nothing.
	Handle func(ctx context.Context, s Start) (Result, error)
}

// Start is one attempt at a slot of a job.
type Start struct {
	Job     bot.Job
	Slot    timetable.Slot
	Attempt int // from 1
}

// Result is the result of an attempt.
type Result struct {
	Note     string // what was done, such as "archived 12, deleted 3"; "" when there was nothing to do
	Withheld bool   // the job decided not to act, and Note says why
	Quiet    bool   // the result is not logged
	// Outputs are sent to every recipient of the job. The n-th output of a slot is the
	// same message in every attempt.
	Outputs []Output
}

// Output returns a message for a reader.
type Output func(v card.View) card.Content

// Times of jobs. A slot that begins at most onTime late counts as on time, because a
// process that was just starting, or the lease of another replica, delays it.
const (
	onTime         = time.Minute
	leaseMargin    = time.Minute // of a slot's lease beyond the job's timeout
	maxAttempts    = 5
	firstBackOff   = 30 * time.Second
	longestSleep   = 10 * time.Second // until the records are read again: another replica or a reload may have changed them
	defaultTimeout = time.Minute
	writeTimeout   = 30 * time.Second // for writing a record, including retries
)

// Runner starts the recurring jobs of a process. Replicas share a store: a slot is run
// by the replica that writes its record first. Each runs in a goroutine of its own, so
// that no page waits for a job.
type Runner struct {
	cfg      Config
	by       string // unique name of this process in the records
	mu       sync.Mutex
	running  map[string]bool   // jobs that run in this process
	versions map[string]int    // by job: version of the record that this process wrote last
	logged   map[string]string // by job: what was logged last
}

// NewRunner returns a runner.
func NewRunner(cfg Config) *Runner {
	raw := make([]byte, 4)
	rand.Read(raw) // it never fails (crypto/rand)
	return &Runner{
		cfg: cfg, by: cmp.Or(cfg.Replica, "tocsin") + "-" + hex.EncodeToString(raw),
		running: map[string]bool{}, versions: map[string]int{}, logged: map[string]string{},
	}
}

// Run starts jobs until ctx is done. The jobs that are running are canceled with ctx,
// and Run waits for them.
func (j *Runner) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	ended := make(chan struct{}, 1)
	for ctx.Err() == nil {
		next := j.startDue(ctx, func(do func()) {
			all.Go(func() {
				do()
				select {
				case ended <- struct{}{}:
				default:
				}
			})
		})
		wait := min(longestSleep, max(next.Sub(j.cfg.Engine.Now()), time.Millisecond))
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-ended:
		}
		timer.Stop()
	}
}

// Tick runs the slots that are due, one after the other. Tests and simulations call it.
func (j *Runner) Tick(ctx context.Context) { j.startDue(ctx, func(do func()) { do() }) }

// startDue starts the slots that are due, and returns when to call it again at the
// latest.
func (j *Runner) startDue(ctx context.Context, start func(func())) time.Time {
	next := j.cfg.Engine.Now().Add(longestSleep)
	for _, job := range j.cfg.Engine.Organization().Jobs {
		handler, ok := j.cfg.Handlers[job.Name]
		if !ok || !j.tryLock(job.Name) {
			continue
		}
		slot, again, err := j.claim(ctx, job, handler)
		if err == nil {
			j.forgetLogged(recordKey(job.Name))
		} else if ctx.Err() == nil && j.shouldLog(recordKey(job.Name), err.Error()) {
			j.cfg.Log.ErrorContext(ctx, "the record of a job cannot be read or written; trying again", "job", job.Name, "error", err.Error())
		}
		if !again.IsZero() && again.Before(next) {
			next = again
		}
		if slot == nil {
			j.unlock(job.Name)
			continue
		}
		start(func() {
			defer j.unlock(job.Name)
			j.carryOut(ctx, slot)
		})
	}
	return next
}

// tryLock marks a job as running in this process; false when it is running already.
func (j *Runner) tryLock(job string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running[job] {
		return false
	}
	j.running[job] = true
	return true
}

// unlock ends the mark of tryLock.
func (j *Runner) unlock(job string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.running, job)
}

// recordKey is the key under which errors of a job's record are logged.
func recordKey(job string) string { return job + " (record)" }

// forgetLogged forgets the last logged message of a job, so that it is logged again
// when it comes again.
func (j *Runner) forgetLogged(job string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.logged, job)
}

// shouldLog reports whether a message differs from the last one of the job, so that
// what fails every minute is logged when it begins and when it changes.
func (j *Runner) shouldLog(job, message string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	same := j.logged[job] == message
	j.logged[job] = message
	return !same
}
