package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tocsin/workflow"
)

// ownerPrefix begins the ID of the policy that pages an owner first, see
// [Organization.Plan].
const ownerPrefix = "owner:"

// ConfiguredPlan returns the plan that a configuration gives an incident now: by its
// services, and by the owner who is paged first, as in the plan that it has.
func ConfiguredPlan(org *Organization, i workflow.Incident, has workflow.Plan) workflow.Plan {
	var owner workflow.Target
	for _, p := range has.Policies {
		if p.ID == has.Policy && strings.HasPrefix(p.ID, ownerPrefix) && len(p.Steps) > 0 && len(p.Steps[0].Notify) > 0 {
			owner = p.Steps[0].Notify[0]
		}
	}
	return org.Plan(i.Services, owner)
}

// PlanChange is what `policy apply` would change for an open incident.
type PlanChange struct {
	Incident workflow.Incident
	Changes  []string // in words, see workflow.PlanChanges
}

// PlanSource holds plans and open incidents. Every store is one.
type PlanSource interface {
	// Get returns a record, or ErrNotFound.
	Get(ctx context.Context, kind, id string) (Record, error)
	// List returns incidents, the newest first.
	List(ctx context.Context, q Query) ([]Loaded, error)
}

// RunningPlans are the open incidents and the plans that they have.
type RunningPlans struct {
	Incidents []workflow.Incident // the newest first, without those that have not taken their first step
	Plans     map[string]workflow.Plan
}

// ReadRunningPlans reads the open incidents and their plans from a store. A plan that is
// missing there is missing in the result.
func ReadRunningPlans(ctx context.Context, s PlanSource) (RunningPlans, error) {
	r := RunningPlans{Plans: map[string]workflow.Plan{}}
	for q := (Query{Open: true, Limit: 200}); ; {
		page, err := s.List(ctx, q)
		if err != nil {
			return r, fmt.Errorf("list the open incidents: %w", err)
		}
		for _, l := range page {
			q.Before = l.Number
			i, err := DecodeIncident(l)
			if err != nil {
				return r, err
			}
			if i.PlanHash == "" { // it copies the plan with its first step
				continue
			}
			r.Incidents = append(r.Incidents, i)
			if _, ok := r.Plans[i.PlanHash]; ok {
				continue
			}
			switch plan, err := readPlan(ctx, s, i.PlanHash); {
			case err == nil:
				r.Plans[i.PlanHash] = plan
			case !errors.Is(err, ErrNotFound):
				return r, err
			}
		}
		if len(page) < q.Limit {
			return r, nil
		}
	}
}

// Changes returns the incidents whose plan is not the one that a configuration gives them
// (E8b: an edited policy can be applied to running incidents).
func (r RunningPlans) Changes(org *Organization) []PlanChange {
	var all []PlanChange
	hashes := map[string]string{} // by policy, which says the rest of a configured plan
	for _, i := range r.Incidents {
		has := r.Plans[i.PlanHash]
		next := ConfiguredPlan(org, i, has)
		if _, ok := hashes[next.Policy]; !ok {
			hashes[next.Policy] = next.Hash()
		}
		if hashes[next.Policy] != i.PlanHash {
			all = append(all, PlanChange{Incident: i, Changes: workflow.PlanChanges(has, next, i.Severity)})
		}
	}
	return all
}

// RunningPlans returns the open incidents and the plans that they have.
func (e *Engine) RunningPlans(ctx context.Context) (RunningPlans, error) {
	return ReadRunningPlans(ctx, e.cfg.Store)
}

// PlanChanges returns the open incidents that have another plan than the configuration in
// force gives them.
func (e *Engine) PlanChanges(ctx context.Context) ([]PlanChange, error) {
	r, err := e.RunningPlans(ctx)
	if err != nil {
		return nil, err
	}
	return r.Changes(e.Organization()), nil
}

// readPlan reads the plan with a content hash from a store.
func readPlan(ctx context.Context, s PlanSource, hash string) (workflow.Plan, error) {
	var p workflow.Plan
	rec, err := s.Get(ctx, kindPlan, hash)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(rec.Body, &p); err != nil {
		return p, fmt.Errorf("read plan %s: %w", hash, err)
	}
	return p, nil
}
