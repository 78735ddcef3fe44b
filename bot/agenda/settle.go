package agenda

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/outbound"
	"tocsin/workflow"
)

// lookFor bounds looking at an incident before its page is sent.
const lookFor = (leaseFor - outbound.SendTimeout) / 2

// settleTries is how often the answer of something that was sent is tried to be
// written down before it is remembered.
const settleTries = 3

// settle writes down what became of a work, or gives its task back.
func (r *Runner) settle(ctx context.Context, w bot.Work, a bot.Answer) {
	if a.Abandoned {
		return
	}
	if a.Sent {
		r.writeSent(ctx, sent{work: w, answer: a, at: r.cfg.Engine.Now()})
		return
	}
	err := a.Retry
	switch {
	case err == nil:
		err = r.write(ctx, w, a)
	case a.Report != nil:
		if !r.cfg.Engine.Now().Before(w.Until) {
			return // a report is not fenced: a replica that lost the task may not report (rule X2)
		}
		if _, e := r.cfg.Engine.Apply(ctx, w.Owner, bot.Change{By: bySystem(), Command: a.Report}); e != nil {
			err = errors.Join(err, e)
		}
	}
	if err == nil || errors.Is(err, bot.ErrLeaseLost) || ctx.Err() != nil { // shutting down: the lease ends with the process
		return
	}
	level := slog.LevelWarn
	if _, later := bot.RetryDelay(err); later || a.Report != nil { // it was only put off, or the handler has said so
		level = slog.LevelDebug
	}
	r.cfg.Log.Log(ctx, level, "a task failed, trying again", "task", w.ID, "incident", w.Owner, "attempt", w.Attempt, "error", err.Error())
	r.postpone(ctx, w, err)
}

// write gives an effect's answer to the incident that asked for it, and ends its
// task.
func (r *Runner) write(ctx context.Context, w bot.Work, a bot.Answer) error {
	if a.Command == nil {
		return r.cfg.Engine.Settle(ctx, w.Lease, a.Records...)
	}
	_, err := r.cfg.Engine.Apply(ctx, w.Owner, bot.Change{By: bySystem(), Command: a.Command, Settle: &w.Lease, Records: a.Records})
	return err
}

// giveUp ends a task that cannot succeed.
func (r *Runner) giveUp(ctx context.Context, w bot.Work, what string, why error) {
	r.settle(ctx, w, bot.Answer{Command: r.gaveUp(w, what, why)})
}

// gaveUp says, in the log and where people read it, that a task cannot succeed.
func (r *Runner) gaveUp(w bot.Work, what string, why error) workflow.Command {
	r.cfg.Log.Error("gave up", "task", w.ID, "incident", w.Owner, "what", what, "error", why.Error())
	return workflow.GiveUp{What: what, Why: why.Error()}
}

// postpone gives a task back, to be tried again.
func (r *Runner) postpone(ctx context.Context, w bot.Work, because error) {
	wait, told := bot.RetryDelay(because)
	if !told {
		wait = backOff(w.Lease)
	}
	err := r.cfg.Store.Postpone(ctx, w.Lease, r.cfg.Engine.Now().Add(wait))
	if err != nil && !errors.Is(err, bot.ErrLeaseLost) {
		r.cfg.Log.Error("cannot postpone a task; it comes again when its lease runs out", "task", w.ID, "incident", w.Owner, "error", err.Error())
	}
}

// backOff waits 5 s, 10 s, 20 s … at most a minute for pages and wake-ups, half
// of it for what people read in rooms, so that a platform that is back is soon
// caught up with (rule X5), and five minutes for the rest.
func backOff(l bot.Lease) time.Duration {
	most := 5 * time.Minute
	switch {
	case l.Lane.Class <= workflow.ClassWake:
		most = time.Minute
	case l.Lane.Class <= workflow.ClassCard:
		most = 30 * time.Second
	}
	return min(most, 5*time.Second<<min(l.Attempt, 10))
}

// rewriteEvery is between two tries to write down what was sent.
const rewriteEvery = 200 * time.Millisecond

// rememberFor bounds how long an answer is remembered that could not be written
// down: the replica that took the lease over has answered for it long before.
const rememberFor = time.Hour

// unsettled remembers what was sent while the store could not be told. It is not
// sent again, neither when the store is back nor when its lease has run out or was
// lost: this process has not crashed (rule E3). It is forgotten with the process.
type unsettled struct {
	mu  sync.Mutex
	all map[string]sent // by owner and task
}

// sent is something that was sent, with its answer.
type sent struct {
	work   bot.Work
	answer bot.Answer
	at     time.Time
	lost   bool // its lease: it is answered for when it is claimed again
}

func newUnsettled() *unsettled { return &unsettled{all: map[string]sent{}} }

func (s sent) key() string { return s.work.Owner + "/" + s.work.ID }

// add remembers an answer, and forgets old ones.
func (u *unsettled) add(s sent) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, old := range u.all {
		if s.at.Sub(old.at) > rememberFor {
			delete(u.all, key)
		}
	}
	u.all[s.key()] = s
}

// drop forgets an answer that was written down.
func (u *unsettled) drop(s sent) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.all, s.key())
}

// find returns what was sent for a task.
func (u *unsettled) find(w bot.Work) (s sent, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s, ok = u.all[sent{work: w}.key()]
	return s, ok
}

// held are those whose leases may still be there, the oldest first.
func (u *unsettled) held() []sent {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []sent
	for _, s := range u.all {
		if !s.lost {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b sent) int {
		if d := a.at.Compare(b.at); d != 0 {
			return d
		}
		return strings.Compare(a.key(), b.key())
	})
	return all
}

// settleSent writes down what this process has sent already, and returns the rest
// of a group. A task that was claimed again has another lease.
func (r *Runner) settleSent(ctx context.Context, group []bot.Work) []bot.Work {
	var rest []bot.Work
	for _, w := range group {
		s, ok := r.unsettled.find(w)
		if !ok {
			rest = append(rest, w)
			continue
		}
		s.work, s.lost = w, false
		r.writeSent(ctx, s)
	}
	return rest
}

// writeSent writes down that something was sent. When that fails it is remembered:
// sending it again would be the greater harm.
func (r *Runner) writeSent(ctx context.Context, s sent) bool {
	var err error
	for range settleTries {
		if err = r.write(ctx, s.work, s.answer); err == nil {
			r.unsettled.drop(s)
			return true
		}
		if errors.Is(err, bot.ErrLeaseLost) {
			break
		}
	}
	if s.lost = errors.Is(err, bot.ErrLeaseLost); !s.lost {
		r.cfg.Log.Warn("what was sent is still to be written down", "task", s.work.ID, "incident", s.work.Owner, "error", err.Error())
	}
	r.unsettled.add(s)
	return s.lost
}

// rewrite tries again and again to write down what could not be.
func (r *Runner) rewrite(ctx context.Context) {
	ticker := time.NewTicker(rewriteEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, s := range r.unsettled.held() {
			if !r.writeSent(ctx, s) {
				break // the store is still away
			}
		}
	}
}
