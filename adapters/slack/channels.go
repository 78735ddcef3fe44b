package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tocsin/bot"
	"tocsin/workflow"
)

// A channel is lost in two ways: a person removes the app from it, or archives, deletes
// or replaces it. The app joins a public one again, and looks the name up anew. What it
// may not join waits for a person who invites it (E4g: what an operator can fix waits).

// writeInto writes a message into the channel of a configured name or ID. With create, a
// missing channel is created.
func (w *Workspace) writeInto(ctx context.Context, name string, create bool, m outgoing) (at string, before bool, err error) {
	var lost error
	for range 2 { // the second time with the channel that has the name now
		m.channel, err = w.findChannel(ctx, name, create)
		if err != nil && lost == nil || err != nil && !bot.IsBlocked(err) {
			return "", false, err
		}
		if err != nil { // no other channel has the name
			break
		}
		if at, before, err = w.writeAsMember(ctx, m); !isUnreachable(err) {
			return at, before, err
		}
		if lost = err; !w.forgetChannel(m.channel, err) {
			break
		}
	}
	return "", false, bot.Blocked(unreachable(name, lost))
}

// unreachable returns the error of a channel that the app cannot write into, with what a
// person has to do.
func unreachable(name string, err error) error {
	switch ErrorCode(err) {
	case "is_archived":
		return fmt.Errorf("is_archived: unarchive %s, or name another channel", name)
	case "not_in_channel":
		return fmt.Errorf("not_in_channel: invite the app into %s with /invite", name)
	}
	return fmt.Errorf("%s: the app sees no channel %s; create it, or invite the app into it with /invite", ErrorCode(err), name)
}

// isUnreachable reports whether an error says that the app cannot write into a channel.
func isUnreachable(err error) bool {
	switch ErrorCode(err) {
	case "not_in_channel", "channel_not_found", "is_archived", "is_inactive":
		return true
	}
	return false
}

// writeAsMember writes a message into a channel, which the app joins if it is not in it.
func (w *Workspace) writeAsMember(ctx context.Context, m outgoing) (at string, before bool, err error) {
	err = w.asMember(ctx, m.channel, func() (e error) {
		at, before, e = w.Messages.write(ctx, m)
		return e
	})
	return at, before, err
}

// asMember carries out something in a channel of which the app has to be a member. If a
// person has removed it from a public channel, it joins again.
func (w *Workspace) asMember(ctx context.Context, channel string, do func() error) error {
	err := do()
	switch ErrorCode(err) {
	case "not_in_channel", "permission_denied": // the second is the answer about bookmarks
	default:
		return err
	}
	switch joined := w.join(ctx, channel); {
	case joined == nil:
		return do()
	case bot.IsPermanent(joined): // a private channel, which takes an invitation
		return err
	default:
		return joined
	}
}

// inRoom carries out something in an incident's room.
func (w *Workspace) inRoom(ctx context.Context, r workflow.Room, do func() error) error {
	if r.Private {
		return do()
	}
	return w.asMember(ctx, r.ID, do)
}

// postBelow writes a reply below an announcement. When the channel of the announcement
// is lost the reply waits: the announcement moves into another channel with its next
// change.
func (w *Workspace) postBelow(ctx context.Context, m outgoing) error {
	_, _, err := w.writeAsMember(ctx, m)
	if isUnreachable(err) {
		return bot.Blocked(unreachable("the channel of the announcement", err))
	}
	return err
}

// isCardLost reports whether an error says that a card cannot be updated where it is, and
// has to be written again: a person has deleted it; or the channel in which it was
// announced is not in use any more.
func isCardLost(err error, place workflow.Place) bool {
	switch ErrorCode(err) {
	case "message_not_found", "channel_not_found", "cant_update_message":
		return true
	case "is_archived", "is_inactive":
		return place == workflow.Announce
	}
	return false
}

// errNotVisible returns the error of a channel name that is taken by a channel that the
// app does not see.
func errNotVisible(name string) error {
	return bot.Blocked(errors.New("channel_not_found: #" + strings.TrimPrefix(name, "#") + " is there, archived or private, and the app is not in it; invite it with /invite"))
}
