package inbound

import (
	"tocsin/adapters/slack"
	"tocsin/bot/platform"
)

// Description describes Slack as a chat platform: the client, and what receives from
// it.
func Description() platform.Description {
	d := slack.Description()
	d.Connect = func(o platform.Options) (platform.Platform, error) {
		w, err := slack.Connect(o)
		if err != nil {
			return nil, err
		}
		return connection{w}, nil
	}
	return d
}

// connection is a connected workspace that can be received from.
type connection struct{ *slack.Workspace }

// Inbound implements [platform.Platform].
func (c connection) Inbound(app platform.Application) platform.Inbound {
	return New(c.Workspace, app)
}
