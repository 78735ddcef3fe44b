package jobs

import (
	"context"
	"errors"
	"time"

	"tocsin/bot"
	"tocsin/bot/timetable"
	"tocsin/workflow"
)

// startedSlot is a slot that this process has claimed and runs.
type startedSlot struct {
	job     bot.Job
	handler Handler
	slot    timetable.Slot
	run     Run // the record of the slot
	version int // of the record in the store
}

// claim claims the due slot of a job by writing its record. won is nil when no slot is
// due or another replica has claimed it. again is when the job is due next.
func (j *Runner) claim(ctx context.Context, job bot.Job, handler Handler) (won *startedSlot, again time.Time, err error) {
	run, version, err := j.cfg.Ledger.Run(ctx, job.Name)
	if err != nil {
		return nil, time.Time{}, err
	}
	now := j.cfg.Engine.Now()
	spec := ""
	if job.Enabled {
		spec = job.Schedule.String()
		again = job.Schedule.Next(now).At
	}
	if run.Spec != spec {
		if version, err = j.followSchedule(ctx, job, &run, version, spec); err != nil {
			return nil, again, ignoreConflict(err)
		}
	}
	if spec == "" {
		return nil, again, nil
	}
	next, slot := decide(job, run, now)
	if run.Outcome == JobRunning && now.Before(run.LeasedUntil) && run.By == j.by && j.isOwnClaim(job.Name, version) {
		// This process claimed the slot and the store's answer was lost. No other
		// replica can start it, so it does.
		next, slot = resume, timetable.Slot{Name: run.Slot, At: run.At}
	}
	switch next {
	case rest:
		for _, at := range []time.Time{run.LeasedUntil, run.RetryAt} {
			if at.After(now) && at.Before(again) {
				again = at
			}
		}
		return nil, again, nil
	case skip:
		run = newRun(run, slot, now)
		run.Outcome, run.Finished, run.Note = JobSkipped, now, "no replica ran at its time, "+lateBy(slot, now)+" ago"
		return nil, again, j.writeUnrun(ctx, job, version, run)
	case interrupt:
		run.Outcome, run.Finished, run.LeasedUntil, run.RetryAt = JobInterrupted, now, time.Time{}, time.Time{}
		run.Note = run.By + " stopped while it ran; it is not started again"
		return nil, again, j.writeUnrun(ctx, job, version, run)
	case resume:
	case begin:
		run = newRun(run, slot, now)
	case retry:
		slot = timetable.Slot{Name: run.Slot, At: run.At}
		run.Attempts++
	}
	run.Outcome, run.By, run.Started, run.Finished, run.RetryAt = JobRunning, j.by, now, time.Time{}, time.Time{}
	run.LeasedUntil = now.Add(handler.timeLimit() + leaseMargin)
	if version, err = j.cfg.Ledger.WriteRun(ctx, job.Name, version, run); err != nil {
		return nil, again, ignoreConflict(err)
	}
	j.rememberVersion(job.Name, version)
	return &startedSlot{job: job, handler: handler, slot: slot, run: run, version: version}, again, nil
}

// rememberVersion remembers the version of a record that this process wrote.
func (j *Runner) rememberVersion(job string, version int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.versions[job] = version
}

// isOwnClaim reports whether the record of a slot that names this process was written
// by a claim whose answer was lost, so that the slot was never started.
func (j *Runner) isOwnClaim(job string, version int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.versions[job] < version
}

// timeLimit returns the time limit of one attempt.
func (h Handler) timeLimit() time.Duration {
	if h.Timeout <= 0 {
		return defaultTimeout
	}
	return h.Timeout
}

// ignoreConflict drops ErrConflict: another replica has written the record first.
func ignoreConflict(err error) error {
	if errors.Is(err, bot.ErrConflict) {
		return nil
	}
	return err
}

// writeUnrun writes and logs the result of a slot that is not run.
func (j *Runner) writeUnrun(ctx context.Context, job bot.Job, version int, run Run) error {
	_, err := j.cfg.Ledger.WriteRun(ctx, job.Name, version, run)
	if err == nil {
		j.cfg.Log.WarnContext(ctx, "a slot of a job was not run", "job", job.Name, "slot", run.Slot, "outcome", string(run.Outcome), "note", run.Note)
	}
	return ignoreConflict(err)
}

// followSchedule sets the schedule of a record. Slots of the new schedule from before
// now do not count as missed, except within onTime: replicas read a new configuration
// one after the other, and must not lose a slot of that time.
func (j *Runner) followSchedule(ctx context.Context, job bot.Job, run *Run, version int, spec string) (int, error) {
	if version == 0 && spec == "" {
		return 0, nil
	}
	now := j.cfg.Engine.Now()
	run.Spec, run.EffectiveAt = spec, now.Add(-onTime)
	if version == 0 {
		run.EffectiveAt = now // the job's first record
	}
	return j.cfg.Ledger.WriteRun(ctx, job.Name, version, *run)
}

// newRun returns the record of a new slot.
func newRun(was Run, slot timetable.Slot, now time.Time) Run {
	return Run{Spec: was.Spec, EffectiveAt: was.EffectiveAt, Slot: slot.Name, At: slot.At, Started: now, Attempts: 1}
}

// action is what a replica does about a job.
type action int

const (
	rest      action = iota // nothing is due, or a replica runs the slot
	begin                   // start a new slot
	retry                   // start the slot again, after a failure or a crash
	resume                  // start the slot that this process claimed before
	skip                    // record that the slot was missed
	interrupt               // record that the slot's replica crashed
)

// decide returns what to do about a job. It is pure, so that replicas that read the same
// record at the same time decide the same.
func decide(job bot.Job, run Run, now time.Time) (action, timetable.Slot) {
	running := run.Outcome == JobRunning
	if running && now.Before(run.LeasedUntil) {
		return rest, timetable.Slot{}
	}
	latest := job.Schedule.Latest(now)
	switch {
	case latest.At.After(run.At) && latest.At.After(run.EffectiveAt):
		if job.Missed == bot.Skip && now.Sub(latest.At) > onTime {
			return skip, latest
		}
		return begin, latest
	case running && job.Missed == bot.RunLate && run.Attempts < maxAttempts:
		return retry, latest
	case running:
		return interrupt, latest
	case !run.RetryAt.IsZero() && !now.Before(run.RetryAt):
		return retry, latest
	}
	return rest, timetable.Slot{}
}

// lateBy returns how long ago a slot was, as text.
func lateBy(slot timetable.Slot, now time.Time) string {
	return workflow.FormatDuration(now.Sub(slot.At))
}
