package slacktest_test

import (
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

const form = `{"type":"modal","title":{"type":"plain_text","text":"Declare"},"submit":{"type":"plain_text","text":"Go"},
	"callback_id":"declare","blocks":[{"type":"input","block_id":"title","label":{"type":"plain_text","text":"Title"},
	"element":{"type":"plain_text_input","action_id":"value","initial_value":"disk"}}]}`

// Triggers, hashes and the stack of modals: docs.slack.dev/reference/methods/views.open, views.update and views.push.
func TestViews(t *testing.T) {
	c := newClock()
	a := start(t, slacktest.Options{Now: c.now})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	a.expectError("invalid_trigger_id", "views.open", "trigger_id", "1.2.abc", "view", form)
	late := a.s.NewTrigger(ana)
	c.advance(3*time.Second + time.Millisecond)
	a.expectError("expired_trigger_id", "views.open", "trigger_id", late, "view", form)
	trigger := a.s.NewTrigger(ana)
	a.expectError("invalid_arguments", "views.open", "trigger_id", trigger, "view", `{"type":"modal"}`)
	opened := a.do("views.open", "trigger_id", trigger, "view", form)
	a.expectError("exchanged_trigger_id", "views.open", "trigger_id", trigger, "view", form)
	id, hash := text(opened, "view", "id"), text(opened, "view", "hash")
	if v := a.s.Modal(ana); v.ID != id || v.CallbackID != "declare" || v.State["title"]["value"]["value"] != "disk" {
		t.Errorf("modal %+v", v)
	}
	updated := a.do("views.update", "view_id", id, "hash", hash, "view", form)
	if text(updated, "view", "hash") == hash {
		t.Error("the hash is the same after an update")
	}
	a.expectError("hash_conflict", "views.update", "view_id", id, "hash", hash, "view", form)
	a.expectError("not_found", "views.update", "view_id", "V404", "view", form)
	a.expectError("not_found", "views.push", "trigger_id", a.s.NewTrigger(ana), "view", form) // the trigger is not from the modal
	home := `{"type":"home","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*Hello* &amp; welcome"}}]}`
	a.do("views.publish", "user_id", ana, "view", home)
	a.expectError("hash_conflict", "views.publish", "user_id", ana, "view", home, "hash", "old")
	if got := a.s.Home(ana).Plain(); got != "Hello & welcome" {
		t.Errorf("home %q", got)
	}
}
