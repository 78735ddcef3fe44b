package slack

import (
	"cmp"
	"sync"
	"time"

	"tocsin/workflow"
)

// window is what limits count over, with a margin for the way there.
const window = 61 * time.Second

// perChannel is between two messages into one channel
// (docs.slack.dev/apis/web-api/rate-limits: one a second).
const perChannel = time.Second + 50*time.Millisecond

// forget is how long a place in the queue is kept for somebody who does not come
// when it is their turn.
const forget = 15 * time.Second

// spared is the part of a limit, one in so many, that is kept for what is urgent:
// a SEV1 that comes into a storm of others must not wait a minute for its room.
const spared = 10

// urgent reports a call of a severe incident, or one that somebody waits for.
func (c call) urgent() bool {
	return c.wait || c.severity == workflow.SEV1 || c.severity == workflow.SEV2
}

// pace keeps calls within what Slack allows: each method so often a minute, and
// each channel a message a second. Whoever has to wait is told when to come
// again, and keeps a place: the worst incidents go first, then whoever came
// first.
type pace struct {
	now   func() time.Time
	mu    sync.Mutex
	gates map[string]*gate
	seq   int
}

func newPace(now func() time.Time) *pace { return &pace{now: now, gates: map[string]*gate{}} }

// gate is one limit.
type gate struct {
	limit   int
	per     time.Duration
	sent    []time.Time // within per, the oldest first
	shut    time.Time   // Slack said so
	waiting map[string]place
}

// place is somebody's in the queue.
type place struct {
	severity int
	seq      int
	until    time.Time
}

func (p place) before(other place) bool {
	return cmp.Or(cmp.Compare(p.severity, other.severity), cmp.Compare(p.seq, other.seq)) < 0
}

// take lets a call through, or says how long it has to wait.
func (p *pace) take(c call) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	gates := p.gatesOf(c)
	var wait time.Duration
	for _, g := range gates {
		wait = max(wait, g.wait(now, c, p.seq))
	}
	p.seq++
	if wait > 0 {
		for _, g := range gates {
			g.keep(c, now.Add(wait+forget))
		}
		return wait
	}
	for _, g := range gates {
		delete(g.waiting, c.key)
		g.sent = append(g.sent, now)
	}
	return 0
}

// gatesOf are the limits that a call is under.
func (p *pace) gatesOf(c call) []*gate {
	all := []*gate{p.gate(c.method, limitOf(c.method), window)}
	if c.method == "chat.postMessage" && c.channel != "" {
		all = append(all, p.gate(c.method+" "+c.channel, 1, perChannel))
	}
	return all
}

func (p *pace) gate(name string, limit int, per time.Duration) *gate {
	g := p.gates[name]
	if g == nil {
		g = &gate{limit: limit, per: per, waiting: map[string]place{}}
		p.gates[name] = g
	}
	return g
}

// wait is how long a call has to wait at a gate; 0: it is its turn.
func (g *gate) wait(now time.Time, c call, seq int) time.Duration {
	for len(g.sent) > 0 && now.Sub(g.sent[0]) >= g.per {
		g.sent = g.sent[1:]
	}
	for key, other := range g.waiting {
		if now.After(other.until) {
			delete(g.waiting, key)
		}
	}
	mine, waits := g.waiting[c.key]
	if !waits || c.key == "" {
		mine = place{severity: cmp.Or(int(c.severity), 9), seq: seq}
	}
	mine.severity = cmp.Or(int(c.severity), 9)
	ahead := 0
	for key, other := range g.waiting {
		if key != c.key && other.before(mine) {
			ahead++
		}
	}
	if c.key != "" {
		g.waiting[c.key] = mine
	}
	turn, limit := now, g.limit
	if !c.urgent() {
		limit -= g.limit / spared
	}
	if free := limit - len(g.sent); ahead >= free {
		behind := ahead - free // how many of those who wait go before, once there is room again
		if n := behind % limit; n < len(g.sent) {
			turn = g.sent[n]
		}
		turn = turn.Add(g.per * time.Duration(behind/limit+1))
	}
	if g.shut.After(turn) {
		turn = g.shut
	}
	return max(turn.Sub(now), 0)
}

func (g *gate) keep(c call, until time.Time) {
	if mine, waits := g.waiting[c.key]; waits {
		mine.until = until
		g.waiting[c.key] = mine
	}
}

// refused shuts a gate for as long as Slack has said, and lets the call go first
// then. Which limit it was, Slack does not say: of a message, it is taken to be
// the channel's.
func (p *pace) refused(c call, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gates := p.gatesOf(c)
	g := gates[len(gates)-1]
	if until := p.now().Add(wait); until.After(g.shut) {
		g.shut = until
	}
	if c.key != "" {
		g.waiting[c.key] = place{severity: cmp.Or(int(c.severity), 9), until: g.shut.Add(forget)}
	}
}
