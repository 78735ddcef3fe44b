package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
)

// call is one script on its way to the server.
type call struct {
	script   *goredis.Script
	keys     []string // after the common ones
	args     []any    // after the name of the call
	size     int      // approximate size in bytes
	done     chan answer
	state    atomic.Int32 // waiting, picked or dropped
	sentKeys []string     // all keys and
	sentArgs []any        // all arguments; a call that is sent again has the same
}

// answer is the reply of the server to a call, or why there is none.
type answer struct {
	reply any
	err   error
}

// The states of a call or a pending take.
const (
	waiting = iota
	picked
	dropped
)

// The limits of one batch, and how long it is sent again: about as long as a failover
// of Sentinel usually takes. Senders that would wait longer can retry themselves.
const (
	maxCalls    = 128
	maxBytes    = 1 << 20
	sendTimeout = 5 * time.Second
	minBackoff  = 10 * time.Millisecond
	maxBackoff  = 500 * time.Millisecond
)

// concurrentBatches is how many batches may be in flight: one is written while the
// server syncs another.
const concurrentBatches = 3

// pipeline sends calls in batches: calls that arrive while a batch is in flight share
// the next batch, and so one sync of the server's log.
//
// If the answers of a batch are lost, its calls are sent again under the same names,
// so that each is executed once: see ARGV[1] in common.lua.
type pipeline struct {
	client  goredis.UniversalClient
	health  *bot.WriteHealth
	scripts []*goredis.Script
	common  []string // the first is replaced by the key of the answers
	answers string   // prefix of that key
	calls   chan *call
	closing <-chan struct{} // no more calls
	closed  chan struct{}   // closed when the last call is answered
	number  atomic.Int64
}

func (s *Store) newPipeline(ctx context.Context, name string) *pipeline {
	p := &pipeline{
		client: s.client, health: &s.health, scripts: s.scripts.all(), common: s.keys.common(""), answers: s.keys.answers(s.origin + ":" + name + ":"),
		calls: make(chan *call, 4*maxCalls), closing: s.closing, closed: make(chan struct{}),
	}
	var all sync.WaitGroup
	for range concurrentBatches {
		all.Go(func() { p.run(ctx) })
	}
	go func() { all.Wait(); close(p.closed) }()
	return p
}

// do sends a call and waits for its answer. If ctx ends before the call is sent, the
// call is dropped; once it is sent, do waits for the answer, so that the result is
// never wrong.
func (p *pipeline) do(ctx context.Context, c *call) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.done = make(chan answer, 1)
	select {
	case <-p.closing:
		return nil, ErrClosed
	default:
	}
	select {
	case p.calls <- c:
	case <-p.closing:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-c.done:
		return a.reply, a.err
	case <-p.closed:
		select {
		case a := <-c.done:
			return a.reply, a.err
		default:
			return nil, ErrClosed
		}
	case <-ctx.Done():
		if c.state.CompareAndSwap(waiting, dropped) {
			return nil, ctx.Err()
		}
		a := <-c.done
		return a.reply, a.err
	}
}

func (p *pipeline) run(ctx context.Context) {
	for {
		select {
		case c := <-p.calls:
			p.batch(ctx, c)
			continue
		default:
		}
		select {
		case c := <-p.calls:
			p.batch(ctx, c)
		case <-p.closing:
			return
		}
	}
}

// batch sends a call together with the calls that are waiting.
func (p *pipeline) batch(ctx context.Context, first *call) {
	var all []*call
	size := 0
	for c := first; ; {
		if c.state.CompareAndSwap(waiting, picked) {
			p.name(c)
			all = append(all, c)
			size += c.size
		}
		if len(all) >= maxCalls || size >= maxBytes {
			break
		}
		select {
		case c = <-p.calls:
			continue
		default:
		}
		break
	}
	p.send(ctx, all)
}

// name gives a call its name and its final keys and arguments, once.
func (p *pipeline) name(c *call) {
	generation := time.Now().Unix() / 10
	c.sentKeys = append(append(make([]string, 0, len(p.common)+len(c.keys)), p.common...), c.keys...)
	c.sentKeys[0] = p.answers + strconv.FormatInt(generation, 10)
	c.sentArgs = append([]any{strconv.FormatInt(p.number.Add(1), 36)}, c.args...)
}

// send sends calls until each is answered or the time is up.
func (p *pipeline) send(ctx context.Context, all []*call) {
	ends := time.Now().Add(sendTimeout)
	wait := minBackoff
	for len(all) > 0 {
		var err error
		if all, err = p.sendWithScripts(ctx, all); len(all) == 0 {
			return
		}
		if time.Now().Add(wait).After(ends) {
			for _, c := range all {
				c.done <- answer{err: unavailable(err)}
			}
			return
		}
		timer := time.NewTimer(wait)
		<-timer.C
		wait = min(2*wait, maxBackoff)
	}
}

// sendWithScripts sends calls, and loads the scripts when the server does not have them.
// It returns the calls that got no answer, and why.
func (p *pipeline) sendWithScripts(ctx context.Context, all []*call) (again []*call, why error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	again, unknownScript, why := p.sendBatch(ctx, all)
	if !unknownScript {
		return again, why
	}
	// The server was restarted, or another one has taken over: it needs the scripts.
	for _, s := range p.scripts {
		if err := s.Load(ctx, p.client).Err(); err != nil {
			return again, err
		}
	}
	again, _, why = p.sendBatch(ctx, again)
	return again, why
}

// sendBatch sends calls in one round trip. unknownScript says that the server does not have
// the scripts.
func (p *pipeline) sendBatch(ctx context.Context, all []*call) (again []*call, unknownScript bool, why error) {
	batch := p.client.Pipeline()
	cmds := make([]*goredis.Cmd, 0, len(all))
	for _, c := range all {
		cmds = append(cmds, c.script.EvalSha(ctx, batch, c.sentKeys, c.sentArgs...))
	}
	_, _ = batch.Exec(ctx) // each command has its own error
	for n, cmd := range cmds {
		reply, err := cmd.Result()
		recordWrite(p.health, err)
		switch {
		case err == nil, errors.Is(err, goredis.Nil):
			all[n].done <- answer{reply: reply}
		case isTransient(err):
			unknownScript = unknownScript || goredis.HasErrorPrefix(err, "NOSCRIPT")
			again, why = append(again, all[n]), err
		default:
			all[n].done <- answer{err: explain(err)}
		}
	}
	return again, unknownScript, why
}

// stringList converts a reply that is a list.
func stringList(reply any) ([]string, error) {
	list, ok := reply.([]any)
	if !ok {
		return nil, fmt.Errorf("the script answered %T instead of a list", reply)
	}
	all := make([]string, 0, len(list))
	for _, one := range list {
		all = append(all, fmt.Sprint(one))
	}
	return all, nil
}
