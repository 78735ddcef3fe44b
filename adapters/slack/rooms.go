package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/workflow"
)

// pageSize is how many channels are asked for at a time: fewer than a thousand
// (docs.slack.dev/reference/methods/users.conversations).
const pageSize = 999

// mostNames is how many names are tried for one room.
const mostNames = 9

// OpenRoom implements [bot.Chat]. A channel is ours when its purpose carries
// the incident's key.
func (w *Workspace) OpenRoom(ctx context.Context, r bot.RoomRequest) (workflow.Room, error) {
	me, err := w.API.identity(ctx)
	if err != nil {
		return workflow.Room{}, err
	}
	if r.Was.ID != "" {
		back, e := w.bringBack(ctx, r)
		if back || e != nil {
			r.Was.State = workflow.RoomOpen
			return r.Was, e
		}
	}
	for n := range mostNames {
		name := channelName(r.Name, n+1)
		channel, e := w.create(ctx, r, name)
		if ErrorCode(e) == "name_taken" {
			if channel, e = w.ours(ctx, r, name, me); channel == nil && e == nil {
				continue // somebody else's
			}
		}
		if e != nil {
			return workflow.Room{}, e
		}
		if bad := w.mark(ctx, r, channel); bad != nil {
			return workflow.Room{}, bad
		}
		return workflow.Room{
			Platform: Platform, ID: channel.ID, Name: channel.Name, URL: me.URL + "archives/" + channel.ID, State: workflow.RoomOpen, Private: channel.IsPrivate,
		}, nil
	}
	return workflow.Room{}, bot.Permanent(fmt.Errorf("name_taken: channels called %s, and %d more like it, are there already", r.Name, mostNames-1))
}

// channelName makes a name of small letters, digits, - and _, at most 80 of
// them (docs.slack.dev/reference/methods/conversations.create).
func channelName(wanted string, n int) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, strings.ToLower(wanted))
	suffix := ""
	if n > 1 {
		suffix = fmt.Sprintf("-%d", n)
	}
	return strings.Trim(name[:min(len(name), 80-len(suffix))], "-_") + suffix
}

func (w *Workspace) create(ctx context.Context, r bot.RoomRequest, name string) (channel *slack.Channel, err error) {
	err = w.API.call(ctx, call{method: "conversations.create", key: r.Key, severity: r.Severity}, func(ctx context.Context) (e error) {
		channel, e = w.API.bot.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: name, IsPrivate: r.Private})
		return e
	})
	return channel, err
}

// mark is what tells the channel of an incident of this installation.
func (w *Workspace) keyOf(incident string) string { return "tocsin/" + w.cfg.Mark + "/" + incident }

// mark writes the incident's key into the purpose of a channel.
func (w *Workspace) mark(ctx context.Context, r bot.RoomRequest, channel *slack.Channel) error {
	if strings.Contains(channel.Purpose.Value, w.keyOf(r.Incident)) {
		return nil
	}
	purpose := fmt.Sprintf("Incident %s. The room of this incident alone: %s", r.Incident, w.keyOf(r.Incident))
	return w.API.call(ctx, call{method: "conversations.setPurpose", key: r.Key, severity: r.Severity}, func(ctx context.Context) error {
		_, e := w.API.bot.SetPurposeOfConversationContext(ctx, channel.ID, purpose)
		return e
	})
}

// ours finds the channel of a name that is taken, if it is this incident's: it
// carries its key; or it was made by us after the incident began, and nobody
// has written anything into its purpose, as a call leaves it that ended before
// it could. One of the other visibility is not.
func (w *Workspace) ours(ctx context.Context, r bot.RoomRequest, name string, me Identity) (*slack.Channel, error) {
	visibility := "public_channel"
	if r.Private {
		visibility = "private_channel"
	}
	for cursor := ""; ; {
		var found []slack.Channel
		err := w.API.call(ctx, call{method: "users.conversations", key: r.Key, severity: r.Severity}, func(ctx context.Context) (e error) {
			found, cursor, e = w.API.bot.GetConversationsForUserContext(ctx, &slack.GetConversationsForUserParameters{
				Types: []string{visibility}, Limit: pageSize, Cursor: cursor,
			})
			return e
		})
		if ErrorCode(err) == "missing_scope" {
			return nil, nil //nolint:nilnil // we cannot see it
		}
		if err != nil {
			return nil, err
		}
		for n := range found {
			c := &found[n]
			if c.Name != name || c.IsPrivate != r.Private || c.IsArchived {
				continue
			}
			began := c.Purpose.Value == "" && c.Creator == me.User && !c.Created.Time().Before(r.Since.Add(-time.Minute))
			if began || strings.Contains(c.Purpose.Value, w.keyOf(r.Incident)) {
				return c, nil
			}
			return nil, nil //nolint:nilnil // it is somebody else's
		}
		if cursor == "" {
			return nil, nil //nolint:nilnil // we are not in it
		}
	}
}

// bringBack brings a channel back that was archived, and reports whether it is
// there. Slack denies that to bots (docs.slack.dev/reference/methods/conversations.unarchive,
// "Bug alert"): it takes a user's token, or somebody who does it by hand. Where
// it cannot be, the incident goes on in another channel.
func (w *Workspace) bringBack(ctx context.Context, r bot.RoomRequest) (bool, error) {
	if r.Private && !r.Was.Private {
		return false, nil
	}
	api := cmp.Or(w.API.user, w.API.bot)
	err := w.API.call(ctx, call{method: "conversations.unarchive", key: r.Key, severity: r.Severity}, func(ctx context.Context) error {
		return api.UnArchiveConversationContext(ctx, r.Was.ID)
	})
	switch {
	case err == nil, ErrorCode(err) == "not_archived":
	case bot.IsPermanent(err):
		w.cfg.Log.WarnContext(ctx, "an archived channel cannot be brought back; the incident goes on in another", "incident", r.Incident, "channel", r.Was.ID, "error", err.Error())
		return false, nil
	default:
		return false, err
	}
	return w.comeBack(ctx, r)
}

// comeBack brings the app back into a channel that was archived: archiving has
// removed it.
func (w *Workspace) comeBack(ctx context.Context, r bot.RoomRequest) (bool, error) {
	me, err := w.API.identity(ctx)
	if err != nil {
		return false, err
	}
	if !r.Was.Private {
		err = w.join(ctx, r.Was.ID)
	} else if w.API.user != nil {
		err = w.API.call(ctx, call{method: "conversations.invite", key: r.Key, severity: r.Severity}, func(ctx context.Context) error {
			_, e := w.API.user.InviteUsersToConversationContext(ctx, r.Was.ID, me.User)
			return e
		})
	}
	if ErrorCode(err) == "already_in_channel" {
		return true, nil
	}
	if bot.IsPermanent(err) {
		return false, nil
	}
	return err == nil, err
}

func (w *Workspace) join(ctx context.Context, channel string) error {
	return w.API.call(ctx, call{method: "conversations.join"}, func(ctx context.Context) error {
		_, _, _, e := w.API.bot.JoinConversationContext(ctx, channel)
		return e
	})
}

// SetUpRoom implements [bot.RoomManager].
func (w *Workspace) SetUpRoom(ctx context.Context, f bot.RoomWork) error {
	switch f.Step {
	case workflow.StepTopic:
		topic, _ := workflow.CleanLine(f.Title, maxTopic)
		return w.API.call(ctx, call{method: "conversations.setTopic", key: f.Key, severity: f.Severity}, func(ctx context.Context) error {
			_, e := w.API.bot.SetTopicOfConversationContext(ctx, f.Room.ID, topic)
			return e
		})
	case workflow.StepPin:
		channel, ts, err := parseRef(f.Card)
		if err != nil {
			return err
		}
		err = w.API.call(ctx, call{method: "pins.add", key: f.Key, severity: f.Severity}, func(ctx context.Context) error {
			return w.API.bot.AddPinContext(ctx, channel, slack.NewRefToMessage(channel, ts))
		})
		if ErrorCode(err) == "already_pinned" {
			return nil
		}
		return err
	case workflow.StepBookmarks:
		return w.bookmark(ctx, f)
	}
	return bot.Permanent(fmt.Errorf("Slack has no %s", f.Step)) //nolint:staticcheck // a name
}

// maxTopic is how long a topic may be
// (docs.slack.dev/reference/methods/conversations.setTopic).
const maxTopic = 250

// bookmark adds the addresses that people need. Adding is not idempotent: where
// some may be there, it is looked first.
func (w *Workspace) bookmark(ctx context.Context, f bot.RoomWork) error {
	var there []slack.Bookmark
	if f.Again {
		err := w.API.call(ctx, call{method: "bookmarks.list", key: f.Key, severity: f.Severity}, func(ctx context.Context) (e error) {
			there, e = w.API.bot.ListBookmarksContext(ctx, f.Room.ID)
			return e
		})
		if err != nil {
			return err
		}
	}
	for n, l := range f.Links {
		if slices.ContainsFunc(there, func(b slack.Bookmark) bool { return b.Link == l.URL }) {
			continue
		}
		title, _ := workflow.CleanLine(l.Label, 80)
		err := w.API.call(ctx, call{method: "bookmarks.add", key: f.Key, severity: f.Severity}, func(ctx context.Context) error {
			_, e := w.API.bot.AddBookmarkContext(ctx, f.Room.ID, slack.AddBookmarkParameters{Title: title, Type: "link", Link: l.URL})
			return e
		})
		if err != nil && n > 0 { // those before it are there: look, next time
			return unclear(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unclear is an error that does not say that nothing was done.
func unclear(err error) error {
	if _, later := bot.RetryDelay(err); later {
		return errors.New(err.Error())
	}
	return err
}

// maxInvite is how many people one call asks in
// (docs.slack.dev/reference/methods/conversations.invite).
const maxInvite = 100

// inviteWithin is what is kept of a send for the invitation itself, once the
// people are looked up.
const inviteWithin = time.Second

// Invite implements [bot.RoomManager]. Where there are more people to be looked up than
// one send has time for, it comes again, and those who were found are known.
func (w *Workspace) Invite(ctx context.Context, i bot.Invitation) error {
	var users, missing []string
	var denied error // that people may not be looked up
	for _, p := range i.People {
		if end, ends := ctx.Deadline(); ends && time.Until(end) < inviteWithin {
			return bot.RetryAfter(time.Second, fmt.Errorf("look up who is asked in: %w", bot.ErrPaced))
		}
		id, err := w.Directory.userID(ctx, p.Handle, p.Email, call{key: i.Key}) // after whoever is looked up for a page
		switch {
		case bot.IsPermanent(err):
			missing = append(missing, cmp.Or(p.Name, p.ID))
			if denied == nil && ErrorCode(err) != "" {
				denied = err
			}
		case err != nil:
			return err
		case !slices.Contains(users, id):
			users = append(users, id)
		}
	}
	for some := range slices.Chunk(users, maxInvite) {
		err := w.API.call(ctx, call{method: "conversations.invite", key: i.Key, severity: i.Severity}, func(ctx context.Context) error {
			_, e := w.API.bot.ForceInviteUsersToConversationContext(ctx, i.Room.ID, some...)
			return e
		})
		failed, err := notInvited(err)
		if err != nil {
			return err
		}
		missing = append(missing, failed...)
	}
	if denied != nil {
		return bot.Permanent(fmt.Errorf("%w; not asked in: %s", denied, strings.Join(missing, ", ")))
	}
	if len(missing) > 0 {
		return bot.Permanent(fmt.Errorf("not on Slack: %s", strings.Join(missing, ", ")))
	}
	return nil
}

// notInvited says which users of an invitation were not asked in, although the
// others were. Whoever is in the channel is no error.
func notInvited(err error) ([]string, error) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return nil, err
	}
	fine := func(word string) bool { return word == "already_in_channel" || word == "cant_invite_self" }
	if len(r.response.Errors) == 0 {
		if fine(r.response.Err) {
			return nil, nil
		}
		return nil, err
	}
	var failed []string
	for _, one := range r.response.Errors {
		if e := one.ConversationsInviteResponseError; e != nil && !fine(e.Error) {
			failed = append(failed, e.User+" ("+e.Error+")")
		}
	}
	return failed, nil
}

// CloseRoom implements [bot.RoomManager].
func (w *Workspace) CloseRoom(ctx context.Context, c bot.RoomWork) error {
	err := w.API.call(ctx, call{method: "conversations.archive", key: c.Key, severity: c.Severity}, func(ctx context.Context) error {
		return w.API.bot.ArchiveConversationContext(ctx, c.Room.ID)
	})
	switch ErrorCode(err) {
	case "already_archived", "channel_not_found", "is_archived":
		return nil
	}
	return err
}
