package agenda

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/bot"
)

// rewriteEvery is between two tries to write down what was sent.
const rewriteEvery = 200 * time.Millisecond

// rememberFor bounds how long an answer is remembered that could not be written
// down: the replica that took the lease over has answered for it long before.
const forgetAfter = time.Hour

// unsettled remembers what was sent while the store could not be told. It is not
// sent again, neither when the store is back nor when its lease has run out or was
// lost: this process has not crashed (rule E3). It is forgotten with the process.
type sentAnswers struct {
	mu  sync.Mutex
	all map[string]sentAnswer // by owner and task
}

// sent is something that was sent, with its answer.
type sentAnswer struct {
	work   bot.Work
	answer bot.Answer
	at     time.Time
	lost   bool // its lease: it is answered for when it is claimed again
}

func newSentAnswers() *sentAnswers { return &sentAnswers{all: map[string]sentAnswer{}} }

func (s sentAnswer) key() string { return s.work.Owner + "/" + s.work.ID }

// add remembers an answer, and forgets old ones.
func (u *sentAnswers) add(s sentAnswer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, old := range u.all {
		if s.at.Sub(old.at) > forgetAfter {
			delete(u.all, key)
		}
	}
	u.all[s.key()] = s
}

// drop forgets an answer that was written down.
func (u *sentAnswers) drop(s sentAnswer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.all, s.key())
}

// find returns what was sent for a task.
func (u *sentAnswers) find(w bot.Work) (s sentAnswer, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s, ok = u.all[sentAnswer{work: w}.key()]
	return s, ok
}

// held are those whose leases may still be there, the oldest first.
func (u *sentAnswers) unsettled() []sentAnswer {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []sentAnswer
	for _, s := range u.all {
		if !s.lost {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b sentAnswer) int {
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
		s, ok := r.sent.find(w)
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
func (r *Runner) writeSent(ctx context.Context, s sentAnswer) bool {
	var err error
	for range settleTries {
		if err = r.writeAnswer(ctx, s.work, s.answer); err == nil {
			r.sent.drop(s)
			return true
		}
		if errors.Is(err, bot.ErrLeaseLost) {
			break
		}
	}
	if s.lost = errors.Is(err, bot.ErrLeaseLost); !s.lost {
		r.cfg.Log.Warn("what was sent is still to be written down", "task", s.work.ID, "incident", s.work.Owner, "error", err.Error())
	}
	r.sent.add(s)
	return s.lost
}

// rewrite tries again and again to write down what could not be.
func (r *Runner) settleLoop(ctx context.Context) {
	ticker := time.NewTicker(rewriteEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, s := range r.sent.unsettled() {
			if !r.writeSent(ctx, s) {
				break // the store is still away
			}
		}
	}
}
