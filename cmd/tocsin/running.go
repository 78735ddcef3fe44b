package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/workflow"
)

// maxCompared is how many incidents are printed one by one.
const maxCompared = 50

// checkAgainstRunning prints the open incidents whose policy or promises a configuration
// would change, and the command that changes them (E8b: an edited policy can be applied to
// running incidents).
func checkAgainstRunning(ctx context.Context, out io.Writer, c client, org *bot.Organization) error {
	running, err := c.readRunningPlans(ctx)
	if err != nil {
		return err
	}
	changes := running.Changes(org)
	if len(changes) == 0 {
		fmt.Fprintln(out, "Every open incident has the policy and promises of this configuration.")
		return nil
	}
	keeps := "keep"
	if len(changes) == 1 {
		keeps = "keeps"
	}
	fmt.Fprintf(out, "%s %s another policy or other promises than this configuration has:\n", formatCount(len(changes), "open incident"), keeps)
	for n, one := range changes {
		if n == maxCompared {
			fmt.Fprintf(out, "  and %d more\n", len(changes)-n)
			break
		}
		title := one.Incident.Title
		if one.Incident.Visibility == workflow.Private {
			title = "(private)"
		}
		fmt.Fprintf(out, "  %s %s: %s\n", one.Incident.ID, title, strings.Join(one.Changes, "; "))
	}
	fmt.Fprintln(out, "Reload the server, then `policy apply INC-n` gives one of them the new ones, `policy apply --all` all.")
	return nil
}

// readRunningPlans reads the open incidents and their plans: from the server that was
// named, else from the store, and from the server that runs on it when that keeps the
// store for itself.
func (c *client) readRunningPlans(ctx context.Context) (bot.RunningPlans, error) {
	var running bot.RunningPlans
	if c.server != "" {
		return c.askRunningPlans(ctx)
	}
	at, err := findLocation(c.data)
	if err == nil {
		err = at.checkExists()
	}
	if err != nil {
		return running, err
	}
	err = at.withStore(ctx, slog.New(slog.DiscardHandler), func(s store) error {
		var failed error
		running, failed = bot.ReadRunningPlans(ctx, s)
		return failed
	})
	if errors.Is(err, sqlite.ErrInUse) {
		return c.askRunningPlans(ctx)
	}
	return running, err
}

// askRunningPlans asks the server for the open incidents and their plans.
func (c *client) askRunningPlans(ctx context.Context) (bot.RunningPlans, error) {
	var answer struct {
		Incidents []struct {
			ID, Title, Plan string
			Severity        workflow.Severity
			Services        []string
		}
		Plans map[string]workflow.Plan
	}
	err := c.call(ctx, http.MethodGet, "/api/v1/plans", nil, &answer)
	running := bot.RunningPlans{Plans: answer.Plans}
	for _, i := range answer.Incidents {
		running.Incidents = append(running.Incidents, workflow.Incident{
			ID: i.ID, Title: i.Title, Severity: i.Severity, Services: i.Services, PlanHash: i.Plan,
		})
	}
	return running, err
}
