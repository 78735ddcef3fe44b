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

// The size of a history.
const (
	linearClients = 6
	linearCalls   = 32 // per client: with more there are too many orders to try
	linearKind    = "linear"
	linearGroup   = "linear"
	linearCard    = "card" // the ID of each incident's standing task
	linearTag     = "tag"  // of some open incidents
)

// The parts of the data. No call touches two of them, so that each is checked by itself.
// The first two are an incident each, INC-1 and INC-2, with a record of the same name and
// tasks of a class of their own; the third is the alert group with the incidents that it
// opens and their wake-ups.
const (
	firstIncident  = "INC-1"
	secondIncident = "INC-2"
	theGroup       = "group"
)

// history records the calls of all clients.
type history struct {
	mu       sync.Mutex
	sequence int64 // of calls and returns in real time
	clock    int   // seconds since Epoch: the instants in the arguments of calls
	numbers  int   // unique numbers that were given out
	calls    []porcupine.Operation
}

func (h *history) tick() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sequence++
	return h.sequence
}

// now returns a later instant than before.
func (h *history) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	return at(float64(h.clock))
}

// unique returns a number that no other call gets.
func (h *history) unique() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.numbers++
	return h.numbers
}

// randomNear returns an instant near another that no task had before.
func (h *history) randomNear(t time.Time, rng *rand.Rand) time.Time {
	return t.Add(time.Duration(rng.IntN(20)-10)*time.Second + time.Duration(h.unique())*time.Millisecond)
}

// linearClient makes calls, each based on the answers to earlier ones.
type linearClient struct {
	*history
	n        int
	store    bot.Store
	rng      *rand.Rand
	versions map[string]int         // of incidents
	read     map[string]loadedState // the last result of Load, by incident
	records  map[string]int         // versions
	leases   map[string][]bot.Lease
	owner    string // of the group, as far as this client knows
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
			again = 10 // otherwise there are too many orders to try
		}
		for ; a.unclear() && ctx.Err() == nil && again > 0; again-- {
			a = c.call(ctx, place, do) // as a sender does that got no answer
		}
		c.recordAnswer(place, do, a)
		if commit, ok := do.(doCommit); ok && len(commit.Messages)+len(commit.EditedMessages) > 0 {
			c.call(ctx, place, readMessages{commit.Incident}) // fixes the order of the messages
		}
		if commit, ok := do.(doCommit); ok && commit.Incident != "" && errors.Is(a.err, bot.ErrConflict) {
			load := readLoad{commit.Incident} // and steps again from the stored state
			c.recordAnswer(place, load, c.call(ctx, place, load))
		}
	}
}

// hasMessages reports whether a call only commits messages.
func hasMessages(do call) bool {
	c, ok := do.(doCommit)
	return ok && c.Snapshot == nil && len(c.Messages)+len(c.EditedMessages) > 0
}

// call makes one call and records it. A read without an answer is not recorded.
func (c *linearClient) call(ctx context.Context, place string, do call) answer {
	began := c.tick()
	runtime.Gosched() // otherwise a fast store finishes before another client begins
	value, err := do.make(ctx, c.store)
	runtime.Gosched()
	a := answer{value, err}
	o := porcupine.Operation{ClientId: c.n, Input: do, Output: a, Call: began, Return: c.tick(), Metadata: place}
	if a.unclear() {
		switch do.(type) {
		case readLoad, readReply, readRecord, readMessages, readListed:
			return a
		}
		o.Return = 1 << 62 // it may be executed at any time from now on; last of all is as good as never
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, o)
	return a
}

// recordAnswer remembers an answer for the next calls.
func (c *linearClient) recordAnswer(place string, do call, a answer) {
	if a.err != nil {
		return
	}
	switch v := a.value.(type) {
	case loadedState:
		if load, ok := do.(readLoad); ok {
			c.versions[load.ID], c.read[load.ID] = v.Shown.Version, v
		}
	case bot.Record:
		c.records[v.ID] = v.Version
	case bot.Receipt:
		if commit, ok := do.(doCommit); ok && dependsOnVersion(commit.Commit) && !v.Repeated {
			c.versions[commit.Incident] = v.Version
			delete(c.read, commit.Incident) // the next step would read its mail again
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

// heldLease returns the oldest lease that was claimed, if any. It may be lost by now.
func (c *linearClient) heldLease(place string) *bot.Lease {
	all := c.leases[place]
	if len(all) == 0 {
		return nil
	}
	l := all[0]
	c.leases[place] = all[1:]
	if c.rng.IntN(6) == 0 {
		c.leases[place] = append(c.leases[place], l) // and settles it again
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

// onIncident returns a call on an incident, its record or its tasks.
func (c *linearClient) onIncident(id string) call {
	switch c.rng.IntN(14) {
	case 12:
		added, edited := c.messages()
		operation := fmt.Sprint(id, " words ", c.unique())
		return doCommit{Commit: bot.Commit{At: c.now(), Incident: id, Messages: added, EditedMessages: edited, Operation: operation}}
	case 13:
		return readMessages{id}
	case 0:
		return readLoad{id}
	case 1:
		return readListed{id, c.tag()}
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
			if c.rng.IntN(4) == 0 {
				return doRenew{*l, c.randomNear(c.now(), c.rng)}
			}
			if c.rng.IntN(3) == 0 || l.ID == linearCard && c.rng.IntN(2) == 0 {
				return doPostpone{*l, c.randomNear(c.now(), c.rng)}
			}
			return doCommit{Commit: bot.Commit{At: c.now(), Incident: id, Settle: l}}
		}
	}
	return c.advance(id)
}

// operation returns one of a few operations, so that several clients use the same.
func (c *linearClient) operation(id string) string {
	return fmt.Sprint(id, " operation ", c.rng.IntN(10))
}

// change returns a change of the incident's record, mostly with the version read last.
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

// advance returns a step of an incident with some parts of a commit.
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
		t.Due = c.randomNear(step.At, c.rng)
		step.Tasks = append(step.Tasks, t)
	}
	if c.rng.IntN(3) > 0 { // revisions grow with the version
		t := task(id, linearCard, c.class(id), "card")
		t.Rev, t.Due, t.Body = step.Version+1, c.randomNear(step.At, c.rng), fmt.Append(nil, "card ", c.unique())
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

// messages returns some new messages and some edits, of a few keys, so that many are
// repeated.
func (c *linearClient) messages() (added, edited []bot.StoredMessage) {
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
		At: c.now(), Incident: id, Version: version, Open: c.rng.IntN(6) > 0, Snapshot: fmt.Append(nil, "state ", c.unique()),
		Listing: listed(1+c.rng.IntN(3), 1+c.rng.IntN(5), c.unique(), []string{linearTag}[:c.rng.IntN(2)]...),
		Events:  []bot.StoredEvent{{Seq: version + 1, Body: []byte("event")}},
	}
}

// tag returns the tag of a list: the list of all, or that of some incidents.
func (c *linearClient) tag() string { return []string{"", linearTag}[c.rng.IntN(2)] }

// onGroup returns a call on the alert group and its incidents.
func (c *linearClient) onGroup(place string) call {
	switch n := c.rng.IntN(12); {
	case n < 4 || c.owner == "":
		return c.arrivals()
	case n < 6:
		return readLoad{c.owner}
	case n < 7:
		return readListed{c.owner, c.tag()}
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
		step.WakeAt = c.randomNear(step.At, c.rng)
	}
	return doCommit{Commit: step, Read: c.read[id].samples}
}

// arrivals returns a batch of one or two of three alerts, firing or resolved.
func (c *linearClient) arrivals() call {
	b := alerts.Batch{At: c.now(), Flood: c.rng.IntN(2) == 0}
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
