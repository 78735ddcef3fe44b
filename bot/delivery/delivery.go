// Package delivery pages people: it composes pages and notices, bundles those to
// a person who has had many, hands them to the pagers, and says what became of
// them.
package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/outbound"
	"tocsin/bot/signin"
	"tocsin/workflow"
)

// Config is what a sender is made of.
type Config struct {
	Engine   *bot.Engine
	Links    *signin.PageLinks
	Attempts *outbound.Attempts
	Breaker  *outbound.Breaker
	Log      *slog.Logger
}

// Sender pages people.
type Sender struct {
	engine   *bot.Engine
	links    *signin.PageLinks
	attempts *outbound.Attempts
	breaker  *outbound.Breaker
	recent   *recentPages
	log      *slog.Logger
}

// New makes a sender.
func New(c Config) *Sender {
	return &Sender{engine: c.Engine, links: c.Links, attempts: c.Attempts, breaker: c.Breaker, recent: newRecentPages(), log: c.Log}
}

// task is one page that is due.
type task struct {
	bot.Work
	page      workflow.SendPage
	attempted bool // it is on record as a page that may have been sent
}

// key names a page for ever: "INC-7/1.0.0.0/ana/email".
func (t task) key() string { return t.Owner + "/" + t.page.Page }

// done are the records that end with a page.
func (t task) attemptChanges() []bot.RecordChange {
	if !t.attempted {
		return nil
	}
	return []bot.RecordChange{outbound.EndAttempt(t.key())}
}

// HandlePages sends one page, or several to the same recipient through the same
// method as one message, and answers for each. Pages that are not wanted any more
// are dropped (E3: check again before each send).
func (s *Sender) HandlePages(ctx context.Context, works []bot.Work) []bot.Answer {
	if c, ok := works[0].Action.(workflow.CancelPage); ok {
		return []bot.Answer{s.cancel(ctx, works[0], c)}
	}
	answers := make([]bot.Answer, len(works))
	var tasks []task
	var at []int // where each task's answer belongs
	for n, w := range works {
		page, ok := w.Action.(workflow.SendPage)
		if !ok {
			answers[n] = bot.Answer{Command: workflow.GiveUp{What: "a page", Why: fmt.Sprintf("%T is none", w.Action)}}
			continue
		}
		if w.Incident.Status != "" {
			if wanted, _ := w.Incident.IsStillNeeded(page); !wanted {
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

// deliver hands one message over.
func (s *Sender) deliver(ctx context.Context, tasks []task) []bot.Answer {
	look, cancel := context.WithTimeout(ctx, outbound.SendTimeout/2) // so that the lease covers the send all the same
	page, pager, err := s.compose(look, tasks)
	again := false
	if _, ok := pager.(bot.Rechecker); ok && err == nil {
		again = s.beginAttempts(look, tasks)
	}
	cancel()
	if again && len(tasks) > 1 { // the other side is asked about each alone
		var answers []bot.Answer
		for n := range tasks {
			answers = append(answers, s.deliver(ctx, tasks[n:n+1])...)
		}
		return answers
	}
	answers := make([]bot.Answer, 0, len(tasks))
	if !tasks[0].CanSend(s.engine.Now(), outbound.SendTimeout) { // asked last: the process may have stood still until now
		for range tasks {
			answers = append(answers, bot.Answer{Abandoned: true})
		}
		return answers
	}
	if err == nil {
		err = s.send(ctx, pager, page, again)
		for _, key := range page.Keys {
			s.attempts.RecordResult(key, again, err)
		}
	}
	if err == nil {
		s.recent.add(tasks[0].page, s.engine.Now())
	}
	for _, t := range tasks {
		answers = append(answers, s.answerFor(t, err))
	}
	return answers
}

// begin puts pages on record that are about to be handed to a party that can be
// asked, and reports whether one may have been handed over before. When that
// cannot be known, it may.
func (s *Sender) beginAttempts(ctx context.Context, tasks []task) (again bool) {
	for n := range tasks {
		tasks[n].attempted = true
		was, err := s.attempts.Begin(ctx, tasks[n].key())
		if err != nil {
			s.log.Warn("a page is not on record as tried; asking first", "page", tasks[n].key(), "error", err.Error())
		}
		again = again || was
	}
	return again
}

// send hands a page over, unless its party has not answered lately: then it fails
// at once, so that the next method or step is not waited for (rule E4), and what
// hangs at one party holds up no other.
func (s *Sender) send(ctx context.Context, pager bot.Pager, page bot.Page, again bool) error {
	party := page.Via
	if !isPerson(page.Person) {
		party = page.Person // each receiver answers for itself
	}
	if s.breaker.IsOpen(party, s.engine.Now()) {
		return fmt.Errorf("%s: %w", party, outbound.ErrNoAnswer)
	}
	send, cancel := context.WithTimeout(ctx, outbound.SendTimeout)
	defer cancel()
	began := s.engine.Now()
	hand := pager.Page
	if check, ok := pager.(bot.Rechecker); ok && again {
		hand = check.PageAgain
	}
	err := hand(send, page)
	now := s.engine.Now()
	if now.Sub(began) > 2*outbound.SendTimeout || errors.Is(err, bot.ErrPaced) { // this process stood still or waits, not the party
		return err
	}
	s.breaker.RecordResult(party, err != nil && send.Err() != nil, now)
	return err
}

// brief is how long a party may put a page off without having failed: several
// pages to one person come a second apart on a chat platform.
const maxDelay = 5 * time.Second

// answer says what became of a page. One that failed is reported to the incident,
// which goes on with the next method or step, and is tried again beside that
// (rule E4).
func (s *Sender) answerFor(t task, err error) bot.Answer {
	wait, later := bot.RetryDelay(err)
	switch {
	case err == nil:
		return bot.Answer{Command: workflow.Delivered{Page: t.page.Page}, Records: t.attemptChanges(), Sent: true}
	case bot.IsPermanent(err):
		s.log.Warn("a page failed for good", "incident", t.Owner, "person", t.page.To, "via", t.page.Via, "error", err.Error())
		return bot.Answer{Command: workflow.Undeliverable{Page: t.page.Page, Why: err.Error()}, Records: t.attemptChanges()}
	case later && wait <= maxDelay:
		return bot.Retry(err) // it is on its way: nothing else need be tried
	}
	s.log.Warn("a page failed, trying again", "incident", t.Owner, "person", t.page.To, "via", t.page.Via, "attempt", t.Attempt, "error", err.Error())
	return bot.Answer{Report: workflow.Undeliverable{Page: t.page.Page, Why: err.Error(), Retrying: true}, Retry: err}
}

// cancelTries bounds how often a pager is asked to take a page back: it is a
// courtesy.
const maxCancelAttempts = 10

// cancel tells a pager that a page needs no answer any more.
func (s *Sender) cancel(ctx context.Context, w bot.Work, c workflow.CancelPage) bot.Answer {
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
		send, stop := context.WithTimeout(ctx, outbound.SendTimeout)
		defer stop()
		err = canceler.Cancel(send, page, c.Why)
	}
	if err != nil && !bot.IsPermanent(err) {
		return bot.Retry(err)
	}
	return bot.Answer{}
}

// isHuman reports whether a recipient is a person. Machines and the log read
// everything.
func isPerson(recipient string) bool { return !strings.Contains(recipient, ":") && recipient != "log" }
