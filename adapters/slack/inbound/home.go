package inbound

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/adapters/slack"
	"tocsin/bot/access"
	"tocsin/bot/incidents"
	"tocsin/workflow"
)

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
	person := speaker.ID()
	read := s.app.Incidents
	var err error
	var moreYours, moreOthers incidents.Cursor
	if h.Yours, moreYours, err = read.List(ctx, speaker, incidents.Filter{Involving: person, Limit: slack.MaxHomeRows}); err != nil {
		return h, err
	}
	if h.Others, moreOthers, err = read.List(ctx, speaker, incidents.Filter{NotInvolving: person, Limit: slack.MaxHomeRows}); err != nil {
		return h, err
	}
	yours := len(h.Yours)
	if !moreYours.IsZero() {
		if yours, err = read.CountInvolving(ctx, person); err != nil {
			return h, err
		}
		h.MoreYours = max(yours-len(h.Yours), 1)
	}
	if !moreOthers.IsZero() {
		all, failed := read.CountOpen(ctx, speaker)
		if failed != nil {
			return h, failed
		}
		h.MoreOthers = max(all.Open-yours-len(h.Others), 1)
	}
	return h, nil
}
