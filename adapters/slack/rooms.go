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

// pageSize is how many channels are listed at a time: fewer than a thousand
// (docs.slack.dev/reference/methods/users.conversations).
const pageSize = 999

// maxNames is how many names are tried for one room.
const maxNames = 9

// OpenRoom implements [bot.Chat]. A channel is an incident's room when its purpose
// holds the incident's key.
func (w *Workspace) OpenRoom(ctx context.Context, r bot.RoomRequest) (workflow.Room, error) {
	self, err := w.API.identity(ctx)
	if err != nil {
		return workflow.Room{}, err
	}
	if r.Was.ID != "" {
		back, e := w.unarchive(ctx, r)
		if back || e != nil {
			r.Was.State = workflow.RoomOpen
			return r.Was, e
		}
	}
	for n := range maxNames {
		name := channelName(r.Name, n+1)
		channel, e := w.createRoom(ctx, r, name)
		if ErrorCode(e) == "name_taken" {
			if channel, e = w.findOwn(ctx, r, name, self); channel == nil && e == nil {
				continue // it is another channel
			}
		}
		if e != nil {
			return workflow.Room{}, e
		}
		if bad := w.markChannel(ctx, r, channel); bad != nil {
			return workflow.Room{}, bad
		}
		return workflow.Room{
			Platform: Platform, ID: channel.ID, Name: channel.Name, URL: self.URL + "archives/" + channel.ID, State: workflow.RoomOpen, Private: channel.IsPrivate,
		}, nil
	}
	return workflow.Room{}, bot.Permanent(fmt.Errorf("name_taken: channels called %s, and %d more like it, are there already", r.Name, maxNames-1))
}

// channelName makes a channel's name from the wanted one: small letters, digits, -
// and _, at most 80 of them (docs.slack.dev/reference/methods/conversations.create).
// From n 2 on it ends with the number n.
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

// createRoom creates the channel of an incident.
func (w *Workspace) createRoom(ctx context.Context, r bot.RoomRequest, name string) (channel *slack.Channel, err error) {
	err = w.API.call(ctx, call{method: "conversations.create", key: r.Key, severity: r.Severity}, func(ctx context.Context) (e error) {
		channel, e = w.API.bot.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: name, IsPrivate: r.Private})
		return e
	})
	return channel, err
}

// purposeKey is the key in the purpose of an incident's channel. It has the
// installation's mark, so that it differs from those of other installations.
func (w *Workspace) purposeKey(incident string) string {
	return "tocsin/" + w.cfg.Mark + "/" + incident
}

// markChannel writes the incident's key into the purpose of a channel.
func (w *Workspace) markChannel(ctx context.Context, r bot.RoomRequest, channel *slack.Channel) error {
	if strings.Contains(channel.Purpose.Value, w.purposeKey(r.Incident)) {
		return nil
	}
	purpose := fmt.Sprintf("Incident %s. The room of this incident alone: %s", r.Incident, w.purposeKey(r.Incident))
	return w.API.call(ctx, call{method: "conversations.setPurpose", key: r.Key, severity: r.Severity}, func(ctx context.Context) error {
		_, e := w.API.bot.SetPurposeOfConversationContext(ctx, channel.ID, purpose)
		return e
	})
}

// findOwn finds the channel whose name is taken, if it is this incident's; else nil.
// Its purpose holds the incident's key; or the app has created it since the incident
// began, and its purpose is empty: if the process dies between creating and marking
// the channel, the channel looks like this. A channel of the other visibility is not
// the incident's.
func (w *Workspace) findOwn(ctx context.Context, r bot.RoomRequest, name string, self Identity) (*slack.Channel, error) {
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
			return nil, nil //nolint:nilnil // the app cannot see it
		}
		if err != nil {
			return nil, err
		}
		for n := range found {
			c := &found[n]
			if c.Name != name || c.IsPrivate != r.Private || c.IsArchived {
				continue
			}
			unmarked := c.Purpose.Value == "" && c.Creator == self.User && !c.Created.Time().Before(r.Since.Add(-time.Minute))
			if unmarked || strings.Contains(c.Purpose.Value, w.purposeKey(r.Incident)) {
				return c, nil
			}
			return nil, nil //nolint:nilnil // it is another channel
		}
		if cursor == "" {
			return nil, nil //nolint:nilnil // the app is not in it
		}
	}
}

// unarchive unarchives a channel, and reports whether that succeeded. Slack denies
// it to bots (docs.slack.dev/reference/methods/conversations.unarchive,
// "Bug alert"): it takes a user's token, or a person who does it by hand. When the
// channel stays archived, the incident continues in a new one.
func (w *Workspace) unarchive(ctx context.Context, r bot.RoomRequest) (bool, error) {
	if r.Private && !r.Was.Private {
		return false, nil
	}
	client := cmp.Or(w.API.user, w.API.bot)
	err := w.API.call(ctx, call{method: "conversations.unarchive", key: r.Key, severity: r.Severity, other: w.API.user != nil}, func(ctx context.Context) error {
		return client.UnArchiveConversationContext(ctx, r.Was.ID)
	})
	switch {
	case err == nil, ErrorCode(err) == "not_archived":
	case bot.IsPermanent(err), bot.IsBlocked(err) && (w.API.user != nil || !isTokenRefused(err)):
		w.cfg.Log.WarnContext(ctx, "an archived channel cannot be unarchived; the incident continues in another", "incident", r.Incident, "channel", r.Was.ID, "error", err.Error())
		return false, nil
	default:
		return false, err
	}
	return w.rejoin(ctx, r)
}

// rejoin adds the app again to a channel that was archived: archiving has removed
// the app from it.
func (w *Workspace) rejoin(ctx context.Context, r bot.RoomRequest) (bool, error) {
	self, err := w.API.identity(ctx)
	if err != nil {
		return false, err
	}
	if !r.Was.Private {
		err = w.join(ctx, r.Was.ID)
	} else if w.API.user != nil {
		err = w.API.call(ctx, call{method: "conversations.invite", key: r.Key, severity: r.Severity, other: true}, func(ctx context.Context) error {
			_, e := w.API.user.InviteUsersToConversationContext(ctx, r.Was.ID, self.User)
			return e
		})
	}
	if ErrorCode(err) == "already_in_channel" {
		return true, nil
	}
	if bot.IsPermanent(err) || bot.IsBlocked(err) && r.Was.Private {
		return false, nil
	}
	return err == nil, err
}

// join has the app join a public channel.
func (w *Workspace) join(ctx context.Context, channel string) error {
	return w.API.call(ctx, call{method: "conversations.join"}, func(ctx context.Context) error {
		_, _, _, e := w.API.bot.JoinConversationContext(ctx, channel)
		return e
	})
}

// SetUpRoom implements [bot.RoomManager].
func (w *Workspace) SetUpRoom(ctx context.Context, f bot.RoomWork) error {
	return w.inRoom(ctx, f.Room, func() error { return w.takeStep(ctx, f) })
}

// takeStep takes one setup step of a room.
func (w *Workspace) takeStep(ctx context.Context, f bot.RoomWork) error {
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

// bookmark adds the links that people need as bookmarks. Adding is not idempotent:
// where some may have been added before, the bookmarks are listed first.
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
		if err != nil && n > 0 { // those before it were added: the next try has to look
			return asUnclear(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// asUnclear returns an error as one whose outcome is not known, instead of one that
// says that nothing was done.
func asUnclear(err error) error {
	if _, later := bot.RetryDelay(err); later {
		return errors.New(err.Error())
	}
	return err
}

// maxInvite is how many people one call invites
// (docs.slack.dev/reference/methods/conversations.invite).
const maxInvite = 100

// inviteReserve is the part of a send's time that is kept for the invitation, once
// the people are looked up.
const inviteReserve = time.Second

// Invite implements [bot.RoomManager]. When more people have to be looked up than one
// send has time for, it asks to be repeated; those who were found are remembered.
func (w *Workspace) Invite(ctx context.Context, i bot.Invitation) error {
	var users, missing []string
	var denied error // that people may not be looked up
	for _, p := range i.People {
		if end, ends := ctx.Deadline(); ends && time.Until(end) < inviteReserve {
			return bot.RetryAfter(time.Second, fmt.Errorf("look up the invited people: %w", bot.ErrPaced))
		}
		id, err := w.Directory.userID(ctx, p.Handle, p.Email, call{key: i.Key}) // without urgency: a look-up for a page goes first
		switch {
		case isTokenRefused(err):
			return err
		case bot.IsRefused(err):
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
		err := w.inRoom(ctx, i.Room, func() error {
			return w.API.call(ctx, call{method: "conversations.invite", key: i.Key, severity: i.Severity}, func(ctx context.Context) error {
				_, e := w.API.bot.ForceInviteUsersToConversationContext(ctx, i.Room.ID, some...)
				return e
			})
		})
		failed, err := failedInvitations(err)
		if err != nil {
			return err
		}
		missing = append(missing, failed...)
	}
	switch {
	case bot.IsBlocked(denied): // they are invited once the app may look them up
		return bot.Blocked(fmt.Errorf("%s; not invited: %s", bot.BlockedReason(denied), strings.Join(missing, ", ")))
	case denied != nil:
		return bot.Permanent(fmt.Errorf("%w; not invited: %s", denied, strings.Join(missing, ", ")))
	}
	if len(missing) > 0 {
		return bot.Permanent(fmt.Errorf("not on Slack: %s", strings.Join(missing, ", ")))
	}
	return nil
}

// failedInvitations returns the users of an invitation who were not invited, although
// the others were. A user who is in the channel already is not one of them.
func failedInvitations(err error) ([]string, error) {
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
	var hidden error
	if c.Hide {
		if hidden = w.hideRoom(ctx, c); hidden != nil && !bot.IsPermanent(hidden) {
			return hidden // archived, it could not be changed any more
		}
	}
	return cmp.Or(w.archive(ctx, c), hidden)
}

// archive archives a channel.
func (w *Workspace) archive(ctx context.Context, c bot.RoomWork) error {
	err := w.inRoom(ctx, c.Room, func() error {
		return w.API.call(ctx, call{method: "conversations.archive", key: c.Key, severity: c.Severity}, func(ctx context.Context) error {
			return w.API.bot.ArchiveConversationContext(ctx, c.Room.ID)
		})
	})
	switch ErrorCode(err) {
	case "already_archived", "channel_not_found", "is_archived":
		return nil
	}
	return err
}
