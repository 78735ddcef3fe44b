package slack

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/access"
)

// How long accounts are remembered: those that are there, and addresses that
// nobody has.
const (
	rememberAccount = time.Hour
	rememberMissing = 5 * time.Minute
)

// accounts remembers who is who.
type accounts struct {
	mu     sync.Mutex
	byID   map[string]remembered[access.Account]
	byMail map[string]remembered[string] // "" for nobody
	groups map[string][]member           // user group → who is in it
}

type remembered[T any] struct {
	value T
	until time.Time
}

func newAccounts() *accounts {
	return &accounts{
		byID: map[string]remembered[access.Account]{}, byMail: map[string]remembered[string]{}, groups: map[string][]member{},
	}
}

var errNobody = errors.New("nobody on Slack has that address")

// userOf finds a user: by ID, where it is known, else by address. How urgently
// they are asked for, as says.
func (w *Workspace) userOf(ctx context.Context, id, email string, as call) (string, error) {
	if id != "" {
		return id, nil
	}
	if email == "" {
		return "", bot.Permanent(errors.New("neither a Slack ID nor an e-mail address is known"))
	}
	now := w.cfg.Now()
	w.accounts.mu.Lock()
	known, is := w.accounts.byMail[email]
	w.accounts.mu.Unlock()
	if is && now.Before(known.until) {
		if known.value == "" {
			return "", bot.Permanent(errNobody)
		}
		return known.value, nil
	}
	var user *slack.User
	as.method = "users.lookupByEmail"
	err := w.call(ctx, as, func(ctx context.Context) (e error) {
		user, e = w.api.GetUserByEmailContext(ctx, email)
		return e
	})
	found := remembered[string]{until: now.Add(rememberMissing)}
	switch {
	case err == nil:
		found = remembered[string]{value: user.ID, until: now.Add(rememberAccount)}
	case code(err) == "users_not_found":
		err = bot.Permanent(errNobody)
	default:
		return "", err
	}
	w.accounts.mu.Lock()
	defer w.accounts.mu.Unlock()
	w.accounts.byMail[email] = found
	return found.value, err
}

// Account returns who a user is. An address is given only where the workspace
// vouches for it: not of people of other workspaces, of bots, or of those who
// have left. Where Slack does not answer, they are who they were last.
func (w *Workspace) Account(ctx context.Context, id string) (access.Account, error) {
	now := w.cfg.Now()
	w.accounts.mu.Lock()
	known, is := w.accounts.byID[id]
	w.accounts.mu.Unlock()
	if is && now.Before(known.until) {
		return known.value, nil
	}
	var u *slack.User
	me, err := w.me(ctx)
	if err == nil {
		err = w.call(ctx, call{method: "users.info", wait: true}, func(ctx context.Context) (e error) {
			u, e = w.api.GetUserInfoContext(ctx, id)
			return e
		})
	}
	switch {
	case err == nil:
		return w.learn(u, me), nil
	case is && !bot.IsPermanent(err):
		return known.value, nil
	}
	return access.Account{}, err
}

// learn remembers what Slack has said of a user.
func (w *Workspace) learn(u *slack.User, me identity) access.Account {
	a := access.Account{Platform: Platform, ID: u.ID, Name: firstOf(u.Profile.RealName, u.RealName, u.Profile.DisplayName, u.Name)}
	if zone, e := time.LoadLocation(u.TZ); e == nil && u.TZ != "" {
		a.Zone = zone
	}
	a.External = u.IsStranger || u.TeamID != "" && u.TeamID != me.TeamID
	if !u.IsBot && !u.Deleted && !a.External {
		a.Email = u.Profile.Email
	}
	w.accounts.mu.Lock()
	defer w.accounts.mu.Unlock()
	w.accounts.byID[u.ID] = remembered[access.Account]{value: a, until: w.cfg.Now().Add(rememberAccount)}
	return a
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
