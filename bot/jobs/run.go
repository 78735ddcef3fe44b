package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/delivery"
	"tocsin/workflow"
)

// carryOut runs a slot, sends its outputs and records the result.
func (j *Runner) carryOut(ctx context.Context, b *startedSlot) {
	limited, cancel := context.WithTimeout(ctx, b.handler.timeLimit())
	defer cancel()
	result, err := j.handle(limited, b)
	if err == nil {
		err = j.deliver(limited, b, result.Outputs)
	}
	now := j.cfg.Engine.Now()
	b.run.Finished, b.run.LeasedUntil = now, time.Time{}
	b.run.Outcome, b.run.Note = JobDone, result.Note
	if result.Withheld {
		b.run.Outcome = JobWithheld
	}
	if err != nil {
		j.fail(ctx, b, err, now)
	}
	if late := b.run.Started.Sub(b.slot.At); late > onTime {
		b.run.Note = strings.TrimPrefix(b.run.Note+", late by "+workflow.FormatDuration(late), ", ")
	}
	b.run.Note, _ = workflow.CleanLine(b.run.Note, 400)
	if !j.finish(ctx, b) {
		return
	}
	j.logResult(ctx, b, result.Quiet)
}

// logResult logs the result of a slot; a repeated failure only once.
func (j *Runner) logResult(ctx context.Context, b *startedSlot, quiet bool) {
	switch b.run.Outcome {
	case JobFailed, JobPanicked, JobWithheld:
		if !quiet && j.shouldLog(b.job.Name, string(b.run.Outcome)+b.run.Note) {
			j.cfg.Log.ErrorContext(ctx, "a job failed", "job", b.job.Name, "slot", b.slot.Name, "outcome", string(b.run.Outcome), "note", b.run.Note, "attempt", b.run.Attempts)
		}
		return
	case JobInterrupted:
		return
	case JobWaiting, JobRunning, JobDone, JobSkipped:
		j.forgetLogged(b.job.Name)
	}
	if b.run.Note != "" && !quiet {
		j.cfg.Log.InfoContext(ctx, "a job has run", "job", b.job.Name, "slot", b.slot.Name, "note", b.run.Note, "took", b.run.Finished.Sub(b.run.Started).String())
	}
}

var errStopping = errors.New("the process was asked to stop")

// fail records a failure and decides whether the slot is tried again: a few times, and
// only before the next slot. A panic and a permanent error are not retried.
func (j *Runner) fail(ctx context.Context, b *startedSlot, err error, now time.Time) {
	b.run.Outcome, b.run.Note = JobFailed, err.Error()
	panicked, ok := errors.AsType[panicError](err)
	switch {
	case ok:
		b.run.Outcome, b.run.Note = JobPanicked, panicked.what
		return
	case ctx.Err() != nil:
		b.run.Outcome, b.run.Note = JobInterrupted, errStopping.Error()
		if b.job.Missed == bot.RunLate && b.run.Attempts < maxAttempts {
			b.run.RetryAt = now // by another replica, or at the next start
		}
		return
	case bot.IsPermanent(err) || b.run.Attempts >= maxAttempts:
		return
	}
	again := now.Add(firstBackOff << (b.run.Attempts - 1))
	if following := b.job.Schedule.Next(now).At; following.IsZero() || again.Before(following) {
		b.run.RetryAt = again
	}
}

// panicError is the error of a job or a pager that panicked.
type panicError struct{ what string }

func (p panicError) Error() string { return "panicked: " + p.what }

// handle calls the job's handler and turns a panic into an error.
func (j *Runner) handle(ctx context.Context, b *startedSlot) (result Result, err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if _, ok := p.(interface{ Crash() }); ok {
			panic(p) // the simulation's kill -9
		}
		result, err = Result{}, panicError{fmt.Sprint(p)}
	}()
	return b.handler.Handle(ctx, Start{Job: b.job, Slot: b.slot, Attempt: b.run.Attempts})
}

// finish writes the record of a slot that has ended, also while the process is
// stopping. If it cannot be written the slot runs again when its lease ends, as after a
// crash.
func (j *Runner) finish(ctx context.Context, b *startedSlot) bool {
	err := j.write(context.WithoutCancel(ctx), b)
	if err != nil {
		j.cfg.Log.ErrorContext(ctx, "cannot record the result of a job; its slot may run again", "job", b.job.Name, "slot", b.slot.Name, "outcome", string(b.run.Outcome), "note", b.run.Note, "error", err.Error())
	}
	return err == nil
}

// write writes the record of a slot. It retries while the store does not answer, and
// stops when another replica has taken over the slot.
func (j *Runner) write(ctx context.Context, b *startedSlot) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for wait := time.Second; ; wait *= 2 {
		version, err := j.cfg.Ledger.WriteRun(ctx, b.job.Name, b.version, b.run)
		if err == nil {
			b.version = version
			j.rememberVersion(b.job.Name, version)
			return nil
		}
		if errors.Is(err, bot.ErrConflict) {
			run, version, readErr := j.cfg.Ledger.Run(ctx, b.job.Name)
			if readErr == nil && !isSameRun(run, b.run) {
				return err
			}
			if readErr == nil { // this process wrote it, and the answer was lost
				b.version = version
				continue
			}
		}
		if wait > writeTimeout/2 {
			return err
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return err
		}
	}
}

// isSameRun reports whether two records are of the same attempt by the same replica.
func isSameRun(a, b Run) bool {
	return a.By == b.By && a.Slot == b.Slot && a.Attempts == b.Attempts && a.Started.Equal(b.Started)
}

// deliver sends each output once to each recipient of the job. What a provider accepted
// is recorded before the next message is sent.
func (j *Runner) deliver(ctx context.Context, b *startedSlot, outputs []Output) error {
	all, failed := j.listUnsent(b, outputs)
	for n, m := range all {
		switch problem := j.send(ctx, m, share(ctx, len(all)-n)); {
		case errors.Is(problem, bot.ErrUnknownOutcome): // not sent again (E4c: slow is not failed)
			j.cfg.Log.WarnContext(ctx, "a message of a job may have arrived", "job", b.job.Name, "slot", b.slot.Name, "to", m.to.ID, "error", problem.Error())
		case problem != nil:
			failed = append(failed, fmt.Errorf("send to %s: %w", m.to.Name, problem))
			continue
		}
		b.run.Sent = append(b.run.Sent, m.key)
		if err := j.write(ctx, b); err != nil {
			return err
		}
	}
	return joinErrors(failed)
}

// message is an output for one recipient.
type message struct {
	to     workflow.Recipient
	key    string
	output Output
}

// listUnsent returns the messages of a slot that have not been sent, and why there are
// none for some targets.
func (j *Runner) listUnsent(b *startedSlot, outputs []Output) (all []message, failed []error) {
	for n, output := range outputs {
		for _, target := range b.job.To {
			people, err := j.cfg.Delivery.Recipients(target)
			if err != nil {
				failed = append(failed, err)
				continue
			}
			for _, to := range people {
				key := fmt.Sprintf("job/%s/%s/%d/%s", b.job.Name, b.slot.Name, n+1, to.ID)
				if !slices.Contains(b.run.Sent, key) && !slices.ContainsFunc(all, func(m message) bool { return m.key == key }) {
					all = append(all, message{to, key, output})
				}
			}
		}
	}
	return all, failed
}

// joinErrors returns one error for several, which is permanent when each of them is.
func joinErrors(failed []error) error {
	if len(failed) == 0 {
		return nil
	}
	permanent, texts := true, make([]string, 0, len(failed))
	for _, err := range failed {
		permanent = permanent && bot.IsPermanent(err)
		texts = append(texts, err.Error())
	}
	err := errors.New(strings.Join(texts, "; "))
	if permanent {
		return bot.Permanent(err)
	}
	return err
}

// minSend is how long each send may take at least.
const minSend = 5 * time.Second

// share returns the share of one of several messages in the time that is left: a slow
// party is waited for (E4c: slow is not failed), and one that hangs leaves time for the
// others.
func share(ctx context.Context, messages int) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return time.Until(end) / time.Duration(messages)
}

// send tries a recipient's methods in order until one accepts the message, or may have
// accepted it, each for an equal part of the time. The error is permanent when those of
// all methods are.
func (j *Runner) send(ctx context.Context, m message, within time.Duration) error {
	var failed []error
	for _, method := range m.to.Low {
		page, pager, err := j.cfg.Delivery.ComposeNotice(delivery.Notice{Key: m.key, To: m.to, Via: method.Key, Say: m.output})
		if err == nil {
			err = j.page(ctx, pager, page, max(minSend, within/time.Duration(len(m.to.Low))))
		}
		if err == nil || errors.Is(err, bot.ErrUnknownOutcome) {
			return err
		}
		failed = append(failed, fmt.Errorf("%s: %w", method.Key, err))
	}
	return joinErrors(failed)
}

// page hands a message to a pager and turns a panic into an error.
func (j *Runner) page(ctx context.Context, pager bot.Pager, page bot.Page, limit time.Duration) (err error) {
	defer func() {
		p := recover()
		if _, ok := p.(interface{ Crash() }); ok {
			panic(p)
		}
		if p != nil {
			err = panicError{fmt.Sprint(p)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return pager.Page(ctx, page)
}

// pause waits for a duration, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
