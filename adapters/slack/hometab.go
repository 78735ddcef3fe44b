package slack

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"tocsin/bot/access"
	"tocsin/workflow"
)

// mostHome is how many open incidents are looked at for a Home tab.
const mostHome = 500

// home draws somebody's Home tab when they open it
// (docs.slack.dev/reference/events/app_home_opened).
func (w *Workspace) home(e event) (task, error) {
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
	return task{do: func(context.Context) answer {
		return answer{after: func(ctx context.Context, _ bool) { w.publish(ctx, opened.User, opened.User) }}
	}}, nil
}

// publish draws somebody's Home tab. One that could not be drawn is drawn when
// they open it the next time.
func (w *Workspace) publish(ctx context.Context, user, name string) {
	h, err := w.homeOf(ctx, w.speaker(ctx, user, name))
	if err == nil {
		err = w.call(ctx, call{method: "views.publish", key: "home/" + user, wait: true}, func(ctx context.Context) error {
			_, e := w.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: homeView(h)})
			return e
		})
	}
	if err != nil {
		w.cfg.Log.WarnContext(ctx, "a Home tab could not be drawn", "user", user, "error", err.Error())
	}
}

// homeOf is what somebody's Home tab shows.
func (w *Workspace) homeOf(ctx context.Context, s access.Speaker) (homeData, error) {
	org := w.app.Organization()
	h := homeData{Guest: s.Person == "" && len(org.Directory.People) > 0, URL: org.URL}
	acknowledge, _ := w.app.Catalog().Find("ack")
	h.CanAcknowledge = func(i *workflow.Incident) bool { return access.Can(s, acknowledge, i) == nil }
	open, err := w.app.Incidents.ListOpen(ctx, mostHome)
	if err != nil {
		return h, err
	}
	me := s.Person
	if me == "" {
		me = "guest:" + s.Handle
	}
	for n := range open {
		if !s.CanSee(&open[n]) {
			continue
		}
		h.Open = append(h.Open, open[n])
		if concerns(&open[n], me) {
			h.Yours = append(h.Yours, open[n])
		}
	}
	return h, nil
}

// concerns reports whether somebody holds or leads an incident, or is asked for.
func concerns(i *workflow.Incident, who string) bool {
	if i.Acknowledgement.Person == who {
		return true
	}
	for _, person := range i.Roles {
		if person == who {
			return true
		}
	}
	return i.IsAwaiting(who)
}
