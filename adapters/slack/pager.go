package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// Page implements [bot.Pager]: a message to a person, or into a channel.
// Addresses are "slack:U024BE7LH", "slack:#ops" and "email:ana@example.com".
func (w *Workspace) Page(ctx context.Context, p bot.Page) error { return w.hand(ctx, p, false) }

// PageAgain implements [bot.Rechecker].
func (w *Workspace) PageAgain(ctx context.Context, p bot.Page) error { return w.hand(ctx, p, true) }

func (w *Workspace) hand(ctx context.Context, p bot.Page, again bool) error {
	channel, err := w.place(ctx, p.Address)
	if err != nil {
		return err
	}
	_, _, err = w.write(ctx, writing{
		key: p.Key, keys: p.Keys, channel: channel, severity: paging, again: again, wait: true, message: p.Message,
	})
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
	m := writing{key: p.Key, channel: channel, alone: true, wait: true}
	at, err := w.find(ctx, m)
	if at == "" || err != nil {
		return err
	}
	m.message = card.Message{Title: p.Message.Title, Text: "You are not needed any more: " + why + ".", Footer: p.Message.Footer}
	return w.rewrite(ctx, at, m)
}

// place finds the conversation behind an address.
func (w *Workspace) place(ctx context.Context, address string) (string, error) {
	if email, is := strings.CutPrefix(address, "email:"); is {
		user, err := w.userOf(ctx, "", email, call{severity: paging, wait: true})
		if err != nil {
			return "", err
		}
		return w.direct(ctx, user)
	}
	id, is := strings.CutPrefix(address, Platform+":")
	switch {
	case !is || id == "":
		return "", bot.Permanent(fmt.Errorf("%q is no address on Slack", address))
	case strings.HasPrefix(id, "#"), strings.HasPrefix(id, "C"), strings.HasPrefix(id, "G"):
		return w.channel(ctx, id, false)
	}
	return w.direct(ctx, id)
}

// direct opens the direct conversation with a user.
func (w *Workspace) direct(ctx context.Context, user string) (string, error) {
	w.mu.Lock()
	id := w.directs[user]
	w.mu.Unlock()
	if id != "" {
		return id, nil
	}
	err := w.call(ctx, call{method: "conversations.open", wait: true}, func(ctx context.Context) error {
		c, _, _, e := w.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
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
	id, missed := w.channels[short], w.missed[short]
	w.mu.Unlock()
	if id != "" {
		return id, nil
	}
	member := true
	var err error
	if missed.IsZero() || w.cfg.Now().Sub(missed) >= askAgain {
		if id, member, err = w.list(ctx, short); err != nil {
			return "", err
		}
		w.remember(short, id)
	}
	if id == "" && ours {
		if id, err = w.found(ctx, short); err != nil {
			return "", err
		}
		w.remember(short, id)
		member = true
	}
	if id == "" {
		return "", noChannel(name)
	}
	if !member { // so that what was written there can be looked for
		if err = w.join(ctx, id); err != nil {
			w.cfg.Log.WarnContext(ctx, "the app could not join a channel", "channel", name, "error", err.Error())
		}
	}
	return id, nil
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

// askAgain is how long a channel that was not there is not looked for.
const askAgain = time.Minute

func noChannel(name string) error {
	return bot.Permanent(fmt.Errorf("channel_not_found: there is no channel %s that the app can see; make it, and invite the app", name))
}

// list looks a channel up among all that the app can see.
func (w *Workspace) list(ctx context.Context, name string) (id string, member bool, err error) {
	types := []string{"public_channel", "private_channel"}
	for cursor := ""; ; {
		var page []slack.Channel
		err = w.call(ctx, call{method: "conversations.list", wait: true}, func(ctx context.Context) (e error) {
			page, cursor, e = w.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: types, Limit: pageSize, Cursor: cursor, ExcludeArchived: true})
			return e
		})
		if code(err) == "missing_scope" && len(types) > 1 { // without groups:read there are the public ones
			types = types[:1]
			continue
		}
		if err != nil {
			return "", false, err
		}
		for n := range page {
			if page[n].Name == name {
				return page[n].ID, page[n].IsMember, nil
			}
		}
		if cursor == "" {
			return "", false, nil
		}
	}
}

// found makes a channel where there is none.
func (w *Workspace) found(ctx context.Context, name string) (string, error) {
	var id string
	err := w.call(ctx, call{method: "conversations.create", key: "channel " + name, severity: workflow.SEV1, wait: true}, func(ctx context.Context) error {
		c, e := w.api.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: name})
		if e == nil {
			id = c.ID
		}
		return e
	})
	if code(err) == "name_taken" {
		return "", bot.Permanent(errors.New("channel_not_found: #" + name + " is there, and the app is not in it; invite it with /invite"))
	}
	return id, err
}
