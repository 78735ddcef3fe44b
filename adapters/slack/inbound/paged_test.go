package inbound

import (
	"testing"

	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/dispatch"
	"tocsin/workflow"
)

// TestE5PagedPersonAcknowledges: a person who is known by their address alone acknowledges
// with the button of their page while Slack does not say whose account it is, and the
// button of an old page does not acknowledge something worse (E5: an acknowledgement
// carries what was seen).
func TestE5PagedPersonAcknowledges(t *testing.T) {
	d := newTestServer(t, byHTTP)
	id, _ := d.declare("Checkout is slow --sev 4")
	page := func(key string) slacktest.Message {
		t.Helper()
		content := card.Page(card.PageRequest{Incident: d.incident(id), Purpose: workflow.PurposeEscalation}, card.View{})
		d.retryLater(func() error {
			return d.workspace.Page(t.Context(), bot.Page{Key: key, Keys: []string{key}, Address: "email:ana@example.com", Content: content})
		})
		posts := d.slack.Posts(d.slack.Direct(d.ana).ID)
		return posts[len(posts)-1]
	}
	old := page("INC-1/p1")
	ben, _ := access.Person(d.bot.Organization(), "ben")
	if reply, err := d.bot.Dispatcher.Run(t.Context(), dispatch.Request{Text: "severity " + id + " 1", Speaker: ben}); err != nil || !reply.OK {
		t.Fatal(reply, err)
	}
	newer := page("INC-1/p2")
	d.slack.Fail("users.info", slacktest.Fault{Status: 500, Times: -1})
	if got := d.slack.Click(d.ana, old, "Acknowledge"); got.Err != nil {
		t.Fatal(got.Err)
	}
	d.waitForAnswer(d.ana, "Something new happened since that message was written.")
	if d.incident(id).IsAcknowledged() {
		t.Fatal("the button of an old page has acknowledged a SEV1")
	}
	if got := d.slack.Click(d.ana, newer, "Acknowledge"); got.Err != nil {
		t.Fatal(got.Err)
	}
	d.waitForAnswer(d.ana, "Acknowledged")
	if i := d.incident(id); i.Acknowledgement.Person != "ana" {
		t.Errorf("acknowledged by %q", i.Acknowledgement.Person)
	}
}

// TestForeignButton: the button of a message that another installation has written changes
// nothing here: its INC-1 is another incident.
func TestForeignButton(t *testing.T) {
	d := newTestServer(t, byHTTP)
	id, room := d.declare("Checkout is down --sev 2")
	cfg := d.cfg
	cfg.Mark = "ffffffff"
	other, err := slack.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	own := d.showCard(id, room)
	content := card.Page(card.PageRequest{Incident: d.incident(id), Purpose: workflow.PurposeEscalation}, card.View{})
	d.retryLater(func() error {
		return other.Page(t.Context(), bot.Page{Key: "INC-1/p1", Keys: []string{"INC-1/p1"}, Address: d.ben, Content: content})
	})
	if got := d.slack.Click(d.ben, d.slack.Posts(d.slack.Direct(d.ben).ID)[0], "Acknowledge"); got.Err != nil {
		t.Fatal(got.Err)
	}
	d.waitForAnswer(d.ben, "written by another installation of Tocsin")
	if d.incident(id).IsAcknowledged() {
		t.Fatal("it has acknowledged this installation's incident")
	}
	if got := d.slack.Click(d.ben, own, "Acknowledge"); got.Err != nil {
		t.Fatal(got.Err)
	}
	d.eventually("ben acknowledges with his own card", func() bool { return d.incident(id).IsAcknowledged() })
}

// retryLater repeats a call when its error says when.
func (d *testServer) retryLater(do func() error) {
	d.t.Helper()
	for {
		err := do()
		if err == nil {
			return
		}
		wait, later := bot.RetryDelay(err)
		if !later || sleep(d.t.Context(), wait) != nil {
			d.t.Fatal(err)
		}
	}
}
