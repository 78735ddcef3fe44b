package inbound

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/adapters/slack"
	"tocsin/bot/access"
	"tocsin/workflow"
)

// maxHomeIncidents is how many open incidents are looked at for a Home tab.
const maxHomeIncidents = 500

// handleHomeOpened publishes a person's Home tab when they open it
// (docs.slack.dev/reference/events/app_home_opened).
func (s *Server) handleHomeOpened(e event) (task, error) {
	var opened struct {
		User string `json:"user"`
		Tab  string `json:"tab"`
	}
	if err := json.Unmarshal(e.Event, &opened); err != nil {
		return task{}, fmt.Errorf("read who opens a Home tab: %w", err)
	}
	if opened.Tab != "home" {
		return task{}, nil
	}
	return task{run: func(context.Context) outcome {
		return outcome{after: func(ctx context.Context, _ bool) { s.publishHome(ctx, opened.User, opened.User) }}
	}}, nil
}

// publishHome publishes a person's Home tab. One that could not be published is
// published when they open it the next time.
func (s *Server) publishHome(ctx context.Context, user, name string) {
	h, err := s.homeData(ctx, s.identifyUser(ctx, user, name))
	if err == nil {
		err = s.workspace.API.PublishHome(ctx, user, slack.HomeView(h))
	}
	if err != nil {
		s.log.WarnContext(ctx, "a Home tab could not be published", "user", user, "error", err.Error())
	}
}

// homeData is what a person's Home tab is rendered from.
func (s *Server) homeData(ctx context.Context, speaker access.Speaker) (slack.HomeData, error) {
	org := s.app.Organization()
	h := slack.HomeData{Guest: speaker.Person == "" && len(org.Directory.People) > 0, URL: org.URL}
	acknowledge, _ := s.app.Catalog().Find("ack")
	h.CanAcknowledge = func(i *workflow.Incident) bool { return access.Can(speaker, acknowledge, i) == nil }
	open, err := s.app.Incidents.ListOpen(ctx, maxHomeIncidents)
	if err != nil {
		return h, err
	}
	person := speaker.Person
	if person == "" {
		person = "guest:" + speaker.Handle
	}
	for n := range open {
		if !speaker.CanSee(&open[n]) {
			continue
		}
		h.Open = append(h.Open, open[n])
		if isInvolved(&open[n], person) {
			h.Yours = append(h.Yours, open[n])
		}
	}
	return h, nil
}

// isInvolved reports whether a person has acknowledged an incident, has a role in
// it, or is waited for.
func isInvolved(i *workflow.Incident, person string) bool {
	if i.Acknowledgement.Person == person {
		return true
	}
	for _, p := range i.Roles {
		if p == person {
			return true
		}
	}
	return i.IsAwaiting(person)
}
