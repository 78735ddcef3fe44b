package inbound

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/workflow"
)

// slash sends a slash command that must be acknowledged.
func (d *testServer) slash(user, channel, text string) slacktest.Delivery {
	d.t.Helper()
	got := d.slack.Slash(user, channel, "/incident", text)
	if got.Err != nil {
		d.t.Fatalf("/incident %s: %v\n%s", text, got.Err, d.log)
	}
	return got
}

// TestSlash: a command is carried out for the person who typed it, who alone sees the
// answer, at once.
func TestSlash(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		d.slash(d.ana, d.lobby, "declare Checkout is down --sev 2 --service checkout")
		d.slash(d.dan, d.lobby, "ack INC-1") // by his ID
		if i := d.incident("INC-1"); i.Severity != workflow.SEV2 || i.Reporter.Person != "ana" || i.Acknowledgement.Person != "dan" {
			t.Errorf("%+v", i)
		}
		for _, command := range []string{"/inc", "/incident"} {
			if got := d.slack.Slash(d.zoe, d.lobby, command, "resolve INC-1 --how x"); got.Err != nil || !strings.Contains(string(got.Response), `needs the access`) {
				t.Errorf("a guest: %v %s", got.Err, got.Response)
			}
		}
		d.slash(d.zoe, d.lobby, "declare Search is slow") // guests may
		if i := d.incident("INC-2"); i.Reporter.Handle != "slack:"+d.zoe || i.Reporter.Name != "Zoe Young" {
			t.Errorf("%+v", i.Reporter)
		}
		d.slash(d.ana, d.lobby, "statsu INC-1")
		if told := d.ephemerals(d.ana); len(told) != 2 || !strings.Contains(told[0], "INC-1: Declared SEV2") || !strings.Contains(told[1], "status") {
			t.Errorf("%q", told)
		}
		for _, r := range d.slack.Responses() {
			if r.InChannel {
				t.Errorf("everybody sees %+v", r)
			}
		}
		if n := d.slack.Count("response_url"); n != 0 {
			t.Errorf("%d answers went to a response URL, although they were there in time", n)
		}
	})
}

// TestSlashInRoom: in an incident's room its ID can be left out; a command without a
// word is answered with the card and its buttons.
func TestSlashInRoom(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		d.slash(d.ben, room, "note The cache is cold")
		if d.incident(id).Paperwork.Notes != 1 {
			t.Error("nothing was noted")
		}
		d.slash(d.ben, room, "")
		card := d.slack.Ephemerals()[len(d.slack.Ephemerals())-1]
		if card.User != d.ben || !strings.Contains(card.Plain(), id+" · Checkout is down") || !bytes.Contains(card.Blocks, []byte("ack "+id)) {
			t.Fatalf("%s", card.Plain())
		}
		d.slash(d.zoe, room, "") // a guest reads the same, and may press nothing
		if own := d.slack.Ephemerals()[len(d.slack.Ephemerals())-1]; !strings.Contains(own.Plain(), id+" · Checkout is down") || bytes.Contains(own.Blocks, []byte("do:0")) {
			t.Errorf("%s", own.Blocks)
		}
		if got := d.slack.ClickEphemeral(card, "Acknowledge"); got.Err != nil {
			t.Fatal(got.Err)
		}
		d.waitForAnswer(d.ben, "Acknowledged")
		if d.incident(id).Acknowledgement.Person != "ben" {
			t.Error("the button did nothing")
		}
	})
}

// TestSlashForm: an incomplete command is answered with a form, which is opened before
// anything is read from the store.
func TestSlashForm(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		for _, text := range []string{"", "declare"} {
			d.slash(d.zoe, d.lobby, text)
			if v := d.slack.Modal(d.zoe); v.Title != "Declare an incident" || v.CallbackID != "form:declare" || !strings.Contains(v.Plain(), "What is wrong?") {
				t.Errorf("%q opens %q", text, v.Plain())
			}
		}
		d.slash(d.ben, room, "update")
		d.eventually("the form is shown", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "Next update in") })
		if v := d.slack.Modal(d.ben); v.Title != id+" · Post update" {
			t.Errorf("%q", v.Plain())
		}
		// While the store does not answer, the form is there all the same.
		_, release := d.store.hold()
		d.forgetDeliveries()
		began := time.Now()
		d.slash(d.ana, room, "edit")
		if v := d.slack.Modal(d.ana); !strings.Contains(v.Plain(), "One moment") || time.Since(began) > time.Second {
			t.Errorf("after %s: %q", time.Since(began), v.Plain())
		}
		release()
		d.eventually("the form is shown", func() bool { return strings.Contains(d.slack.Modal(d.ana).Plain(), "Description") })
		if v := d.slack.Modal(d.ana); v.State["title"]["v"]["value"] != "Checkout is down" || v.Title != id+" · Edit details" {
			t.Errorf("%q %v", v.Title, v.State)
		}
		// Where no incident is meant, the form says so.
		d.slash(d.ben, d.lobby, "update")
		d.eventually("the form says why not", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "Which incident") })
		d.slash(d.ben, d.lobby, "update INC-99")
		d.eventually("the form says why not", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "INC-99 does not exist") })
	})
}

// TestFormConflict: a form that was updated meanwhile is updated once more.
func TestFormConflict(t *testing.T) {
	d := newTestServer(t, bySocket)
	_, room := d.declare("Checkout is down --sev 2")
	d.slack.Fail("views.update", slacktest.Fault{Error: "hash_conflict"})
	d.slash(d.ben, room, "update")
	d.eventually("the form is shown", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "Next update in") })
	if n := d.slack.Count("views.update"); n != 2 {
		t.Errorf("%d updates", n)
	}
}

// TestFormNotOpened: when Slack does not open a form, a typed line is refused with what
// is missing, and a pressed button is not carried out; when Slack does not say whether
// it opened the form, the answer says what to do.
func TestFormNotOpened(t *testing.T) {
	d := newTestServer(t, bySocket)
	d.slack.Fail("views.open", slacktest.Fault{Error: "expired_trigger_id"})
	if got := d.slash(d.ana, d.lobby, "declare"); !strings.Contains(string(got.Response), "needs a title") {
		t.Errorf("%s", got.Response)
	}
	id, room := d.declare("Checkout is down --sev 2")
	d.slack.Fail("views.open", slacktest.Fault{Error: "expired_trigger_id"})
	if got := d.slack.Click(d.ana, d.showCard(id, room), "Resolve"); got.Err != nil {
		t.Fatal(got.Err)
	}
	d.waitForAnswer(d.ana, "did not open the form")
	if i := d.incident(id); i.Status == workflow.Resolved {
		t.Error("it was resolved although nobody was asked")
	}
	d.slack.Fail("views.open", slacktest.Fault{LoseAnswer: true})
	if got := d.slash(d.ana, d.lobby, "declare"); !strings.Contains(string(got.Response), "did not say") {
		t.Errorf("%s", got.Response)
	}
}

// TestSlashLate: a command that takes longer than two seconds is acknowledged, and
// answered when it is done.
func TestSlashLate(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		d.slash(d.ana, d.lobby, "list") // she is known now
		_, release := d.store.hold()
		got := d.slash(d.ana, d.lobby, "declare Checkout is down")
		if len(got.Response) > 2 || got.Took > 2900*time.Millisecond || got.Took < 1500*time.Millisecond {
			t.Errorf("acknowledged after %s with %s", got.Took, got.Response)
		}
		release()
		d.waitForAnswer(d.ana, "INC-1: Declared")
		if d.slack.Count("response_url") != 1 || d.incident("INC-1").Reporter.Person != "ana" {
			t.Error(d.incident("INC-1"))
		}
	})
}

// TestStoreAway: when the store cannot be reached, the answer says so, and the error is
// in the log alone.
func TestStoreAway(t *testing.T) {
	d := newTestServer(t, byHTTP)
	d.store.fail(errors.New("disk on fire"))
	got := d.slash(d.ana, d.lobby, "note INC-1 x")
	if !strings.Contains(string(got.Response), "may not have been done") || strings.Contains(string(got.Response), "fire") || !strings.Contains(d.log.String(), "disk on fire") {
		t.Errorf("%s\n%s", got.Response, d.log)
	}
}

// TestSlashTwice: a repeated delivery is one command, whether it comes to the same
// process, during the work or afterwards, or to another process.
func TestSlashTwice(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		first := d.slash(d.ana, d.lobby, "declare Checkout is down")
		again := d.slack.Redeliver(first)
		d.forgetDeliveries()
		other := d.slack.Redeliver(first)
		for _, r := range []slacktest.Delivery{again, other} {
			if r.Err != nil || !bytes.Equal(r.Response, first.Response) {
				t.Errorf("%v: %s, not %s", r.Err, r.Response, first.Response)
			}
		}
		come, release := d.store.hold()
		done := make(chan slacktest.Delivery)
		go func() { done <- d.slack.Slash(d.ana, d.lobby, "/incident", "declare Search is slow") }()
		<-come
		release()
		if r := d.slack.Redeliver(<-done); r.Err != nil {
			t.Error(r.Err)
		}
		if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 2 {
			t.Errorf("%d incidents, %v", len(open), err)
		}
	})
}

// TestUnknownAccount: while Slack does not say whose an account is, its owner is a guest,
// and not for longer (P1: access is checked first). A person who is configured by ID is
// known without Slack.
func TestUnknownAccount(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		id, _ := d.declare("Checkout is down --sev 2")
		d.slack.Fail("users.info", slacktest.Fault{Delay: 1500 * time.Millisecond})
		got := d.slash(d.ana, d.lobby, "status "+id+" identified")
		if !strings.Contains(string(got.Response), "needs the access") || got.Took > 2*time.Second {
			t.Errorf("after %s: %s", got.Took, got.Response)
		}
		d.slack.Heal()
		if got = d.slash(d.ana, d.lobby, "status "+id+" identified"); !strings.Contains(string(got.Response), "identified") {
			t.Errorf("%s", got.Response)
		}
		d.slack.Fail("users.info", slacktest.Fault{Error: "internal_error"})
		if got = d.slash(d.dan, d.lobby, "note "+id+" x"); !strings.Contains(string(got.Response), id+": x.") {
			t.Errorf("%s", got.Response)
		}
	})
}

// TestLastKnownAccount: an account that was known stays known while Slack does not
// answer; the owner of another is told that Slack does not say who they are.
func TestLastKnownAccount(t *testing.T) {
	d := newTestServer(t, byHTTP)
	id, _ := d.declare("Checkout is down --sev 2")
	d.slash(d.ana, d.lobby, "note "+id+" before")
	d.later.Store(int64(2 * time.Hour)) // accounts are kept for one
	d.slack.Fail("users.info", slacktest.Fault{Status: 503, Times: -1})
	if got := d.slash(d.ana, d.lobby, "status "+id+" identified"); !strings.Contains(string(got.Response), "identified") {
		t.Errorf("%s", got.Response)
	}
	if got := d.slash(d.ben, d.lobby, "status "+id+" monitoring"); !strings.Contains(string(got.Response), "does not say who you are") {
		t.Errorf("%s", got.Response)
	}
}
