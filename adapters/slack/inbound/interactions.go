package inbound

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"tocsin/adapters/slack"
	"tocsin/bot/dispatch"
	"tocsin/commands"
)

// handleInteraction handles what people press, submit and choose
// (docs.slack.dev/reference/interaction-payloads).
func (s *Server) handleInteraction(body json.RawMessage) (task, error) {
	var c slackgo.InteractionCallback
	if err := json.Unmarshal(body, &c); err != nil {
		return task{}, fmt.Errorf("read an interaction: %w", err)
	}
	switch c.Type {
	case slackgo.InteractionTypeBlockActions:
		return s.handlePress(&c), nil
	case slackgo.InteractionTypeViewSubmission:
		return s.handleSubmission(&c), nil
	case slackgo.InteractionTypeBlockSuggestion:
		return task{run: func(ctx context.Context) outcome { return s.suggest(ctx, &c) }}, nil
	case slackgo.InteractionTypeShortcut:
		return s.handleShortcut(&c), nil
	case slackgo.InteractionTypeMessageAction:
		return s.handleMessageShortcut(&c, body)
	case slackgo.InteractionTypeViewClosed, slackgo.InteractionTypeInteractionMessage, // not subscribed to
		slackgo.InteractionTypeDialogCancellation, slackgo.InteractionTypeDialogSubmission, slackgo.InteractionTypeDialogSuggestion,
		slackgo.InteractionTypeWorkflowStepEdit:
		return task{}, nil
	}
	return task{}, nil
}

// userName is the name of a user in a payload.
func userName(u *slackgo.User) string { return cmp.Or(u.RealName, u.Name, u.ID) }

// foreignButton is the answer to a button of another installation's message, whose INC-7 is
// another incident.
const foreignButton = "Nothing was changed: that message was written by another installation of Tocsin, or before its data was replaced. Use its newer messages, or type the command."

// handlePress carries the command line out that is the value of a button or a
// menu's option.
func (s *Server) handlePress(c *slackgo.InteractionCallback) task {
	if len(c.ActionCallback.BlockActions) == 0 || c.View.Type == slackgo.VTModal {
		return task{}
	}
	action := c.ActionCallback.BlockActions[0]
	line := strings.TrimSpace(cmp.Or(action.Value, action.SelectedOption.Value))
	if line == "" || strings.HasPrefix(action.ActionID, "open:") {
		return task{}
	}
	operation := operationOf(c.TriggerID, action.ActionID)
	to := recipient{
		key: "reply/" + operation, responseURL: c.ResponseURL, user: c.User.ID, channel: cmp.Or(c.Channel.ID, c.Container.ChannelID),
		thread: cmp.Or(c.Container.ThreadTs, c.Message.ThreadTimestamp),
	}
	if s.workspace.Messages.IsForeign(&c.Message) { // Slack sends what is pressed to any of an app's connections
		r := request{operation: operation, to: to}
		return task{key: operation, run: func(context.Context) outcome { return s.reply(r, foreignButton) }}
	}
	return task{key: operation, run: func(ctx context.Context) outcome {
		o := s.answer(ctx, request{line: line, speaker: s.identifyUser(ctx, c.User.ID, userName(&c.User)), operation: operation, trigger: c.TriggerID, to: to})
		if c.View.Type == slackgo.VTHomeTab {
			after := o.after
			o.after = func(ctx context.Context, delivered bool) {
				if after != nil {
					after(ctx, delivered)
				}
				s.publishHome(ctx, c.User.ID, userName(&c.User))
			}
		}
		return o
	}}
}

// handleSubmission carries a form out. A form is submitted once: when it is
// submitted again because its outcome was not clear, it is the same operation.
func (s *Server) handleSubmission(c *slackgo.InteractionCallback) task {
	name, isForm := strings.CutPrefix(c.View.CallbackID, slack.FormCallback)
	word, ok := s.app.Catalog().Find(name)
	if !isForm || !ok {
		return task{}
	}
	return task{key: operationOf(c.TriggerID, c.View.ID), run: func(ctx context.Context) outcome {
		origin, err := slack.ReadOrigin(c.View.PrivateMetadata)
		if err != nil {
			return outcome{payload: formRefusal(word, s.failureText(ctx, err), nil)}
		}
		r := dispatch.Request{
			Text: origin.Line(), Room: origin.Incident, Fields: slack.ReadForm(c.View.State), Speaker: s.identifyUser(ctx, c.User.ID, userName(&c.User)),
			Operation: operationOf(c.View.ID, "form"),
		}
		reply, failed := s.run(ctx, r)
		to := recipient{key: "reply/" + r.Operation, responseURL: origin.ResponseURL, user: c.User.ID, channel: origin.Channel}
		o := outcome{after: func(ctx context.Context, delivered bool) {
			if !delivered || reply.OK { // a refusal is shown in the form
				s.sendAnswer(ctx, to, slack.RenderReply(reply.Text))
			}
		}}
		if failed || !reply.OK {
			o.payload = formRefusal(word, reply.Text, r.Fields)
		}
		return o
	}}
}

// formRefusal is the payload that keeps a form open and says why
// (docs.slack.dev/surfaces/modals, "Displaying errors in views").
func formRefusal(word commands.Spec, message string, fields map[string][]string) any {
	return slackgo.NewErrorsViewSubmissionResponse(slack.FormErrors(word, message, fields))
}

// suggest answers a menu that asks which choices match what was typed into it.
func (s *Server) suggest(ctx context.Context, c *slackgo.InteractionCallback) outcome {
	word, _ := s.app.Catalog().Find(strings.TrimPrefix(c.View.CallbackID, slack.FormCallback))
	var choices []commands.Choice
	for _, f := range word.Form {
		if f.Name == c.BlockID {
			choices = s.app.Dispatcher.Choices(ctx, f.Kind, s.identifyUser(ctx, c.User.ID, userName(&c.User)))
		}
	}
	return outcome{payload: slack.Suggest(choices, c.Value)}
}
