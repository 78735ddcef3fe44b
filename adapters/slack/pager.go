package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// Page implements [bot.Pager]: a message to a person, or into a channel.
// Addresses are "U024BE7LH", "#ops" and "email:ana@example.com".
func (w *Workspace) Page(ctx context.Context, p bot.Page) error { return w.hand(ctx, p, false) }

// PageAgain implements [bot.Rechecker].
func (w *Workspace) PageAgain(ctx context.Context, p bot.Page) error { return w.hand(ctx, p, true) }

func (w *Workspace) hand(ctx context.Context, p bot.Page, again bool) error {
	channel, err := w.place(ctx, p.Address)
	if err != nil {
		return err
	}
	_, _, err = w.write(ctx, writing{
		key: p.Key, keys: p.Keys, channel: channel, severity: paging, again: again, since: p.Since, wait: true, message: p.Content,
	})
	w.lost(channel, err)
	return err
}

// Cancel implements [bot.Canceler]: the message says that nobody is needed any
// more, and has no buttons. One that pages for several incidents stays as it
// is: the others still need somebody.
func (w *Workspace) Cancel(ctx context.Context, p bot.Page, why string) error {
	channel, err := w.place(ctx, p.Address)
	if err != nil {
		return err
	}
	m := writing{key: p.Key, channel: channel, alone: true, since: p.Since, wait: true}
	at, err := w.find(ctx, m)
	if at == "" || err != nil {
		return err
	}
	m.message = card.Content{Title: p.Content.Title, Text: "You are not needed any more: " + why + ".", Footer: p.Content.Footer}
	return w.rewrite(ctx, at, m)
}

// place finds the conversation behind an address.
func (w *Workspace) place(ctx context.Context, address string) (string, error) {
	if email, ok := strings.CutPrefix(address, "email:"); ok {
		user, err := w.Directory.userID(ctx, "", email, call{severity: paging, wait: true})
		if err != nil {
			return "", err
		}
		return w.direct(ctx, user)
	}
	switch {
	case isUserID(address):
		return w.direct(ctx, address)
	case isChannel(address):
		return w.channel(ctx, address, false)
	}
	return "", bot.Permanent(fmt.Errorf("%q is no address on Slack", address))
}

// direct opens the direct conversation with a user.
func (w *Workspace) direct(ctx context.Context, user string) (string, error) {
	w.mu.Lock()
	id := w.directs[user]
	w.mu.Unlock()
	if id != "" {
		return id, nil
	}
	err := w.API.call(ctx, call{method: "conversations.open", wait: true}, func(ctx context.Context) error {
		c, _, _, e := w.API.bot.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
		if e == nil {
			id = c.ID
		}
		return e
	})
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.directs[user] = id
	return id, nil
}

// channel finds a channel by its name, "#incidents", or its ID. Channels are
// listed once; their IDs never change. One that is to be ours is made when
// there is none.
func (w *Workspace) channel(ctx context.Context, name string, ours bool) (string, error) {
	short, named := strings.CutPrefix(name, "#")
	if !named {
		return name, nil
	}
	w.mu.Lock()
	id, busy := w.channels[short], w.seeking[short]
	w.seeking[short] = busy || id == ""
	w.mu.Unlock()
	switch {
	case id != "":
		return id, nil
	case busy: // else everybody would list, and make it, at once
		return "", bot.RetryAfter(shortly, fmt.Errorf("look for channel %s: %w", name, bot.ErrPaced))
	}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.seeking, short)
	}()
	id, member, err := w.seek(ctx, short, ours)
	switch {
	case err != nil:
		return "", err
	case id == "":
		return "", noChannel(name)
	case !member: // else nothing can be written there, nor looked for
		if err = w.join(ctx, id); err != nil && !bot.IsPermanent(err) {
			return "", err
		}
		if err != nil { // it is for others to do: writing says so
			w.cfg.Log.WarnContext(ctx, "the app could not join a channel", "channel", name, "error", err.Error())
		}
	}
	w.remember(short, id)
	return id, nil
}

// shortly is when whoever needs a channel comes again that is being looked for.
const shortly = 500 * time.Millisecond

// seek looks for a channel that is not known; "" where there is none.
func (w *Workspace) seek(ctx context.Context, name string, ours bool) (id string, member bool, err error) {
	w.mu.Lock()
	missed := w.missed[name]
	w.mu.Unlock()
	if missed.IsZero() || w.cfg.Now().Sub(missed) >= askAgain {
		if id, member, err = w.list(ctx, name); err != nil {
			return "", false, err
		}
		if id == "" {
			w.remember(name, id)
		}
	}
	if id != "" || !ours {
		return id, member, nil
	}
	if id, err = w.found(ctx, name); err == nil {
		return id, true, nil
	}
	if ErrorCode(err) != "name_taken" {
		return "", false, err
	}
	if id, member, err = w.list(ctx, name); id != "" && err == nil { // another process was faster
		return id, member, nil
	}
	return "", false, cmp.Or(err, bot.Permanent(errors.New("channel_not_found: #"+name+" is there, and the app is not in it; invite it with /invite")))
}

// remember notes where a channel is, or that there is none.
func (w *Workspace) remember(name, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id == "" {
		w.missed[name] = w.cfg.Now()
		return
	}
	w.channels[name] = id
}

// lost forgets the name of a channel that is gone: another may have it by now.
func (w *Workspace) lost(channel string, err error) {
	switch ErrorCode(err) {
	case "channel_not_found", "is_archived":
		w.mu.Lock()
		defer w.mu.Unlock()
		maps.DeleteFunc(w.channels, func(_, id string) bool { return id == channel })
	}
}

// askAgain is how long a channel that was not there is not looked for.
const askAgain = time.Minute

func noChannel(name string) error {
	return bot.Permanent(fmt.Errorf("channel_not_found: there is no channel %s that the app can see; make it, and invite the app", name))
}

// listing is how far a channel has been looked for.
type listing struct {
	cursor string
	public bool // among the public ones alone
}

// list looks a channel up among all that the app can see. There may be more than
// can be listed at a time: the next try goes on where this one ends.
func (w *Workspace) list(ctx context.Context, name string) (id string, member bool, err error) {
	w.mu.Lock()
	at := w.listed[name]
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.listed[name] = at; err == nil || bot.IsPermanent(err) {
			delete(w.listed, name)
		}
	}()
	for {
		page, next, e := w.listSome(ctx, at)
		switch {
		case ErrorCode(e) == "missing_scope" && !at.public: // without groups:read there are the public ones
			at = listing{public: true}
			continue
		case ErrorCode(e) == "invalid_cursor" && at.cursor != "": // it was too long ago
			at.cursor = ""
			continue
		case e != nil:
			return "", false, e
		}
		for n := range page {
			if page[n].Name == name {
				return page[n].ID, page[n].IsMember, nil
			}
		}
		if at.cursor = next; next == "" {
			return "", false, nil
		}
	}
}

// listSome lists some channels from where a listing is.
func (w *Workspace) listSome(ctx context.Context, at listing) (page []slack.Channel, next string, err error) {
	types := []string{"public_channel", "private_channel"}
	if at.public {
		types = types[:1]
	}
	err = w.API.call(ctx, call{method: "conversations.list", wait: true}, func(ctx context.Context) (e error) {
		page, next, e = w.API.bot.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: types, Limit: pageSize, Cursor: at.cursor, ExcludeArchived: true})
		return e
	})
	return page, next, err
}

// found makes a channel where there is none.
func (w *Workspace) found(ctx context.Context, name string) (string, error) {
	var id string
	err := w.API.call(ctx, call{method: "conversations.create", key: "channel " + name, severity: workflow.SEV1, wait: true}, func(ctx context.Context) error {
		c, e := w.API.bot.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: name})
		if e == nil {
			id = c.ID
		}
		return e
	})
	return id, err
}
