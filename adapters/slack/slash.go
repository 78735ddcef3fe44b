package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/dispatch"
)

// slashCommand is what somebody has typed
// (docs.slack.dev/interactivity/implementing-slash-commands).
type slashCommand struct {
	Command  string `json:"command"`
	Text     string `json:"text"`
	User     string `json:"user_id"`
	Name     string `json:"user_name"`
	Channel  string `json:"channel_id"`
	Trigger  string `json:"trigger_id"`
	Response string `json:"response_url"`
}

// slash answers /incident and /inc.
func (w *Workspace) slash(body json.RawMessage) (task, error) {
	var c slashCommand
	if err := json.Unmarshal(body, &c); err != nil {
		return task{}, fmt.Errorf("read a slash command: %w", err)
	}
	if c.Command == "" { // Slack looks whether we are there
		return task{}, nil
	}
	operation := operationOf(c.Trigger, "")
	return task{key: operation, do: func(ctx context.Context) answer {
		a := ask{
			speaker: w.speaker(ctx, c.User, c.Name), operation: operation, trigger: c.Trigger, carries: true,
			from: asker{key: "reply/" + operation, respond: c.Response, user: c.User, channel: c.Channel},
		}
		if a.line = strings.TrimSpace(w.typed(ctx, c.Text)); a.line == "" {
			return w.nothing(ctx, a)
		}
		return w.ask(ctx, a)
	}}, nil
}

// operationOf names a delivery for the store; "" when Slack has not named it.
func operationOf(id, part string) string {
	if id == "" {
		return ""
	}
	if part != "" {
		part = "/" + part
	}
	return Platform + "/" + id + part
}

// ask is a line that somebody has typed or pressed, and what answering it
// takes.
type ask struct {
	line      string
	speaker   access.Speaker
	operation string
	trigger   string // opens a form, within three seconds
	from      asker
	carries   bool                                          // the acknowledgement can carry the answer
	values    func(ctx context.Context) map[string][]string // what is filled in already; nil: nothing
}

// unknownRoom stands for the incident of a channel that has not been looked up.
const unknownRoom = "INC-0"

// ask answers a line: with a form when it lacks what it needs, else by carrying
// it out. Nothing is read before a form is opened.
func (w *Workspace) ask(ctx context.Context, a ask) answer {
	r := dispatch.Request{Text: a.line, Speaker: a.speaker, Operation: a.operation, Room: w.inbox.rooms.known(a.from.channel)}
	if r.Room == "" && a.from.channel != "" && !strings.HasPrefix(a.from.channel, "D") {
		r.Room = unknownRoom
	}
	form, wanted := w.app.Dispatcher.WantsForm(r)
	if a.carries { // it was typed: whoever has said enough is not asked for more
		form, wanted = w.app.Dispatcher.NeedsForm(ctx, r)
	}
	if wanted && a.trigger != "" {
		return w.offer(ctx, a, form)
	}
	return w.carryOut(ctx, a)
}

// carryOut carries a line out, and answers whoever it is from.
func (w *Workspace) carryOut(ctx context.Context, a ask) answer {
	room, err := w.room(ctx, a.from.channel)
	if err != nil {
		return w.reply(a, w.sorry(ctx, err))
	}
	reply, _ := w.run(ctx, dispatch.Request{Text: a.line, Room: room, Speaker: a.speaker, Operation: a.operation})
	return w.reply(a, reply.Text)
}

// reply is an answer that whoever asked sees alone.
func (w *Workspace) reply(a ask, text string) answer { return w.say(a, sayReply(text)) }

func (w *Workspace) say(a ask, s said) answer {
	out := answer{after: func(ctx context.Context, carried bool) {
		if !carried || !a.carries {
			w.tell(ctx, a.from, s)
		}
	}}
	if a.carries {
		out.now = s.ephemeral()
	}
	return out
}

// lookFor is how long it may take to find out whose room a channel is before
// somebody is given the form to declare instead: a trigger lives three seconds.
const lookFor = 500 * time.Millisecond

// nothing answers a command without a word: in a room with its card, which offers
// what the speaker may use, else with the form to declare.
func (w *Workspace) nothing(ctx context.Context, a ask) answer {
	looking, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	room, err := w.room(looking, a.from.channel)
	if room == "" || err != nil {
		a.line = "declare"
		return w.ask(ctx, a)
	}
	b := w.app
	i, err := b.Incidents.Get(ctx, room, a.speaker)
	if err != nil {
		reply, _ := w.run(ctx, dispatch.Request{Text: "show " + room, Speaker: a.speaker})
		return w.reply(a, reply.Text)
	}
	view := access.View(b.Engine, a.speaker, &i)
	view.Stamps = true
	blocks, text := renderMessage(card.Card(i, view), w.look(ctx, writing{incident: cmp.Or(i.ID, room)}))
	return w.say(a, said{blocks: blocks, text: text})
}
