package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/bot/timetable"
)

// Outcome is how a slot ended, or stands.
type Outcome string

// The outcomes of a slot.
const (
	JobWaiting     Outcome = ""            // no slot has begun since the job was set up
	JobRunning     Outcome = "running"     // while its lease lasts
	JobDone        Outcome = "done"        //
	JobWithheld    Outcome = "withheld"    // it ran, and had a reason not to do what it is for
	JobFailed      Outcome = "failed"      // tried again at Again, or given up
	JobPanicked    Outcome = "panicked"    // a bug; not tried again, because it would be there again
	JobSkipped     Outcome = "skipped"     // nobody ran at its time
	JobInterrupted Outcome = "interrupted" // whoever ran it stopped; what it had done is not known
)

// Store is where the records of slots are kept.
type Store interface {
	bot.Records
	bot.Committer
}

// Ledger reads and writes the records by which replicas agree on who starts a
// slot.
type Ledger struct {
	engine *bot.Engine
	store  Store
}

// NewLedger makes a ledger.
func NewLedger(engine *bot.Engine, store Store) *Ledger { return &Ledger{engine: engine, store: store} }

// JobRun is the last slot of a job: the record by which replicas agree on who
// starts it. Whoever writes it over first has the slot.
type Run struct {
	Spec  string    `json:"spec"`           // the schedule that it follows; "" while the job is off
	Since time.Time `json:"since,omitzero"` // slots up to then were never promised

	Slot     string    `json:"slot,omitempty"`
	At       time.Time `json:"at,omitzero"`
	Started  time.Time `json:"started_at,omitzero"`
	Finished time.Time `json:"finished_at,omitzero"`
	Until    time.Time `json:"until,omitzero"` // the lease of whoever runs it
	Again    time.Time `json:"again,omitzero"` // it is tried again
	By       string    `json:"by,omitempty"`   // the replica
	Attempts int       `json:"attempts,omitempty"`
	Outcome  Outcome   `json:"outcome,omitempty"`
	Note     string    `json:"note,omitempty"`
	Sent     []string  `json:"sent,omitempty"` // keys of the outputs that were accepted: nobody sends them again
}

// kindJob is the kind of records of job slots, by the job's name.
const kindJob = "job"

// Run returns the last slot of a job and the version of its record; zero
// ones when there is none yet.
func (l *Ledger) Run(ctx context.Context, job string) (Run, int, error) {
	rec, err := l.store.Get(ctx, kindJob, job)
	if errors.Is(err, bot.ErrNotFound) {
		return Run{}, 0, nil
	}
	if err != nil {
		return Run{}, 0, fmt.Errorf("read the record of job %s: %w", job, err)
	}
	run, err := readRun(rec)
	return run, rec.Version, err
}

func readRun(rec bot.Record) (Run, error) {
	var run Run
	if err := json.Unmarshal(rec.Body, &run); err != nil {
		return run, fmt.Errorf("read the record of job %s: %w", rec.ID, err)
	}
	return run, nil
}

// WriteRun writes the record over, if it is still the version that was
// read, and returns the next version. The error is [ErrConflict] when somebody
// was faster.
func (l *Ledger) WriteRun(ctx context.Context, job string, version int, run Run) (int, error) {
	body, err := json.Marshal(run)
	if err != nil {
		return 0, fmt.Errorf("write the record of job %s: %w", job, err)
	}
	_, err = l.store.Commit(ctx, bot.Commit{At: l.engine.Now(), Records: []bot.RecordChange{{Kind: kindJob, ID: job, Version: version, Body: body}}})
	if err != nil {
		return 0, fmt.Errorf("write the record of job %s: %w", job, err)
	}
	return version + 1, nil
}

// JobState is a job with its last slot and its next. Next is zero while the
// job is off.
type State struct {
	bot.Job
	Last Run
	Next timetable.Slot
}

// List returns the recurring jobs by name.
func (l *Ledger) List(ctx context.Context) ([]State, error) {
	runs := map[string]Run{}
	var bad error
	err := bot.EachRecord(ctx, l.store, kindJob, func(r bot.Record) {
		run, err := readRun(r)
		bad = errors.Join(bad, err)
		runs[r.ID] = run
	})
	if err != nil || bad != nil {
		return nil, errors.Join(err, bad)
	}
	var all []State
	for _, job := range l.engine.Organization().Jobs {
		s := State{Job: job, Last: runs[job.Name]}
		if job.Enabled {
			s.Next = job.Schedule.Next(l.engine.Now())
		}
		all = append(all, s)
	}
	return all, nil
}

// Pinger tells somebody outside that Tocsin is well.
type Pinger interface {
	// Ping asks for an address, which is a secret: no error may show it.
	Ping(ctx context.Context, url string) error
}
