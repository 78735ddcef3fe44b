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

// eventType names the metadata of messages (docs.slack.dev/messaging/message-metadata).
const eventType = "tocsin_written"

// outgoing is a message to be written.
type outgoing struct {
	key      string
	keys     []string // of all pages in it, when there are several
	channel  string
	thread   string // the timestamp of the message below which it stands
	severity workflow.Severity
	again    bool // it may have been written before
	alone    bool // looked for as a message with this key alone
	since    time.Time
	wait     bool
	content  card.Content
	asPost   bool      // as a person's message in a chat
	incident string    // that it is about; "": none, or several
	rendered *Rendered // instead of the content
}

// write writes a message once for its key. It returns where the message is, and
// whether it had been written before: then it may say what was true at that time.
func (w *Workspace) write(ctx context.Context, m outgoing) (at string, before bool, err error) {
	at, unclear, err := w.keys.begin(m.key)
	if at != "" || err != nil {
		return at, true, err
	}
	unclear = unclear || m.again
	defer func() { w.keys.end(m.key, at, unclear, err) }()
	if unclear {
		if at, err = w.find(ctx, m); at != "" || err != nil {
			return at, true, err
		}
	}
	at, err = w.post(ctx, m)
	return at, false, err
}

// post posts a message, and returns where it is.
func (w *Workspace) post(ctx context.Context, m outgoing) (at string, err error) {
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
func (w *Workspace) render(ctx context.Context, m outgoing) Rendered {
	if m.rendered != nil {
		return *m.rendered
	}
	blocks, text := renderMessage(m.content, w.renderOptions(ctx, m))
	return Rendered{Blocks: blocks, Text: text}
}

// Render renders a message about an incident as it is posted.
func (w *Workspace) Render(ctx context.Context, content card.Content, incident string) Rendered {
	return w.render(ctx, outgoing{content: content, incident: incident})
}

// renderOptions returns how a message is rendered: which hosts are the organization's own, and
// where the rest of the message can be read.
func (w *Workspace) renderOptions(ctx context.Context, m outgoing) renderOptions {
	o := renderOptions{AsPost: m.asPost}
	pages := w.organization.Load().URL
	if u, err := url.Parse(pages); err == nil && u.Host != "" {
		o.OwnHosts = append(o.OwnHosts, u.Host)
	}
	if self, err := w.API.identity(ctx); err == nil {
		if u, e := url.Parse(self.URL); e == nil {
			o.OwnHosts = append(o.OwnHosts, u.Host)
		}
	}
	if m.incident != "" && pages != "" {
		o.MoreURL = pages + "/incidents/" + m.incident
	}
	return o
}

// maxPages is how many pages of 200 messages are searched for a message.
const maxPages = 10

// find looks for a message that may have been written, by its key; "" when it is not
// there. Where the app is not allowed to look, it is taken not to be there: a
// message that is written twice is better than one that is never written.
func (w *Workspace) find(ctx context.Context, m outgoing) (string, error) {
	oldest := ""
	if !m.since.IsZero() {
		oldest = strconv.FormatInt(m.since.Add(-time.Minute).Unix(), 10) + ".000000"
	}
	cursor := ""
	for range maxPages {
		messages, next, err := w.readPage(ctx, m, oldest, cursor)
		switch ErrorCode(err) {
		case "not_in_channel", "missing_scope":
			w.cfg.Log.WarnContext(ctx, "the app may not look whether a message was written; it is written again", "key", m.key, "error", err.Error())
			return "", nil
		}
		if err != nil {
			return "", err
		}
		for n := range messages {
			one := &messages[n]
			if !hasKey(one, m.key) {
				continue
			}
			if m.alone && len(keysOf(one)) > 0 {
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

// readPage reads one page of the messages of a channel, or of a thread.
func (w *Workspace) readPage(ctx context.Context, m outgoing, oldest, cursor string) (messages []slack.Message, next string, err error) {
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

// hasKey reports whether a message was written for a key.
func hasKey(m *slack.Message, key string) bool {
	if m.Metadata.EventType != eventType {
		return false
	}
	if m.Metadata.EventPayload["key"] == key {
		return true
	}
	return slices.Contains(keysOf(m), any(key))
}

// keysOf returns the keys of a message that was written for more than one.
func keysOf(m *slack.Message) []any {
	all, _ := m.Metadata.EventPayload["keys"].([]any)
	return all
}

// rewrite replaces a message that the app has written.
func (w *Workspace) rewrite(ctx context.Context, at string, m outgoing) error {
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
	m := outgoing{
		key: p.Key, channel: p.Room.ID, severity: p.Severity, again: p.Again, since: p.Since, content: p.Content, asPost: true, incident: p.Incident,
	}
	if p.ReplyTo != "" {
		var err error
		if m.channel, m.thread, err = parseRef(p.ReplyTo); err != nil {
			return err
		}
	}
	_, _, err := w.write(ctx, m)
	if ErrorCode(err) == "not_in_channel" && p.ReplyTo == "" && !p.Room.Private { // a person has removed the app from the incident's room
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
	m := outgoing{
		key: c.Key, channel: c.Room.ID, severity: c.Severity, again: c.Again, since: c.Since, content: c.Content, incident: c.Incident,
	}
	if c.Ref != "" {
		err := w.rewrite(ctx, c.Ref, m)
		switch ErrorCode(err) {
		case "message_not_found", "channel_not_found", "cant_update_message": // a person has deleted it
		default:
			return c.Ref, err
		}
		m.key += "/" + c.Ref // a new message, and the same one whenever this is repeated
		m.again = true       // it happens seldom, and no record says whether it was tried before
	}
	if c.Place == workflow.Announce {
		var err error
		if m.channel, err = w.findChannel(ctx, w.settings.Load().Announce, true); err != nil {
			return "", err
		}
	}
	at, before, err := w.write(ctx, m)
	w.forgetChannel(m.channel, err)
	if err == nil && before {
		err = w.rewrite(ctx, at, m)
	}
	return at, err
}
