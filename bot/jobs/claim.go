package jobs

import (
	"context"
	"errors"
	"time"

	"tocsin/bot"
	"tocsin/bot/timetable"
)

// begun is a slot that this process has won.
type startedSlot struct {
	job     bot.Job
	work    Handler
	slot    timetable.Slot
	run     Run // as it stands in the store,
	version int // under this version
}

// claim wins the slot of a job that is due, if there is one and nobody else was
// faster. again is when to look next.
func (j *Runner) claim(ctx context.Context, job bot.Job, work Handler) (won *startedSlot, again time.Time, err error) {
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
	if run.Outcome == JobRunning && now.Before(run.Until) && run.By == j.by && j.isOwnClaim(job.Name, version) {
		// We have won it, and the answer was lost: nobody else may begin it.
		next, slot = resume, timetable.Slot{Name: run.Slot, At: run.At}
	}
	switch next {
	case rest:
		for _, at := range []time.Time{run.Until, run.Again} {
			if at.After(now) && at.Before(again) {
				again = at
			}
		}
		return nil, again, nil
	case skip:
		run = newRun(run, slot, now)
		run.Outcome, run.Finished, run.Note = JobSkipped, now, "nobody ran at its time, "+lateBy(slot, now)+" ago"
		return nil, again, j.writeUnrun(ctx, job, version, run)
	case interrupt:
		run.Outcome, run.Finished, run.Until, run.Again = JobInterrupted, now, time.Time{}, time.Time{}
		run.Note = run.By + " stopped while it ran, and it is not begun again"
		return nil, again, j.writeUnrun(ctx, job, version, run)
	case resume:
	case begin:
		run = newRun(run, slot, now)
	case retry:
		slot = timetable.Slot{Name: run.Slot, At: run.At}
		run.Attempts++
	}
	run.Outcome, run.By, run.Started, run.Finished, run.Again = JobRunning, j.by, now, time.Time{}, time.Time{}
	run.Until = now.Add(work.timeLimit() + leaseMargin)
	if version, err = j.cfg.Ledger.WriteRun(ctx, job.Name, version, run); err != nil {
		return nil, again, ignoreConflict(err)
	}
	j.rememberVersion(job.Name, version)
	return &startedSlot{job: job, work: work, slot: slot, run: run, version: version}, again, nil
}

// began notes the version of a record under which this process runs a slot.
func (j *Runner) rememberVersion(job string, version int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.versions[job] = version
}

// mine reports whether a record says that this process runs the slot, and it
// never began to.
func (j *Runner) isOwnClaim(job string, version int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.versions[job] < version
}

func (w Handler) timeLimit() time.Duration {
	if w.Timeout <= 0 {
		return defaultWork
	}
	return w.Timeout
}

// ignoreConflict: another replica was faster, which is as it should be.
func ignoreConflict(err error) error {
	if errors.Is(err, bot.ErrConflict) {
		return nil
	}
	return err
}

// note writes down what became of a slot that nobody runs.
func (j *Runner) writeUnrun(ctx context.Context, job bot.Job, version int, run Run) error {
	_, err := j.cfg.Ledger.WriteRun(ctx, job.Name, version, run)
	if err == nil {
		j.cfg.Log.WarnContext(ctx, "a slot of a job was not run", "job", job.Name, "slot", run.Slot, "outcome", string(run.Outcome), "note", run.Note)
	}
	return ignoreConflict(err)
}

// follow makes a record follow a new schedule. What the new one would have
// promised before it held was never missed; a slot that has just come is kept,
// so that replicas which read their configuration one after the other lose none.
func (j *Runner) followSchedule(ctx context.Context, job bot.Job, run *Run, version int, spec string) (int, error) {
	if version == 0 && spec == "" {
		return 0, nil
	}
	now := j.cfg.Engine.Now()
	run.Spec, run.Since = spec, now.Add(-onTime)
	if version == 0 {
		run.Since = now // there was no bot before
	}
	return j.cfg.Ledger.WriteRun(ctx, job.Name, version, *run)
}

// entry is the record of a new slot.
func newRun(was Run, slot timetable.Slot, now time.Time) Run {
	return Run{Spec: was.Spec, Since: was.Since, Slot: slot.Name, At: slot.At, Started: now, Attempts: 1}
}

// next is what becomes of a job.
type action int

const (
	rest      action = iota // nothing is due, or somebody runs it
	begin                   // a slot
	retry                   // the slot again that failed, or whose runner died
	resume                  // the slot that we have won before
	skip                    // a slot that was missed
	interrupt               // the slot whose runner died
)

// decide says what is due of a job. It is pure, so that every replica that
// reads the same record at the same time decides the same.
func decide(job bot.Job, run Run, now time.Time) (action, timetable.Slot) {
	running := run.Outcome == JobRunning
	if running && now.Before(run.Until) {
		return rest, timetable.Slot{}
	}
	latest := job.Schedule.Latest(now)
	switch {
	case latest.At.After(run.At) && latest.At.After(run.Since):
		if job.Missed == bot.Skip && now.Sub(latest.At) > onTime {
			return skip, latest
		}
		return begin, latest
	case running && job.Missed == bot.RunLate && run.Attempts < maxAttempts:
		return retry, latest
	case running:
		return interrupt, latest
	case !run.Again.IsZero() && !now.Before(run.Again):
		return retry, latest
	}
	return rest, timetable.Slot{}
}

// lateBy is how long ago a slot was, for people.
func lateBy(slot timetable.Slot, now time.Time) string {
	return now.Sub(slot.At).Truncate(time.Second).String()
}
