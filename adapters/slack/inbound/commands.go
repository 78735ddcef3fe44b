package inbound

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/adapters/slack"
	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/dispatch"
	"tocsin/workflow"
)

// slashCommand is a slash command as a person has typed it
// (docs.slack.dev/interactivity/implementing-slash-commands).
type slashCommand struct {
	Command     string `json:"command"`
	Text        string `json:"text"`
	User        string `json:"user_id"`
	Name        string `json:"user_name"`
	Channel     string `json:"channel_id"`
	Trigger     string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
}

// handleSlashCommand handles /incident and /inc.
func (s *Server) handleSlashCommand(body json.RawMessage) (task, error) {
	var c slashCommand
	if err := json.Unmarshal(body, &c); err != nil {
		return task{}, fmt.Errorf("read a slash command: %w", err)
	}
	if c.Command == "" { // Slack checks whether the address answers
		return task{}, nil
	}
	operation := operationOf(c.Trigger, "")
	return task{key: operation, run: func(ctx context.Context) outcome {
		r := request{
			speaker: s.identifyUser(ctx, c.User, c.Name), operation: operation, trigger: c.Trigger, typed: true,
			to: recipient{key: "reply/" + operation, responseURL: c.ResponseURL, user: c.User, channel: c.Channel},
		}
		if r.line = strings.TrimSpace(s.commandText(ctx, c.Text)); r.line == "" {
			return s.answerEmpty(ctx, r)
		}
		return s.answer(ctx, r)
	}}, nil
}

// request is a command line that a person has typed or pressed, and what answering
// it takes.
type request struct {
	line      string
	speaker   access.Speaker
	operation string
	trigger   string // opens a form, within three seconds
	to        recipient
	typed     bool                                          // as a slash command: its acknowledgement can carry the answer
	values    func(ctx context.Context) map[string][]string // what the form is filled in with; nil: nothing
}

// unknownRoom returns what stands for the incident of a channel that has not been looked up: no
// incident has its number.
func unknownRoom() string { return workflow.ID(0) }

// answer answers a command line: with a form when something is missing in it,
// else by carrying it out. Nothing is read from the store before a form is opened.
func (s *Server) answer(ctx context.Context, r request) outcome {
	d := dispatch.Request{Text: r.line, Speaker: r.speaker, Operation: r.operation, Room: s.rooms.incident(r.to.channel)}
	if d.Room == "" && r.to.channel != "" && !isDirect(r.to.channel) {
		d.Room = unknownRoom()
	}
	form, wanted := s.app.Dispatcher.WantsForm(d)
	if r.typed { // a complete line is carried out without a form
		form, wanted = s.app.Dispatcher.NeedsForm(ctx, d)
	}
	if wanted && r.trigger != "" {
		return s.openForm(ctx, r, form)
	}
	return s.carryOut(ctx, r)
}

// carryOut carries a command line out, and answers with the reply.
func (s *Server) carryOut(ctx context.Context, r request) outcome {
	room, err := s.incidentOf(ctx, r.to.channel)
	if err != nil {
		return s.reply(r, s.failureText(ctx, err))
	}
	reply, _ := s.run(ctx, dispatch.Request{Text: r.line, Room: room, Speaker: r.speaker, Operation: r.operation})
	return s.reply(r, reply.Text)
}

// reply answers a request with a text that only the person who made it sees.
func (s *Server) reply(r request, text string) outcome {
	return s.replyWith(r, slack.RenderReply(text))
}

// replyWith answers a request with a message that only the person who made it
// sees.
func (s *Server) replyWith(r request, m slack.Rendered) outcome {
	o := outcome{after: func(ctx context.Context, delivered bool) {
		if !delivered || !r.typed {
			s.sendAnswer(ctx, r.to, m)
		}
	}}
	if r.typed {
		o.payload = m.EphemeralResponse()
	}
	return o
}

// roomTimeout is how long it may take to find out whose room a channel is before
// the form to declare is opened instead: a trigger lives three seconds.
const roomTimeout = 500 * time.Millisecond

// answerEmpty answers a slash command without a word: in a room with its
// incident's card, which offers what the speaker may use, else with the form to declare.
func (s *Server) answerEmpty(ctx context.Context, r request) outcome {
	looking, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	room, err := s.incidentOf(looking, r.to.channel)
	if room == "" || err != nil {
		r.line = "declare"
		return s.answer(ctx, r)
	}
	i, err := s.app.Incidents.Get(ctx, room, r.speaker)
	if err != nil {
		reply, _ := s.run(ctx, dispatch.Request{Text: "show " + room, Speaker: r.speaker})
		return s.reply(r, reply.Text)
	}
	view := access.View(s.app.Engine, r.speaker, &i)
	view.Stamps = true
	return s.replyWith(r, s.workspace.Messages.Render(ctx, card.Card(i, view), cmp.Or(i.ID, room)))
}
