package inbound

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"tocsin/adapters/slack"
	"tocsin/bot"
	"tocsin/bot/dispatch"
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
			return trimAddress(after)
		}
	}
	if strings.HasPrefix(text, "<@") {
		_, text, _ = strings.Cut(text, ">")
	}
	return trimAddress(text)
}

// trimAddress returns what follows a name without the punctuation after it: "@Tocsin: ack" and
// "@Tocsin — ack" give the command ack.
func trimAddress(text string) string {
	return strings.TrimLeftFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune(":,;.!：，、،", r)
	})
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
			if private, e := s.app.Dispatcher.IsForSpeaker(ctx, reply, slack.Platform, m.Channel); private || e != nil {
				return sendPrivately
			}
			thread = cmp.Or(m.Thread, m.TS)
			to.thread = thread
		}
		err = s.workspace.Messages.Reply(ctx, slack.Reply{
			Key: to.key, Channel: m.Channel, Thread: thread, Again: e.retry > 0, Since: parseTimestamp(m.TS), Rendered: shown,
		})
		if bot.IsRefused(err) {
			return sendPrivately
		}
		return outcome{err: err}
	}}
}
