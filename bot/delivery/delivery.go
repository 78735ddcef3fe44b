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
	"time"

	"tocsin/bot"
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
	log      *slog.Logger
}

// New returns a sender.
func New(c Config) *Sender {
	return &Sender{engine: c.Engine, links: c.Links, attempts: c.Attempts, breaker: c.Breaker, recent: newRecentPages(), log: c.Log}
}

// task is one page that is due.
type task struct {
	bot.Work
	page      workflow.SendPage
	attempted bool // an attempt is recorded (outbound.Attempts)
}

// key returns the stable key of a page: "INC-7/1.0.0.0/ana/email".
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

// send hands a page to its pager. When the circuit of the party is open it fails at
// once, so that the next method or step follows without delay (E4: a failed page moves
// on at once).
func (s *Sender) send(ctx context.Context, pager bot.Pager, page bot.Page, again bool) error {
	party := page.Via
	if !isPerson(page.Person) {
		party = page.Person // each webhook or room is a party of its own
	}
	if s.breaker.IsOpen(party, s.engine.Now()) {
		return fmt.Errorf("%s: %w", party, outbound.ErrNoAnswer)
	}
	send, cancel := context.WithTimeout(ctx, outbound.SendTimeout)
	defer cancel()
	began := s.engine.Now()
	call := pager.Page
	if rechecker, ok := pager.(bot.Rechecker); ok && again {
		call = rechecker.PageAgain
	}
	err := call(send, page)
	now := s.engine.Now()
	if now.Sub(began) > 2*outbound.SendTimeout || errors.Is(err, bot.ErrPaced) { // the delay was in this process, not at the party
		return err
	}
	s.breaker.RecordResult(party, err != nil && send.Err() != nil, now)
	return err
}

// maxDelay is how long a pager may delay a page without the page having failed: a chat
// platform sends several messages to one person a second apart.
const maxDelay = 5 * time.Second

// answerFor returns the answer of a page. A page that failed for now is reported to the
// incident, which goes on with the next method or step, and is retried meanwhile (E4: a
// failed page moves on at once).
func (s *Sender) answerFor(t task, err error) bot.Answer {
	wait, later := bot.RetryDelay(err)
	switch {
	case err == nil:
		return bot.Answer{Command: workflow.Delivered{Page: t.page.Page}, Records: t.attemptChanges(), Sent: true}
	case bot.IsPermanent(err):
		s.log.Warn("a page failed for good", "incident", t.Owner, "person", t.page.To, "via", t.page.Via, "error", err.Error())
		return bot.Answer{Command: workflow.Undeliverable{Page: t.page.Page, Why: err.Error()}, Records: t.attemptChanges()}
	case later && wait <= maxDelay:
		return bot.Retry(err) // it is only delayed: no other method is needed
	}
	s.log.Warn("a page failed; trying again", "incident", t.Owner, "person", t.page.To, "via", t.page.Via, "attempt", t.Attempt, "error", err.Error())
	return bot.Answer{Report: workflow.Undeliverable{Page: t.page.Page, Why: err.Error(), Retrying: true}, Retry: err}
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
		send, stop := context.WithTimeout(ctx, outbound.SendTimeout)
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
