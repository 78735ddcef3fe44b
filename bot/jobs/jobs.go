// Package jobs runs recurring jobs: each slot of a job's schedule is started once
// across replicas, and what it finds is sent to the people the job names.
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

// Config is what the recurring jobs of a process are made of.
type Config struct {
	Engine   *bot.Engine
	Ledger   *Ledger
	Delivery *delivery.Sender
	Log      *slog.Logger
	Handlers map[string]Handler // by the job's name; [Works] has the first ones
	Replica  string             // what this process is called, such as its host ["tocsin"]
}

// Work is what a job does.
type Handler struct {
	Timeout time.Duration // of one attempt, with the sending of its outputs [1 m]
	// Do does it. It ends when ctx does. What it has begun may be begun again,
	// by another process, after a crash: doing it twice must change nothing.
	Handle func(ctx context.Context, s Start) (Result, error)
}

// Start is one start of a job.
type Start struct {
	Job     bot.Job
	Slot    timetable.Slot
	Attempt int // from 1
}

// Result is what came of it.
type Result struct {
	Note     string // what was done, such as "shelved 12, deleted 3"; "" when there was nothing to do
	Withheld bool   // it did not do what it is for, and Note says why
	Quiet    bool   // it is not worth a line of the log
	// Outputs go to everybody the job is for. The n-th of a slot is the same
	// one in every attempt.
	Outputs []Output
}

// Output is a message, said to a reader.
type Output func(v card.View) card.Content

// Times of jobs. A slot that begins this late is still on time: a process that
// was just starting, or another replica's lease, is no reason to skip it.
const (
	onTime       = time.Minute
	leaseMargin  = time.Minute // of a slot's lease beyond the job's timeout
	maxAttempts  = 5
	firstBackOff = 30 * time.Second
	longestLook  = 10 * time.Second // between two looks: another replica, or a reload, may have changed what is due
	defaultWork  = time.Minute
	writeFor     = 30 * time.Second // bounds bringing a record up to date, with what is tried again
)

// Runner starts the recurring jobs. Several may share a store: a slot is started
// by whoever writes its record first, in goroutines of its own, so that no page
// ever waits for a job.
type Runner struct {
	cfg      Config
	by       string
	mu       sync.Mutex
	running  map[string]bool
	versions map[string]int // version of the record with which this process began the slot
	logged   map[string]string
}

// NewRunner makes the jobs of a process.
func NewRunner(cfg Config) *Runner {
	raw := make([]byte, 4)
	rand.Read(raw) // it never fails (crypto/rand)
	return &Runner{
		cfg: cfg, by: cmp.Or(cfg.Replica, "tocsin") + "-" + hex.EncodeToString(raw),
		running: map[string]bool{}, versions: map[string]int{}, logged: map[string]string{},
	}
}

// Run starts jobs until ctx is done. Then it tells those that are under way to
// stop, and waits for them.
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
		wait := min(longestLook, max(next.Sub(j.cfg.Engine.Now()), time.Millisecond))
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-ended:
		}
		timer.Stop()
	}
}

// Tick starts what is due, one after the other, and returns when it is done.
// Tests and simulations drive the jobs with it.
func (j *Runner) Tick(ctx context.Context) { j.startDue(ctx, func(do func()) { do() }) }

// look starts what is due now, and returns when to look again at the latest.
func (j *Runner) startDue(ctx context.Context, start func(func())) time.Time {
	next := j.cfg.Engine.Now().Add(longestLook)
	for _, job := range j.cfg.Engine.Organization().Jobs {
		work, ok := j.cfg.Handlers[job.Name]
		if !ok || !j.tryLock(job.Name) {
			continue
		}
		begun, again, err := j.claim(ctx, job, work)
		if err == nil {
			j.forgetLogged(recordKey(job.Name))
		} else if ctx.Err() == nil && j.shouldLog(recordKey(job.Name), err.Error()) {
			j.cfg.Log.ErrorContext(ctx, "the record of a job cannot be read or written; trying again", "job", job.Name, "error", err.Error())
		}
		if !again.IsZero() && again.Before(next) {
			next = again
		}
		if begun == nil {
			j.unlock(job.Name)
			continue
		}
		start(func() {
			defer j.unlock(job.Name)
			j.carryOut(ctx, begun)
		})
	}
	return next
}

// enter reports whether no slot of the job is under way here.
func (j *Runner) tryLock(job string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running[job] {
		return false
	}
	j.running[job] = true
	return true
}

func (j *Runner) unlock(job string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.running, job)
}

// recordOf names a job's record, as what the log tells of.
func recordKey(job string) string { return job + " (record)" }

// settled forgets what the log was told: it is told again when it comes back.
func (j *Runner) forgetLogged(job string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.logged, job)
}

// news reports whether what is to be said of a job is not what was said last:
// what fails every minute is told when it begins, and when it is different.
func (j *Runner) shouldLog(job, said string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	known := j.logged[job] == said
	j.logged[job] = said
	return !known
}
