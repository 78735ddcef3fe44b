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

// settleEvery is the interval at which unsettled answers are tried again.
const settleEvery = 200 * time.Millisecond

// forgetAfter is how long an unsettled answer is kept. By then the replica that took
// over its lease has settled the task.
const forgetAfter = time.Hour

// sentAnswers holds the answers of tasks that were sent and could not be settled,
// because the store did not answer or the lease was lost. As long as this process
// lives it does not send them again; it settles them when it claims the task again
// (E3: check again before each send). They are in memory, and end with the process.
type sentAnswers struct {
	mu  sync.Mutex
	all map[string]sentAnswer // by owner and task
}

// sentAnswer is the answer of a task that was sent.
type sentAnswer struct {
	work   bot.Work
	answer bot.Answer
	at     time.Time
	lost   bool // the lease: it is settled when this process claims the task again
}

func newSentAnswers() *sentAnswers { return &sentAnswers{all: map[string]sentAnswer{}} }

func (s sentAnswer) key() string { return s.work.Owner + "/" + s.work.ID }

// add adds an answer, and drops old ones.
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

// drop removes an answer that was settled.
func (u *sentAnswers) drop(s sentAnswer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.all, s.key())
}

// find returns the answer of a task that was sent before.
func (u *sentAnswers) find(w bot.Work) (s sentAnswer, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s, ok = u.all[sentAnswer{work: w}.key()]
	return s, ok
}

// unsettled returns the answers whose leases may still be held, the oldest first.
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

// settleSent settles the works of a group that this process has sent already, under
// their new leases, and returns the others.
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

// writeSent settles a task that was sent. When that fails the answer is kept in memory
// instead of sending again. It returns whether to go on with other answers: false
// when the store does not answer.
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
		r.cfg.Log.Warn("a task was sent, and its answer is not stored yet", "task", s.work.ID, "incident", s.work.Owner, "error", err.Error())
	}
	r.sent.add(s)
	return s.lost
}

// settleLoop settles unsettled answers at every interval until ctx is done.
func (r *Runner) settleLoop(ctx context.Context) {
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, s := range r.sent.unsettled() {
			if !r.writeSent(ctx, s) {
				break // the store still does not answer
			}
		}
	}
}
