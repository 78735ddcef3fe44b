package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
)

// refreshEvery is how often the members of user groups are asked for.
const refreshEvery = 10 * time.Minute

// kindGroup is the kind of records that hold the last known members of a user
// group, by its ID: a start while Slack is away knows them still.
const kindGroup = "slack-group"

// member is somebody in a user group. Who they are here was so when their
// address was last looked up.
type member struct {
	User   string `json:"user"`
	Person string `json:"person,omitempty"`
}

// Groups returns the people in a user group, as last known: IDs of configured
// people, and "guest:slack:U024BE7LH" of others. It asks nobody; a group that
// is not known yet is asked for soon.
func (w *Workspace) Groups(group string) []string {
	w.accounts.mu.Lock()
	members, known := w.accounts.groups[group]
	w.accounts.mu.Unlock()
	if !known {
		select {
		case w.inbox.wanted <- struct{}{}:
		default:
		}
	}
	people := w.cfg.Bot().Organization().Directory
	var all []string
	for _, m := range members {
		id := "guest:" + Platform + ":" + m.User
		if p, ok := people.ByAccount(Platform, m.User, ""); ok {
			id = p.ID
		} else if p, ok := people.Person(m.Person); ok && p.Slack == "" {
			id = p.ID
		}
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// keepGroups keeps the members of the configured teams' groups known until the
// context ends.
func (w *Workspace) keepGroups(ctx context.Context) {
	if err := w.rememberGroups(ctx); err != nil {
		w.cfg.Log.WarnContext(ctx, "the last known members of user groups cannot be read", "error", err.Error())
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.inbox.wanted:
		case <-timer.C:
		}
		for _, team := range w.cfg.Bot().Organization().Directory.Teams {
			group := team.Slack
			if group == "" || ctx.Err() != nil {
				continue
			}
			if err := w.askGroup(ctx, group); err != nil && ctx.Err() == nil {
				w.cfg.Log.WarnContext(ctx, "the members of a user group are not known anew", "team", team.ID, "group", group, "error", err.Error())
			}
		}
		timer.Reset(refreshEvery)
	}
}

// Store is where the adapter keeps the members of user groups.
type Store interface {
	bot.Records
	bot.Committer
}

// rememberGroups reads who was last known.
func (w *Workspace) rememberGroups(ctx context.Context) error {
	const page = 200
	for after := ""; ; {
		records, err := w.cfg.Store.Records(ctx, kindGroup, after, page)
		if err != nil {
			return fmt.Errorf("read user groups: %w", err)
		}
		for _, r := range records {
			after = r.ID
			var members []member
			if err = json.Unmarshal(r.Body, &members); err != nil {
				return fmt.Errorf("read user group %s: %w", r.ID, err)
			}
			w.accounts.mu.Lock()
			if _, known := w.accounts.groups[r.ID]; !known {
				w.accounts.groups[r.ID] = members
			}
			w.accounts.mu.Unlock()
		}
		if len(records) < page {
			return nil
		}
	}
}

// askGroup asks Slack who is in a group, and keeps that. Those who have left
// the workspace are left out.
func (w *Workspace) askGroup(ctx context.Context, group string) error {
	var users []string
	err := w.patiently(ctx, func() error {
		return w.call(ctx, call{method: "usergroups.users.list", key: "group/" + group}, func(ctx context.Context) (e error) {
			users, e = w.api.GetUserGroupMembersContext(ctx, group)
			return e
		})
	})
	if err != nil {
		return err
	}
	w.accounts.mu.Lock()
	before := w.accounts.groups[group]
	w.accounts.mu.Unlock()
	members := []member{}
	for _, user := range users {
		m, here, e := w.memberOf(ctx, user, before)
		if e != nil {
			return e
		}
		if here {
			members = append(members, m)
		}
	}
	w.accounts.mu.Lock()
	w.accounts.groups[group] = members
	w.accounts.mu.Unlock()
	if slices.Equal(before, members) {
		return nil
	}
	body, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("keep user group %s: %w", group, err)
	}
	_, err = w.cfg.Store.Commit(ctx, bot.Commit{
		At: w.cfg.Bot().Now(), Records: []bot.RecordChange{{Kind: kindGroup, ID: group, Version: bot.AnyVersion, Body: body}},
	})
	if err != nil {
		return fmt.Errorf("keep user group %s: %w", group, err)
	}
	return nil
}

// memberOf says who a member of a group is, and whether they are still here.
// Whom Slack does not tell of is who they were. Nobody waits for it: whoever
// presses a button meanwhile is asked for first.
func (w *Workspace) memberOf(ctx context.Context, user string, before []member) (m member, here bool, err error) {
	var u *slack.User
	err = w.patiently(ctx, func() error {
		return w.call(ctx, call{method: "users.info", key: "member/" + user}, func(ctx context.Context) (e error) {
			u, e = w.api.GetUserInfoContext(ctx, user)
			return e
		})
	})
	switch {
	case code(err) == "user_not_found":
		return member{}, false, nil
	case bot.IsPermanent(err):
		if n := slices.IndexFunc(before, func(m member) bool { return m.User == user }); n >= 0 {
			return before[n], true, nil
		}
		return member{User: user}, true, nil
	case err != nil:
		return member{}, false, err
	case u.Deleted || u.IsBot:
		return member{}, false, nil
	}
	me, err := w.me(ctx)
	if err != nil {
		return member{}, false, err
	}
	return member{User: user, Person: w.identify(w.learn(u, me)).Person}, true, nil
}

// mostPatience bounds how often a call in the background comes again.
const mostPatience = 20

// patiently comes again when it is told to, and a few times when nobody knows
// what has become of it.
func (w *Workspace) patiently(ctx context.Context, do func() error) error {
	var err error
	for n := range mostPatience {
		if err = do(); err == nil || bot.IsPermanent(err) {
			return err
		}
		wait, later := bot.RetryDelay(err)
		if !later && n >= 2 {
			return err
		}
		if e := pause(ctx, max(wait, time.Second)); e != nil {
			return errors.Join(err, e)
		}
	}
	return err
}
