package slack

import (
	"context"
	"time"
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
func (w *Workspace) Reply(ctx context.Context, r Reply) error {
	_, _, err := w.write(ctx, outgoing{
		key: r.Key, channel: r.Channel, thread: r.Thread, again: r.Again, since: r.Since, wait: true, rendered: &r.Rendered,
	})
	return err
}

// SendDirect writes a message, once for its key, into the app's conversation with
// a user.
func (w *Workspace) SendDirect(ctx context.Context, user, key string, m Rendered) error {
	channel, err := w.openDirect(ctx, user)
	if err != nil {
		return err
	}
	return w.Reply(ctx, Reply{Key: key, Channel: channel, Rendered: m})
}
