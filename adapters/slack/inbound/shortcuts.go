package inbound

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"tocsin/adapters/slack"
	"tocsin/bot/dispatch"
)

// handleShortcut opens the form to declare.
func (s *Server) handleShortcut(c *slackgo.InteractionCallback) task {
	if c.CallbackID != slack.ShortcutDeclare {
		return task{}
	}
	return task{key: operationOf(c.TriggerID, ""), run: func(ctx context.Context) outcome { return s.answer(ctx, s.declareRequest(ctx, c)) }}
}

// declareRequest is the request of a person who has chosen a shortcut to declare
// an incident.
func (s *Server) declareRequest(ctx context.Context, c *slackgo.InteractionCallback) request {
	operation := operationOf(c.TriggerID, "")
	return request{
		line: "declare", speaker: s.identifyUser(ctx, c.User.ID, userName(&c.User)), operation: operation, trigger: c.TriggerID,
		to: recipient{key: "reply/" + operation, responseURL: c.ResponseURL, user: c.User.ID, channel: c.Channel.ID},
	}
}

// handleMessageShortcut declares an incident from a message, or pins the message.
func (s *Server) handleMessageShortcut(c *slackgo.InteractionCallback, body json.RawMessage) (task, error) {
	var payload struct {
		Message message `json:"message"`
	}
	if err := json.Unmarshal(body, &payload); err != nil {
		return task{}, fmt.Errorf("read the message of a shortcut: %w", err)
	}
	m := payload.Message
	m.Channel = c.Channel.ID
	operation := operationOf(c.TriggerID, "")
	switch c.CallbackID {
	case slack.ShortcutDeclareFrom:
		return task{key: operation, run: func(ctx context.Context) outcome {
			r := s.declareRequest(ctx, c)
			r.values = func(ctx context.Context) map[string][]string { return s.declareValues(ctx, m) }
			return s.answer(ctx, r)
		}}, nil
	case slack.ShortcutPin:
		return task{key: operation, run: func(ctx context.Context) outcome { return s.pinMessage(ctx, s.declareRequest(ctx, c), m) }}, nil
	}
	return task{}, nil
}

// declareValues are the values with which a message fills in the form to declare:
// its text with a link to it, and its author.
func (s *Server) declareValues(ctx context.Context, m message) map[string][]string {
	description := s.displayText(ctx, m.Text)
	if self, ok := s.workspace.API.KnownIdentity(); ok { // else Slack would have to be asked
		description += "\n\n" + self.URL + "archives/" + m.Channel + "/p" + strings.ReplaceAll(m.TS, ".", "")
	}
	reporter := s.author(ctx, m)
	by := reporter.Name
	switch {
	case reporter.Person != "":
		by = "@" + reporter.Person
	case s.isConfiguredName(by):
		by += " on Slack"
	}
	return map[string][]string{"description": {strings.TrimSpace(description)}, "reporter": {by}}
}

// pinMessage pins a message to the timeline of the room it is in.
func (s *Server) pinMessage(ctx context.Context, r request, m message) outcome {
	room, err := s.incidentOf(ctx, m.Channel)
	if err != nil {
		return s.reply(r, s.failureText(ctx, err))
	}
	if room == "" {
		return s.reply(r, "This channel is not an incident's room, so there is no timeline to pin the message to. In an incident's room, you can also use `note TEXT`.")
	}
	reply, err := s.app.Dispatcher.Pin(ctx, dispatch.Request{
		Text: s.author(ctx, m).Name + ": " + s.messageText(ctx, m), Room: room, Speaker: r.speaker, Operation: r.operation,
	}, m.key())
	if err != nil {
		return s.reply(r, s.failureText(ctx, err))
	}
	return s.reply(r, reply.Text)
}
