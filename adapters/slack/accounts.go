package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/access"
)

// kindAccount is the kind of the records that link a user to the e-mail address by which
// Slack has found them, so that a person who was paged by their address is known when
// they answer, also while Slack does not say who they are, and after a restart. The
// record of a user holds the address, the record of an address the user.
const kindAccount = "slack-account"

// linkTimeout is how long the store may take with a link: a page or a person waits for it,
// and both go on without.
const linkTimeout = 500 * time.Millisecond

// rememberLink records that Slack has found a user by an e-mail address.
func (d *Directory) rememberLink(ctx context.Context, user, email string) {
	email = strings.ToLower(email)
	d.mu.Lock()
	same := d.links[user] == email && d.linked[email] == user
	if former := d.linked[email]; former != user {
		delete(d.links, former) // the address has another owner now
	}
	d.links[user], d.linked[email] = email, user
	d.mu.Unlock()
	if same {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), linkTimeout)
	defer cancel()
	_, err := d.cfg.Store.Commit(ctx, bot.Commit{At: d.cfg.Now().UTC(), Records: []bot.RecordChange{
		{Kind: kindAccount, ID: user, Version: bot.AnyVersion, Body: []byte(email)},
		{Kind: kindAccount, ID: "email:" + email, Version: bot.AnyVersion, Body: []byte(user)},
	}})
	if err != nil { // this process knows it until it ends
		d.cfg.Log.WarnContext(ctx, "the account of a person could not be stored", "user", user, "error", err.Error())
	}
}

// forgetLink forgets the address of a user who has another one now, or has left.
func (d *Directory) forgetLink(ctx context.Context, user string) {
	email := d.linkOf(ctx, user)
	if email == "" {
		return
	}
	d.mu.Lock()
	delete(d.links, user)
	delete(d.linked, email)
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), linkTimeout)
	defer cancel()
	_, err := d.cfg.Store.Commit(ctx, bot.Commit{At: d.cfg.Now().UTC(), Records: []bot.RecordChange{{Kind: kindAccount, ID: user, Version: bot.AnyVersion}}})
	if err != nil {
		d.cfg.Log.WarnContext(ctx, "the account of a person could not be forgotten", "user", user, "error", err.Error())
	}
}

// linkOf returns the e-mail address by which Slack has found a user; "" when it has not,
// or when the address belongs to another user now.
func (d *Directory) linkOf(ctx context.Context, user string) string {
	d.mu.Lock()
	email := d.links[user]
	d.mu.Unlock()
	if email != "" {
		return email
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), linkTimeout)
	defer cancel()
	email, err := d.readLink(ctx, user)
	if err != nil {
		d.cfg.Log.WarnContext(ctx, "the account of a person cannot be read", "user", user, "error", err.Error())
	}
	return email
}

// readLink reads the address of a user from the store.
func (d *Directory) readLink(ctx context.Context, user string) (string, error) {
	rec, err := d.cfg.Store.Get(ctx, kindAccount, user)
	if errors.Is(err, bot.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the account of a user: %w", err)
	}
	email := string(rec.Body)
	owner, err := d.cfg.Store.Get(ctx, kindAccount, "email:"+email)
	if err != nil {
		return "", fmt.Errorf("read the owner of an address: %w", err)
	}
	if string(owner.Body) != user {
		return "", nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.links[user], d.linked[email] = email, user
	return email, nil
}

// linkedAccount returns the account of a user that Slack does not describe right now, from
// the address by which it has found them before: the account that was paged may always
// answer. ok is false when it has found them by none.
func (d *Directory) linkedAccount(ctx context.Context, user string) (a access.Account, ok bool) {
	email := d.linkOf(ctx, user)
	return access.Account{Platform: Platform, ID: user, Email: email}, email != ""
}

// cacheAccount caches the account of a user and returns it. Where Slack leaves the
// address out, because the app may not see it any more, the one by which it was found
// before counts.
func (d *Directory) cacheAccount(ctx context.Context, u *slack.User, self Identity) access.Account {
	a := describeAccount(u, self)
	_, configured := d.organization().Directory.ByAccount(Platform, u.ID, a.Email)
	switch {
	case u.Deleted, a.External, a.Email != "" && !configured:
		d.forgetLink(ctx, u.ID)
	case a.Email != "":
		d.rememberLink(ctx, u.ID, a.Email)
	case !u.IsBot:
		a.Email = d.linkOf(ctx, u.ID)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byID[u.ID] = cached[access.Account]{value: a, until: d.cfg.Now().Add(keepAccount)}
	return a
}
