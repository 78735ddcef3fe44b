package slack

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// eventType names our metadata (docs.slack.dev/messaging/message-metadata).
const eventType = "tocsin_written"

// writing is one message on its way.
type writing struct {
	key      string
	keys     []string // of all that it carries, when there are several
	channel  string
	thread   string // the message it goes below
	severity workflow.Severity
	again    bool // it may have been written before
	alone    bool // looked for as a message that carries nothing else
	since    time.Time
	wait     bool
	message  card.Content
	line     bool      // as somebody saying something
	incident string    // where the rest can be read; "" when it is none, or several
	rendered *Rendered // instead of the message
}

// write writes a message once for its key. It returns where it is, and whether
// it had been written before: then it may say what was true at that time.
func (w *Workspace) write(ctx context.Context, m writing) (at string, before bool, err error) {
	at, unclear, err := w.keys.begin(m.key)
	if at != "" || err != nil {
		return at, true, err
	}
	unclear = unclear || m.again
	defer func() { w.keys.ended(m.key, at, unclear, err) }()
	if unclear {
		if at, err = w.find(ctx, m); at != "" || err != nil {
			return at, true, err
		}
	}
	at, err = w.post(ctx, m)
	return at, false, err
}

func (w *Workspace) post(ctx context.Context, m writing) (at string, err error) {
	shown := w.render(ctx, m)
	payload := map[string]any{"key": m.key}
	if len(m.keys) > 1 {
		payload["keys"] = m.keys
	}
	options := []slack.MsgOption{
		slack.MsgOptionBlocks(shown.Blocks...), slack.MsgOptionText(shown.Text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: eventType, EventPayload: payload}),
	}
	if m.thread != "" {
		options = append(options, slack.MsgOptionTS(m.thread))
	}
	err = w.API.call(ctx, call{method: "chat.postMessage", channel: m.channel, key: m.key, severity: m.severity, wait: m.wait}, func(ctx context.Context) error {
		channel, ts, e := w.API.bot.PostMessageContext(ctx, m.channel, options...)
		at = ref(channel, ts)
		return e
	})
	if err != nil {
		return "", err
	}
	return at, nil
}

// render renders a message, unless it is rendered already.
func (w *Workspace) render(ctx context.Context, m writing) Rendered {
	if m.rendered != nil {
		return *m.rendered
	}
	blocks, text := renderMessage(m.message, w.look(ctx, m))
	return Rendered{Blocks: blocks, Text: text}
}

// Render renders a message about an incident as it is posted.
func (w *Workspace) Render(ctx context.Context, content card.Content, incident string) Rendered {
	return w.render(ctx, writing{message: content, incident: incident})
}

// look is how a message is shown: which hosts are the organization's own, and
// where the rest of the message can be read.
func (w *Workspace) look(ctx context.Context, m writing) look {
	l := look{Line: m.line}
	pages := w.organization.Load().URL
	if u, err := url.Parse(pages); err == nil && u.Host != "" {
		l.Ours = append(l.Ours, u.Host)
	}
	if self, err := w.API.identity(ctx); err == nil {
		if u, e := url.Parse(self.URL); e == nil {
			l.Ours = append(l.Ours, u.Host)
		}
	}
	if m.incident != "" && pages != "" {
		l.Rest = pages + "/incidents/" + m.incident
	}
	return l
}

// mostPages bounds how far back is looked, in pages of 200 messages.
const mostPages = 10

// find looks for a message that may have been written, by its key. Where Slack
// does not let us look, nothing is found: once more is better than never.
func (w *Workspace) find(ctx context.Context, m writing) (string, error) {
	oldest := ""
	if !m.since.IsZero() {
		oldest = strconv.FormatInt(m.since.Add(-time.Minute).Unix(), 10) + ".000000"
	}
	cursor := ""
	for range mostPages {
		messages, next, err := w.page(ctx, m, oldest, cursor)
		switch ErrorCode(err) {
		case "not_in_channel", "missing_scope":
			w.cfg.Log.WarnContext(ctx, "Slack does not let us look whether a message was written; it is written again", "key", m.key, "error", err.Error())
			return "", nil
		}
		if err != nil {
			return "", err
		}
		for n := range messages {
			one := &messages[n]
			if !carries(one, m.key) {
				continue
			}
			if m.alone && len(several(one)) > 0 {
				return "", nil
			}
			return ref(m.channel, one.Timestamp), nil
		}
		if cursor = next; cursor == "" {
			return "", nil
		}
	}
	return "", nil
}

// page reads some messages of a channel, or below a message.
func (w *Workspace) page(ctx context.Context, m writing, oldest, cursor string) (messages []slack.Message, next string, err error) {
	if m.thread != "" {
		err = w.API.call(ctx, call{method: "conversations.replies", key: m.key, severity: m.severity, wait: m.wait}, func(ctx context.Context) (e error) {
			messages, _, next, e = w.API.bot.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: m.channel, Timestamp: m.thread, Cursor: cursor, Oldest: oldest, Limit: 200, IncludeAllMetadata: true,
			})
			return e
		})
		return messages, next, err
	}
	err = w.API.call(ctx, call{method: "conversations.history", key: m.key, severity: m.severity, wait: m.wait}, func(ctx context.Context) error {
		r, e := w.API.bot.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: m.channel, Cursor: cursor, Oldest: oldest, Limit: 200, IncludeAllMetadata: true,
		})
		if e == nil {
			messages, next = r.Messages, r.ResponseMetaData.NextCursor
		}
		return e
	})
	return messages, next, err
}

// carries reports whether a message was written for a key.
func carries(m *slack.Message, key string) bool {
	if m.Metadata.EventType != eventType {
		return false
	}
	if m.Metadata.EventPayload["key"] == key {
		return true
	}
	return slices.Contains(several(m), any(key))
}

// several are the keys of a message that was written for more than one.
func several(m *slack.Message) []any {
	all, _ := m.Metadata.EventPayload["keys"].([]any)
	return all
}

// rewrite puts a message in the place of another of ours.
func (w *Workspace) rewrite(ctx context.Context, at string, m writing) error {
	channel, ts, err := parseRef(at)
	if err != nil {
		return err
	}
	shown := w.render(ctx, m)
	return w.API.call(ctx, call{method: "chat.update", key: m.key, severity: m.severity, wait: m.wait}, func(ctx context.Context) error {
		_, _, _, e := w.API.bot.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionBlocks(shown.Blocks...), slack.MsgOptionText(shown.Text, false))
		return e
	})
}

// Post implements [bot.Chat].
func (w *Workspace) Post(ctx context.Context, p bot.RoomPost) error {
	m := writing{
		key: p.Key, channel: p.Room.ID, severity: p.Severity, again: p.Again, since: p.Since, message: p.Content, line: true, incident: p.Incident,
	}
	if p.ReplyTo != "" {
		var err error
		if m.channel, m.thread, err = parseRef(p.ReplyTo); err != nil {
			return err
		}
	}
	_, _, err := w.write(ctx, m)
	if ErrorCode(err) == "not_in_channel" && p.ReplyTo == "" && !p.Room.Private { // somebody has put us out of the incident's own room
		if err = w.join(ctx, p.Room.ID); err == nil {
			_, _, err = w.write(ctx, m)
		}
	}
	switch ErrorCode(err) {
	case "is_archived", "channel_not_found":
		if p.ReplyTo == "" {
			return bot.Permanent(fmt.Errorf("%w: %w", bot.ErrRoomGone, err))
		}
	}
	return err
}

// ShowCard implements [bot.RoomManager].
func (w *Workspace) ShowCard(ctx context.Context, c bot.RoomCard) (string, error) {
	m := writing{
		key: c.Key, channel: c.Room.ID, severity: c.Severity, again: c.Again, since: c.Since, message: c.Content, incident: c.Incident,
	}
	if c.Ref != "" {
		err := w.rewrite(ctx, c.Ref, m)
		switch ErrorCode(err) {
		case "message_not_found", "channel_not_found", "cant_update_message": // somebody has deleted it
		default:
			return c.Ref, err
		}
		m.key += "/" + c.Ref // another message, and the same one whenever this is tried again
		m.again = true       // it is seldom, and that it was tried is nowhere on record
	}
	if c.Place == workflow.Announce {
		var err error
		if m.channel, err = w.channel(ctx, w.settings.Load().Announce, true); err != nil {
			return "", err
		}
	}
	at, before, err := w.write(ctx, m)
	w.lost(m.channel, err)
	if err == nil && before {
		err = w.rewrite(ctx, at, m)
	}
	return at, err
}
