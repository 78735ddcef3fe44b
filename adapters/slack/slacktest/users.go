package slacktest

import (
	"slices"
	"strings"
)

// testAuth handles auth.test.
func testAuth(c *call) answer {
	a := answer{
		"url": "https://tocsin-test.slack.com/", "team": "Tocsin Test", "team_id": c.TeamID,
		"user": c.users[c.user].Name, "user_id": c.user, "is_enterprise_install": false,
	}
	if c.kind == "bot" {
		a["bot_id"] = c.BotID
	}
	return a
}

// encodeUser returns a user as reference/objects/user-object describes them. The email address is there only with
// users:read.email (reference/scopes/users.read.email).
func (c *call) encodeUser(u *User) answer {
	profile := answer{
		"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.Name,
		"display_name_normalized": u.Name, "team": u.TeamID,
	}
	if u.Email != "" && c.hasScope("users:read.email") {
		profile["email"] = u.Email
	}
	a := answer{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "deleted": u.Deleted, "profile": profile,
		"is_bot": u.Bot, "is_app_user": false, "updated": 0, "is_stranger": u.Stranger,
	}
	if !u.Deleted {
		a["real_name"], a["tz"], a["tz_label"], a["tz_offset"] = u.RealName, u.TZ, u.TZ, 0
		a["is_admin"], a["is_owner"] = false, false
		a["is_restricted"], a["is_ultra_restricted"] = u.Restricted, false
	}
	return a
}

// userInfo handles users.info.
func userInfo(c *call) answer {
	u := c.users[c.args["user"]]
	if u == nil {
		return refuse("user_not_found")
	}
	return answer{"user": c.encodeUser(u)}
}

// lookupByEmail handles users.lookupByEmail. It finds neither deactivated users nor those of other workspaces.
func lookupByEmail(c *call) answer {
	for _, u := range c.users {
		if u.Email != "" && strings.EqualFold(u.Email, c.args["email"]) && !u.Deleted && !u.Stranger {
			return answer{"user": c.encodeUser(u)}
		}
	}
	return refuse("users_not_found")
}

// encodeGroup returns a user group as reference/methods/usergroups.list shows it.
func (c *call) encodeGroup(g *UserGroup) answer {
	a := answer{
		"id": g.ID, "team_id": c.TeamID, "is_usergroup": true, "name": g.Name, "handle": g.Handle,
		"user_count": len(g.Members), "date_delete": 0,
	}
	if c.args.boolean("include_users") || c.method == "usergroups.users.update" {
		a["users"] = append([]string{}, g.Members...)
	}
	return a
}

// listGroups handles usergroups.list.
func listGroups(c *call) answer {
	all := []answer{}
	for _, g := range c.groups {
		all = append(all, c.encodeGroup(g))
	}
	return answer{"usergroups": all}
}

// findGroup returns the user group that the call names; nil if there is none.
func (c *call) findGroup() *UserGroup {
	for _, g := range c.groups {
		if g.ID == c.args["usergroup"] {
			return g
		}
	}
	return nil
}

// listGroupUsers handles usergroups.users.list.
func listGroupUsers(c *call) answer {
	g := c.findGroup()
	if g == nil {
		return refuse("no_such_subteam")
	}
	return answer{"users": append([]string{}, g.Members...)}
}

// updateGroupUsers handles usergroups.users.update. The list replaces the one before.
func updateGroupUsers(c *call) answer {
	g, users := c.findGroup(), c.args.list("users")
	if g == nil {
		return refuse("no_such_subteam")
	}
	for _, id := range users {
		if u := c.users[id]; u == nil || u.Deleted || u.Stranger {
			return refuse("invalid_users")
		}
	}
	g.Members = slices.Clone(users)
	return answer{"usergroup": c.encodeGroup(g)}
}
