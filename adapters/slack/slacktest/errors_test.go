package slacktest_test

import (
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
)

// The errors of each method's page below docs.slack.dev/reference/methods that no other test covers.
func TestErrorsOfMethods(t *testing.T) {
	a := start(t, slacktest.Options{Unlimited: true})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	guest := a.s.AddUser(slacktest.User{Name: "cleo", Restricted: true})
	stranger := a.s.AddUser(slacktest.User{Name: "eve", Stranger: true})
	robot := a.s.AddUser(slacktest.User{Name: "robot", Bot: true})
	general := a.s.AddChannel(slacktest.Channel{Name: "general", General: true, Members: []string{ana, a.s.BotUser}})
	theirs := a.s.AddChannel(slacktest.Channel{Name: "theirs", Members: []string{ana}})
	hidden := a.s.AddChannel(slacktest.Channel{Name: "hidden", Private: true, Members: []string{ana}})
	room := a.channel("inc-1")
	old := a.channel("old")
	a.do("conversations.archive", "channel", old)
	dm := text(a.do("conversations.open", "users", ana, "return_im", "true"), "channel", "id")
	card := a.post(room, "card")
	foreign := a.s.Say(ana, general, "hello", "").Message.TS
	joined := a.s.Messages(room)[0].TS
	a.do("reactions.add", "channel", room, "timestamp", card, "name", "eyes")
	for _, c := range []struct{ code, call string }{
		{"cant_archive_general", "conversations.archive channel=" + general},
		{"not_in_channel", "conversations.archive channel=" + theirs},
		{"method_not_supported_for_channel_type", "conversations.archive channel=" + dm},
		{"not_archived", "conversations.unarchive channel=" + room},
		{"method_not_supported_for_channel_type", "conversations.unarchive channel=" + dm},
		{"is_archived", "conversations.rename name=x channel=" + old},
		{"not_authorized", "conversations.rename name=x channel=" + general},
		{"not_in_channel", "conversations.rename name=x channel=" + theirs},
		{"name_taken", "conversations.rename name=old channel=" + room},
		{"invalid_name_required", "conversations.rename channel=" + room},
		{"method_not_supported_for_channel_type", "conversations.rename name=x channel=" + dm},
		{"not_in_channel", "conversations.setTopic topic=x channel=" + theirs},
		{"invalid_arguments", "conversations.setTopic channel=" + room},
		{"is_archived", "conversations.invite users=" + ana + " channel=" + old},
		{"user_is_restricted", "conversations.invite users=" + guest + " channel=" + room},
		{"no_external_invite_permission", "conversations.invite users=" + stranger + " channel=" + room},
		{"method_not_supported_for_channel_type", "conversations.invite users=" + ana + " channel=" + dm},
		{"method_not_supported_for_channel_type", "conversations.join channel=" + dm},
		{"channel_not_found", "conversations.join channel=" + hidden},
		{"channel_not_found", "conversations.info channel=" + hidden},
		{"channel_not_found", "conversations.info channel=#general"},
		{"channel_not_found", "conversations.members channel=" + hidden},
		{"user_not_found", "conversations.open users=" + robot},
		{"too_many_users", "conversations.open users=" + ana + "," + guest},
		{"method_not_supported_for_channel_type", "conversations.open channel=" + room},
		{"not_in_channel", "conversations.replies ts=1.1 channel=" + theirs},
		{"invalid_ts_latest", "conversations.history latest=now channel=" + room},
		{"cant_update_message", "chat.update text=x ts=" + foreign + " channel=" + general},
		{"cant_delete_message", "chat.delete ts=" + foreign + " channel=" + general},
		{"cant_update_message", "chat.update text=x ts=" + joined + " channel=" + room},
		{"channel_not_found", "chat.postMessage text=x channel=" + robot},
		{"is_archived", "chat.postEphemeral text=x user=" + ana + " channel=" + old},
		{"not_in_channel", "chat.postEphemeral text=x user=" + ana + " channel=" + theirs},
		{"no_item_specified", "pins.add channel=" + room},
		{"bad_timestamp", "pins.add timestamp=x channel=" + room},
		{"not_pinnable", "pins.add timestamp=" + joined + " channel=" + room},
		{"permission_denied", "bookmarks.add title=x type=link link=https://a channel_id=" + theirs},
		{"invalid_bookmark_type", "bookmarks.add title=x type=file link=https://a channel_id=" + room},
		{"invalid_emoji", "bookmarks.add title=x type=link link=https://a emoji=fire channel_id=" + room},
		{"invalid_name", "reactions.add name=:x: timestamp=" + card + " channel=" + room},
	} {
		name, rest, _ := strings.Cut(c.call, " ")
		var pairs []string
		for pair := range strings.FieldsSeq(rest) {
			key, value, _ := strings.Cut(pair, "=")
			pairs = append(pairs, key, value)
		}
		a.expectError(c.code, name, pairs...)
	}
	if got := a.do("reactions.get", "channel", room, "timestamp", card); texts(got["message"].(map[string]any)["reactions"], "name") != "eyes" {
		t.Errorf("reactions %v", got)
	}
	if got := a.do("conversations.members", "channel", general); len(got["members"].([]any)) != 2 {
		t.Errorf("members %v", got)
	}
	if got := a.do("conversations.info", "channel", dm); text(got, "channel", "user") != ana {
		t.Errorf("direct message %v", got)
	}
}

// What is refused in an archived channel: docs.slack.dev/reference/methods/chat.update (is_inactive), pins.add and
// reactions.add (is_archived).
func TestArchivedChannels(t *testing.T) {
	a := start(t, slacktest.Options{Events: []string{"channel_archive"}})
	events := make(chan string, 9)
	a.connect(func(f frame) string {
		events <- f.Payload.Event.Type
		return ""
	})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.channel("inc-1")
	ts := a.post(id, "card")
	a.s.Archive(ana, id)
	if event := <-events; event != "channel_archive" {
		t.Errorf("event %q, want channel_archive", event)
	}
	a.expectError("is_inactive", "chat.update", "channel", id, "ts", ts, "text", "late")
	a.expectError("not_in_channel", "pins.add", "channel", id, "timestamp", ts)
	a.expectError("is_archived", "reactions.add", "channel", id, "timestamp", ts, "name", "eyes")
	a.expectError("permission_denied", "bookmarks.add", "channel_id", id, "title", "x", "type", "link", "link", "https://a.example")
	a.s.Unarchive(ana, id)
	if c := a.s.Channel(id); c.Archived || len(c.Members) != 1 || c.Members[0] != ana {
		t.Errorf("%+v", c)
	}
	a.do("conversations.join", "channel", id)
	a.do("bookmarks.list", "channel_id", id)
	a.s.Leave(a.s.BotUser, id)
	a.expectError("not_in_channel", "conversations.history", "channel", id)
}

// apps.connections.open accepts only POST: docs.slack.dev/reference/methods/apps.connections.open.
func TestConnectionsAreOpenedByPost(t *testing.T) {
	a := start(t, slacktest.Options{})
	r, err := get(t, a.s.URL()+"apps.connections.open", a.s.AppToken)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.read(r); got["error"] != "insecure_request" {
		t.Errorf("%v", got)
	}
	r, err = get(t, a.s.URL()+"conversations.info?channel=C404&token="+a.s.BotToken, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.read(r); got["error"] != "not_authed" {
		t.Errorf("a token in a query was accepted: %v", got)
	}
}
