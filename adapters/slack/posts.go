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
	}
	_, _, err := w.Messages.write(ctx, m)
	if ErrorCode(err) == "not_in_channel" && p.ReplyTo == "" && !p.Room.Private { // a person has removed the app from the incident's room
		if err = w.join(ctx, p.Room.ID); err == nil {
			_, _, err = w.Messages.write(ctx, m)
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
		own: c.Place == workflow.InRoom,
	}
	if c.Ref != "" {
		err := w.Messages.rewrite(ctx, c.Ref, m)
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
	at, before, err := w.Messages.write(ctx, m)
	w.forgetChannel(m.channel, err)
	if err == nil && before {
		err = w.Messages.rewrite(ctx, at, m)
	}
	return at, err
}
