package slack

import (
	"context"
	"fmt"

	"tocsin/bot"
	"tocsin/workflow"
)

// Post implements [bot.Chat].
func (w *Workspace) Post(ctx context.Context, p bot.RoomPost) error {
	m := outgoing{
		key: p.Key, channel: p.Room.ID, severity: p.Severity, again: p.Again, since: p.Since, content: p.Content, asPost: true, incident: p.Incident,
		own: true, // a thread below the announcement too: the message that it belongs to is its own
	}
	if p.ReplyTo != "" {
		var err error
		if m.channel, m.thread, err = parseRef(p.ReplyTo); err != nil {
			return err
		}
		return w.postBelow(ctx, m)
	}
	err := w.inRoom(ctx, p.Room, func() error {
		_, _, e := w.Messages.write(ctx, m)
		return e
	})
	switch ErrorCode(err) {
	case "is_archived", "channel_not_found":
		return bot.Permanent(fmt.Errorf("%w: %w", bot.ErrRoomGone, err))
	}
	return err
}

// ShowCard implements [bot.RoomManager].
func (w *Workspace) ShowCard(ctx context.Context, c bot.RoomCard) (at string, err error) {
	m := outgoing{
		key: c.Key, channel: c.Room.ID, severity: c.Severity, again: c.Again, since: c.Since, content: c.Content, incident: c.Incident,
		own: c.Place == workflow.InRoom,
	}
	if c.Ref != "" {
		if err = w.Messages.rewrite(ctx, c.Ref, m); !isCardLost(err, c.Place) {
			if err == nil && c.Hide {
				err = w.clearThread(ctx, c)
			}
			return c.Ref, err
		}
		m.key += "/" + c.Ref // a new message, and the same one whenever this is repeated
		m.again = true       // it happens seldom, and no record says whether it was tried before
	}
	var before bool
	if c.Place == workflow.Announce {
		at, before, err = w.writeInto(ctx, w.settings.Load().Announce, true, m)
	} else {
		err = w.inRoom(ctx, c.Room, func() (e error) {
			at, before, e = w.Messages.write(ctx, m)
			return e
		})
	}
	if err == nil && before {
		err = w.Messages.rewrite(ctx, at, m)
	}
	return at, err
}
