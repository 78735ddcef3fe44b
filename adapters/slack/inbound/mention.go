package inbound

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tocsin/adapters/slack"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
	"tocsin/workflow"
)

// handleMention takes what follows the app's name for a command
// (docs.slack.dev/reference/events/app_mention).
func (s *Server) handleMention(e event) (task, error) {
	var m message
	if err := json.Unmarshal(e.Event, &m); err != nil {
		return task{}, fmt.Errorf("read a mention: %w", err)
	}
	if s.isOwn(e, m) || m.Bot != "" || m.User == "" || m.Edited != nil {
		return task{}, nil
	}
	return s.messageCommand(e, m, textAfterMention(e, m.Text)), nil
}

// textAfterMention is what follows the app's name in a text.
func textAfterMention(e event, text string) string {
	for _, a := range e.Authorizations {
		if _, after, found := strings.Cut(text, "<@"+a.User); found && a.User != "" {
			_, after, _ = strings.Cut(after, ">")
			return after
		}
	}
	if strings.HasPrefix(text, "<@") {
		_, text, _ = strings.Cut(text, ">")
	}
	return text
}

// usage is the answer to a mention without a command.
const usage = "Type a command: `declare Checkout is down --sev 2`, or in an incident's room `ack`, `update TEXT`, `resolve`.\n`help` lists the commands; `/incident` opens a form."

// messageCommand carries a command out that was given in a message, and replies in
// the message's thread; in a direct conversation, beside it.
func (s *Server) messageCommand(e event, m message, text string) task {
	return task{run: func(ctx context.Context) outcome {
		room, err := s.incidentOf(ctx, m.Channel)
		if err != nil {
			return outcome{err: err}
		}
		line := strings.TrimSpace(s.commandText(ctx, text))
		reply := dispatch.Reply{OK: true, Text: usage}
		if line != "" {
			r := dispatch.Request{Text: line, Room: room, Speaker: s.identifyUser(ctx, m.User, m.User), Operation: operationOf(e.ID, "")}
			if reply, err = s.app.Dispatcher.Run(ctx, r); err != nil {
				return outcome{err: err}
			}
		}
		to := recipient{key: "reply/" + e.ID, user: m.User, channel: m.Channel, thread: m.Thread}
		shown := slack.RenderReply(reply.Text)
		sendPrivately := outcome{after: func(ctx context.Context, _ bool) { s.sendAnswer(ctx, to, shown) }}
		thread := m.Thread
		if !isDirect(m.Channel) {
			if private, e := s.isPrivateReply(ctx, line, reply, m.Channel); private || e != nil {
				return sendPrivately
			}
			thread = cmp.Or(m.Thread, m.TS)
			to.thread = thread
		}
		err = s.workspace.Messages.Reply(ctx, slack.Reply{
			Key: to.key, Channel: m.Channel, Thread: thread, Again: e.retry > 0, Since: parseTimestamp(m.TS), Rendered: shown,
		})
		if bot.IsPermanent(err) {
			return sendPrivately
		}
		return outcome{err: err}
	}}
}

// incidentID finds incidents in a reply.
var incidentID = regexp.MustCompile(`INC-\d+`)

// maxIncidents is how many incidents of a reply are looked at.
const maxIncidents = 100

// isPrivateReply reports whether a reply is for the person who gave the command
// alone, and not for the channel: it has a link to sign in with, or names an
// incident that is private and whose room this is not
// (P2: private means members only). An incident that does not exist counts as
// one that is private.
func (s *Server) isPrivateReply(ctx context.Context, line string, reply dispatch.Reply, channel string) (bool, error) {
	words := strings.Fields(line)
	if slices.ContainsFunc(words[:min(2, len(words))], func(word string) bool { return strings.EqualFold(strings.TrimPrefix(word, "/"), "web") }) {
		return true, nil
	}
	if strings.Contains(reply.Text, "/sign-in/") {
		return true, nil
	}
	all := incidentID.FindAllString(reply.Text+" "+reply.Incident, -1)
	if len(all) > maxIncidents {
		return true, nil
	}
	for _, id := range all {
		i, err := s.app.Incidents.Get(ctx, id, access.Speaker{})
		if err == nil {
			continue
		}
		if _, ok := errors.AsType[*workflow.Refusal](err); !ok {
			return true, err
		}
		if r, ok := i.Room(slack.Platform); !ok || r.ID != channel || !r.Private { // a room that it has left is not private
			return true, nil
		}
	}
	return false, nil
}
