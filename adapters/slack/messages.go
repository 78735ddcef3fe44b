package slack

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// outgoing is a message to be written.
type outgoing struct {
	key      string
	keys     []string // of all pages in it, when there are several
	channel  string
	thread   string // the timestamp of the message below which it stands
	severity workflow.Severity
	again    bool // it may have been written before
	own      bool // into the room of its incident, which belongs to this installation
	alone    bool // looked for as a message with this key alone
	since    time.Time
	wait     bool
	content  card.Content
	asPost   bool      // as a person's message in a chat
	incident string    // that it is about; "": none, or several
	rendered *Rendered // instead of the content
}

// Messages writes each message once for its key. It is safe for concurrent use.
type Messages struct {
	api          *API
	organization func() *bot.Organization // the current one
	keys         *keys

	mu      sync.Mutex
	directs map[string]string // user → ID of the app's conversation with them
}

func newMessages(api *API, organization func() *bot.Organization) *Messages {
	return &Messages{api: api, organization: organization, keys: newKeys(), directs: map[string]string{}}
}

// write writes a message once for its key. It returns where the message is, and
// whether it had been written before: then its content may be out of date.
func (m *Messages) write(ctx context.Context, o outgoing) (at string, before bool, err error) {
	at, unclear, err := m.keys.begin(o.key)
	if at != "" || err != nil {
		return at, true, err
	}
	unclear = unclear || o.again
	defer func() { m.keys.end(o.key, at, unclear, err) }()
	if unclear {
		if at, err = m.find(ctx, o); at != "" || err != nil {
			return at, true, err
		}
	}
	at, err = m.post(ctx, o)
	return at, false, err
}

// post posts a message, and returns where it is.
func (m *Messages) post(ctx context.Context, o outgoing) (at string, err error) {
	shown := m.render(ctx, o)
	options := []slack.MsgOption{
		slack.MsgOptionBlocks(shown.Blocks...), slack.MsgOptionText(shown.Text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(o.metadata(m.api.cfg.Mark)),
	}
	if o.thread != "" {
		options = append(options, slack.MsgOptionTS(o.thread))
	}
	err = m.api.call(ctx, call{method: "chat.postMessage", channel: o.channel, key: o.key, severity: o.severity, wait: o.wait}, func(ctx context.Context) error {
		channel, ts, e := m.api.bot.PostMessageContext(ctx, o.channel, options...)
		at = ref(channel, ts)
		return e
	})
	if err != nil {
		return "", err
	}
	return at, nil
}

// render renders a message, unless it is rendered already.
func (m *Messages) render(ctx context.Context, o outgoing) Rendered {
	if o.rendered != nil {
		return *o.rendered
	}
	blocks, text := renderMessage(o.content, m.renderOptions(ctx, o))
	return Rendered{Blocks: blocks, Text: text}
}

// Render renders a message about an incident as it is posted.
func (m *Messages) Render(ctx context.Context, content card.Content, incident string) Rendered {
	return m.render(ctx, outgoing{content: content, incident: incident})
}

// renderOptions returns how a message is rendered: which hosts are the organization's
// own, and where the rest of the message can be read.
func (m *Messages) renderOptions(ctx context.Context, o outgoing) renderOptions {
	r := renderOptions{AsPost: o.asPost}
	pages := m.organization().URL
	if u, err := url.Parse(pages); err == nil && u.Host != "" {
		r.OwnHosts = append(r.OwnHosts, u.Host)
	}
	if self, err := m.api.identity(ctx); err == nil {
		if u, e := url.Parse(self.URL); e == nil {
			r.OwnHosts = append(r.OwnHosts, u.Host)
		}
	}
	if o.incident != "" && pages != "" {
		r.MoreURL = pages + "/incidents/" + o.incident
	}
	return r
}

// maxPages is how many pages of 200 messages are searched for a message.
const maxPages = 10

// find looks for a message that may have been written, by its key; "" when it is not
// there. Without the scope to look, it is taken not to be there: a message that is
// written twice is better than one that is never written.
func (m *Messages) find(ctx context.Context, o outgoing) (string, error) {
	oldest := ""
	if !o.since.IsZero() {
		oldest = strconv.FormatInt(o.since.Add(-time.Minute).Unix(), 10) + ".000000"
	}
	cursor := ""
	for range maxPages {
		messages, next, err := m.readPage(ctx, o, oldest, cursor)
		if ErrorCode(err) == "missing_scope" {
			m.api.cfg.Log.WarnContext(ctx, "the app may not look whether a message was written; it is written again", "key", o.key, "error", err.Error())
			return "", nil
		}
		if err != nil {
			return "", err
		}
		for n := range messages {
			one := &messages[n]
			if !m.isWrittenFor(one, o) {
				continue
			}
			if o.alone && isBundle(one) {
				return "", nil
			}
			return ref(o.channel, one.Timestamp), nil
		}
		if cursor = next; cursor == "" {
			return "", nil
		}
	}
	return "", nil
}

// readPage reads one page of the messages of a channel, or of a thread.
func (m *Messages) readPage(ctx context.Context, o outgoing, oldest, cursor string) (messages []slack.Message, next string, err error) {
	if o.thread != "" {
		err = m.api.call(ctx, call{method: "conversations.replies", key: o.key, severity: o.severity, wait: o.wait}, func(ctx context.Context) (e error) {
			messages, _, next, e = m.api.bot.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: o.channel, Timestamp: o.thread, Cursor: cursor, Oldest: oldest, Limit: 200, IncludeAllMetadata: true,
			})
			return e
		})
		return messages, next, err
	}
	err = m.api.call(ctx, call{method: "conversations.history", key: o.key, severity: o.severity, wait: o.wait}, func(ctx context.Context) error {
		r, e := m.api.bot.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: o.channel, Cursor: cursor, Oldest: oldest, Limit: 200, IncludeAllMetadata: true,
		})
		if e == nil {
			messages, next = r.Messages, r.ResponseMetaData.NextCursor
		}
		return e
	})
	return messages, next, err
}

// rewrite replaces a message that the app has written.
func (m *Messages) rewrite(ctx context.Context, at string, o outgoing) error {
	channel, ts, err := parseRef(at)
	if err != nil {
		return err
	}
	shown := m.render(ctx, o)
	return m.api.call(ctx, call{method: "chat.update", key: o.key, severity: o.severity, wait: o.wait}, func(ctx context.Context) error {
		_, _, _, e := m.api.bot.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionBlocks(shown.Blocks...), slack.MsgOptionText(shown.Text, false))
		return e
	})
}

// ref returns the reference to a message: its channel and its timestamp.
func ref(channel, ts string) string { return channel + ":" + ts }

// parseRef returns the channel and the timestamp of a reference.
func parseRef(r string) (channel, ts string, err error) {
	channel, ts, ok := strings.Cut(r, ":")
	if !ok {
		return "", "", bot.Permanent(fmt.Errorf("%q is not a reference to a message", r))
	}
	return channel, ts, nil
}
