package slack

import (
	"cmp"
	"context"
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
func (w *Workspace) Page(ctx context.Context, p bot.Page) error { return w.deliver(ctx, p, false) }

// PageAgain implements [bot.Rechecker].
func (w *Workspace) PageAgain(ctx context.Context, p bot.Page) error { return w.deliver(ctx, p, true) }

// deliver writes a page once for its key.
func (w *Workspace) deliver(ctx context.Context, p bot.Page, again bool) error {
	m := outgoing{key: p.Key, keys: p.Keys, severity: pageSeverity(p.Severity), again: again, since: p.Since, content: p.Content}
	if isChannel(p.Address) && !isUserID(p.Address) {
		_, _, err := w.writeInto(ctx, channelRef(p.Address), false, m)
		return err
	}
	var err error
	if m.channel, err = w.conversationOf(ctx, p.Address, p.Severity); err != nil {
		return err
	}
	_, _, err = w.Messages.write(ctx, m)
	return err
}

// Drop implements [bot.Dropper].
func (w *Workspace) Drop(key string) { w.API.pace.drop(key) }

// Cancel implements [bot.Canceler]: the message then says that the person is not
// needed any more, and has no buttons. A message that pages for several incidents
// stays as it is, because the others still need the person.
func (w *Workspace) Cancel(ctx context.Context, p bot.Page, why string) error {
	channel, err := w.conversationOf(ctx, p.Address, p.Severity)
	if err != nil {
		return err
	}
	m := outgoing{key: p.Key, channel: channel, alone: true, since: p.Since, wait: true}
	at, err := w.Messages.find(ctx, m)
	if at == "" || err != nil {
		return err
	}
	m.content = card.Content{Title: p.Content.Title, Text: "You are not needed any more: " + why + ".", Footer: p.Content.Footer}
	return w.Messages.rewrite(ctx, at, m)
}

// conversationOf returns the ID of the conversation behind an address.
// The call for it is as urgent as a page of a severity.
func (w *Workspace) conversationOf(ctx context.Context, address string, severity workflow.Severity) (string, error) {
	if email, ok := strings.CutPrefix(address, "email:"); ok {
		user, err := w.Directory.userID(ctx, "", email, call{severity: pageSeverity(severity), wait: true})
		if err != nil {
			return "", err
		}
		return w.Messages.openDirect(ctx, user)
	}
	switch {
	case isUserID(address):
		return w.Messages.openDirect(ctx, address)
	case isChannel(address):
		return w.findChannel(ctx, channelRef(address), false)
	}
	return "", bot.Permanent(fmt.Errorf("%q is not an address on Slack", address))
}

// findChannel returns the ID of a channel, by its name, "#incidents", or its ID. A
// name is looked up once: IDs never change. With create, a
// missing channel is created.
func (w *Workspace) findChannel(ctx context.Context, name string, create bool) (string, error) {
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
	case busy: // else every caller would list the channels, and create it, at once
		return "", bot.RetryAfter(searchAgainIn, fmt.Errorf("look for channel %s: %w", name, bot.ErrPaced))
	}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.seeking, short)
	}()
	id, member, err := w.searchChannel(ctx, short, create)
	switch {
	case err != nil:
		return "", err
	case id == "":
		return "", channelNotFound(name)
	case !member: // else the app can neither write nor look for a message in it
		if err = w.join(ctx, id); err != nil && !bot.IsPermanent(err) {
			return "", err
		}
		if err != nil { // a person has to invite it: the error of writing says so
			w.cfg.Log.WarnContext(ctx, "the app could not join a channel", "channel", name, "error", err.Error())
		}
	}
	w.rememberChannel(short, id)
	return id, nil
}

// searchAgainIn is the delay before the next attempt of a caller whose channel is
// being searched for by another caller.
const searchAgainIn = 500 * time.Millisecond

// searchChannel looks for a channel whose ID is not known; "" when there is none.
// Member says that the app is in it.
func (w *Workspace) searchChannel(ctx context.Context, name string, create bool) (id string, member bool, err error) {
	w.mu.Lock()
	missed := w.missed[name]
	w.mu.Unlock()
	if missed.IsZero() || w.cfg.Now().Sub(missed) >= missingFor {
		if id, member, err = w.listChannels(ctx, name); err != nil {
			return "", false, err
		}
		if id == "" {
			w.rememberChannel(name, id)
		}
	}
	if id != "" || !create {
		return id, member, nil
	}
	if id, err = w.createChannel(ctx, name); err == nil {
		return id, true, nil
	}
	if ErrorCode(err) != "name_taken" {
		return "", false, err
	}
	if id, member, err = w.listChannels(ctx, name); id != "" && err == nil { // another process was faster
		return id, member, nil
	}
	return "", false, cmp.Or(err, errNotVisible(name))
}

// rememberChannel remembers the ID of a channel, or that there is none.
func (w *Workspace) rememberChannel(name, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id == "" {
		w.missed[name] = w.cfg.Now()
		return
	}
	w.channels[name] = id
}

// forgetChannel forgets the name of a channel when an error says that it is gone, and
// reports whether it did: another channel may have the name by now.
func (w *Workspace) forgetChannel(channel string, err error) bool {
	if !isUnreachable(err) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before := len(w.channels)
	maps.DeleteFunc(w.channels, func(_, id string) bool { return id == channel })
	return len(w.channels) < before
}

// missingFor is how long a channel that was not there is not looked for again.
const missingFor = 30 * time.Second

func channelNotFound(name string) error {
	return bot.Blocked(fmt.Errorf("channel_not_found: there is no channel %s that the app can see; create it, and invite the app", name))
}

// listing is the position in the search for a channel.
type listing struct {
	cursor string
	public bool // only public channels
}

// listChannels looks for a channel among all that the app can see. There may be more
// than can be listed within one send: the next call continues where this one ends.
func (w *Workspace) listChannels(ctx context.Context, name string) (id string, member bool, err error) {
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
		page, next, e := w.listPage(ctx, at)
		switch {
		case ErrorCode(e) == "missing_scope" && !at.public: // without groups:read only public channels can be listed
			at = listing{public: true}
			continue
		case ErrorCode(e) == "invalid_cursor" && at.cursor != "": // the listing began too long ago
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

// listPage lists one page of channels.
func (w *Workspace) listPage(ctx context.Context, at listing) (page []slack.Channel, next string, err error) {
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

// createChannel creates a public channel.
func (w *Workspace) createChannel(ctx context.Context, name string) (string, error) {
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
