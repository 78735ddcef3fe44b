package bot

import (
	"context"
	"errors"
	"fmt"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Change is one input for an incident.
type Change struct {
	By        workflow.Actor
	Command   workflow.Command
	Operation string                                          // stable ID of the delivery, "" for none: a repeat gets the stored reply
	Settle    *Lease                                          // the task that the input answers, settled in the same commit
	Guard     func(workflow.Incident) error                   // may refuse with a *workflow.Refusal, once the incident is loaded
	Reply     func(Result) []byte                             // encodes the reply that is stored under Operation
	LoadOther func(id string) (workflow.OtherIncident, error) // loads another incident that the step asks about; ErrNotFound when there is none
	Records   []RecordChange                                  // written in the same commit
}

// Result is the result of a change.
type Result struct {
	Before   workflow.Incident
	Outcome  workflow.Outcome
	Refusal  error  // a *workflow.Refusal: nothing was changed
	Repeated []byte // the reply that was stored when the operation came first; nothing was changed now
}

// maxConflicts is how often a step is repeated because another replica committed
// first. Inputs within one process wait for each other (incidentLocks).
const maxConflicts = 100

// Apply takes an incident through one step and commits the outcome. The error is
// ErrNotFound for an incident that does not exist, ErrLeaseLost when the lease of
// Settle has ended, or the store's. A refusal is not an error: it is in the Result.
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

// tryApply loads the incident, takes one step and commits. The error is ErrConflict
// when another replica committed first.
func (e *Engine) tryApply(ctx context.Context, id string, c Change) (Result, error) {
	loaded, err := e.cfg.Store.Load(ctx, id)
	if _, ok := c.Command.(workflow.Declare); ok && errors.Is(err, ErrNotFound) {
		err = nil
		loaded = Loaded{ID: id, Number: workflow.NumberOf(id)}
	}
	if err != nil {
		return Result{}, err
	}
	if loaded.Snapshot == nil && loaded.Stub != nil {
		if _, ok := c.Command.(workflow.Wake); ok {
			return e.applyFirst(ctx, loaded, c.Settle)
		}
		if _, err = e.applyFirst(ctx, loaded, nil); err != nil {
			return Result{}, err
		}
		return Result{}, ErrConflict // it is declared now: load it again for the input
	}
	before, err := DecodeIncident(loaded)
	if err != nil {
		return Result{}, err
	}
	if c.Guard != nil {
		if refusal := c.Guard(before); refusal != nil {
			return Result{Before: before, Refusal: refusal}, nil //nolint:nilerr // a refusal is an answer, not an error
		}
	}
	return e.step(ctx, loaded, before, c)
}

// applyFirst takes the first step of an incident that exists only as a stub, which
// the intake stored with its alerts.
func (e *Engine) applyFirst(ctx context.Context, l Loaded, settle *Lease) (Result, error) {
	declare, err := alerts.DecodeStub(l.Stub)
	if err != nil {
		return Result{}, fmt.Errorf("read the stub of %s: %w", l.ID, err)
	}
	declare.Previous = l.Previous
	if l.Previous != "" { // an incident that follows a private one is private (P2: private means members only)
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

// step answers the questions of a step, takes the step and commits the outcome.
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
	if errors.Is(err, ErrTaken) { // the alert group belongs to another incident by now
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
	} else if hash != before.PlanHash {
		e.plans.Store(hash, in.Known.Next)
	}
	e.wakeFor(c)
	return res, nil
}

// wakeFor wakes the loops for which a commit may have made work due.
func (e *Engine) wakeFor(c Commit) {
	classes := make([]workflow.Class, 0, len(c.Tasks)+2)
	for _, t := range c.Tasks {
		classes = append(classes, t.Lane.Class)
	}
	if !c.WakeAt.IsZero() {
		classes = append(classes, workflow.ClassWake)
	}
	if c.Settle != nil { // the next task of the lane may be due
		classes = append(classes, c.Settle.Lane.Class)
	}
	e.Wake(classes...)
}

// LoadUnchecked returns an incident without any check of access. The error is
// ErrNotFound or the store's.
func (e *Engine) LoadUnchecked(ctx context.Context, id string) (workflow.Incident, error) {
	l, err := e.cfg.Store.Load(ctx, id)
	if err != nil {
		return workflow.Incident{}, err
	}
	return DecodeIncident(l)
}

// DecodeIncident decodes a loaded incident. Of a stub only ID and Number are set.
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

// Settle ends a task whose incident needs no answer, and writes records in
// the same commit.
func (e *Engine) Settle(ctx context.Context, l Lease, records ...RecordChange) error {
	c := Commit{At: e.Now(), Incident: l.Owner, Settle: &l, Records: records}
	_, err := e.cfg.Store.Commit(ctx, c)
	if err == nil {
		e.wakeFor(c)
	}
	return err
}
