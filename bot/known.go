package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"tocsin/workflow"
)

// known answers what a step asks of the world.
func (b *Bot) known(ctx context.Context, i workflow.Incident, in workflow.Input, r request) (workflow.Known, error) {
	k := workflow.Known{Answers: map[workflow.Target]workflow.Answer{}}
	for _, name := range b.platforms {
		p := workflow.Platform{Name: name}
		if h, is := b.Host(name); is {
			p = h.Platform()
		}
		k.Platforms = append(k.Platforms, p)
		if s := b.standing[name]; s != nil {
			k.Rooms = append(k.Rooms, s.Room(i.ID))
		}
	}
	org := b.Organization()
	var err error
	if d, declares := in.Command.(workflow.Declare); declares && i.Status == "" {
		k.Plan = org.Plan(d.Services, d.Owner)
	} else if k.Plan, err = b.plan(ctx, i.PlanHash); err != nil {
		return k, err
	}
	in.Known = k
	q := workflow.Asks(i, in)
	for _, t := range q.Targets {
		k.Answers[t] = org.Directory.Answer(t)
	}
	if len(q.Cursors) > 0 {
		k.Cursors = map[string]int{}
	}
	for _, key := range q.Cursors {
		rec, err := b.cfg.Store.Get(ctx, kindCursor, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return k, err
		}
		k.Cursors[key] = rec.Version // the cursor counts its own writes
	}
	for _, id := range q.Others {
		if r.others == nil {
			break
		}
		other, err := r.others(id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return k, err
		}
		if k.Others == nil {
			k.Others = map[string]workflow.Other{}
		}
		k.Others[id] = other
	}
	return k, nil
}

// plan reads a plan by its hash. Plans never change, so once read they stay.
func (b *Bot) plan(ctx context.Context, hash string) (workflow.Plan, error) {
	if p, ok := b.plans.Load(hash); ok {
		return p.(workflow.Plan), nil //nolint:errcheck // only plans are put in
	}
	rec, err := b.cfg.Store.Get(ctx, kindPlan, hash)
	if errors.Is(err, ErrNotFound) {
		// Lost, or written by hand: what is configured now is better than nothing.
		b.cfg.Log.Error("the plan of a running incident is missing; the configured one holds", "plan", hash)
		return b.Organization().Plan(nil, ""), nil
	}
	if err != nil {
		return workflow.Plan{}, err
	}
	var p workflow.Plan
	if err := json.Unmarshal(rec.Body, &p); err != nil {
		return workflow.Plan{}, fmt.Errorf("read plan %s: %w", hash, err)
	}
	b.plans.Store(hash, p)
	return p, nil
}

// medium names the pager of a method's key: "sms#2" is of "sms".
func medium(key string) string {
	name, _, _ := strings.Cut(key, "#")
	return name
}

func numberOf(id string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "INC-"))
	if err != nil {
		return 0
	}
	return n
}

// turnstile lets one input of an incident through at a time, so that inputs
// queue in process before they race in the store.
type turnstile struct {
	mu    sync.Mutex
	gates map[string]*gate
}

type gate struct {
	sync.Mutex
	users int
}

// enter waits for the turn and returns how to leave.
func (t *turnstile) enter(id string) (leave func()) {
	t.mu.Lock()
	if t.gates == nil {
		t.gates = map[string]*gate{}
	}
	g := t.gates[id]
	if g == nil {
		g = &gate{}
		t.gates[id] = g
	}
	g.users++
	t.mu.Unlock()
	g.Lock()
	return func() {
		g.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		g.users--
		if g.users == 0 {
			delete(t.gates, id)
		}
	}
}
