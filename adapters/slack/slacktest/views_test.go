package slacktest_test

import (
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

const form = `{"type":"modal","title":{"type":"plain_text","text":"Declare"},"submit":{"type":"plain_text","text":"Go"},
	"callback_id":"declare","blocks":[{"type":"input","block_id":"title","label":{"type":"plain_text","text":"Title"},
	"element":{"type":"plain_text_input","action_id":"value","initial_value":"disk"}}]}`

// docs.slack.dev/reference/methods/views.open, views.update, views.push: triggers, hashes, depth.
func TestViews(t *testing.T) {
	c := newClock()
	a := start(t, slacktest.Options{Now: c.now})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	a.refused("invalid_trigger_id", "views.open", "trigger_id", "1.2.abc", "view", form)
	late := a.s.NewTrigger(ana)
	c.forward(3*time.Second + time.Millisecond)
	a.refused("expired_trigger_id", "views.open", "trigger_id", late, "view", form)
	trigger := a.s.NewTrigger(ana)
	a.refused("invalid_arguments", "views.open", "trigger_id", trigger, "view", `{"type":"modal"}`)
	opened := a.do("views.open", "trigger_id", trigger, "view", form)
	a.refused("exchanged_trigger_id", "views.open", "trigger_id", trigger, "view", form)
	id, hash := text(opened, "view", "id"), text(opened, "view", "hash")
	if v := a.s.Modal(ana); v.ID != id || v.CallbackID != "declare" || v.State["title"]["value"]["value"] != "disk" {
		t.Errorf("modal %+v", v)
	}
	updated := a.do("views.update", "view_id", id, "hash", hash, "view", form)
	if text(updated, "view", "hash") == hash {
		t.Error("the hash stays after an update")
	}
	a.refused("hash_conflict", "views.update", "view_id", id, "hash", hash, "view", form)
	a.refused("not_found", "views.update", "view_id", "V404", "view", form)
	a.refused("not_found", "views.push", "trigger_id", a.s.NewTrigger(ana), "view", form) // not from within the modal
	home := `{"type":"home","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*Hello* &amp; welcome"}}]}`
	a.do("views.publish", "user_id", ana, "view", home)
	a.refused("hash_conflict", "views.publish", "user_id", ana, "view", home, "hash", "old")
	if got := a.s.Home(ana).Plain(); got != "Hello & welcome" {
		t.Errorf("home %q", got)
	}
}
