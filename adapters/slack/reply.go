package slack

import (
	"context"
	"time"

	"github.com/slack-go/slack"
)

// Reply is a reply to a message, written once for its key.
type Reply struct {
	Key     string
	Channel string
	Thread  string // the timestamp of the message below which it stands; "": none
	// Again says that it may have been written before, since a time: it is looked
	// for first.
	Again bool
	Since time.Time
	Rendered
}

// Reply writes a reply into a channel, which all of its members see.
func (m *Messages) Reply(ctx context.Context, r Reply) error {
	_, _, err := m.write(ctx, outgoing{
		key: r.Key, channel: r.Channel, thread: r.Thread, again: r.Again, since: r.Since, wait: true, rendered: &r.Rendered,
	})
	return err
}

// SendDirect writes a message, once for its key, into the app's conversation with
// a user.
func (m *Messages) SendDirect(ctx context.Context, user, key string, r Rendered) error {
	channel, err := m.openDirect(ctx, user)
	if err != nil {
		return err
	}
	return m.Reply(ctx, Reply{Key: key, Channel: channel, Rendered: r})
}

// openDirect opens the app's conversation with a user, and returns its ID.
func (m *Messages) openDirect(ctx context.Context, user string) (string, error) {
	m.mu.Lock()
	id := m.directs[user]
	m.mu.Unlock()
	if id != "" {
		return id, nil
	}
	err := m.api.call(ctx, call{method: "conversations.open", wait: true}, func(ctx context.Context) error {
		c, _, _, e := m.api.bot.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
		if e == nil {
			id = c.ID
		}
		return e
	})
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.directs[user] = id
	return id, nil
}
