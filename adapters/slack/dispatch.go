package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
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
		patience: patience, reading: bodyWithin, replays: replays{seen: map[signature]bool{}}, seen: seen{all: map[string]*sighting{}},
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

// seen knows the latest deliveries, so that none is worked on twice at once by
// this process, and a repeat is answered as the first.
type seen struct {
	mu    sync.Mutex
	all   map[string]*sighting
	order []string
}

// sighting is a delivery that has been seen. What it came to is there once it
// is done.
type sighting struct {
	key    string
	done   chan struct{}
	now    any
	failed error
}

// mostSeen bounds what is remembered. What is older is known by its operation,
// in the store.
const mostSeen = 10_000

func (m *seen) begin(key string) (s *sighting, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s = m.all[key]; s != nil && key != "" {
		return s, false
	}
	s = &sighting{key: key, done: make(chan struct{})}
	if key != "" {
		m.all[key] = s
		if m.order = append(m.order, key); len(m.order) > mostSeen {
			delete(m.all, m.order[0])
			m.order = m.order[1:]
		}
	}
	return s, true
}

// end notes what a delivery came to. One that failed is new when it comes again.
func (m *seen) end(s *sighting, a answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.now, s.failed = a.now, a.failed
	close(s.done)
	if a.failed != nil && m.all[s.key] == s {
		delete(m.all, s.key)
	}
}

// order lets what is about one channel be done in the order in which it came.
type order struct {
	mu   sync.Mutex
	last map[string]chan struct{} // lane → closed when the last of it is done
}

// join takes a place in a lane: turn is closed when everybody before has left.
func (o *order) join(lane string) (turn <-chan struct{}, leave func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, mine := o.last[lane], make(chan struct{})
	if before == nil || lane == "" {
		before = make(chan struct{})
		close(before)
	}
	if lane == "" {
		return before, func() {}
	}
	o.last[lane] = mine
	return before, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		close(mine)
		if o.last[lane] == mine {
			delete(o.last, lane)
		}
	}
}

// crew is the work under way. It goes on when what asked for it is gone, and is
// over before [Workspace.Run] returns.
type crew struct {
	mu      sync.Mutex
	work    map[int]context.CancelFunc
	begun   int
	closing bool
	idle    chan struct{} // closed when it is closing and nothing is left
}

// begin begins work, unless the crew is closing.
func (c *crew) begin(ctx context.Context, most time.Duration) (working context.Context, end func(), open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ctx, func() {}, false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	id := c.begun
	c.begun++
	c.work[id] = cancel
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.work, id)
		if c.closing && len(c.work) == 0 {
			close(c.idle)
		}
	}, true
}

// close lets what is under way end, and ends what takes longer than the grace.
func (c *crew) close(grace time.Duration) {
	c.mu.Lock()
	left := len(c.work)
	again := c.closing
	c.closing = true
	if left == 0 && !again {
		close(c.idle)
	}
	c.mu.Unlock()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.idle:
		return
	case <-timer.C:
	}
	c.mu.Lock()
	for _, cancel := range c.work {
		cancel()
	}
	c.mu.Unlock()
	<-c.idle
}
