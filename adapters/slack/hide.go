package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/bot"
)

// hideRoom removes what a public channel shows of its incident, which is private now: its
// name, its topic, its bookmarks, and all messages of the app (P2: private means members
// only). What people have written, and what Slack itself has noted, stays: an app cannot
// remove it. It can be repeated: each call continues where the limits ended the last one.
func (w *Workspace) hideRoom(ctx context.Context, c bot.RoomWork) error {
	channel, err := w.channelInfo(ctx, c)
	if ErrorCode(err) == "channel_not_found" {
		return nil
	}
	if err != nil {
		return err
	}
	if channel.IsArchived && channel.Topic.Value == hiddenTopic(c) {
		return nil // an earlier call has hidden and archived it
	}
	if channel.IsArchived {
		if err := w.reopenToHide(ctx, c); err != nil {
			return err
		}
	}
	var refused []error
	for _, do := range []func() error{
		func() error { return w.hideName(ctx, c, channel.Name) },
		func() error { return w.deleteOwnMessages(ctx, c.Room.ID, "", c) },
		func() error { return w.removeBookmarks(ctx, c) },
		func() error { return w.hideTopic(ctx, c, channel.Topic.Value) }, // last: it says that the rest is done
	} {
		done := w.inRoom(ctx, c.Room, do)
		if bot.IsPermanent(done) { // the rest is hidden all the same
			refused = append(refused, done)
			continue
		}
		if done != nil {
			return done
		}
	}
	if len(refused) > 0 {
		return bot.Permanent(errors.Join(refused...))
	}
	return nil
}

// channelInfo returns the channel of a room.
func (w *Workspace) channelInfo(ctx context.Context, c bot.RoomWork) (found *slack.Channel, err error) {
	err = w.API.call(ctx, call{method: "conversations.info", key: c.Key, severity: c.Severity}, func(ctx context.Context) (e error) {
		found, e = w.API.bot.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: c.Room.ID})
		return e
	})
	return found, err
}

// reopenToHide unarchives a channel, in which nothing can be changed while it is archived.
func (w *Workspace) reopenToHide(ctx context.Context, c bot.RoomWork) error {
	back, err := w.unarchive(ctx, bot.RoomRequest{Key: c.Key, Incident: c.Incident, Severity: c.Severity, Was: c.Room})
	if err == nil && !back {
		err = bot.Permanent(errors.New("is_archived: the channel shows the incident, and the app cannot unarchive it; an administrator can delete it"))
	}
	return err
}

// hideName renames the channel. Its former name stays known to Slack.
func (w *Workspace) hideName(ctx context.Context, c bot.RoomWork, name string) error {
	plain := channelName(c.Incident+"-moved", 1)
	if strings.HasPrefix(name, plain) {
		return nil
	}
	for n := range maxNames {
		err := w.API.call(ctx, call{method: "conversations.rename", key: c.Key, severity: c.Severity}, func(ctx context.Context) error {
			_, e := w.API.bot.RenameConversationContext(ctx, c.Room.ID, channelName(plain, n+1))
			return e
		})
		if ErrorCode(err) != "name_taken" {
			return err
		}
	}
	return bot.Permanent(fmt.Errorf("name_taken: channels called %s, and %d more like it, are there already", plain, maxNames-1))
}

// hiddenTopic is the topic of a channel that shows nothing of its incident any more.
func hiddenTopic(c bot.RoomWork) string { return c.Incident + " is private now" }

// hideTopic replaces the topic.
func (w *Workspace) hideTopic(ctx context.Context, c bot.RoomWork, topic string) error {
	if topic == hiddenTopic(c) {
		return nil
	}
	return w.API.call(ctx, call{method: "conversations.setTopic", key: c.Key, severity: c.Severity}, func(ctx context.Context) error {
		_, e := w.API.bot.SetTopicOfConversationContext(ctx, c.Room.ID, hiddenTopic(c))
		return e
	})
}

// removeBookmarks removes the bookmarks. They are links with names: without the scope to
// remove them they stay.
func (w *Workspace) removeBookmarks(ctx context.Context, c bot.RoomWork) error {
	var there []slack.Bookmark
	err := w.API.call(ctx, call{method: "bookmarks.list", key: c.Key, severity: c.Severity}, func(ctx context.Context) (e error) {
		there, e = w.API.bot.ListBookmarksContext(ctx, c.Room.ID)
		return e
	})
	for _, b := range there {
		if err == nil {
			err = w.API.call(ctx, call{method: "bookmarks.remove", key: c.Key, severity: c.Severity}, func(ctx context.Context) error {
				return w.API.bot.RemoveBookmarkContext(ctx, c.Room.ID, b.ID)
			})
		}
		if ErrorCode(err) == "not_found" {
			err = nil
		}
	}
	if bot.IsBlocked(err) && !isTokenRefused(err) {
		w.cfg.Log.WarnContext(ctx, "the bookmarks of a former public room stay", "incident", c.Incident, "error", err.Error())
		return nil
	}
	return err
}

// deleteOwnMessages deletes the messages of the app in a channel, also below others; or, with
// a thread, only those below its first message.
func (w *Workspace) deleteOwnMessages(ctx context.Context, channel, thread string, c bot.RoomWork) error {
	self, err := w.API.identity(ctx)
	if err != nil {
		return err
	}
	found, err := w.ownMessages(ctx, outgoing{channel: channel, thread: thread, key: c.Key, severity: c.Severity}, self)
	if err != nil {
		return err
	}
	for _, ts := range found {
		err = w.API.call(ctx, call{method: "chat.delete", key: c.Key, severity: c.Severity}, func(ctx context.Context) error {
			_, _, e := w.API.bot.DeleteMessageContext(ctx, channel, ts)
			return e
		})
		switch code := ErrorCode(err); {
		case code == "message_not_found", code == "cant_delete_message": // the second is Slack's note of what the app has done
		case err != nil:
			return err
		}
	}
	return nil
}

// ownMessages returns the timestamps of the app's messages in a channel or a thread.
func (w *Workspace) ownMessages(ctx context.Context, o outgoing, self Identity) (all []string, err error) {
	cursor := ""
	for range maxPages {
		page, next, err := w.Messages.readPage(ctx, o, "", cursor)
		if err != nil {
			return all, err
		}
		for n := range page {
			m := &page[n]
			if m.BotID == self.Bot && m.Timestamp != o.thread {
				all = append(all, m.Timestamp)
			}
			if o.thread == "" && m.ReplyCount > 0 {
				below := o
				below.thread = m.Timestamp
				replies, err := w.ownMessages(ctx, below, self)
				if err != nil {
					return all, err
				}
				all = append(all, replies...)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return all, nil
}

// clearThread deletes what the app has written below an announcement.
func (w *Workspace) clearThread(ctx context.Context, c bot.RoomCard) error {
	channel, thread, err := parseRef(c.Ref)
	if err != nil {
		return err
	}
	return w.deleteOwnMessages(ctx, channel, thread, bot.RoomWork{Key: c.Key, Severity: c.Severity})
}
