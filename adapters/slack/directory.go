package slack

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/access"
)

// How long accounts are kept: those that Slack knows, and e-mail addresses that
// no account has.
const (
	keepAccount = time.Hour
	keepMissing = 5 * time.Minute
)

// Directory knows the workspace's accounts, by ID and by e-mail address, and the
// members of its user groups, which [Directory.Run] keeps current. It is safe for
// concurrent use.
type Directory struct {
	api          *API
	cfg          Config
	organization func() *bot.Organization // the current one
	wanted       chan struct{}            // receives when a user group is not known yet

	mu      sync.Mutex
	byID    map[string]cached[access.Account]
	byEmail map[string]cached[string] // user ID; "": no account has the address
	groups  map[string][]member       // by the user group's ID
	links   map[string]string         // e-mail address by user ID, as Slack has found them
	linked  map[string]string         // and the other way round
}

// cached is a value that is used until a time.
type cached[T any] struct {
	value T
	until time.Time
}

func newDirectory(api *API, organization func() *bot.Organization) *Directory {
	return &Directory{
		api: api, cfg: api.cfg, organization: organization, wanted: make(chan struct{}, 1),
		byID: map[string]cached[access.Account]{}, byEmail: map[string]cached[string]{}, groups: map[string][]member{},
		links: map[string]string{}, linked: map[string]string{},
	}
}

var errNoAccount = errors.New("no one on Slack has that e-mail address")

// userID finds a user: by their own ID, where it is known, else by e-mail
// address. The call says how urgently Slack is asked, and for what.
func (d *Directory) userID(ctx context.Context, id, email string, c call) (string, error) {
	if id != "" {
		return id, nil
	}
	if email == "" {
		return "", bot.Permanent(errors.New("neither a Slack ID nor an e-mail address is known"))
	}
	now := d.cfg.Now()
	d.mu.Lock()
	last, ok := d.byEmail[email]
	d.mu.Unlock()
	if ok && now.Before(last.until) {
		if last.value == "" {
			return "", bot.Permanent(errNoAccount)
		}
		return last.value, nil
	}
	var user *slack.User
	c.method = "users.lookupByEmail"
	err := d.api.call(ctx, c, func(ctx context.Context) (e error) {
		user, e = d.api.bot.GetUserByEmailContext(ctx, email)
		return e
	})
	found := cached[string]{until: now.Add(keepMissing)}
	switch {
	case err == nil:
		found = cached[string]{value: user.ID, until: now.Add(keepAccount)}
	case ErrorCode(err) == "users_not_found":
		err = bot.Permanent(errNoAccount)
	default:
		return "", err
	}
	if found.value != "" {
		d.rememberLink(ctx, found.value, email)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byEmail[email] = found
	return found.value, err
}

// Account returns the account of a user ID. It has an e-mail address only where
// the workspace vouches for it: not for people of other workspaces, bots, or
// people who have left. While Slack does not answer, the last known account
// is returned, or one with the address by which the person was found to be paged.
func (d *Directory) Account(ctx context.Context, id string) (access.Account, error) {
	now := d.cfg.Now()
	d.mu.Lock()
	last, ok := d.byID[id]
	d.mu.Unlock()
	if ok && now.Before(last.until) {
		return last.value, nil
	}
	var user *slack.User
	self, err := d.api.identity(ctx)
	if err == nil {
		err = d.api.call(ctx, call{method: "users.info", wait: true}, func(ctx context.Context) (e error) {
			user, e = d.api.bot.GetUserInfoContext(ctx, id)
			return e
		})
	}
	switch {
	case err == nil:
		return d.cacheAccount(ctx, user, self), nil
	case ok && !bot.IsPermanent(err):
		return last.value, nil
	case ErrorCode(err) == "user_not_found":
		return access.Account{}, err
	}
	if a, linked := d.linkedAccount(ctx, id); linked {
		return a, nil
	}
	return access.Account{}, err
}

// describeAccount returns the account of a user as Slack describes it.
func describeAccount(u *slack.User, self Identity) access.Account {
	a := access.Account{Platform: Platform, ID: u.ID, Name: cmp.Or(u.Profile.RealName, u.RealName, u.Profile.DisplayName, u.Name)}
	if zone, err := time.LoadLocation(u.TZ); err == nil && u.TZ != "" {
		a.Zone = zone
	}
	a.External = u.IsStranger || u.TeamID != "" && u.TeamID != self.TeamID
	if !u.IsBot && !u.Deleted && !a.External {
		a.Email = u.Profile.Email
	}
	return a
}
