package inbound

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// showCard shows the card in a room.
func (d *testServer) showCard(id, channel string) slacktest.Message {
	d.t.Helper()
	card, _ := d.bot.Rooms.Card(d.incident(id), workflow.ShowCard{Platform: slack.Platform, Place: workflow.InRoom})
	var at string
	for {
		var err error
		if at, err = d.workspace.ShowCard(d.t.Context(), card); err == nil {
			break
		}
		wait, later := bot.RetryDelay(err)
		if !later || sleep(d.t.Context(), wait) != nil {
			d.t.Fatal(err)
		}
	}
	_, ts, _ := strings.Cut(at, ":")
	return d.slack.Message(channel, ts)
}

// directMessages returns the app's direct messages to a user.
func (d *testServer) directMessages(user string) string {
	var all []string
	for _, m := range d.slack.Posts(d.slack.Direct(user).ID) {
		all = append(all, m.Plain())
	}
	return strings.Join(all, "\n")
}

// TestPress: a pressed button is its command line, from the person who pressed it.
func TestPress(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		card := d.showCard(id, room)
		if got := d.slack.Click(d.zoe, card, "Acknowledge"); got.Err != nil {
			t.Fatal(got.Err)
		}
		d.waitForAnswer(d.zoe, "needs the access")
		if d.incident(id).IsAcknowledged() {
			t.Fatal("a guest has acknowledged")
		}
		first := d.slack.Click(d.dan, card, "Acknowledge")
		if first.Err != nil || len(first.Response) > 0 {
			t.Fatal(first.Err, string(first.Response))
		}
		d.waitForAnswer(d.dan, "Acknowledged")
		if i := d.incident(id); i.Acknowledgement.Person != "dan" {
			t.Errorf("%+v", i)
		}
		seq := d.incident(id).Seq
		d.forgetDeliveries()
		if again := d.slack.Redeliver(first); again.Err != nil {
			t.Error(again.Err)
		}
		if d.incident(id).Seq != seq {
			t.Error("pressed once, done twice")
		}
		d.slack.Click(d.ben, card, "Post update")
		d.eventually("the form is shown", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "Next update in") })
		if failed := d.slack.Failures(); len(failed) != 0 {
			t.Errorf("%+v", failed)
		}
	})
}

// TestOverflow: an option of the menu is a command line too.
func TestOverflow(t *testing.T) {
	d := newTestServer(t, bySocket)
	id, room := d.declare("Checkout is down --sev 2")
	card := d.showCard(id, room)
	if !strings.Contains(string(card.Blocks), "do:more") {
		t.Fatal("there is no menu on this card")
	}
	i := d.incident(id)
	m, _ := d.bot.Rooms.Card(i, workflow.ShowCard{Platform: slack.Platform, Place: workflow.InRoom})
	label := m.Content.More[0].Label
	if got := d.slack.ChooseOverflow(d.ana, card, label); got.Err != nil {
		t.Fatal(got.Err)
	}
	d.eventually("something came of "+m.Content.More[0].Command, func() bool {
		return len(d.ephemerals(d.ana)) > 0 || d.slack.Modal(d.ana).ID != ""
	})
}

// TestSubmit: a form is carried out for the person who submits it; a refusal is shown in
// the form, and the answer goes where the form was asked for.
func TestSubmit(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		d.slash(d.ana, d.lobby, "declare")
		view := d.slack.Modal(d.ana)
		got := d.slack.Submit(d.ana, view.ID, map[string]any{"title": "Checkout <is> *down*", "sev": "2", "detected": "yesterday or so"})
		if got.Err != nil || got.Errors["detected"] == "" || d.slack.Modal(d.ana).ID != view.ID {
			t.Fatalf("%v %v", got.Err, got.Errors)
		}
		first := d.slack.Submit(d.ana, view.ID, map[string]any{"title": "Checkout <is> *down*", "sev": "2", "detected": "20m", "service": []string{"checkout"}, "drill": []string{"true"}})
		if first.Err != nil || len(first.Errors) != 0 {
			t.Fatal(first.Err, first.Errors)
		}
		if d.slack.Modal(d.ana).ID != "" {
			t.Error("the form is still open")
		}
		d.waitForAnswer(d.ana, "INC-1: Drill declared")
		i := d.incident("INC-1")
		if i.Title != "Checkout <is> *down*" || i.Severity != workflow.SEV2 || i.Kind != workflow.Drill || !slices.Equal(i.Services, []string{"checkout"}) || i.Reporter.Person != "ana" {
			t.Errorf("%+v", i)
		}
		if r := d.slack.Responses(); len(r) != 1 || r[0].Channel != d.lobby {
			t.Errorf("%+v", r)
		}
		d.forgetDeliveries()
		if again := d.slack.Redeliver(first); again.Err != nil {
			t.Error(again.Err)
		}
		if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 1 {
			t.Errorf("%d incidents, %v", len(open), err)
		}
	})
}

// TestSubmitLate: a form that takes too long is closed, and the answer follows;
// a refusal too, since there is no form left for it.
func TestSubmitLate(t *testing.T) {
	d := newTestServer(t, bySocket)
	d.ackTimeout = 10 * time.Millisecond
	id, room := d.declare("Checkout is down --sev 2")
	d.slash(d.ana, room, "status")
	d.eventually("the form is shown", func() bool { return d.slack.Modal(d.ana).State["status"] != nil })
	d.slash(d.ben, room, "cancel none")
	d.eventually("it is over", func() bool { return !d.incident(id).IsOpen() })
	_, release := d.store.hold()
	got := d.slack.Submit(d.ana, d.slack.Modal(d.ana).ID, map[string]any{"status": "identified"})
	if got.Err != nil || len(got.Errors) != 0 {
		t.Fatal(got.Err, got.Errors)
	}
	release()
	d.waitForAnswer(d.ana, "canceled")
	if d.incident(id).Ending.Resolution != "" {
		t.Error("it was resolved although it is over")
	}
}

// TestSubmitStoreAway: a form that cannot be carried out stays open with what was typed;
// submitted again, it is carried out once.
func TestSubmitStoreAway(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		d.slash(d.ana, d.lobby, "declare")
		view := d.slack.Modal(d.ana)
		submit := func() slacktest.Delivery {
			return d.slack.Submit(d.ana, view.ID, map[string]any{"title": "Checkout is down"})
		}
		for _, away := range []func(error){d.store.fail, d.store.loseAnswers} {
			away(errors.New("disk on fire"))
			if got := submit(); got.Err != nil || !strings.Contains(fmt.Sprint(got.Errors), "may not have been done") {
				t.Fatal(got.Err, got.Errors)
			}
			away(nil)
		}
		if got := submit(); got.Err != nil || len(got.Errors) != 0 {
			t.Fatal(got.Err, got.Errors)
		}
		d.waitForAnswer(d.ana, "Declared")
		if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 1 {
			t.Errorf("%d incidents, %v", len(open), err)
		}
	})
}

// TestSuggest: a menu of many options asks for those that match.
func TestSuggest(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way, func(_ *testServer, o *bot.Organization) {
			for n := range 150 {
				o.Services = append(o.Services, bot.Service{ID: fmt.Sprintf("service-%03d", n)})
			}
		})
		d.slash(d.ana, d.lobby, "declare")
		got := d.slack.Suggest(d.ana, d.slack.Modal(d.ana).ID, "service", "v", "14")
		if got.Err != nil || !slices.Contains(got.Options, "service-014") || !slices.Contains(got.Options, "service-149") || len(got.Options) > 20 {
			t.Errorf("%v %v", got.Err, got.Options)
		}
	})
}

// TestShortcuts: an incident is declared by the global shortcut, and from a message, which
// becomes its description, and its author the reporter.
func TestShortcuts(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		if got := d.slack.Shortcut(d.ben, "declare"); got.Err != nil {
			t.Fatal(got.Err)
		}
		d.slack.Submit(d.ben, d.slack.Modal(d.ben).ID, map[string]any{"title": "Search is slow"})
		d.eventually("ben has an answer", func() bool { return strings.Contains(d.directMessages(d.ben), "INC-1: Declared") })

		message := d.slack.Say(d.zoe, d.lobby, "Nobody can pay &lt;since&gt; noon, says <@"+d.ana+">", "").Message
		if got := d.slack.MessageShortcut(d.ben, "declare_from_message", message); got.Err != nil {
			t.Fatal(got.Err)
		}
		d.eventually("the form is filled", func() bool { return d.slack.Modal(d.ben).State["reporter"]["v"]["value"] == "Zoe Young" })
		description := fmt.Sprint(d.slack.Modal(d.ben).State["description"]["v"]["value"])
		if !strings.HasPrefix(description, "Nobody can pay <since> noon, says @Ana\n\nhttps://") || !strings.Contains(description, "/archives/"+d.lobby+"/p"+strings.ReplaceAll(message.TS, ".", "")) {
			t.Errorf("%q", description)
		}
		d.slack.Submit(d.ben, d.slack.Modal(d.ben).ID, map[string]any{"title": "Payments fail"})
		d.waitForAnswer(d.ben, "INC-2: Declared")
		if i := d.incident("INC-2"); i.Reporter.Name != "Zoe Young" || !strings.HasPrefix(i.Description, "Nobody can pay <since>") {
			t.Errorf("%+v", i)
		}
		d.slack.MessageShortcut(d.ben, "declare_from_message", d.slack.Say(d.dan, d.lobby, "It is back", "").Message)
		d.eventually("the form is filled", func() bool { return d.slack.Modal(d.ben).State["reporter"]["v"]["value"] == "@dan" })
	})
}

// TestPinShortcut: a message is pinned to the timeline of the room it is in.
func TestPinShortcut(t *testing.T) {
	d := newTestServer(t, bySocket)
	id, room := d.declare("Checkout is down --sev 2")
	message := d.slack.Say(d.zoe, room, "The *certificate* has expired", "").Message
	if got := d.slack.MessageShortcut(d.ben, "pin_to_timeline", message); got.Err != nil {
		t.Fatal(got.Err)
	}
	d.waitForAnswer(d.ben, "certificate")
	if i := d.incident(id); len(i.Paperwork.Pins) != 1 || !strings.Contains(i.Paperwork.Pins[0].Text, "The *certificate* has expired") {
		t.Errorf("%+v", i.Paperwork.Pins)
	}
	d.slack.MessageShortcut(d.zoe, "pin_to_timeline", message)
	d.waitForAnswer(d.zoe, "needs the access")
	d.slack.MessageShortcut(d.ben, "pin_to_timeline", d.slack.Say(d.zoe, d.lobby, "Hello", "").Message)
	d.waitForAnswer(d.ben, "not an incident's room")
}

// TestHomeTab: the tab shows the incidents that a person may see, is published again
// after a press, and tells guests that they are not configured.
func TestHomeTab(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		if got := d.slack.OpenHome(d.dan); got.Err != nil {
			t.Fatal(got.Err)
		}
		d.eventually("the tab is shown", func() bool { return strings.Contains(d.slack.Home(d.dan).Plain(), "Quiet is good") })
		d.slash(d.ben, d.lobby, "declare Checkout is down --sev 2")
		d.slash(d.ben, d.lobby, "declare A leak --private")
		for user, sees := range map[string]bool{d.ben: true, d.zoe: false, d.ana: false} {
			d.slack.OpenHome(user)
			d.eventually("the tab is shown", func() bool { return strings.Contains(d.slack.Home(user).Plain(), "Checkout is down") })
			home := d.slack.Home(user).Plain()
			if strings.Contains(home, "A leak") != sees || strings.Contains(home, "I do not know you") != (user == d.zoe) {
				t.Errorf("%s", home)
			}
		}
		d.slack.OpenHome(d.dan)
		d.eventually("the tab is shown", func() bool { return strings.Contains(d.slack.Home(d.dan).Plain(), "Checkout is down") })
		if got := d.slack.ClickInView(d.dan, d.slack.Home(d.dan).ID, "Acknowledge"); got.Err != nil {
			t.Fatal(got.Err)
		}
		d.eventually("dan is told, and the tab is shown again", func() bool {
			return strings.Contains(d.directMessages(d.dan), "Acknowledged") && strings.Contains(d.slack.Home(d.dan).Plain(), "acknowledged by Dan")
		})
		if d.incident("INC-1").Acknowledgement.Person != "dan" {
			t.Errorf("%+v", d.incident("INC-1"))
		}
		if got := d.slack.ClickInView(d.dan, d.slack.Home(d.dan).ID, "Declare an incident"); got.Err != nil || d.slack.Modal(d.dan).CallbackID != "form:declare" {
			t.Errorf("%v", got.Err)
		}
	})
}

// TestE14HomeTab: the tab shows what needs the person first, and what needs anyone, however
// many others are open, and how many more there are (E14: lists are by need).
func TestE14HomeTab(t *testing.T) {
	d := newTestServer(t, bySocket)
	bottest.Flood(t, d.store, 1, 600, nil)
	bottest.Flood(t, d.store, 601, 1, func(i *workflow.Incident) { i.Severity, i.Title = workflow.SEV1, "The worst" })
	bottest.Flood(t, d.store, 602, 1, func(i *workflow.Incident) {
		i.Severity, i.Title, i.Acknowledgement.Person, i.Roles = workflow.SEV5, "A small thing", "ana", map[string]string{workflow.Commander: "dan"}
	})
	d.slack.OpenHome(d.dan)
	d.eventually("the tab is shown", func() bool { return strings.Contains(d.slack.Home(d.dan).Plain(), "The worst") })
	home := d.slack.Home(d.dan).Plain()
	yours, worst, first := strings.Index(home, "A small thing"), strings.Index(home, "The worst"), strings.Index(home, "INC-1 ·")
	if yours < 0 || worst < yours || first < worst || !strings.Contains(home, "and 571 more") || strings.Count(home, "INC-602 ·") != 1 {
		t.Errorf("the tab shows\n%s", home)
	}
}

// TestStrangePayloads: payloads that are not known or cannot be read are acknowledged, and
// change nothing.
func TestStrangePayloads(t *testing.T) {
	d := newTestServer(t, bySocket)
	for kind, bodies := range map[string][]string{
		kindSlashCommand: {`{}`, `[]`, `{"command":"/incident","text":7}`, `null`},
		kindInteraction:  {`{}`, `{"type":"block_actions"}`, `{"type":"block_actions","actions":[{}]}`, `{"type":"view_submission","view":{"callback_id":"form:nothing"}}`, `{"type":"message_action","callback_id":"other"}`, `{"type":"shortcut","callback_id":"other"}`, `{"type":"view_closed"}`, `{"type":"dialog_submission"}`, `7`},
		kindEvent:        {`{}`, `{"type":"event_callback","event":{}}`, `{"type":"app_rate_limited"}`, `{"type":"event_callback","event":{"type":"team_join"}}`, `{"type":"event_callback","event":{"type":"message","channel":7}}`, `{"event":{"type":"message"}}`, `{"event":{"type":"reaction_added"}}`, `{"event":{"type":"app_mention"}}`},
		"hello":          {`{}`, ``},
	} {
		for _, body := range bodies {
			acked := false
			d.handle(t.Context(), delivery{kind: kind, body: []byte(body)}, func(o outcome) error { acked = o.err == nil; return nil })
			if !acked {
				t.Errorf("%s %s was not acknowledged", kind, body)
			}
		}
	}
	if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 0 {
		t.Errorf("%d incidents, %v", len(open), err)
	}
}

// TestPanic: a panic ends the task, and not the process.
func TestPanic(t *testing.T) {
	d := newTestServer(t, bySocket)
	o := d.attempt(t.Context(), task{run: func(context.Context) outcome { panic("at the disco") }})
	if o.err != nil || !strings.Contains(d.log.String(), "panicked") {
		t.Errorf("%+v %s", o, d.log)
	}
}
