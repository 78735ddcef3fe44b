package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// The kinds of payloads, as Socket Mode names them
// (docs.slack.dev/apis/events-api/using-socket-mode).
const (
	kindSlash    = "slash_commands"
	kindInteract = "interactive"
	kindEvent    = "events_api"
)

// patience is how long an acknowledgement waits for the work. Slack waits three
// seconds (docs.slack.dev/interactivity/handling-user-interaction).
const patience = 2 * time.Second

// bodyWithin is how long a request may take to send its body: Slack itself gives
// up after three seconds.
const bodyWithin = 5 * time.Second

// How long anything is worked on at a time, and an event that is acknowledged
// and could not be done yet in all: whoever waits for an answer asks again.
const (
	longestWork  = time.Minute
	longestEvent = 15 * time.Minute
)

// delivery is one payload, whichever way it has come.
type delivery struct {
	kind  string
	body  json.RawMessage // of a slash command, its fields
	retry int             // how often it was sent before
}

// answer is what comes of a delivery.
type answer struct {
	now    any                                     // what the acknowledgement carries; nil: nothing
	after  func(ctx context.Context, carried bool) // once it is acknowledged; carried: and now was told
	failed error                                   // it could not be done, and may be sent again
}

// task is what a delivery asks for.
type task struct {
	key  string // the same for the same delivery; "": there is only one
	lane string // what is done in the order in which it came; "": nothing
	do   func(ctx context.Context) answer
}

// inbox is what comes in, and what is being done about it.
type inbox struct {
	patience time.Duration
	silence  time.Duration
	reading  time.Duration
	replays  replays
	seen     seen
	order    order
	crew     crew
	rooms    rooms
	wanted   chan struct{} // a user group that is not known
}

func newInbox() *inbox {
	return &inbox{
		patience: patience, silence: silence, reading: bodyWithin, replays: replays{seen: map[signature]bool{}}, seen: seen{all: map[string]*sighting{}},
		order: order{last: map[string]chan struct{}{}}, crew: crew{work: map[int]context.CancelFunc{}, idle: make(chan struct{})},
		rooms: rooms{owners: map[string]string{}}, wanted: make(chan struct{}, 1),
	}
}

var errClosing = errors.New("shutting down")

// take works on a delivery, and has it acknowledged in time: with what came of
// it or, when that takes longer, with nothing, and the answer follows. It
// returns once it is acknowledged.
func (w *Workspace) take(ctx context.Context, d delivery, ack func(answer) error) {
	t, err := w.taskOf(d)
	if err != nil {
		w.cfg.Log.WarnContext(ctx, "Slack has sent what cannot be read", "kind", d.kind, "error", err.Error())
	}
	if t.do == nil {
		_ = ack(answer{}) // there is nothing to lose
		return
	}
	most := longestWork
	if d.kind == kindEvent {
		most = longestEvent
	}
	ctx, end, open := w.inbox.crew.begin(ctx, most)
	if !open {
		_ = ack(answer{failed: errClosing}) // nothing was done
		return
	}
	s, first := w.inbox.seen.begin(t.key)
	if !first {
		end()
		w.again(s, ack)
		return
	}
	results, told := make(chan answer, 1), make(chan telling, 1)
	turn, leave := w.inbox.order.join(t.lane)
	go func() {
		defer end()
		<-turn
		a := w.attempt(ctx, t)
		leave()
		results <- a
		how := <-told
		for n := 1; a.failed != nil && how == late && pause(ctx, backOff(n, 1)) == nil; n++ {
			a = w.attempt(ctx, t)
		}
		w.inbox.seen.end(s, a)
		switch {
		case a.failed != nil:
			w.cfg.Log.WarnContext(ctx, "what Slack has sent could not be done", "kind", d.kind, "again", how != late, "error", a.failed.Error())
		case a.after != nil:
			a.after(ctx, how == carried)
		}
	}()
	told <- w.tellInTime(results, ack)
}

// telling is how an acknowledgement went out.
type telling int

const (
	late    telling = iota // with nothing: the work was not done yet, or Slack could not be reached
	carried                // with what came of the work
	refused                // it did not: Slack sends it again
)

func (w *Workspace) tellInTime(results <-chan answer, ack func(answer) error) telling {
	timer := time.NewTimer(w.inbox.patience)
	defer timer.Stop()
	select {
	case a := <-results:
		switch err := ack(a); {
		case a.failed != nil:
			return refused
		case err == nil:
			return carried
		}
	case <-timer.C:
		_ = ack(answer{}) // the answer follows by another way in any case
	}
	return late
}

// again acknowledges a delivery that has come before as it was the first time.
func (w *Workspace) again(s *sighting, ack func(answer) error) {
	timer := time.NewTimer(w.inbox.patience)
	defer timer.Stop()
	a := answer{}
	select {
	case <-s.done:
		a = answer{now: s.now, failed: s.failed}
	case <-timer.C:
	}
	_ = ack(a) // whoever is not reached has been, or asks again
}

// attempt does a task. One payload that brings it down brings nothing else down.
func (w *Workspace) attempt(ctx context.Context, t task) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, longestWork)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			w.cfg.Log.ErrorContext(ctx, "answering Slack panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			a = answer{}
		}
	}()
	return t.do(ctx)
}

// taskOf reads what a delivery asks for; nothing, for what is no concern of ours.
func (w *Workspace) taskOf(d delivery) (task, error) {
	switch d.kind {
	case kindSlash:
		return w.slash(d.body)
	case kindInteract:
		return w.interaction(d.body)
	case kindEvent:
		return w.event(d)
	}
	return task{}, nil
}
