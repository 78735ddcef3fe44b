package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/bot/dispatch"
	"tocsin/commands"
)

// interaction answers what people press, send and choose
// (docs.slack.dev/reference/interaction-payloads).
func (w *Workspace) interaction(body json.RawMessage) (task, error) {
	var c slack.InteractionCallback
	if err := json.Unmarshal(body, &c); err != nil {
		return task{}, fmt.Errorf("read an interaction: %w", err)
	}
	switch c.Type {
	case slack.InteractionTypeBlockActions:
		return w.pressed(&c), nil
	case slack.InteractionTypeViewSubmission:
		return w.submitted(&c), nil
	case slack.InteractionTypeBlockSuggestion:
		return task{do: func(ctx context.Context) answer { return w.suggest(ctx, &c) }}, nil
	case slack.InteractionTypeShortcut:
		return w.shortcut(&c), nil
	case slack.InteractionTypeMessageAction:
		return w.messageShortcut(&c, body)
	case slack.InteractionTypeViewClosed, slack.InteractionTypeInteractionMessage, // not subscribed to
		slack.InteractionTypeDialogCancellation, slack.InteractionTypeDialogSubmission, slack.InteractionTypeDialogSuggestion,
		slack.InteractionTypeWorkflowStepEdit:
		return task{}, nil
	}
	return task{}, nil
}

// nameOf is how a payload calls whoever caused it.
func nameOf(u *slack.User) string { return firstOf(u.RealName, u.Name, u.ID) }

// pressed carries a button or a menu's option out: its value is a command line.
func (w *Workspace) pressed(c *slack.InteractionCallback) task {
	if len(c.ActionCallback.BlockActions) == 0 || c.View.Type == slack.VTModal {
		return task{}
	}
	action := c.ActionCallback.BlockActions[0]
	line := strings.TrimSpace(cmp.Or(action.Value, action.SelectedOption.Value))
	if line == "" || strings.HasPrefix(action.ActionID, "open:") {
		return task{}
	}
	operation := operationOf(c.TriggerID, action.ActionID)
	from := asker{
		key: "reply/" + operation, respond: c.ResponseURL, user: c.User.ID, channel: cmp.Or(c.Channel.ID, c.Container.ChannelID),
		thread: cmp.Or(c.Container.ThreadTs, c.Message.ThreadTimestamp),
	}
	return task{key: operation, do: func(ctx context.Context) answer {
		a := ask{line: line, speaker: w.speaker(ctx, c.User.ID, nameOf(&c.User)), operation: operation, trigger: c.TriggerID, from: from}
		out := w.ask(ctx, a)
		if c.View.Type == slack.VTHomeTab {
			out.after = then(out.after, func(ctx context.Context) { w.publish(ctx, c.User.ID, nameOf(&c.User)) })
		}
		return out
	}}
}

// then does one thing after another.
func then(first func(context.Context, bool), next func(context.Context)) func(context.Context, bool) {
	return func(ctx context.Context, carried bool) {
		if first != nil {
			first(ctx, carried)
		}
		next(ctx)
	}
}

// submitted carries a form out. A form is sent once: sent again after nobody
// knew what had become of it, it is the same operation.
func (w *Workspace) submitted(c *slack.InteractionCallback) task {
	name, is := strings.CutPrefix(c.View.CallbackID, formCallback)
	word, known := w.app.Catalog().Find(name)
	if !is || !known {
		return task{}
	}
	return task{key: operationOf(c.TriggerID, c.View.ID), do: func(ctx context.Context) answer {
		origin, err := readOrigin(c.View.PrivateMetadata)
		if err != nil {
			return answer{now: refusedForm(word, w.sorry(ctx, err), nil)}
		}
		r := dispatch.Request{
			Text: origin.Line(), Room: origin.Incident, Fields: readForm(c.View.State), Speaker: w.speaker(ctx, c.User.ID, nameOf(&c.User)),
			Operation: operationOf(c.View.ID, "form"),
		}
		reply, failed := w.run(ctx, r)
		to := asker{key: "reply/" + r.Operation, respond: origin.Respond, user: c.User.ID, channel: origin.Channel}
		out := answer{after: func(ctx context.Context, carried bool) {
			if !carried || reply.OK { // a refusal stands in the form
				w.tell(ctx, to, sayReply(reply.Text))
			}
		}}
		if failed || !reply.OK {
			out.now = refusedForm(word, reply.Text, r.Fields)
		}
		return out
	}}
}

// refusedForm keeps a form open and says why
// (docs.slack.dev/surfaces/modals, "Displaying errors in views").
func refusedForm(word commands.Spec, message string, fields map[string][]string) any {
	return slack.NewErrorsViewSubmissionResponse(formErrors(word, message, fields))
}

// suggest answers a menu that asks for what it shows.
func (w *Workspace) suggest(ctx context.Context, c *slack.InteractionCallback) answer {
	word, _ := w.app.Catalog().Find(strings.TrimPrefix(c.View.CallbackID, formCallback))
	var choices []commands.Choice
	for _, f := range word.Form {
		if f.Name == c.BlockID {
			choices = w.app.Dispatcher.Choices(ctx, f.Kind, w.speaker(ctx, c.User.ID, nameOf(&c.User)))
		}
	}
	return answer{now: suggest(choices, c.Value)}
}
