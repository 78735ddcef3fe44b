package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tocsin/bot/dispatch"

	"github.com/slack-go/slack"
)

// The callback_ids of our shortcuts, as the app's manifest names them
// (docs.slack.dev/interactivity/implementing-shortcuts).
const (
	shortcutDeclare     = "declare"              // for everywhere
	shortcutDeclareFrom = "declare_from_message" // for a message
	shortcutPin         = "pin_to_timeline"      // for a message
)

// shortcut opens the form to declare.
func (w *Workspace) shortcut(c *slack.InteractionCallback) task {
	if c.CallbackID != shortcutDeclare {
		return task{}
	}
	return task{key: operationOf(c.TriggerID, ""), do: func(ctx context.Context) answer { return w.ask(ctx, w.declaring(ctx, c)) }}
}

func (w *Workspace) declaring(ctx context.Context, c *slack.InteractionCallback) ask {
	operation := operationOf(c.TriggerID, "")
	return ask{
		line: "declare", speaker: w.speaker(ctx, c.User.ID, nameOf(&c.User)), operation: operation, trigger: c.TriggerID,
		from: asker{key: "reply/" + operation, respond: c.ResponseURL, user: c.User.ID, channel: c.Channel.ID},
	}
}

// messageShortcut does something with a message.
func (w *Workspace) messageShortcut(c *slack.InteractionCallback, body json.RawMessage) (task, error) {
	var of struct {
		Message message `json:"message"`
	}
	if err := json.Unmarshal(body, &of); err != nil {
		return task{}, fmt.Errorf("read the message of a shortcut: %w", err)
	}
	of.Message.Channel = c.Channel.ID
	operation := operationOf(c.TriggerID, "")
	switch c.CallbackID {
	case shortcutDeclareFrom:
		return task{key: operation, do: func(ctx context.Context) answer {
			a := w.declaring(ctx, c)
			a.values = func(ctx context.Context) map[string][]string { return w.told(ctx, of.Message) }
			return w.ask(ctx, a)
		}}, nil
	case shortcutPin:
		return task{key: operation, do: func(ctx context.Context) answer { return w.pinBy(ctx, w.declaring(ctx, c), of.Message) }}, nil
	}
	return task{}, nil
}

// told is what a message says to the form to declare: its text, with where it
// stands, and who wrote it.
func (w *Workspace) told(ctx context.Context, m message) map[string][]string {
	description := w.read(ctx, m.Text)
	w.mu.Lock()
	self := w.self
	w.mu.Unlock()
	if self != nil { // else it would have to be asked for
		description += "\n\n" + self.URL + "archives/" + m.Channel + "/p" + strings.ReplaceAll(m.TS, ".", "")
	}
	reporter := w.author(ctx, m)
	by := reporter.Name
	switch {
	case reporter.Person != "":
		by = "@" + reporter.Person
	case w.meansOther(by):
		by += " on Slack"
	}
	return map[string][]string{"description": {strings.TrimSpace(description)}, "reporter": {by}}
}

// pinBy puts a message into the timeline for somebody.
func (w *Workspace) pinBy(ctx context.Context, a ask, m message) answer {
	room, err := w.room(ctx, m.Channel)
	if err != nil {
		return w.reply(a, w.sorry(ctx, err))
	}
	if room == "" {
		return w.reply(a, "This is no incident's room, so there is no timeline to pin it to. In one: `note TEXT`.")
	}
	reply, err := w.app.Dispatcher.Pin(ctx, dispatch.Request{
		Text: w.author(ctx, m).Name + ": " + w.text(ctx, m), Room: room, Speaker: a.speaker, Operation: a.operation,
	}, m.key())
	if err != nil {
		return w.reply(a, w.sorry(ctx, err))
	}
	return w.reply(a, reply.Text)
}
