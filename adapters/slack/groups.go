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
	"tocsin/bot/access"
	"tocsin/workflow"
)

// refreshEvery is how often Slack is asked for the members of user groups.
const refreshInterval = 10 * time.Minute

// kindGroup is the kind of the records that hold the last known members of a user
// group, by its ID, so that they are known after a start while Slack is away.
const kindGroup = "slack-group"

// member is a user in a user group. Person is who they were in the configuration
// when their e-mail address was last looked up.
type member struct {
	User   string `json:"user"`
	Person string `json:"person,omitempty"`
}

// Members returns the people in a user group, as last known: IDs of configured
// people, and "guest:slack:U024BE7LH" for others. It does not ask Slack; a group
// that is not known yet is asked for soon by [Directory.Run].
func (d *Directory) Members(group string) []string {
	d.mu.Lock()
	members, ok := d.groups[group]
	d.mu.Unlock()
	if !ok {
		select {
		case d.wanted <- struct{}{}:
		default:
		}
	}
	people := d.organization().Directory
	var all []string
	for _, m := range members {
		id := workflow.GuestID(Platform + ":" + m.User)
		if p, ok := people.ByAccount(Platform, m.User, ""); ok {
			id = p.ID
		} else if p, ok := people.Person(m.Person); ok && p.Accounts[Platform] == "" {
			id = p.ID
		}
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// Run keeps the members of the configured teams' user groups current until the
// context ends.
func (d *Directory) Run(ctx context.Context) {
	if err := d.loadGroups(ctx); err != nil {
		d.cfg.Log.WarnContext(ctx, "the last known members of user groups cannot be read", "error", err.Error())
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wanted:
		case <-timer.C:
		}
		for _, team := range d.organization().Directory.Teams {
			group := team.Groups[Platform]
			if group == "" || ctx.Err() != nil {
				continue
			}
			if err := d.refreshGroup(ctx, group); err != nil && ctx.Err() == nil {
				d.cfg.Log.WarnContext(ctx, "the members of a user group could not be refreshed", "team", team.ID, "group", group, "error", err.Error())
			}
		}
		timer.Reset(refreshInterval)
	}
}

// loadGroups loads the last known members of all groups from the store.
func (d *Directory) loadGroups(ctx context.Context) error {
	const page = 200
	for after := ""; ; {
		records, err := d.cfg.Store.Records(ctx, kindGroup, after, page)
		if err != nil {
			return fmt.Errorf("read user groups: %w", err)
		}
		for _, r := range records {
			after = r.ID
			var members []member
			if err = json.Unmarshal(r.Body, &members); err != nil {
				return fmt.Errorf("read user group %s: %w", r.ID, err)
			}
			d.mu.Lock()
			if _, ok := d.groups[r.ID]; !ok {
				d.groups[r.ID] = members
			}
			d.mu.Unlock()
		}
		if len(records) < page {
			return nil
		}
	}
}

// refreshGroup asks Slack for the members of a group, and stores those who have
// not left the workspace.
func (d *Directory) refreshGroup(ctx context.Context, group string) error {
	var users []string
	err := retry(ctx, func() error {
		return d.api.call(ctx, call{method: "usergroups.users.list", key: "group/" + group}, func(ctx context.Context) (e error) {
			users, e = d.api.bot.GetUserGroupMembersContext(ctx, group)
			return e
		})
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	before := d.groups[group]
	d.mu.Unlock()
	members := []member{}
	for _, user := range users {
		m, here, e := d.lookUpMember(ctx, user, before)
		if e != nil {
			return e
		}
		if here {
			members = append(members, m)
		}
	}
	d.mu.Lock()
	d.groups[group] = members
	d.mu.Unlock()
	if slices.Equal(before, members) {
		return nil
	}
	body, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("keep user group %s: %w", group, err)
	}
	_, err = d.cfg.Store.Commit(ctx, bot.Commit{
		At: d.cfg.Now().UTC(), Records: []bot.RecordChange{{Kind: kindGroup, ID: group, Version: bot.AnyVersion, Body: body}},
	})
	if err != nil {
		return fmt.Errorf("keep user group %s: %w", group, err)
	}
	return nil
}

// lookUpMember asks Slack who a member of a group is, and whether they are still
// in the workspace. If Slack says nothing about the member, the
// earlier data is kept. The call is not urgent: Slack is asked first for the account of a
// person who presses a button meanwhile.
func (d *Directory) lookUpMember(ctx context.Context, user string, before []member) (m member, here bool, err error) {
	var u *slack.User
	err = retry(ctx, func() error {
		return d.api.call(ctx, call{method: "users.info", key: "member/" + user}, func(ctx context.Context) (e error) {
			u, e = d.api.bot.GetUserInfoContext(ctx, user)
			return e
		})
	})
	switch {
	case ErrorCode(err) == "user_not_found":
		return member{}, false, nil
	case bot.IsPermanent(err), bot.IsBlocked(err) && !isTokenRefused(err):
		if n := slices.IndexFunc(before, func(m member) bool { return m.User == user }); n >= 0 {
			return before[n], true, nil
		}
		return member{User: user}, true, nil
	case err != nil:
		return member{}, false, err
	case u.Deleted || u.IsBot:
		return member{}, false, nil
	}
	self, err := d.api.identity(ctx)
	if err != nil {
		return member{}, false, err
	}
	speaker, _ := access.Identify(d.organization(), access.Claim{Account: d.cacheAccount(ctx, u, self)})
	return member{User: user, Person: speaker.Person}, true, nil
}

// maxRetries is how often a call in the background is repeated.
const maxRetries = 20

// retry repeats a call in the background: when Slack says to come again, and a
// few times when its outcome is not known.
func retry(ctx context.Context, do func() error) error {
	var err error
	for n := range maxRetries {
		if err = do(); err == nil || bot.IsRefused(err) {
			return err
		}
		wait, later := bot.RetryDelay(err)
		if !later && n >= 2 {
			return err
		}
		if e := sleep(ctx, max(wait, time.Second)); e != nil {
			return errors.Join(err, e)
		}
	}
	return err
}
