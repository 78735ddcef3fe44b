package slacktest_test

import (
	"slices"
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
)

// Who is found, and with which fields: docs.slack.dev/reference/methods/users.info, users.lookupByEmail and
// reference/scopes/users.read.email.
func TestUsers(t *testing.T) {
	a := start(t, slacktest.Options{})
	ana := a.s.AddUser(slacktest.User{Name: "ana", Email: "Ana@example.com", TZ: "Europe/Berlin"})
	a.s.AddUser(slacktest.User{Name: "dan", Email: "dan@example.com", Deleted: true})
	a.s.AddUser(slacktest.User{Name: "eve", Email: "eve@example.com", Stranger: true, TeamID: "T0ELSEWHERE"})
	got := a.do("users.info", "user", ana)
	if text(got, "user", "profile", "email") != "Ana@example.com" || text(got, "user", "tz") != "Europe/Berlin" {
		t.Errorf("%v", got)
	}
	a.expectError("user_not_found", "users.info", "user", "U404")
	if text(a.do("users.lookupByEmail", "email", "ana@example.com"), "user", "id") != ana {
		t.Error("an address in another case was not found")
	}
	for _, hidden := range []string{"dan@example.com", "eve@example.com", "nobody@example.com"} {
		a.expectError("users_not_found", "users.lookupByEmail", "email", hidden)
	}
	a.s.SetScopes([]string{"users:read"})
	if got = a.do("users.info", "user", ana); text(got, "user", "profile", "email") != "" {
		t.Errorf("the address is shown without users:read.email: %v", got)
	}
	a.expectError("missing_scope", "users.lookupByEmail", "email", "ana@example.com")
}

// An update replaces the whole list, which must not be empty: docs.slack.dev/reference/methods/usergroups.users.update.
func TestGroups(t *testing.T) {
	a := start(t, slacktest.Options{})
	ana, ben := a.s.AddUser(slacktest.User{Name: "ana"}), a.s.AddUser(slacktest.User{Name: "ben"})
	id := a.s.AddGroup(slacktest.UserGroup{Handle: "sre", Members: []string{ana}})
	if got := a.do("usergroups.list"); texts(got["usergroups"], "handle") != "sre" {
		t.Errorf("%v", got)
	}
	a.expectError("no_users_provided", "usergroups.users.update", "usergroup", id, "users", "")
	a.expectError("invalid_users", "usergroups.users.update", "usergroup", id, "users", ana+",U404")
	a.expectError("no_such_subteam", "usergroups.users.list", "usergroup", "S404")
	a.do("usergroups.users.update", "usergroup", id, "users", ben)
	if g := a.s.Group("sre"); !slices.Equal(g.Members, []string{ben}) {
		t.Errorf("%+v", g)
	}
}

// docs.slack.dev/reference/methods/conversations.open and chat.getPermalink.
func TestDirectMessagesAndLinks(t *testing.T) {
	a := start(t, slacktest.Options{})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	dan := a.s.AddUser(slacktest.User{Name: "dan", Deleted: true})
	id := text(a.do("conversations.open", "users", ana), "channel", "id")
	if again := a.do("conversations.open", "users", ana); text(again, "channel", "id") != id || again["already_open"] != true {
		t.Errorf("%v", again)
	}
	a.expectError("user_disabled", "conversations.open", "users", dan)
	a.expectError("user_not_found", "conversations.open", "users", "U404")
	a.expectError("users_list_not_supplied", "conversations.open")
	a.expectError("method_not_supported_for_channel_type", "conversations.setTopic", "channel", id, "topic", "x")
	ts := a.post(id, "a page")
	a.expectError("channel_not_found", "chat.update", "channel", ana, "ts", ts, "text", "a person's ID is no channel's ID")
	link := text(a.do("chat.getPermalink", "channel", id, "message_ts", ts), "permalink")
	if !strings.HasSuffix(link, "/archives/"+id+"/p"+strings.ReplaceAll(ts, ".", "")) {
		t.Errorf("%s", link)
	}
	a.expectError("message_not_found", "chat.getPermalink", "channel", id, "message_ts", "1.000001")
}
