package dispatch

import (
	"context"
	"fmt"
	"strings"

	"tocsin/bot/access"
	"tocsin/workflow"
)

// maxApplied is how many incidents a reply names one by one.
const maxApplied = 20

// applyPolicyToAll gives every open incident that the speaker may see the plan that the
// configuration gives it now (E8b: an edited policy can be applied to running incidents).
// Each incident is a step of its own: after a failure between two of them the same line
// goes on where it stopped.
func (d *Dispatcher) applyPolicyToAll(ctx context.Context, r Request) (Reply, error) {
	all, err := d.engine.PlanChanges(ctx)
	if err != nil {
		return Reply{}, err
	}
	var lines []string
	done := 0
	for _, one := range all {
		if access.CheckVisible(one.Incident, r.Speaker) != nil {
			continue
		}
		own := r
		if r.Operation != "" {
			own.Operation = r.Operation + " " + one.Incident.ID
		}
		reply, err := d.changeIncident(ctx, incidentChange{incident: one.Incident.ID, command: workflow.ApplyPolicy{}}, own)
		if err != nil {
			return Reply{}, err
		}
		if reply.OK {
			done++
		}
		if len(lines) < maxApplied {
			lines = append(lines, reply.Text)
		}
	}
	if len(lines) == 0 {
		return Reply{OK: true, Text: "Every open incident follows the configured policy already: nothing was changed."}, nil
	}
	if more := done - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more.", more))
	}
	return Reply{OK: true, Text: strings.Join(lines, "\n")}, nil
}
