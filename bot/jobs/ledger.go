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

// Outcome is the state of a slot, or its result.
type Outcome string

// The outcomes of a slot.
const (
	JobWaiting     Outcome = ""            // no slot has begun since the job was configured
	JobRunning     Outcome = "running"     // while its lease lasts
	JobDone        Outcome = "done"        // it ran without an error
	JobWithheld    Outcome = "withheld"    // it ran and decided not to act; the note says why
	JobFailed      Outcome = "failed"      // it is tried again at RetryAt, or given up
	JobPanicked    Outcome = "panicked"    // a bug; it is not tried again, because it would panic again
	JobSkipped     Outcome = "skipped"     // no replica ran at its time
	JobInterrupted Outcome = "interrupted" // the replica stopped while it ran; what it had done is unknown
)

// Store is the part of the store that holds the records of slots.
type Store interface {
	bot.Records
	bot.Committer
}

// Ledger reads and writes the records of jobs.
type Ledger struct {
	engine *bot.Engine
	store  Store
}

// NewLedger returns a ledger.
func NewLedger(engine *bot.Engine, store Store) *Ledger { return &Ledger{engine: engine, store: store} }

// Run is the record of a job: its last slot. Replicas agree by it on who starts a slot:
// the one that replaces the record first.
type Run struct {
	Spec        string    `json:"spec"`                  // the schedule; "" while the job is disabled
	EffectiveAt time.Time `json:"effective_at,omitzero"` // slots up to then do not count as missed

	Slot        string    `json:"slot,omitempty"`
	At          time.Time `json:"at,omitzero"`
	Started     time.Time `json:"started_at,omitzero"`
	Finished    time.Time `json:"finished_at,omitzero"`
	LeasedUntil time.Time `json:"leased_until,omitzero"` // end of the lease of the replica that runs it
	RetryAt     time.Time `json:"retry_at,omitzero"`     // when it is tried again
	By          string    `json:"by,omitempty"`          // name of the replica
	Attempts    int       `json:"attempts,omitempty"`
	Outcome     Outcome   `json:"outcome,omitempty"`
	Note        string    `json:"note,omitempty"`
	Sent        []string  `json:"sent,omitempty"` // keys of the messages that were accepted: they are not sent again
}

// kindJob is the kind of the records of jobs, by the job's name.
const kindJob = "job"

// Run returns the record of a job and its version; both are zero when there is none.
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

// WriteRun replaces the record of a job if it still has the version that was read, and
// returns the new version. The error is [bot.ErrConflict] when another replica has
// written it since.
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

// State is a job with its last and next slot. Next is zero while the job is disabled.
type State struct {
	bot.Job
	Last Run
	Next timetable.Slot
}

// List returns the states of all configured jobs, by name.
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

// Pinger pings the dead-man service.
type Pinger interface {
	// Ping requests an address, which is a secret: no error may contain it (P4: secrets
	// are never shown).
	Ping(ctx context.Context, url string) error
}
