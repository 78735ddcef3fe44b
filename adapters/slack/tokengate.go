package slack

import (
	"sync"
	"time"

	"tocsin/bot"
)

// probeInterval is how often Slack is asked whether it accepts the bot token again.
const probeInterval = 10 * time.Second

// tokenGate holds calls back while Slack refuses the bot token: one call in a while
// tests whether it is accepted again, and all others fail at once, so that a thousand
// posts that wait are not a thousand refused calls (E4g: what an operator can fix waits).
// The zero value is open.
type tokenGate struct {
	mu    sync.Mutex
	why   *refusal // nil: Slack accepts the token
	until time.Time
}

// check returns the error of a call that is held back. The caller to which it returns nil
// after the time is over makes the test; the others wait for its result.
func (g *tokenGate) check(c call, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.why == nil || c.other {
		return nil
	}
	if now.Before(g.until) {
		return bot.Blocked(g.why)
	}
	g.until = now.Add(probeInterval)
	return nil
}

// refuse records that Slack has refused the token.
func (g *tokenGate) refuse(c call, why *refusal, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !c.other {
		g.why, g.until = why, now.Add(probeInterval)
	}
}

// accept records that Slack has accepted the token.
func (g *tokenGate) accept(c call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !c.other {
		g.why = nil
	}
}
