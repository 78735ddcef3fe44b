package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"tocsin/adapters/slack"
)

// The kinds of payloads, as Socket Mode names them
// (docs.slack.dev/apis/events-api/using-socket-mode).
const (
	kindSlashCommand = "slash_commands"
	kindInteraction  = "interactive"
	kindEvent        = "events_api"
)

// ackTimeout is how long an acknowledgement waits for the outcome. Slack waits
// three seconds (docs.slack.dev/interactivity/handling-user-interaction).
const ackTimeout = 2 * time.Second

// How long a delivery is worked on at a time, and how long in all an event whose
// work failed after it was acknowledged: a person who waits for an answer asks
// again, Slack does not send the event again.
const (
	maxAttemptTime = time.Minute
	maxEventTime   = 15 * time.Minute
)

// delivery is one payload, whichever way it came.
type delivery struct {
	kind  string
	body  json.RawMessage // of a slash command, its fields
	retry int             // how often it was sent before
}

// task is the work that a delivery asks for.
type task struct {
	key  string // the same for the same delivery; "": it has none
	lane string // tasks of one lane are done in the order in which they came; "": no order
	run  func(ctx context.Context) outcome
}

// outcome is what a task comes to.
type outcome struct {
	payload any                                       // of the acknowledgement; nil: none
	after   func(ctx context.Context, delivered bool) // runs after the acknowledgement; delivered: the payload went out with it
	err     error                                     // the task failed, and Slack may send it again
}

var errClosing = errors.New("shutting down")

// handle works on a delivery and acknowledges it in time: with its outcome or,
// when the work takes longer, empty, and the answer follows. It returns once the
// delivery is acknowledged.
func (s *Server) handle(ctx context.Context, d delivery, ack func(outcome) error) {
	t, err := s.parse(d)
	if err != nil {
		s.log.WarnContext(ctx, "a delivery from Slack cannot be read", "kind", d.kind, "error", err.Error())
	}
	if t.run == nil {
		_ = ack(outcome{}) // there is nothing to lose
		return
	}
	timeout := maxAttemptTime
	if d.kind == kindEvent {
		timeout = maxEventTime
	}
	ctx, end, ok := s.workers.start(ctx, timeout)
	if !ok {
		_ = ack(outcome{err: errClosing}) // nothing was done
		return
	}
	seen, first := s.dedup.begin(t.key)
	if !first {
		end()
		s.acknowledgeRepeat(seen, ack)
		return
	}
	results, acks := make(chan outcome, 1), make(chan ackState, 1)
	turn, leave := s.lanes.enter(t.lane)
	go func() {
		defer end()
		<-turn
		o := s.attempt(ctx, t)
		leave()
		results <- o
		state := <-acks
		for n := 1; o.err != nil && state == ackEmpty && sleep(ctx, backOff(n, 1)) == nil; n++ {
			o = s.attempt(ctx, t)
		}
		s.dedup.end(seen, o)
		switch {
		case o.err != nil:
			s.log.WarnContext(ctx, "a delivery from Slack could not be handled", "kind", d.kind, "again", state != ackEmpty, "error", o.err.Error())
		case o.after != nil:
			o.after(ctx, state == ackWithPayload)
		}
	}()
	acks <- s.acknowledgeInTime(results, ack)
}

// ackState is how an acknowledgement went out.
type ackState int

const (
	ackEmpty       ackState = iota // the work was not done yet, or Slack could not be reached
	ackWithPayload                 // with the outcome's payload
	ackRefused                     // not at all: Slack sends the delivery again
)

func (s *Server) acknowledgeInTime(results <-chan outcome, ack func(outcome) error) ackState {
	timer := time.NewTimer(s.ackTimeout)
	defer timer.Stop()
	select {
	case o := <-results:
		switch err := ack(o); {
		case o.err != nil:
			return ackRefused
		case err == nil:
			return ackWithPayload
		}
	case <-timer.C:
		_ = ack(outcome{}) // the answer follows by another way in any case
	}
	return ackEmpty
}

// acknowledgeRepeat acknowledges a delivery that has come before as it was the
// first time.
func (s *Server) acknowledgeRepeat(seen *seenDelivery, ack func(outcome) error) {
	timer := time.NewTimer(s.ackTimeout)
	defer timer.Stop()
	o := outcome{}
	select {
	case <-seen.done:
		o = outcome{payload: seen.payload, err: seen.err}
	case <-timer.C:
	}
	_ = ack(o) // should it not arrive, the first acknowledgement did, or Slack sends the delivery again
}

// attempt runs a task once. A panic ends the task, and not the process.
func (s *Server) attempt(ctx context.Context, t task) (o outcome) {
	ctx, cancel := context.WithTimeout(ctx, maxAttemptTime)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "handling a delivery from Slack panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			o = outcome{}
		}
	}()
	return t.run(ctx)
}

// parse reads which task a delivery asks for; a task that runs nothing, for a
// delivery that this app has no use for.
func (s *Server) parse(d delivery) (task, error) {
	switch d.kind {
	case kindSlashCommand:
		return s.handleSlashCommand(d.body)
	case kindInteraction:
		return s.handleInteraction(d.body)
	case kindEvent:
		return s.handleEvent(d)
	}
	return task{}, nil
}

// operationOf names a delivery for the store; "" when Slack has not named it.
func operationOf(id, part string) string {
	if id == "" {
		return ""
	}
	if part != "" {
		part = "/" + part
	}
	return slack.Platform + "/" + id + part
}
