package agenda

import (
	"context"
	"errors"
	"fmt"

	"tocsin/bot"
	"tocsin/workflow"
)

// handle passes works to the package that carries them out.
func (r *Runner) handle(ctx context.Context, group []bot.Work) []bot.Answer {
	w := group[0]
	if w.ID == bot.WakeTask {
		return []bot.Answer{{Command: workflow.Wake{}}}
	}
	switch a := w.Action.(type) {
	case workflow.PageAction:
		return r.handlePages(ctx, r.withIncidents(ctx, group), a)
	case workflow.RoomAction:
		i, err := r.cfg.Engine.LoadUnchecked(ctx, w.Owner)
		if err != nil {
			return []bot.Answer{bot.Retry(err)}
		}
		w.Incident = i
		return []bot.Answer{r.cfg.Rooms.HandleRoom(ctx, w, a)}
	case workflow.IncidentAction:
		return []bot.Answer{r.handleIncident(ctx, w, a)}
	case workflow.UnknownAction:
		return []bot.Answer{{Command: r.giveUpCommand(w, "a task of a newer version", fmt.Errorf("this version does not know the action %q", a.Kind))}}
	}
	return []bot.Answer{{Command: r.giveUpCommand(w, "a task", fmt.Errorf("no package handles %T", w.Action))}}
}

// handlePages sends the pages of a group, or takes back the page of its only work, whose
// action is a.
func (r *Runner) handlePages(ctx context.Context, group []bot.Work, a workflow.PageAction) []bot.Answer {
	switch a := a.(type) {
	case workflow.SendPage:
		return r.cfg.Pages.HandlePages(ctx, group)
	case workflow.CancelPage:
		return []bot.Answer{r.cfg.Pages.HandleCancel(ctx, group[0], a)}
	}
	return nil
}

// handleIncident applies a forwarded command to another incident, or passes alerts of the
// incident through the intake again.
func (r *Runner) handleIncident(ctx context.Context, w bot.Work, a workflow.IncidentAction) bot.Answer {
	switch a := a.(type) {
	case workflow.Forward:
		_, err := r.cfg.Engine.Apply(ctx, a.Incident, bot.Change{By: systemActor(), Command: a.Command(), Operation: "effect " + w.ID})
		switch {
		case errors.Is(err, bot.ErrNotFound):
			return bot.Answer{Command: workflow.GiveUp{What: "forwarding to " + a.Incident, Why: "it does not exist"}}
		case err != nil:
			return bot.Retry(err)
		}
	case workflow.Reroute:
		if err := r.cfg.Intake.Reroute(ctx, w.Owner, a.At); err != nil {
			return bot.Retry(err)
		}
	case workflow.JudgeAlerts:
		if err := r.cfg.Intake.Judge(ctx, a.Alerts); err != nil {
			return bot.Retry(err)
		}
	}
	return bot.Answer{}
}

// withIncidents loads the incidents of pages. It takes at most half of the time that
// the lease has beyond a send, so that the lease still covers the send. When the
// store cannot be read the page goes out without (E3: check again before each send).
func (r *Runner) withIncidents(ctx context.Context, group []bot.Work) []bot.Work {
	load, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	for n, w := range group {
		i, err := r.cfg.Engine.LoadUnchecked(load, w.Owner)
		if err != nil {
			r.cfg.Log.Error("the store cannot be read; sending the page nevertheless", "incident", w.Owner, "error", err.Error())
			continue
		}
		group[n].Incident = i
	}
	return group
}
