package bot

import (
	"context"
	"errors"
	"fmt"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Change is one input on its way to an incident.
type Change struct {
	By        workflow.Actor
	Command   workflow.Command
	Operation string                                          // stable name of the delivery: its repeat gets the same reply
	Settle    *Lease                                          // the task that it answers
	Guard     func(workflow.Incident) error                   // may refuse, once the incident is known
	Reply     func(Result) []byte                             // what the operation answers
	LoadOther func(id string) (workflow.OtherIncident, error) // looks at another incident; ErrNotFound where there is none
	Records   []RecordChange                                  // written in the same commit
}

// Result is what a change came to.
type Result struct {
	Before   workflow.Incident
	Outcome  workflow.Outcome
	Refusal  error  // a *workflow.Refusal
	Repeated []byte // the operation had been answered before: this is what it answered
}

// maxConflicts bounds how often a step is taken again because another writer
// was faster. Inputs of one incident queue in process before they race.
const maxConflicts = 100

// Apply takes an incident through one step and commits what came of it. The
// error is ErrNotFound for an incident that does not exist, ErrLeaseLost when
// Settle is not held any more, or the store's. A polite no is no error.
func (e *Engine) Apply(ctx context.Context, id string, c Change) (Result, error) {
	defer e.locks.lock(id)()
	if c.Operation != "" {
		reply, err := e.cfg.Store.Reply(ctx, c.Operation)
		if err == nil {
			return Result{Repeated: reply}, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return Result{}, fmt.Errorf("look up operation: %w", err)
		}
	}
	for range maxConflicts {
		res, err := e.tryApply(ctx, id, c)
		if !errors.Is(err, ErrConflict) {
			return res, err
		}
	}
	return Result{}, fmt.Errorf("step %s: %w, %d times", id, ErrConflict, maxConflicts)
}

// try is one attempt of a step.
func (e *Engine) tryApply(ctx context.Context, id string, c Change) (Result, error) {
	loaded, err := e.cfg.Store.Load(ctx, id)
	_, ok := c.Command.(workflow.Declare)
	if errors.Is(err, ErrNotFound) && ok {
		err = nil
		loaded = Loaded{ID: id, Number: workflow.NumberOf(id)}
	}
	if err != nil {
		return Result{}, err
	}
	if loaded.Snapshot == nil && loaded.Stub != nil {
		if _, wakes := c.Command.(workflow.Wake); wakes {
			return e.applyFirst(ctx, loaded, c.Settle)
		}
		if _, err = e.applyFirst(ctx, loaded, nil); err != nil {
			return Result{}, err
		}
		return Result{}, ErrConflict // declared now: load it again, and go on
	}
	before, err := DecodeIncident(loaded)
	if err != nil {
		return Result{}, err
	}
	if c.Guard != nil {
		if no := c.Guard(before); no != nil {
			return Result{Before: before, Refusal: no}, nil //nolint:nilerr // a refusal is an answer, not an error
		}
	}
	return e.step(ctx, loaded, before, c)
}

// applyFirst takes the first step of an incident that alerts have reserved,
// before anything else happens to it.
func (e *Engine) applyFirst(ctx context.Context, l Loaded, settle *Lease) (Result, error) {
	declare, err := alerts.DecodeStub(l.Stub)
	if err != nil {
		return Result{}, fmt.Errorf("read the stub of %s: %w", l.ID, err)
	}
	declare.Previous = l.Previous
	if l.Previous != "" { // what was private stays private (rule P2)
		before, err := e.LoadUnchecked(ctx, l.Previous)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Result{}, err
		}
		declare.Private = before.Visibility == workflow.Private
	}
	return e.step(ctx, l, workflow.Incident{ID: l.ID, Number: l.Number}, Change{
		By: workflow.Actor{Kind: workflow.ByAlert, Name: declare.Reporter.Name}, Command: declare, Settle: settle,
	})
}

// advance answers what the step asks, takes it and commits.
func (e *Engine) step(ctx context.Context, l Loaded, before workflow.Incident, change Change) (Result, error) {
	in := workflow.Input{ID: change.Operation, At: e.Now(), By: change.By, Command: change.Command, Mail: l.Mail}
	var err error
	if in.Known, err = e.answerQuestions(ctx, before, in, change); err != nil {
		return Result{}, err
	}
	res := Result{Before: before}
	res.Outcome, res.Refusal = workflow.Step(before, in)
	c, err := e.buildCommit(l, in, res, change)
	if err != nil {
		return Result{}, err
	}
	if c.Snapshot == nil && c.Settle == nil && c.Operation == "" && len(c.Records) == 0 {
		return res, nil // nothing changed
	}
	receipt, err := e.cfg.Store.Commit(ctx, c)
	if errors.Is(err, ErrTaken) { // another incident answers for the group by now
		c.Group = nil
		receipt, err = e.cfg.Store.Commit(ctx, c)
	}
	if err != nil {
		return Result{}, err
	}
	if receipt.Repeated {
		return Result{Repeated: receipt.Reply}, nil
	}
	if hash := res.Outcome.Incident.PlanHash; before.PlanHash == "" && hash != "" {
		e.plans.Store(hash, in.Known.Plan)
	}
	e.wakeFor(c)
	return res, nil
}

// wakeFor wakes the loops that a commit may have given something to do.
func (e *Engine) wakeFor(c Commit) {
	classes := make([]workflow.Class, 0, len(c.Tasks)+2)
	for _, t := range c.Tasks {
		classes = append(classes, t.Lane.Class)
	}
	if !c.WakeAt.IsZero() {
		classes = append(classes, workflow.ClassWake)
	}
	if c.Settle != nil { // the next of its lane may be due
		classes = append(classes, c.Settle.Lane.Class)
	}
	e.Wake(classes...)
}

// LoadUnchecked returns an incident as it is stored, whoever may see it. The
// error is ErrNotFound, or the store's.
func (e *Engine) LoadUnchecked(ctx context.Context, id string) (workflow.Incident, error) {
	l, err := e.cfg.Store.Load(ctx, id)
	if err != nil {
		return workflow.Incident{}, err
	}
	return DecodeIncident(l)
}

// DecodeIncident reads the incident that a store has loaded; that of a stub is
// empty but for its name.
func DecodeIncident(l Loaded) (workflow.Incident, error) {
	if l.Snapshot == nil {
		return workflow.Incident{ID: l.ID, Number: l.Number}, nil
	}
	i, err := workflow.DecodeIncident(l.Snapshot)
	if err != nil {
		return workflow.Incident{}, fmt.Errorf("read %s: %w", l.ID, err)
	}
	return i, nil
}

// Settle ends a task that needs no answer, and writes records in the same
// commit.
func (e *Engine) Settle(ctx context.Context, l Lease, records ...RecordChange) error {
	c := Commit{At: e.Now(), Incident: l.Owner, Settle: &l, Records: records}
	_, err := e.cfg.Store.Commit(ctx, c)
	if err == nil {
		e.wakeFor(c)
	}
	return err
}
