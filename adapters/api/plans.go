package api

import (
	"net/http"

	"tocsin/bot/access"
	"tocsin/workflow"
)

// plannedIncident is an open incident and the plan that it has.
type plannedIncident struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Severity int      `json:"severity"`
	Services []string `json:"services,omitempty"`
	Plan     string   `json:"plan"` // key of the plan
}

// handlePlans returns the open incidents that the caller may see with their plans, so
// that a configuration can be compared with them before it is used (E8b: an edited policy
// can be applied to running incidents).
func (s *server) handlePlans(r *http.Request, who caller) (any, error) {
	running, err := s.Engine.RunningPlans(r.Context())
	if err != nil {
		return nil, err
	}
	answer := struct {
		Incidents []plannedIncident        `json:"incidents"`
		Plans     map[string]workflow.Plan `json:"plans"`
	}{[]plannedIncident{}, map[string]workflow.Plan{}}
	for _, i := range running.Incidents {
		if access.CheckVisible(i, who.Speaker) != nil {
			continue
		}
		answer.Incidents = append(answer.Incidents, plannedIncident{
			ID: i.ID, Title: i.Title, Severity: int(i.Severity), Services: i.Services, Plan: i.PlanHash,
		})
		if plan, ok := running.Plans[i.PlanHash]; ok {
			answer.Plans[i.PlanHash] = plan
		}
	}
	return answer, nil
}
