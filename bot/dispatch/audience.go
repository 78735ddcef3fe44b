package dispatch

import (
	"context"
	"errors"

	"tocsin/bot/access"
	"tocsin/workflow"
)

// maxChecked is how many incidents of a reply are checked: a longer list is for the
// speaker alone.
const maxChecked = 100

// IsForSpeaker reports whether a reply is for the speaker alone, and not for everyone
// who reads the room on a platform in which the command was typed: it signs them in, or
// names an incident that is private and whose room this is not (P2: private means
// members only). An incident that does not exist counts as one that is private.
func (d *Dispatcher) IsForSpeaker(ctx context.Context, r Reply, platform, room string) (bool, error) {
	if r.Secret {
		return true, nil
	}
	named := workflow.FindIDs(r.Text + " " + r.Incident)
	if len(named) > maxChecked {
		return true, nil
	}
	for _, id := range named {
		i, err := d.incidents.Get(ctx, id, access.Speaker{})
		if err == nil {
			continue
		}
		if _, ok := errors.AsType[*workflow.Refusal](err); !ok {
			return true, err
		}
		if own, ok := i.Room(platform); !ok || own.ID != room || !own.Private { // a room that it has left is not private
			return true, nil
		}
	}
	return false, nil
}
