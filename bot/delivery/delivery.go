// Package delivery sends pages and notices: it composes the message, bundles the pages
// of a person who was paged often, hands the message to a pager, and answers with the
// result.
//
// It does not decide who is paged (package workflow does) and does not claim tasks
// (package agenda does). Begin reading at [Sender.HandlePages].
package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/directory"
	"tocsin/bot/outbound"
	"tocsin/bot/signin"
	"tocsin/workflow"
)

// Config configures a sender.
type Config struct {
	Engine   *bot.Engine
	Links    *signin.PageLinks
	Attempts *outbound.Attempts
	Breaker  *outbound.Breaker
	Log      *slog.Logger
}

// Sender sends pages.
type Sender struct {
	engine   *bot.Engine
	links    *signin.PageLinks
	attempts *outbound.Attempts
	breaker  *outbound.Breaker
	recent   *recentPages
	putOff   *putOffPages
	log      *slog.Logger
}

// New returns a sender.
func New(c Config) *Sender {
	return &Sender{engine: c.Engine, links: c.Links, attempts: c.Attempts, breaker: c.Breaker, recent: newRecentPages(), putOff: newPutOffPages(), log: c.Log}
}

// task is one page that is due.
type task struct {
	bot.Work
	page      workflow.SendPage
	attempted bool // an attempt is recorded (outbound.Attempts)
}

// key returns the stable key of the page: "INC-7/1.0.0.0/ana/email".
func (t task) key() string { return t.Owner + "/" + t.page.Page }

// attemptChanges returns the changes that delete the attempt of a page.
func (t task) attemptChanges() []bot.RecordChange {
	if !t.attempted {
		return nil
	}
	return []bot.RecordChange{outbound.EndAttempt(t.key())}
}

// HandlePages sends a page, or several pages to one recipient through one method as one
// message. It returns an answer for each. Pages that are not wanted any more are not
// sent (E3: check again before each send).
func (s *Sender) HandlePages(ctx context.Context, works []bot.Work) []bot.Answer {
	answers := make([]bot.Answer, len(works))
	var tasks []task
	var at []int // position of each task's answer
	for n, w := range works {
		page, ok := w.Action.(workflow.SendPage)
		if !ok {
			answers[n] = bot.Answer{Command: workflow.GiveUp{What: "a page", Why: fmt.Sprintf("%T is not a page", w.Action)}}
			continue
		}
		if w.Incident.Status != "" {
			if wanted, _ := w.Incident.IsStillNeeded(page); !wanted {
				s.recent.forget(w)
				if d, isDropper := s.engine.Pager(directory.PagerOf(page.Via)).(bot.Dropper); isDropper {
					d.Drop(pageKey(w))
				}
				answers[n] = bot.Answer{Records: []bot.RecordChange{outbound.EndAttempt(w.Owner + "/" + page.Page)}}
				continue
			}
		}
		tasks, at = append(tasks, task{Work: w, page: page}), append(at, n)
	}
	if len(tasks) > 0 {
		for n, a := range s.deliver(ctx, tasks) {
			answers[at[n]] = a
		}
	}
	return answers
}

// deliver sends one message and returns an answer for each of its pages.
func (s *Sender) deliver(ctx context.Context, tasks []task) []bot.Answer {
	prepare, cancel := context.WithTimeout(ctx, outbound.SendTimeout/2) // so that the lease still covers the send
	page, pager, err := s.compose(prepare, tasks)
	again := false
	if _, ok := pager.(bot.Rechecker); ok && err == nil {
		again = s.beginAttempts(prepare, tasks)
	}
	cancel()
	if again && len(tasks) > 1 { // the provider can be asked about one page at a time
		var answers []bot.Answer
		for n := range tasks {
			answers = append(answers, s.deliver(ctx, tasks[n:n+1])...)
		}
		return answers
	}
	answers := make([]bot.Answer, 0, len(tasks))
	if !tasks[0].CanSend(s.engine.Now(), outbound.SendTimeout) { // checked last, because the process may have been suspended until now
		for range tasks {
			answers = append(answers, bot.Answer{Abandoned: true})
		}
		return answers
	}
	if err == nil {
		err = s.send(ctx, pager, page, tasks, again)
		for _, key := range page.Keys {
			s.attempts.RecordResult(key, again, err)
		}
	}
	if err != nil && errors.Is(context.Cause(ctx), bot.ErrLeaseLost) { // another process has the page by now
		for range tasks {
			answers = append(answers, bot.Answer{Abandoned: true})
		}
		return answers
	}
	for _, t := range tasks {
		answers = append(answers, s.answerFor(t, err))
	}
	return answers
}

// beginAttempts records attempts of pages whose provider can be asked about them. It
// returns whether one of the pages may have been sent before; true when the store
// cannot be read.
func (s *Sender) beginAttempts(ctx context.Context, tasks []task) (again bool) {
	for n := range tasks {
		tasks[n].attempted = true
		before, err := s.attempts.Begin(ctx, tasks[n].key())
		if err != nil {
			s.log.Warn("cannot record the attempt of a page; asking its provider first", "page", tasks[n].key(), "error", err.Error())
		}
		again = again || before
	}
	return again
}

// longestSend is how long one send may take, whatever the limits of its pager are.
const longestSend = 20 * time.Minute

// send hands a page to its pager, and reports it to its incidents when that takes long.
// When the circuit of the party is open it fails at once, so that the next method or step
// follows without delay (E4: a failed page moves on at once).
func (s *Sender) send(ctx context.Context, pager bot.Pager, page bot.Page, tasks []task, again bool) error {
	party := page.Via
	if !isPerson(page.Person) {
		party = page.Person // each webhook or room is a party of its own
	}
	if s.breaker.IsOpen(party, s.engine.Now()) {
		return fmt.Errorf("%s: %w", party, outbound.ErrNoAnswer)
	}
	send, cancel := context.WithTimeout(ctx, longestSend)
	defer cancel()
	call := pager.Page
	if rechecker, ok := pager.(bot.Rechecker); ok && again {
		call = rechecker.PageAgain
	}
	wasSlow := s.reportIfSlow(ctx, party, tasks)
	defer wasSlow()
	err := call(send, page)
	switch isSlow := wasSlow(); {
	case errors.Is(err, bot.ErrPaced), ctx.Err() != nil: // the party was not asked, or this process was stopped
	case err == nil || !errors.Is(err, context.DeadlineExceeded):
		s.breaker.RecordResult(party, false, s.engine.Now())
	case !isSlow: // otherwise it counts already
		s.breaker.RecordResult(party, true, s.engine.Now())
	}
	return err
}

// reportIfSlow waits, beside a send, for the time after which it counts as slow, and
// reports that: each incident goes on with the next method or step (E4c: slow is not
// failed). The function that it returns ends that, and reports whether it was slow.
func (s *Sender) reportIfSlow(ctx context.Context, party string, tasks []task) (wasSlow func() bool) {
	reported := make(chan struct{})
	timer := time.AfterFunc(outbound.SlowAfter, func() {
		defer close(reported)
		s.breaker.RecordResult(party, true, s.engine.Now())
		for _, t := range tasks {
			s.log.Warn("a page has no outcome yet; going on beside it", "incident", t.Owner, "person", t.page.To, "via", t.page.Via)
			_, err := s.engine.Apply(ctx, t.Owner, bot.Change{By: workflow.Actor{Kind: workflow.BySystem}, Command: workflow.Undeliverable{
				Page: t.page.Page, Why: fmt.Sprintf("no answer for %d s", int(outbound.SlowAfter.Seconds())), Retrying: true, Slow: true,
			}})
			if err != nil && ctx.Err() == nil {
				s.log.Error("cannot record that a page is slow", "incident", t.Owner, "error", err.Error())
			}
		}
	})
	return sync.OnceValue(func() bool {
		if timer.Stop() {
			return false
		}
		<-reported
		return true
	})
}

// maxDelay is how long a party may put a page off once without the page having failed.
const maxDelay = 5 * time.Second

// unknownFor is how long a page whose outcome is unknown is not sent again, unless its
// pager says otherwise.
const unknownFor = 10 * time.Minute

// answerFor returns the answer of a page. A page that failed for now is reported to the
// incident, which goes on with the next method or step, and is retried meanwhile (E4: a
// failed page moves on at once). So is one that its provider keeps putting off (E4f:
// later and later again is a failure), but not one that waits for our own pacing (E4e: our
// own pacing is never a failure).
func (s *Sender) answerFor(t task, err error) bot.Answer {
	wait, later := bot.RetryDelay(err)
	report := workflow.Undeliverable{Page: t.page.Page, Retrying: true}
	switch {
	case err == nil:
		s.putOff.forget(t.key())
		s.recent.arrived(t.Work, s.engine.Now())
		return bot.Answer{Command: workflow.Delivered{Page: t.page.Page}, Records: t.attemptChanges(), Sent: true}
	case bot.IsPermanent(err):
		s.putOff.forget(t.key())
		s.recent.forget(t.Work)
		s.log.Warn("a page failed for good", "incident", t.Owner, "person", t.page.To, "via", t.page.Via, "error", err.Error())
		return bot.Answer{Command: workflow.Undeliverable{Page: t.page.Page, Why: err.Error()}, Records: t.attemptChanges()}
	case errors.Is(err, bot.ErrPaced):
		return bot.Retry(err)
	case errors.Is(err, bot.ErrUnknownOutcome):
		report.Slow = true
		if !later {
			err = bot.RetryAfter(unknownFor, err)
		}
	case later && wait <= maxDelay && !s.isChat(t) && s.putOff.isFirst(t.key(), s.engine.Now()):
		return bot.Retry(err) // it is only delayed: no other method is needed
	}
	report.Why = err.Error()
	if !report.Slow {
		s.recent.forget(t.Work)
	}
	s.log.Warn("a page failed; trying again", "incident", t.Owner, "person", t.page.To, "via", t.page.Via, "attempt", t.Attempt, "error", err.Error())
	return bot.Answer{Report: report, Retry: err}
}

// isChat reports whether a page goes out on a chat platform: one that refuses a page for
// now says so to all pages, and the next method follows at once.
func (s *Sender) isChat(t task) bool {
	_, ok := s.engine.Chat(directory.PagerOf(t.page.Via))
	return ok
}

// maxCancelAttempts is how often a pager is asked to take a page back. A page that is
// not taken back does no harm: its button is checked when it is pressed.
const maxCancelAttempts = 10

// HandleCancel takes back a page that needs no answer any more.
func (s *Sender) HandleCancel(ctx context.Context, w bot.Work, c workflow.CancelPage) bot.Answer {
	canceler, ok := s.engine.Pager(c.Via).(bot.Canceler)
	if !ok || w.Attempt > maxCancelAttempts || w.Incident.Status == "" {
		return bot.Answer{}
	}
	t := task{Work: w, page: workflow.SendPage{Page: c.Page, To: c.To, Via: c.Via, Purpose: workflow.PurposeNotice, Text: c.Why}}
	if !w.CanSend(s.engine.Now(), outbound.SendTimeout) {
		return bot.Answer{Abandoned: true}
	}
	page, _, err := s.compose(ctx, []task{t})
	if err == nil {
		send, stop := context.WithTimeout(ctx, outbound.ChatTimeout)
		defer stop()
		err = canceler.Cancel(send, page, c.Why)
	}
	if err != nil && !bot.IsPermanent(err) {
		return bot.Retry(err)
	}
	return bot.Answer{}
}

// isPerson reports whether a recipient is a configured person, as opposed to a machine,
// a room, a guest or the log. Only the pages of a person are bundled.
func isPerson(recipient string) bool { return !strings.Contains(recipient, ":") && recipient != "log" }
