package slacktest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"tocsin/adapters/slack/slacktest"
)

// Tickets, hello, turns among several sockets, disconnect, and at most ten sockets:
// docs.slack.dev/apis/events-api/using-socket-mode.
func TestSockets(t *testing.T) {
	a := start(t, slacktest.Options{Events: []string{}})
	a.expectError("not_allowed_token_type", "apps.connections.open")
	address := text(a.as(a.s.AppToken).do("apps.connections.open"), "url")
	conn, _, err := websocket.DefaultDialer.Dial(address, nil) //nolint:bodyclose // an upgraded connection has no body
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, r, err := websocket.DefaultDialer.Dial(address, nil)
	if !errors.Is(err, websocket.ErrBadHandshake) || r.StatusCode != http.StatusForbidden {
		t.Fatalf("a ticket can be used once: %v", err)
	}
	r.Body.Close()
	conn.Close()
	if !a.s.WaitSockets(0, time.Second) {
		t.Fatal("the closed socket is still counted")
	}
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.channel("inc-1")
	one, two := a.connect(acknowledge), a.connect(acknowledge)
	for range 4 {
		if d := a.s.Slash(ana, id, "/incident", "list"); d.Err != nil {
			t.Fatal(d.Err)
		}
	}
	if len(one.all()) != 3 || len(two.all()) != 3 || one.all()[0].Type != "hello" {
		t.Errorf("frames: %s / %s", one.types(), two.types())
	}
	a.s.RefreshSockets(true)
	<-one.closed
	if got := one.types(); !strings.HasSuffix(got, "disconnect warning, disconnect refresh_requested") {
		t.Errorf("frames at the end: %s", got)
	}
	a.s.WaitSockets(0, time.Second)
	for range 10 {
		a.connect(acknowledge)
	}
	a.s.WaitSockets(10, time.Second)
	eleventh := a.connect(acknowledge)
	<-eleventh.closed
	if got := eleventh.types(); got != "disconnect too_many_websockets" {
		t.Errorf("the eleventh socket: %s", got)
	}
}

// An acknowledgement that the app sends just before its socket closes is received, also when Slack closes the socket.
func TestAcknowledgementJustBeforeTheSocketCloses(t *testing.T) {
	a := start(t, slacktest.Options{Events: []string{}})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.channel("inc-1")
	for range 20 {
		var byApp *client
		byApp = a.connect(func(f frame) string {
			if err := byApp.conn.WriteJSON(map[string]string{"envelope_id": f.EnvelopeID}); err != nil {
				t.Error(err)
			}
			byApp.conn.Close()
			return silent
		})
		if d := a.s.Slash(ana, id, "/incident", "list"); d.Err != nil {
			t.Fatalf("closed by the app: %v", d.Err)
		}
		a.s.WaitSockets(0, time.Second)

		acknowledged := make(chan struct{})
		var bySlack *client
		bySlack = a.connect(func(f frame) string {
			if err := bySlack.conn.WriteJSON(map[string]string{"envelope_id": f.EnvelopeID}); err != nil {
				t.Error(err)
			}
			close(acknowledged)
			return silent
		})
		delivered := make(chan slacktest.Delivery)
		go func() { delivered <- a.s.Slash(ana, id, "/incident", "list") }()
		<-acknowledged
		a.s.RefreshSockets(false)
		if d := <-delivered; d.Err != nil {
			t.Fatalf("closed by Slack: %v", d.Err)
		}
		a.s.WaitSockets(0, time.Second)
	}
}

// A slash command has to be acknowledged within three seconds and is not retried:
// docs.slack.dev/interactivity/implementing-slash-commands and handling-user-interaction.
func TestSlashCommands(t *testing.T) {
	a := start(t, shortenAckTimeout(slacktest.Options{Events: []string{}}))
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.channel("inc-1")
	if d := a.s.Slash(ana, id, "/incident", "list"); d.Err == nil || a.s.Failures()[0].Reason != "dispatch_failed" {
		t.Errorf("without a socket and a request URL: %v, %+v", d.Err, a.s.Failures())
	}
	reply := newScript(silent)
	k := a.connect(reply.answer)
	d := a.s.Slash(ana, id, "/incident", "list")
	if d.Err == nil || d.Took < 150*time.Millisecond || a.s.Failures()[1].Reason != "operation_timeout" {
		t.Errorf("without acknowledgement: %v after %s", d.Err, d.Took)
	}
	reply.set(`{"text":"*none*","response_type":"ephemeral"}`)
	if d = a.s.Slash(ana, id, "/incident", "list"); d.Err != nil {
		t.Error(d.Err)
	}
	if e := a.s.Ephemerals(); len(e) != 1 || e[0].User != ana || e[0].Plain() != "none" {
		t.Errorf("ephemerals %+v", e)
	}
	reply.set(`{"blocks":[{"type":"section"}]}`)
	if d = a.s.Slash(ana, id, "/incident", "list"); d.Err == nil {
		t.Error("an invalid message was accepted as the answer")
	}
	k.conn.Close()
	a.s.WaitSockets(0, time.Second)
	l := a.listen(func(string) (int, string, string) { return 200, "text/plain", "done" })
	d = a.s.Slash(ana, id, "/incident", "declare a & b")
	if form := l.form(t, 0); d.Err != nil || form.Get("text") != "declare a & b" || form.Get("trigger_id") != d.TriggerID || form.Get("user_id") != ana {
		t.Errorf("%v: %v", d.Err, form)
	}
	if again := a.s.Redeliver(d); again.TriggerID != d.TriggerID || l.form(t, 1).Get("trigger_id") != d.TriggerID {
		t.Errorf("again: %+v", again)
	}
	a.s.Replay(d)
	if l.signature(0) != l.signature(2) {
		t.Error("the replay has another signature")
	}
}

// An event is retried three times and then given up: docs.slack.dev/apis/events-api, "Retries".
func TestEventsAreRetried(t *testing.T) {
	a := start(t, shortenAckTimeout(slacktest.Options{Events: []string{"message.channels"}}))
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.s.AddChannel(slacktest.Channel{Name: "inc-1", Members: []string{ana, a.s.BotUser}})
	reply := newScript(silent)
	k := a.connect(reply.answer)
	d := a.s.Say(ana, id, "hello", "")
	if d.Err == nil || d.Attempt != 1 || d.Message.Text != "hello" {
		t.Errorf("%+v", d)
	}
	a.s.RetryEvents()
	a.s.RetryEvents()
	if got := a.s.RetryEvents(); len(got) != 0 || len(a.s.Failures()) != 1 {
		t.Errorf("after the third retry: retried %+v, failures %+v", got, a.s.Failures())
	}
	var attempts []int
	ids := map[string]bool{}
	for _, f := range k.all() {
		if f.Type == "events_api" && f.Payload.Event.Text == "hello" {
			attempts = append(attempts, f.Retry)
			ids[f.Payload.EventID] = true
		}
	}
	if len(attempts) != 4 || attempts[3] != 3 || len(ids) != 1 {
		t.Errorf("attempts %v of events %v", attempts, ids)
	}
	reply.set("")
	if d = a.s.Edit(ana, id, d.Message.TS, "bye"); d.Err != nil {
		t.Error(d.Err)
	}
	last := k.all()[len(k.all())-1]
	if last.Payload.Event.Subtype != "message_changed" {
		t.Errorf("%+v", last)
	}
}

// An event whose socket closes before the acknowledgement is sent to another socket.
func TestEventGoesToAnotherSocket(t *testing.T) {
	a := start(t, slacktest.Options{Events: []string{"message.channels"}})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.s.AddChannel(slacktest.Channel{Name: "inc-1", Members: []string{ana, a.s.BotUser}})
	var first *client
	first = a.connect(func(frame) string {
		first.conn.Close()
		return silent
	})
	a.connect(acknowledge)
	if d := a.s.Say(ana, id, "hello", ""); d.Err != nil || d.Attempt != 1 || d.Socket != 2 {
		t.Errorf("%+v", d)
	}
}

// The app gets no event without the scope or without being in the channel: docs.slack.dev/reference/scopes and the page of
// each event.
func TestEventsNeedScopeAndMembership(t *testing.T) {
	a := start(t, slacktest.Options{Scopes: []string{"channels:history"}})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	elsewhere := a.s.AddChannel(slacktest.Channel{Name: "general", Members: []string{ana}})
	hidden := a.s.AddChannel(slacktest.Channel{Name: "hidden", Private: true, Members: []string{ana, a.s.BotUser}})
	k := a.connect(acknowledge)
	a.s.Say(ana, elsewhere, "not a member", "")
	a.s.Say(ana, hidden, "no groups:history", "")
	if got := k.types(); got != "hello" {
		t.Errorf("frames: %s", got)
	}
}

// A wrong answer to the challenge is an error: docs.slack.dev/reference/events/url_verification.
func TestURLVerification(t *testing.T) {
	a := start(t, slacktest.Options{})
	a.listen(func(string) (int, string, string) { return 200, "text/plain", "hello" })
	if d := a.s.Verify(); d.Err == nil {
		t.Error("a wrong challenge was accepted")
	}
}

// A response URL can be used five times within thirty minutes, also to change the original message:
// docs.slack.dev/interactivity/handling-user-interaction.
func TestResponseURLs(t *testing.T) {
	c := newClock()
	a := start(t, slacktest.Options{Now: c.now, Events: []string{}})
	ana := a.s.AddUser(slacktest.User{Name: "ana"})
	id := a.channel("inc-1")
	ts := a.post(id, "card", "blocks", `[`+actions(`{"type":"button","text":`+plain(3)+`,"value":"ack INC-1","action_id":"ack"},
		{"type":"overflow","action_id":"more","options":[{"text":`+plain(1)+`,"value":"resolve INC-1"}]}`)+`]`)
	k := a.connect(acknowledge)
	d := a.s.Click(ana, a.s.Message(id, ts), "ack")
	if d.Err != nil || k.all()[1].Payload.Actions[0].Value != "ack INC-1" {
		t.Fatalf("%v, %+v", d.Err, k.all())
	}
	if d = a.s.Click(ana, a.s.Message(id, ts), "nothing"); d.Err == nil {
		t.Error("a button that does not exist was pressed")
	}
	d = a.s.ChooseOverflow(ana, a.s.Message(id, ts), "resolve INC-1")
	if d.Err != nil || k.all()[2].Payload.Actions[0].Selected.Value != "resolve INC-1" {
		t.Fatalf("%v, %+v", d.Err, k.all())
	}
	for _, step := range []struct {
		status int
		body   string
	}{
		{200, `{"text":"only you"}`},
		{200, `{"text":"new card","replace_original":true}`},
		{400, `{"text":""}`},
		{200, `{"text":"all","response_type":"in_channel"}`},
		{200, `{"delete_original":true}`},
		{404, `{"text":"sixth"}`},
	} {
		if status, answer := respond(t, d.ResponseURL, step.body); status != step.status {
			t.Errorf("%s: %d %s", step.body, status, answer)
		}
	}
	if m := a.s.Message(id, ts); !m.Deleted || m.Text != "new card" || len(a.s.Responses()) != 4 || len(a.s.Ephemerals()) != 1 {
		t.Errorf("%+v, %+v", m, a.s.Responses())
	}
	d = a.s.Slash(ana, id, "/incident", "list")
	c.advance(30*time.Minute + time.Second)
	if status, answer := respond(t, d.ResponseURL, `{"text":"late"}`); status != 404 || !strings.Contains(answer, "expired_url") {
		t.Errorf("%d %s", status, answer)
	}
}
