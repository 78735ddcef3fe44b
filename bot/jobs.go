package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/bot/timetable"
	"tocsin/workflow"
)

// The recurring jobs there are, by name.
const (
	JobAuditReport    = "audit-report"
	JobArchive        = "archive"
	JobDeadman        = "deadman"
	JobOverdueUpdates = "overdue-updates"
)

// Missed says what becomes of a slot during which nobody ran.
type Missed string

// The policies for missed slots.
const (
	RunLate Missed = "run-once-late" // the last one that was missed runs, late
	Skip    Missed = "skip"          // it is recorded, and that is all
)

// Job is a recurring job as configured.
type Job struct {
	Name     string
	Schedule timetable.Schedule
	To       []workflow.Target // who is told what it finds
	Missed   Missed
	Enabled  bool
}

// Retention says what becomes of incidents that are over.
type Retention struct {
	ArchiveAfter time.Duration // then they move into their compact form
	DeleteAfter  time.Duration // then they are deleted; zero: never
}

// DefaultJobs are the jobs where nothing is configured. Those that tell
// somebody are off until it is said whom. What recurs within the day is counted
// from the epoch and not read off a clock that shows an hour twice: the
// dead-man's watcher would raise an alarm in that hour.
func DefaultJobs(zone *time.Location) []Job {
	at := func(spec string) timetable.Schedule {
		s, _ := timetable.Parse(spec, zone) // a test parses each of them
		return s
	}
	return []Job{
		{Name: JobArchive, Schedule: at("17 * * * *"), Missed: RunLate, Enabled: true},
		{Name: JobAuditReport, Schedule: at("0 9 * * *"), Missed: RunLate},
		{Name: JobDeadman, Schedule: at("@every 1m"), Missed: Skip},
		{Name: JobOverdueUpdates, Schedule: at("@every 15m"), Missed: Skip},
	}
}

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

// JobRun is the last slot of a job: the record by which replicas agree on who
// starts it. Whoever writes it over first has the slot.
type JobRun struct {
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

// JobRun returns the last slot of a job and the version of its record; zero
// ones when there is none yet.
func (b *Bot) JobRun(ctx context.Context, job string) (JobRun, int, error) {
	rec, err := b.cfg.Store.Get(ctx, kindJob, job)
	if errors.Is(err, ErrNotFound) {
		return JobRun{}, 0, nil
	}
	if err != nil {
		return JobRun{}, 0, fmt.Errorf("read the record of job %s: %w", job, err)
	}
	run, err := readRun(rec)
	return run, rec.Version, err
}

func readRun(rec Record) (JobRun, error) {
	var run JobRun
	if err := json.Unmarshal(rec.Body, &run); err != nil {
		return run, fmt.Errorf("read the record of job %s: %w", rec.ID, err)
	}
	return run, nil
}

// WriteJobRun writes the record over, if it is still the version that was
// read, and returns the next version. The error is [ErrConflict] when somebody
// was faster.
func (b *Bot) WriteJobRun(ctx context.Context, job string, version int, run JobRun) (int, error) {
	body, err := json.Marshal(run)
	if err != nil {
		return 0, fmt.Errorf("write the record of job %s: %w", job, err)
	}
	_, err = b.cfg.Store.Commit(ctx, Commit{At: b.Now(), Records: []RecordChange{{Kind: kindJob, ID: job, Version: version, Body: body}}})
	if err != nil {
		return 0, fmt.Errorf("write the record of job %s: %w", job, err)
	}
	return version + 1, nil
}

// JobState is a job with its last slot and its next. Next is zero while the
// job is off.
type JobState struct {
	Job
	Last JobRun
	Next timetable.Slot
}

// Jobs lists the recurring jobs by name.
func (b *Bot) Jobs(ctx context.Context) ([]JobState, error) {
	runs := map[string]JobRun{}
	var bad error
	err := b.eachRecord(ctx, kindJob, func(r Record) {
		run, err := readRun(r)
		bad = errors.Join(bad, err)
		runs[r.ID] = run
	})
	if err != nil || bad != nil {
		return nil, errors.Join(err, bad)
	}
	var all []JobState
	for _, job := range b.Organization().Jobs {
		s := JobState{Job: job, Last: runs[job.Name]}
		if job.Enabled {
			s.Next = job.Schedule.Next(b.Now())
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
