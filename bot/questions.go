package bot

import (
	"context"
	"errors"
	"slices"

	"tocsin/workflow"
)

// answerQuestions answers the questions of a step (workflow.Asks): the plan, who is
// behind a target, round-robin positions, other incidents and whether alerts fire.
func (e *Engine) answerQuestions(ctx context.Context, i workflow.Incident, in workflow.Input, change Change) (workflow.Known, error) {
	k := workflow.Known{Answers: map[workflow.Target]workflow.Answer{}}
	for _, name := range e.platforms {
		p := workflow.Platform{Name: name}
		if manager, ok := e.cfg.Chats[name].(RoomManager); ok {
			p = manager.Platform()
		}
		k.Platforms = append(k.Platforms, p)
		if rooms := e.cfg.Builtin[name]; rooms != nil {
			k.Rooms = append(k.Rooms, rooms.Room(i.ID, e.Organization().URL))
		}
	}
	org := e.Organization()
	var err error
	if d, ok := in.Command.(workflow.Declare); ok && i.Status == "" {
		k.Plan = org.Plan(d.Services, d.Owner)
	} else if k.Plan, err = e.Plan(ctx, i.PlanHash); err != nil {
		return k, err
	}
	if _, ok := in.Command.(workflow.ApplyPolicy); ok {
		k.Next = ConfiguredPlan(org, i, k.Plan)
	}
	in.Known = k
	q := workflow.Asks(i, in)
	for _, t := range q.Targets {
		k.Answers[t] = org.Directory.Resolve(t)
	}
	if len(q.Cursors) > 0 {
		k.Cursors = map[string]int{}
	}
	for _, key := range q.Cursors {
		rec, err := e.cfg.Store.Get(ctx, kindCursor, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return k, err
		}
		k.Cursors[key] = rec.Version // the cursor counts its own writes
	}
	for _, id := range q.Others {
		if change.LoadOther == nil {
			break
		}
		other, err := change.LoadOther(id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return k, err
		}
		if k.Others == nil {
			k.Others = map[string]workflow.OtherIncident{}
		}
		k.Others[id] = other
	}
	firing, failed := e.hasFiringAlerts(ctx, i.ID, q.Firing)
	k.Firing = firing
	return k, failed
}

// hasFiringAlerts reports whether an alert fires in one of the incidents ids, which are
// the incident id itself and others that were merged into it, or in one that was merged
// into those.
func (e *Engine) hasFiringAlerts(ctx context.Context, id string, ids []string) (bool, error) {
	for n := 0; n < len(ids); n++ {
		rows, err := e.cfg.Store.Firing(ctx, ids[n], "", 1)
		if err != nil {
			return false, err
		}
		if ids[n] == id {
			if len(rows) > 0 {
				return true, nil
			}
			continue
		}
		other, err := e.LoadUnchecked(ctx, ids[n])
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		if other.Status != workflow.Merged {
			continue
		}
		if len(rows) > 0 {
			return true, nil
		}
		for _, further := range other.Merge.From {
			if !slices.Contains(ids, further) {
				ids = append(ids, further)
			}
		}
	}
	return false, nil
}

// Plan returns the plan with this content hash. When its record is missing the plan
// of the configuration in force is used, and that is logged.
func (e *Engine) Plan(ctx context.Context, hash string) (workflow.Plan, error) {
	if p, ok := e.plans.Load(hash); ok {
		return p.(workflow.Plan), nil //nolint:errcheck // the map holds only plans
	}
	p, err := readPlan(ctx, e.cfg.Store, hash)
	if errors.Is(err, ErrNotFound) {
		e.cfg.Log.Error("the plan of a running incident is missing; using the configured one", "plan", hash)
		return e.Organization().Plan(nil, ""), nil
	}
	if err == nil {
		e.plans.Store(hash, p)
	}
	return p, err
}
