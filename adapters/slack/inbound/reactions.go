package inbound

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/adapters/slack"
	"tocsin/bot"
	"tocsin/bot/dispatch"
)

// pushpin is 📌, with which people pin a message to the timeline.
const pushpin = "pushpin"

// handleReaction pins a message when a person puts 📌 on it, and unpins it when the
// last one is removed (docs.slack.dev/reference/events/reaction_added).
func (s *Server) handleReaction(e event) (task, error) {
	var r struct {
		Type string `json:"type"`
		User string `json:"user"`
		Name string `json:"reaction"`
		Item struct {
			Type    string `json:"type"`
			Channel string `json:"channel"`
			TS      string `json:"ts"`
		} `json:"item"`
	}
	if err := json.Unmarshal(e.Event, &r); err != nil {
		return task{}, fmt.Errorf("read a reaction: %w", err)
	}
	if r.Name != pushpin || r.Item.Type != "message" {
		return task{}, nil
	}
	m := message{Channel: r.Item.Channel, TS: r.Item.TS}
	return task{lane: m.Channel, run: func(ctx context.Context) outcome {
		room, err := s.incidentOf(ctx, m.Channel)
		if err != nil || room == "" {
			return outcome{err: err}
		}
		d := dispatch.Request{Room: room, Speaker: s.identifyUser(ctx, r.User, r.User), Operation: operationOf(e.ID, "")}
		if r.Type == "reaction_removed" {
			return outcome{err: s.unpin(ctx, d, m)}
		}
		return s.pin(ctx, d, m, recipient{key: "reply/" + d.Operation, user: r.User, channel: m.Channel})
	}}, nil
}

// pin pins a message to the timeline. One that was never recorded is fetched from
// Slack. A refusal goes to the person who put 📌 on it alone.
func (s *Server) pin(ctx context.Context, r dispatch.Request, m message, to recipient) outcome {
	reply, err := s.app.Dispatcher.Pin(ctx, r, m.key())
	if err == nil && !reply.OK {
		found, e := s.fetch(ctx, m)
		if e != nil && !bot.IsRefused(e) {
			return outcome{err: e}
		}
		if found != nil && e == nil {
			if text := s.messageText(ctx, *found); text != "" {
				r.Text = s.author(ctx, *found).Name + ": " + text
				reply, err = s.app.Dispatcher.Pin(ctx, r, m.key())
			}
		}
	}
	if err != nil || reply.OK {
		return outcome{err: err}
	}
	return outcome{after: func(ctx context.Context, _ bool) { s.sendAnswer(ctx, to, slack.RenderReply(reply.Text)) }}
}

// unpin unpins a message when no 📌 is left on it.
func (s *Server) unpin(ctx context.Context, r dispatch.Request, m message) error {
	left, err := s.workspace.API.Reactions(ctx, m.Channel, m.TS)
	if err != nil && !bot.IsRefused(err) {
		return err
	}
	if left[pushpin] > 0 {
		return nil
	}
	_, err = s.app.Dispatcher.Unpin(ctx, r, m.key())
	return err
}

// fetch reads one message from Slack again; nil when it is gone.
func (s *Server) fetch(ctx context.Context, m message) (*message, error) {
	found, err := s.workspace.API.FetchMessage(ctx, m.Channel, m.TS)
	if found == nil || err != nil {
		return nil, err
	}
	m.User, m.Bot, m.UserName, m.Text = found.User, found.BotID, found.Username, found.Text
	if found.BotProfile != nil {
		m.Profile.Name = found.BotProfile.Name
	}
	return &m, nil
}
