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
)

// call is one script on its way to the server.
type call struct {
	script *goredis.Script
	keys   []string // after the common ones
	args   []any    // after the call's name
	size   int      // bytes it brings, roughly
	done   chan answer
	mind   atomic.Int32 // waiting, picked or dropped
	sent   []string     // its keys, and
	with   []any        // arguments, as they are sent, however often that is
}

type answer struct {
	reply any
	err   error
}

const (
	waiting = iota
	picked
	dropped
)

// The bounds of one batch, and how long it is tried for: longer than a
// failover of Sentinel usually takes would keep senders waiting who could as
// well come again.
const (
	maxCalls  = 128
	maxBytes  = 1 << 20
	giveUp    = 5 * time.Second
	firstWait = 10 * time.Millisecond
	longWait  = 500 * time.Millisecond
)

// atOnce is how many batches are under way: one is written while the server
// syncs another.
const atOnce = 3

// pipeline sends calls in batches: those that come while one is under way share
// the next, and so one sync of the server's log.
//
// A batch whose answers do not come is sent again, call by call under the same
// names, so that each happens once: see ARGV[1] in common.lua.
type pipeline struct {
	client  goredis.UniversalClient
	all     []*goredis.Script
	common  []string // keys[0] is for the answers' hash
	answers string   // prefix of its name
	calls   chan *call
	ended   <-chan struct{} // no more calls
	over    chan struct{}   // closed when the last one is answered
	number  atomic.Int64
}

func (s *Store) newPipeline(ctx context.Context, name string) *pipeline {
	p := &pipeline{
		client: s.client, all: s.scripts.list(), common: s.keys.common(""), answers: s.keys.of("tx:" + s.origin + ":" + name + ":"),
		calls: make(chan *call, 4*maxCalls), ended: s.ended, over: make(chan struct{}),
	}
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() { p.run(ctx) })
	}
	go func() { all.Wait(); close(p.over) }()
	return p
}

// do sends a call, and waits for its answer. One whose caller goes before it
// is sent is dropped; one that was sent is waited for, so that the answer is
// always true.
func (p *pipeline) do(ctx context.Context, c *call) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.done = make(chan answer, 1)
	select {
	case <-p.ended:
		return nil, ErrClosed
	default:
	}
	select {
	case p.calls <- c:
	case <-p.ended:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-c.done:
		return a.reply, a.err
	case <-p.over:
		select {
		case a := <-c.done:
			return a.reply, a.err
		default:
			return nil, ErrClosed
		}
	case <-ctx.Done():
		if c.mind.CompareAndSwap(waiting, dropped) {
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
		case <-p.ended:
			return
		}
	}
}

// batch sends a call and what else is waiting.
func (p *pipeline) batch(ctx context.Context, first *call) {
	var all []*call
	size := 0
	for c := first; ; {
		if c.mind.CompareAndSwap(waiting, picked) {
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

// name gives a call its name, once.
func (p *pipeline) name(c *call) {
	generation := time.Now().Unix() / 10
	c.sent = append(append(make([]string, 0, len(p.common)+len(c.keys)), p.common...), c.keys...)
	c.sent[0] = p.answers + strconv.FormatInt(generation, 10)
	c.with = append([]any{strconv.FormatInt(p.number.Add(1), 36)}, c.args...)
}

// send sends calls until each is answered, or time is up.
func (p *pipeline) send(ctx context.Context, all []*call) {
	ends := time.Now().Add(giveUp)
	wait := firstWait
	for len(all) > 0 {
		var err error
		if all, err = p.try(ctx, all); len(all) == 0 {
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
		wait = min(2*wait, longWait)
	}
}

// try sends calls once. It returns those that have no answer, and why.
func (p *pipeline) try(ctx context.Context, all []*call) (again []*call, why error) {
	ctx, cancel := context.WithTimeout(ctx, giveUp)
	defer cancel()
	again, forgot, why := p.once(ctx, all)
	if !forgot {
		return again, why
	}
	// The server was started again, or another one has taken over.
	for _, s := range p.all {
		if err := s.Load(ctx, p.client).Err(); err != nil {
			return again, err
		}
	}
	again, _, why = p.once(ctx, again)
	return again, why
}

func (p *pipeline) once(ctx context.Context, all []*call) (again []*call, forgot bool, why error) {
	batch := p.client.Pipeline()
	cmds := make([]*goredis.Cmd, 0, len(all))
	for _, c := range all {
		cmds = append(cmds, c.script.EvalSha(ctx, batch, c.sent, c.with...))
	}
	_, _ = batch.Exec(ctx) // each command has its own error
	for n, cmd := range cmds {
		reply, err := cmd.Result()
		switch {
		case err == nil, errors.Is(err, goredis.Nil):
			all[n].done <- answer{reply: reply}
		case passing(err):
			forgot = forgot || goredis.HasErrorPrefix(err, "NOSCRIPT")
			again, why = append(again, all[n]), err
		default:
			all[n].done <- answer{err: explain(err)}
		}
	}
	return again, forgot, why
}

// words reads an answer that is a list.
func words(reply any) ([]string, error) {
	list, is := reply.([]any)
	if !is {
		return nil, fmt.Errorf("the script answered %T instead of a list", reply)
	}
	all := make([]string, 0, len(list))
	for _, one := range list {
		all = append(all, fmt.Sprint(one))
	}
	return all, nil
}
