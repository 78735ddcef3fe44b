package slacktest_test

import (
	"encoding/json"
	"slices"
	"testing"

	"tocsin/adapters/slack/slacktest"
)

const bigForm = `{"type":"modal","title":{"type":"plain_text","text":"Declare"},"submit":{"type":"plain_text","text":"Go"},"notify_on_close":true,
	"blocks":[{"type":"input","block_id":"title","label":{"type":"plain_text","text":"Title"},
	"element":{"type":"plain_text_input","action_id":"t","max_length":5}},
	{"type":"input","block_id":"sev","optional":true,"label":{"type":"plain_text","text":"Severity"},
	"element":{"type":"static_select","action_id":"s","options":[{"text":{"type":"plain_text","text":"SEV1"},"value":"1"}]}},
	{"type":"input","block_id":"who","optional":true,"label":{"type":"plain_text","text":"Who"},
	"element":{"type":"external_select","action_id":"w","min_query_length":1}},
	{"type":"input","block_id":"also","optional":true,"label":{"type":"plain_text","text":"And"},
	"element":{"type":"multi_external_select","action_id":"w","min_query_length":2}},
	{"type":"actions","block_id":"more","elements":[{"type":"button","action_id":"add","text":{"type":"plain_text","text":"Add"}}]}]}`

// A person fills in, searches, submits and closes a modal: docs.slack.dev/surfaces/modals and
// reference/interaction-payloads/view-interactions-payload.
func TestForms(t *testing.T) {
	a := start(t, slacktest.Options{})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	reply := newScript("")
	k := a.connect(reply.answer)
	shortcut := a.s.Shortcut(ana, "declare")
	id := text(a.do("views.open", "trigger_id", shortcut.TriggerID, "view", bigForm), "view", "id")
	submit := func(values map[string]any) slacktest.Delivery { return a.s.Submit(ana, id, values) }
	for name, values := range map[string]map[string]any{
		"a required field":        {"sev": "1", "title": ""},
		"a text that is too long": {"title": "123456"},
		"an unknown option":       {"title": "disk", "sev": "2"},
		"an unknown field":        {"title": "disk", "x": "y"},
	} {
		if d := submit(values); d.Err == nil || len(d.Payload) > 0 {
			t.Errorf("%s: it was sent", name)
		}
	}
	reply.set(`{"response_action":"errors","errors":{"title":"say more"}}`)
	d := submit(map[string]any{"title": "disk", "s": "1"})
	if d.Err != nil || d.Errors["title"] != "say more" || a.s.Modal(ana).ID != id {
		t.Errorf("%+v", d)
	}
	sent := k.all()[len(k.all())-1]
	if sent.Payload.View.State.Values["title"]["t"].Value != "disk" || !sent.Accepts {
		t.Errorf("%+v", sent)
	}
	reply.set(`{"response_action":"errors","errors":{"more":"not an input"}}`)
	if d = submit(map[string]any{"title": "disk"}); d.Err == nil {
		t.Error("errors for a block that is no input were accepted")
	}
	reply.set(`{"options":[{"text":{"type":"plain_text","text":"ben"},"value":"U2"}]}`)
	if d = a.s.Suggest(ana, id, "who", "w", "b"); d.Err != nil || !slices.Equal(d.Options, []string{"U2"}) {
		t.Errorf("%+v", d)
	}
	for _, block := range []string{"also", "who", "sev", "none"} { // found by its block; too little typed; not searchable; unknown
		d = a.s.Suggest(ana, id, block, "w", map[bool]string{true: "be"}[block != "who"])
		var payload struct {
			Block string `json:"block_id"`
		}
		if err := json.Unmarshal(d.Payload, &payload); (err == nil) != (block == "also") || err == nil && (d.Err != nil || payload.Block != block) {
			t.Errorf("%s: %+v", block, d)
		}
	}
	reply.set(`{"options":[]}`)
	if d = a.s.Suggest(ana, id, "who", "w", "x"); d.Err != nil || len(d.Options) > 0 {
		t.Errorf("%+v", d)
	}
	for _, bad := range []string{`{}`, `{"options":null}`, `{"options":[],"option_groups":[]}`, `[]`} {
		reply.set(bad)
		if d = a.s.Suggest(ana, id, "who", "w", "x"); d.Err == nil {
			t.Errorf("%s was accepted as options", bad)
		}
	}
	reply.set("")
	d = a.s.ClickInView(ana, id, "add")
	pushed := text(a.do("views.push", "trigger_id", d.TriggerID, "view", form), "view", "id")
	if a.s.Modal(ana).ID != pushed || len(a.s.Views()) != 2 {
		t.Errorf("views %+v", a.s.Views())
	}
	if d = a.s.Submit(ana, pushed, nil); d.Err != nil || a.s.Modal(ana).ID != id {
		t.Errorf("%+v", d)
	}
	a.do("views.update", "view_id", id, "view", bigForm)
	if v := a.s.View(id); v.State["title"]["t"]["value"] != "disk" {
		t.Errorf("an update lost the filled-in values: %+v", v.State)
	}
	reply.set(`{"response_action":"update","view":{"type":"modal","title":{"type":"plain_text","text":"Done"},"blocks":[{"type":"divider"}]}}`)
	if d = submit(nil); d.Err != nil || a.s.Modal(ana).Title != "Done" {
		t.Errorf("%+v", d)
	}
	reply.set("")
	if d = a.s.CloseView(ana, id, false); d.Err != nil || len(d.Payload) > 0 || len(a.s.Views()) != 0 {
		t.Errorf("the app got view_closed without notify_on_close, or the view is still open: %+v", d)
	}
}

// The state of each kind of element: docs.slack.dev/reference/interaction-payloads/view-interactions-payload, "state".
func TestStateOfElements(t *testing.T) {
	a := start(t, slacktest.Options{})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	a.connect(acknowledge)
	opt := `{"text":` + plain(1) + `,"value":"a"}`
	elements := map[string]struct {
		more    string
		value   any
		holds   string
		initial string
	}{
		"plain_text_input": {"", "x", "value", `"initial_value":"i"`},
		"number_input":     {`"is_decimal_allowed":false`, "3", "value", `"initial_value":"1"`},
		"static_select":    {`"options":[` + opt + `]`, "a", "selected_option", `"initial_option":` + opt},
		"radio_buttons":    {`"options":[` + opt + `]`, "a", "selected_option", `"initial_option":` + opt},
		"external_select":  {"", "a", "selected_option", `"initial_option":` + opt},
		"checkboxes":       {`"options":[` + opt + `]`, []string{"a"}, "selected_options", `"initial_options":[` + opt + `]`},
		"multi_static_select": {
			`"option_groups":[{"label":` + plain(1) + `,"options":[` + opt + `]}]`, []string{"a"}, "selected_options", `"initial_options":[` + opt + `]`,
		},
		"multi_external_select": {"", []string{"a"}, "selected_options", `"initial_options":[` + opt + `]`},
		"users_select":          {"", ana, "selected_user", `"initial_user":"` + ana + `"`},
		"multi_users_select":    {"", []string{ana}, "selected_users", `"initial_users":["` + ana + `"]`},
		"datepicker":            {"", "2026-11-26", "selected_date", `"initial_date":"2026-11-25"`},
		"timepicker":            {"", "03:12", "selected_time", `"initial_time":"03:00"`},
		"datetimepicker":        {"", 1700000000, "selected_date_time", `"initial_date_time":1700000001`},
	}
	for kind, c := range elements {
		more := ""
		if c.more != "" {
			more = "," + c.more
		}
		view := func(initial string) string {
			return `{"type":"modal","title":` + plain(1) + `,"submit":` + plain(1) + `,"blocks":[{"type":"input","block_id":"b","label":` + plain(1) +
				`,"element":{"type":"` + kind + `","action_id":"x"` + more + initial + `}}]}`
		}
		id := text(a.do("views.open", "trigger_id", a.s.NewTrigger(ana), "view", view(","+c.initial)), "view", "id")
		if got := a.s.View(id).State["b"]["x"][c.holds]; got == nil {
			t.Errorf("%s: the initial value is not in the state", kind)
		}
		id = text(a.do("views.open", "trigger_id", a.s.NewTrigger(ana), "view", view("")), "view", "id")
		if d := a.s.Submit(ana, id, nil); d.Err == nil {
			t.Errorf("%s: an empty required field was submitted", kind)
		}
		if err := a.s.Fill(ana, id, map[string]any{"b": c.value}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if d := a.s.Submit(ana, id, nil); d.Err != nil {
			t.Errorf("%s: %v", kind, d.Err)
		}
	}
}

// docs.slack.dev/interactivity/implementing-shortcuts and reference/interaction-payloads/block_actions-payload.
func TestShortcutsAndEphemeralMessages(t *testing.T) {
	a := start(t, slacktest.Options{})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.channel("inc-1")
	a.s.Join(ana, id)
	k := a.connect(acknowledge)
	written := a.s.Say(ana, id, "the disk is full", "")
	if written.Err != nil || written.Type != "message" {
		t.Fatal(written.Err)
	}
	d := a.s.MessageShortcut(ana, "declare_from", written.Message)
	if d.Err != nil || d.TriggerID == "" || d.ResponseURL == "" {
		t.Errorf("%+v", d)
	}
	if g := a.s.Shortcut(ana, "declare"); g.ResponseURL != "" {
		t.Error("a global shortcut has no response URL")
	}
	a.do("chat.postEphemeral", "channel", id, "user", ana, "blocks", "["+actions(`{"type":"button","text":`+plain(1)+`,"action_id":"lead"}`)+"]")
	if d = a.s.ClickEphemeral(a.s.Ephemerals()[0], "lead"); d.Err != nil {
		t.Error(d.Err)
	}
	if status, body := respond(t, d.ResponseURL, `{"delete_original":true}`); status != 200 || len(a.s.Ephemerals()) != 0 {
		t.Errorf("%d %s", status, body)
	}
	for name, d := range map[string]slacktest.Delivery{
		"mention": a.s.Mention(ana, id, "help", ""), "react": a.s.React(ana, id, written.Message.TS, "pushpin"),
		"unreact": a.s.Unreact(ana, id, written.Message.TS, "pushpin"), "home": a.s.OpenHome(ana), "delete": a.s.Delete(ana, id, written.Message.TS),
	} {
		if d.Err != nil || d.EventID == "" {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if f := a.s.Failures(); len(f) != 0 || len(k.all()) < 10 {
		t.Errorf("failures %+v, frames %s", f, k.types())
	}
}
