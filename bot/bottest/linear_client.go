package bottest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// How much happens in one history.
const (
	linearClients = 6
	linearCalls   = 32 // of each client: of more there are too many orders to try
	linearKind    = "linear"
	linearGroup   = "linear"
	linearCard    = "card" // the ID of each incident's standing task
)

// The places: no call touches two of them, so that each is judged by itself.
// The first two are an incident each, INC-1 and INC-2, with a record of that
// name and tasks of a class that the other has not; the third is the alert
// group, with whatever incidents it opens and their wake-ups.
const (
	firstIncident  = "INC-1"
	secondIncident = "INC-2"
	theGroup       = "group"
)

// history is what clients do, as it goes on.
type history struct {
	mu       sync.Mutex
	sequence int64 // of invocations and returns, as they really were
	clock    int   // seconds since Epoch: the time that calls are given
	numbers  int   // given out to tell things apart
	calls    []porcupine.Operation
}

func (h *history) tick() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sequence++
	return h.sequence
}

// now is a later instant than before.
func (h *history) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	return at(float64(h.clock))
}

// unique is a number that nobody else gets.
func (h *history) unique() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.numbers++
	return h.numbers
}

// about is an instant near another that no task had before.
func (h *history) about(t time.Time, rng *rand.Rand) time.Time {
	return t.Add(time.Duration(rng.IntN(20)-10)*time.Second + time.Duration(h.unique())*time.Millisecond)
}

// linearClient makes calls, each based on what the last ones told it.
type linearClient struct {
	*history
	n        int
	store    bot.Store
	rng      *rand.Rand
	versions map[string]int         // of incidents
	read     map[string]loadedState // what was seen last, by incident
	records  map[string]int         // versions
	leases   map[string][]bot.Lease
	owner    string // of the group, as far as is known
}

func (c *linearClient) run(ctx context.Context) {
	for range linearCalls {
		place := []string{firstIncident, secondIncident, theGroup}[c.rng.IntN(3)]
		next := c.onIncident
		if place == theGroup {
			next = c.onGroup
		}
		do := next(place)
		a := c.call(ctx, place, do)
		again := c.rng.IntN(2)
		if hasMessages(do) {
			again = 10 // else there would be too many orders to try
		}
		for ; a.unclear() && ctx.Err() == nil && again > 0; again-- {
			a = c.call(ctx, place, do) // as a sender does who got no answer
		}
		c.learn(place, do, a)
		if commit, is := do.(doCommit); is && len(commit.Messages)+len(commit.EditedMessages) > 0 {
			c.call(ctx, place, readMessages{commit.Incident}) // which tells in what order all has been said
		}
		if commit, is := do.(doCommit); is && commit.Incident != "" && errors.Is(a.err, bot.ErrConflict) {
			load := readLoad{commit.Incident} // and steps again, from what is there
			c.learn(place, load, c.call(ctx, place, load))
		}
	}
}

// speaks reports whether a call says something and depends on nothing.
func hasMessages(do call) bool {
	c, is := do.(doCommit)
	return is && c.Snapshot == nil && len(c.Messages)+len(c.EditedMessages) > 0
}

// call makes one call and writes it down. A read that got no answer says
// nothing.
func (c *linearClient) call(ctx context.Context, place string, do call) answer {
	began := c.tick()
	runtime.Gosched() // a fast store would be done before anybody else begins
	value, err := do.make(ctx, c.store)
	runtime.Gosched()
	a := answer{value, err}
	o := porcupine.Operation{ClientId: c.n, Input: do, Output: a, Call: began, Return: c.tick(), Metadata: place}
	if a.unclear() {
		switch do.(type) {
		case readLoad, readReply, readRecord, readMessages:
			return a
		}
		o.Return = 1 << 62 // it may be done at any time from now on; last of all is as good as never
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, o)
	return a
}

// learn keeps what an answer says, for the next calls.
func (c *linearClient) learn(place string, do call, a answer) {
	if a.err != nil {
		return
	}
	switch v := a.value.(type) {
	case loadedState:
		if load, is := do.(readLoad); is {
			c.versions[load.ID], c.read[load.ID] = v.Shown.Version, v
		}
	case bot.Record:
		c.records[v.ID] = v.Version
	case bot.Receipt:
		if commit, is := do.(doCommit); is && dependsOnVersion(commit.Commit) && !v.Repeated {
			c.versions[commit.Incident] = v.Version
		}
	case []alerts.Receipt:
		for _, r := range v {
			if r.Incident != "" {
				c.owner = r.Incident
			}
		}
	case []bot.Lease:
		c.leases[place] = append(c.leases[place], v...)
	}
}

// leased takes one of the leases that were claimed, if any: the oldest, which
// may be lost by now.
func (c *linearClient) heldLease(place string) *bot.Lease {
	all := c.leases[place]
	if len(all) == 0 {
		return nil
	}
	l := all[0]
	c.leases[place] = all[1:]
	if c.rng.IntN(6) == 0 {
		c.leases[place] = append(c.leases[place], l) // and answers again
	}
	return &l
}

func (c *linearClient) class(place string) workflow.Class {
	switch place {
	case firstIncident:
		return workflow.ClassPage
	case secondIncident:
		return workflow.ClassUpdate
	}
	return workflow.ClassWake
}

func (c *linearClient) claim(place string) call {
	class := c.class(place)
	return doClaim{bot.Claim{At: c.now(), For: 15 * time.Second, Limit: 1 + c.rng.IntN(2), Classes: bot.Classes{From: class, To: class}}}
}

// onIncident is a call that touches an incident, its record and its tasks.
func (c *linearClient) onIncident(id string) call {
	switch c.rng.IntN(14) {
	case 12:
		said, resaid := c.messages()
		operation := fmt.Sprint(id, " words ", c.unique())
		return doCommit{Commit: bot.Commit{At: c.now(), Incident: id, Messages: said, EditedMessages: resaid, Operation: operation}}
	case 13:
		return readMessages{id}
	case 0, 1:
		return readLoad{id}
	case 2:
		return readReply{c.operation(id)}
	case 3:
		return readRecord{id}
	case 4, 5:
		return c.claim(id)
	case 6:
		return doCommit{Commit: bot.Commit{At: c.now(), Records: c.change(id)}}
	case 7, 8, 9, 10:
		if l := c.heldLease(id); l != nil {
			if c.rng.IntN(3) == 0 || l.ID == linearCard && c.rng.IntN(2) == 0 {
				return doPostpone{*l, c.about(c.now(), c.rng)}
			}
			return doCommit{Commit: bot.Commit{At: c.now(), Incident: id, Settle: l}}
		}
	}
	return c.advance(id)
}

// operation is one of a few, so that several clients give the same.
func (c *linearClient) operation(id string) string {
	return fmt.Sprint(id, " operation ", c.rng.IntN(10))
}

// change writes the record of an incident, most often as it was read last.
func (c *linearClient) change(id string) []bot.RecordChange {
	r := bot.RecordChange{Kind: linearKind, ID: id, Version: c.records[id], Body: fmt.Append(nil, c.unique())}
	switch c.rng.IntN(8) {
	case 0:
		r.Version = bot.AnyVersion
	case 1:
		r.Body = nil
	}
	return []bot.RecordChange{r}
}

// advance is a step of an incident, with some of what a commit may carry.
func (c *linearClient) advance(id string) call {
	step := c.step(id)
	if c.rng.IntN(2) == 0 {
		step.Operation, step.Reply = c.operation(id), fmt.Append(nil, "reply ", c.unique())
	}
	if c.rng.IntN(4) == 0 {
		step.Records = c.change(id)
	}
	for range c.rng.IntN(3) {
		t := task(id, fmt.Sprint("task-", c.unique()), c.class(id), fmt.Sprint("to:", c.rng.IntN(2)))
		t.Due = c.about(step.At, c.rng)
		step.Tasks = append(step.Tasks, t)
	}
	if c.rng.IntN(3) > 0 { // revisions grow: the step that is based on this version is one
		t := task(id, linearCard, c.class(id), "card")
		t.Rev, t.Due, t.Body = step.Version+1, c.about(step.At, c.rng), fmt.Append(nil, "card ", c.unique())
		step.Tasks = append(step.Tasks, t)
	}
	if c.rng.IntN(4) == 0 {
		step.Messages, step.EditedMessages = c.messages()
	}
	if c.rng.IntN(3) == 0 {
		step.Settle = c.heldLease(id)
	}
	return doCommit{Commit: step}
}

// messages are some that are said, and some that are said anew: of a few, so
// that many come twice.
func (c *linearClient) messages() (said, resaid []bot.StoredMessage) {
	some := func() (all []bot.StoredMessage) {
		for range c.rng.IntN(3) {
			all = append(all, bot.StoredMessage{Key: fmt.Sprint("message ", c.rng.IntN(6)), Body: fmt.Append(nil, "text ", c.unique())})
		}
		return all
	}
	return some(), some()
}

func (c *linearClient) step(id string) bot.Commit {
	version := c.versions[id]
	return bot.Commit{
		At: c.now(), Incident: id, Version: version, Open: true, Snapshot: fmt.Append(nil, "state ", c.unique()),
		Events: []bot.StoredEvent{{Seq: version + 1, Body: []byte("event")}},
	}
}

// onGroup is a call that touches the alert group and its incidents.
func (c *linearClient) onGroup(place string) call {
	switch n := c.rng.IntN(12); {
	case n < 4 || c.owner == "":
		return c.arrivals()
	case n < 7:
		return readLoad{c.owner}
	case n < 9:
		return c.claim(place)
	}
	id, lease := c.owner, c.heldLease(place)
	if lease != nil {
		id = lease.Owner
	}
	step := c.step(id)
	step.Settle, step.ReadMail = lease, c.read[id].last
	step.Group = &bot.GroupHold{Key: linearGroup, Always: c.rng.IntN(2) > 0}
	if c.rng.IntN(2) == 0 {
		step.WakeAt = c.about(step.At, c.rng)
	}
	return doCommit{Commit: step, Read: c.read[id].samples}
}

// arrivals are one or two of three alerts, which fire or are over.
func (c *linearClient) arrivals() call {
	b := alerts.Batch{At: c.now()}
	for _, key := range []string{"a", "b", "c"} {
		if c.rng.IntN(2) > 0 {
			continue
		}
		a := firingSince(fire(key, linearGroup), b.At)
		if c.rng.IntN(2) > 0 {
			a = resolved(a, b.At)
		}
		b.Arrivals = append(b.Arrivals, a)
	}
	if len(b.Arrivals) == 0 {
		b.Arrivals = []alerts.Arrival{firingSince(fire("d", linearGroup), b.At)}
	}
	return doTake{b}
}
