package slacktest_test

import (
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
)

// The names that a channel can have: docs.slack.dev/reference/methods/conversations.create, "Naming", and its errors.
func TestNamesOfChannels(t *testing.T) {
	a := start(t, slacktest.Options{Unlimited: true})
	for name, code := range map[string]string{
		"":                      "invalid_name_required",
		"Inc-1":                 "invalid_name_specials",
		"inc 1":                 "invalid_name_specials",
		"inc.1":                 "invalid_name_specials",
		"störung":               "invalid_name_specials",
		"--":                    "invalid_name_punctuation",
		strings.Repeat("a", 81): "invalid_name_maxlength",
	} {
		a.expectError(code, "conversations.create", "name", name)
	}
	a.channel(strings.Repeat("a", 80))
	id := a.channel("inc-1")
	a.expectError("name_taken", "conversations.create", "name", "inc-1")
	a.do("conversations.archive", "channel", id)
	a.expectError("name_taken", "conversations.create", "name", "inc-1", "is_private", "true")
}

// The app leaves a channel that it archives: docs.slack.dev/reference/methods/conversations.archive, and
// conversations.unarchive with its "Bug alert".
func TestArchivingRemovesTheBot(t *testing.T) {
	a := start(t, slacktest.Options{})
	id := a.channel("inc-1")
	a.do("conversations.archive", "channel", id)
	a.expectError("already_archived", "conversations.archive", "channel", id)
	a.expectError("is_archived", "chat.postMessage", "channel", id, "text", "late")
	a.expectError("not_in_channel", "conversations.unarchive", "channel", id)
	a.expectError("is_archived", "conversations.join", "channel", id)
	a.expectError("is_archived", "conversations.setTopic", "channel", id, "topic", "x")
	person := a.as(a.s.UserToken)
	person.do("conversations.unarchive", "channel", id)
	person.expectError("not_archived", "conversations.unarchive", "channel", id)
	a.expectError("not_in_channel", "conversations.history", "channel", id)
	a.do("conversations.join", "channel", id)
	a.post(id, "back")
	secret := text(a.do("conversations.create", "name", "private-1", "is_private", "true"), "channel", "id")
	a.do("conversations.archive", "channel", secret)
	a.expectError("channel_not_found", "conversations.info", "channel", secret)
}

// Who can be invited, and what force changes: docs.slack.dev/reference/methods/conversations.invite.
func TestInviting(t *testing.T) {
	a := start(t, slacktest.Options{})
	id := a.channel("inc-1")
	ana, ben := a.s.AddUser(slacktest.User{Name: "ana"}), a.s.AddUser(slacktest.User{Name: "ben"})
	gone := a.s.AddUser(slacktest.User{Name: "dan", Deleted: true})
	a.expectError("no_user", "conversations.invite", "channel", id)
	a.expectError("too_many_users", "conversations.invite", "channel", id, "users", strings.Repeat(ana+",", 101))
	a.expectError("cant_invite_self", "conversations.invite", "channel", id, "users", a.s.BotUser)
	got := a.expectError("user_not_found", "conversations.invite", "channel", id, "users", "U404,"+ana+","+gone)
	if n := len(got["errors"].([]any)); n != 2 {
		t.Errorf("%d errors, want one for each user who cannot be invited: %v", n, got)
	}
	if m := a.s.Channel(id).Members; len(m) != 1 {
		t.Errorf("members %q, want the app alone: without force no one is invited", m)
	}
	got = a.do("conversations.invite", "channel", id, "users", "U404,"+ana+","+ben, "force", "true")
	if n := len(got["errors"].([]any)); n != 1 {
		t.Errorf("errors %v", got["errors"])
	}
	a.expectError("already_in_channel", "conversations.invite", "channel", id, "users", ana)
	other := a.s.AddChannel(slacktest.Channel{Name: "general", Members: []string{ana}})
	a.expectError("not_in_channel", "conversations.invite", "channel", other, "users", ben)
	a.do("conversations.join", "channel", other)
	a.do("conversations.invite", "channel", other, "users", ben)
	hidden := a.s.AddChannel(slacktest.Channel{Name: "hidden", Private: true, Members: []string{ana}})
	a.expectError("channel_not_found", "conversations.invite", "channel", hidden, "users", ben)
}

// docs.slack.dev/reference/methods/conversations.setTopic, conversations.setPurpose and conversations.rename.
func TestTopicPurposeAndName(t *testing.T) {
	a := start(t, slacktest.Options{})
	id := a.channel("inc-1")
	a.expectError("too_long", "conversations.setTopic", "channel", id, "topic", strings.Repeat("ä", 251))
	a.do("conversations.setTopic", "channel", id, "topic", strings.Repeat("ä", 250))
	got := a.do("conversations.setPurpose", "channel", id, "purpose", "disk & load")
	if text(got, "channel", "purpose", "value") != "disk &amp; load" || a.s.Channel("#inc-1").Purpose != "disk & load" {
		t.Errorf("purpose %v, unescaped %q", got, a.s.Channel("inc-1").Purpose)
	}
	a.do("conversations.rename", "channel", id, "name", "inc-1-disk")
	a.expectError("invalid_name_specials", "conversations.rename", "channel", id, "name", "No")
	if c := a.s.Channel(id); c.Name != "inc-1-disk" || c.PreviousNames[0] != "inc-1" {
		t.Errorf("%+v", c)
	}
}

// Pages of a list: docs.slack.dev/apis/web-api/pagination and reference/methods/conversations.list.
func TestPages(t *testing.T) {
	a := start(t, slacktest.Options{Unlimited: true})
	for _, name := range []string{"a", "b", "c"} {
		a.channel(name)
	}
	a.do("conversations.create", "name", "d", "is_private", "true")
	a.s.AddChannel(slacktest.Channel{Name: "e", Private: true})
	first := a.do("conversations.list", "limit", "2")
	next := text(first, "response_metadata", "next_cursor")
	if texts(first["channels"], "name") != "a b" || next == "" {
		t.Fatalf("first page %v", first)
	}
	second := a.do("conversations.list", "limit", "2", "cursor", next)
	if texts(second["channels"], "name") != "c" || text(second, "response_metadata", "next_cursor") != "" {
		t.Fatalf("second page %v", second)
	}
	own := a.do("users.conversations", "types", "public_channel,private_channel")
	if texts(own["channels"], "name") != "a b c d" {
		t.Errorf("own channels %v", own)
	}
	a.expectError("invalid_limit", "conversations.list", "limit", "1000")
	a.expectError("invalid_cursor", "conversations.list", "cursor", "next")
	a.expectError("invalid_types", "conversations.list", "types", "secret")
}
