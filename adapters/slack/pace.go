package slack

import (
	"cmp"
	"sync"
	"time"

	"tocsin/workflow"
)

// window is the time over which limits count, with a margin for the way to Slack.
const window = 61 * time.Second

// channelInterval is the time between two messages into one channel
// (docs.slack.dev/apis/web-api/rate-limits: one a second).
const channelInterval = time.Second + 50*time.Millisecond

// keepPlace is how long a call keeps its place in the queue when it does not come
// again at its turn: the workers may be busy. The place of a page that is not wanted any
// more is given up at once.
const keepPlace = time.Minute

// reservedPart is the part of a limit, one in so many, that is reserved for urgent
// calls: a SEV1 declared during a storm of others must not wait a minute for its
// room.
const reservedPart = 10

// isUrgent reports whether a call is for a severe incident, or a person waits for
// it.
func (c call) isUrgent() bool {
	return c.wait || c.severity != 0 && c.severity <= workflow.SEV2 // of a page it is negative
}

// pace keeps calls within Slack's rate limits: each method so often a minute, and
// one message a second into each channel. A call that has to wait gets the time of
// its next attempt and keeps its place in the method's queue: calls for the worst
// incidents go first, then those that came first.
type pace struct {
	now   func() time.Time
	mu    sync.Mutex
	gates map[string]*gate
	seq   int
}

func newPace(now func() time.Time) *pace { return &pace{now: now, gates: map[string]*gate{}} }

// gate is one rate limit.
type gate struct {
	limit       int
	per         time.Duration
	sent        []time.Time // calls within the last per, the oldest first
	closedUntil time.Time   // as Slack has said
	waiting     map[string]place
}

// place is a call's place in the queue.
type place struct {
	severity int
	seq      int
	until    time.Time
}

// isBefore reports whether a call with this place goes before another.
func (p place) isBefore(other place) bool {
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
			g.keepPlaceUntil(c, now.Add(wait+keepPlace))
		}
		return wait
	}
	for _, g := range gates {
		delete(g.waiting, c.key)
		g.sent = append(g.sent, now)
	}
	return 0
}

// gatesOf returns the limits that apply to a call.
func (p *pace) gatesOf(c call) []*gate {
	all := []*gate{p.gate(c.method, limitOf(c.method), window)}
	if c.method == "chat.postMessage" && c.channel != "" {
		all = append(all, p.gate(c.method+" "+c.channel, 1, channelInterval))
	}
	return all
}

// gate returns the limit of a name, which it makes if there is none.
func (p *pace) gate(name string, limit int, per time.Duration) *gate {
	g := p.gates[name]
	if g == nil {
		g = &gate{limit: limit, per: per, waiting: map[string]place{}}
		p.gates[name] = g
	}
	return g
}

// wait returns how long a call has to wait at a gate; 0 when it is its turn.
func (g *gate) wait(now time.Time, c call, seq int) time.Duration {
	for len(g.sent) > 0 && now.Sub(g.sent[0]) >= g.per {
		g.sent = g.sent[1:]
	}
	for key, other := range g.waiting {
		if now.After(other.until) {
			delete(g.waiting, key)
		}
	}
	mine, ok := g.waiting[c.key]
	if !ok || c.key == "" {
		mine = place{severity: cmp.Or(int(c.severity), 9), seq: seq}
	}
	mine.severity = cmp.Or(int(c.severity), 9)
	ahead := 0
	for key, other := range g.waiting {
		if key != c.key && other.isBefore(mine) {
			ahead++
		}
	}
	if c.key != "" {
		g.waiting[c.key] = mine
	}
	turn, limit := now, g.limit
	if !c.isUrgent() {
		limit -= g.limit / reservedPart
	}
	if free := limit - len(g.sent); ahead >= free {
		behind := ahead - free // how many waiting calls go before it, once there is room again
		if n := behind % limit; n < len(g.sent) {
			turn = g.sent[n]
		}
		turn = turn.Add(g.per * time.Duration(behind/limit+1))
	}
	if g.closedUntil.After(turn) {
		turn = g.closedUntil
	}
	return max(turn.Sub(now), 0)
}

// keepPlaceUntil keeps the place of a waiting call until a time.
func (g *gate) keepPlaceUntil(c call, until time.Time) {
	if mine, ok := g.waiting[c.key]; ok {
		mine.until = until
		g.waiting[c.key] = mine
	}
}

// drop gives up the places of a call that will not come again.
func (p *pace) drop(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.gates {
		delete(g.waiting, key)
	}
}

// block closes a gate for the time of Slack's Retry-After, after Slack has refused a
// call; that call goes first afterwards. Slack does not name the limit: for a message
// it is assumed to be the channel's.
func (p *pace) block(c call, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gates := p.gatesOf(c)
	g := gates[len(gates)-1]
	if until := p.now().Add(wait); until.After(g.closedUntil) {
		g.closedUntil = until
	}
	if c.key != "" {
		g.waiting[c.key] = place{severity: cmp.Or(int(c.severity), 9), until: g.closedUntil.Add(keepPlace)}
	}
}
