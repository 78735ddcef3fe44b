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

// PlanChanges returns the open incidents whose plan is not the one that a configuration
// gives them, the newest first (E8b: an edited policy can be applied to running
// incidents).
func PlanChanges(ctx context.Context, s PlanSource, org *Organization) ([]PlanChange, error) {
	var all []PlanChange
	plans, hashes := map[string]workflow.Plan{}, map[string]string{} // the second by policy, which says the rest of a configured plan
	for q := (Query{Open: true, Limit: 200}); ; {
		page, err := s.List(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list the open incidents: %w", err)
		}
		for _, l := range page {
			q.Before = l.Number
			i, err := DecodeIncident(l)
			if err != nil {
				return nil, err
			}
			if i.PlanHash == "" { // it has not taken its first step, and will copy the plan then
				continue
			}
			has, ok := plans[i.PlanHash]
			if !ok {
				if has, err = readPlan(ctx, s, i.PlanHash); err != nil && !errors.Is(err, ErrNotFound) {
					return nil, err
				}
				plans[i.PlanHash] = has
			}
			next := ConfiguredPlan(org, i, has)
			if _, ok := hashes[next.Policy]; !ok {
				hashes[next.Policy] = next.Hash()
			}
			if hashes[next.Policy] != i.PlanHash {
				all = append(all, PlanChange{Incident: i, Changes: workflow.PlanChanges(has, next, i.Severity)})
			}
		}
		if len(page) < q.Limit {
			return all, nil
		}
	}
}

// PlanChanges returns the open incidents that have another plan than the configuration in
// force gives them.
func (e *Engine) PlanChanges(ctx context.Context) ([]PlanChange, error) {
	return PlanChanges(ctx, e.cfg.Store, e.Organization())
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
