package inbound

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/access"
)

// conversation returns the recorded messages of an incident, a line each.
func (d *testServer) conversation(id string) []string {
	d.t.Helper()
	s, _ := access.Person(d.bot.Organization(), "ana")
	all, err := d.bot.Conversation.List(d.t.Context(), id, s, 0, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	var lines []string
	for _, r := range all {
		if r.Event > 0 {
			continue // Tocsin's own
		}
		line := r.Name + ": " + r.Text
		if r.Edited {
			line += " (edited)"
		}
		if r.Deleted {
			line += " (deleted)"
		}
		lines = append(lines, line)
	}
	return lines
}

func (d *testServer) checkConversation(id string, want ...string) {
	d.t.Helper()
	if got := d.conversation(id); !slices.Equal(got, want) {
		d.t.Fatalf("recorded %q, not %q\n%s", got, want, d.log)
	}
}

// TestRecordMessages: messages in a room are recorded, in order, with their edits and
// deletions; messages elsewhere are not.
func TestRecordMessages(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		first := d.slack.Say(d.ben, room, "Who has seen &lt;this&gt;? <@"+d.zoe+"> <!here> <https://a.example/x|the graph>", "")
		if first.Err != nil {
			t.Fatal(first.Err)
		}
		below := d.slack.Say(d.zoe, room, "Me", first.Message.TS)
		d.slack.Say(d.ana, d.lobby, "Lunch?", "")
		d.checkConversation(id, "Ben: Who has seen <this>? @Zoe Young @here the graph (https://a.example/x)", "Zoe Young: Me")
		d.slack.Redeliver(first)
		d.forgetDeliveries()
		d.slack.Redeliver(first)
		d.slack.Edit(d.zoe, room, below.Message.TS, "Not me")
		d.checkConversation(id, "Ben: Who has seen <this>? @Zoe Young @here the graph (https://a.example/x)", "Zoe Young: Not me (edited)")
		d.slack.Delete(d.ben, room, first.Message.TS)
		d.checkConversation(id, "Ben:  (deleted)", "Zoe Young: Not me (edited)")
		s, _ := access.Person(d.bot.Organization(), "ana")
		all, err := d.bot.Conversation.List(t.Context(), id, s, 0, 100)
		if err != nil || len(all) == 0 || all[0].Via != "Slack" || all[0].Key != "slack:"+room+":"+first.Message.TS || all[0].At.Sub(parseTimestamp(first.Message.TS)) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// TestRecordOtherAuthors: files are named, messages of other apps are recorded under
// their names, and those of Slack itself and of this app are not recorded.
func TestRecordOtherAuthors(t *testing.T) {
	d := newTestServer(t, bySocket)
	id, room := d.declare("Checkout is down --sev 2")
	n := 0
	event := func(fields string) {
		t.Helper()
		n++
		body := fmt.Sprintf(`{"type":"event_callback","event_id":"Ev%d","api_app_id":%q,"authorizations":[{"user_id":%q,"is_bot":true}],"event":{"type":"message","channel":%q,"channel_type":"channel","ts":"1795737569.0000%02d",%s}}`,
			n, d.slack.AppID, d.slack.BotUser, room, n, fields)
		var failed error
		d.handle(t.Context(), delivery{kind: kindEvent, body: []byte(body)}, func(o outcome) error { failed = o.err; return nil })
		if failed != nil {
			t.Fatal(failed)
		}
	}
	event(`"user":"` + d.ben + `","text":"Look","subtype":"file_share","files":[{"name":"graph.png"},{"title":"trace"}]`)
	event(`"user":"` + d.ben + `","text":"","subtype":"file_share","files":[{"name":"a.txt"}]`)
	event(`"bot_id":"B0OTHER","username":"Deploys","text":"v12 is out","subtype":"bot_message"`)
	event(`"bot_id":"B0MORE","user":"U0MORE","bot_profile":{"name":"Graphs"},"app_id":"A0MORE","text":"Errors: 12%"`)
	event(`"bot_id":"` + d.slack.BotID + `","app_id":"` + d.slack.AppID + `","text":"ours"`)
	event(`"user":"` + d.slack.BotUser + `","text":"ours"`)
	event(`"user":"` + d.ben + `","text":"has joined","subtype":"channel_join"`)
	event(`"user":"` + d.ben + `","text":"set the topic","subtype":"channel_topic"`)
	event(`"user":"` + d.ben + `","text":""`)
	event(`"user":"` + d.ben + `","text":"to the channel too","subtype":"thread_broadcast","thread_ts":"1.2"`)
	event(`"subtype":"message_changed","message":{"user":"` + d.ben + `","ts":"1795737569.000001","text":"Look","attachments":[{}]},"previous_message":{"user":"` + d.ben + `","ts":"1795737569.000001","text":"Look"}`)
	event(`"subtype":"message_changed","message":{"subtype":"tombstone","user":"USLACKBOT","ts":"1795737569.000003","text":"This message was deleted."},"previous_message":{"bot_id":"B0OTHER","ts":"1795737569.000003","text":"v12 is out"}`)
	d.checkConversation(id, "Ben: Look\nshared graph.png\nshared trace", "Ben: shared a.txt", "Deploys:  (deleted)", "Graphs: Errors: 12%", "Ben: to the channel too")
}

// TestRecordRetried: a message that cannot be recorded is not acknowledged, so that Slack
// sends it again; it is then recorded once.
func TestRecordRetried(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServerWith(t, way, slacktest.Options{AckTimeout: 300 * time.Millisecond})
		id, room := d.declare("Checkout is down --sev 2")
		d.store.fail(errors.New("away"))
		got := d.slack.Say(d.ben, room, "The cache is cold", "")
		if got.Err == nil {
			t.Error("it was acknowledged")
		}
		d.store.fail(nil)
		for _, again := range d.slack.RetryEvents() {
			if again.Err != nil {
				t.Error(again.Err)
			}
		}
		d.checkConversation(id, "Ben: The cache is cold")
	})
}

// TestRecordSlow: an event that takes longer than two seconds is acknowledged, and the
// server repeats the work by itself.
func TestRecordSlow(t *testing.T) {
	d := newTestServer(t, bySocket)
	d.ackTimeout = 10 * time.Millisecond
	id, room := d.declare("Checkout is down --sev 2")
	come, release := d.store.hold()
	if got := d.slack.Say(d.ben, room, "The cache is cold", ""); got.Err != nil {
		t.Error(got.Err)
	}
	<-come
	d.store.fail(errors.New("away"))
	release()
	d.store.fail(nil)
	d.stop() // waits for what is under way
	d.checkConversation(id, "Ben: The cache is cold")
}

// TestPushpin: a 📌 pins a message to the timeline, also one that was never recorded; it
// is unpinned with the last 📌.
func TestPushpin(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		message := d.slack.Say(d.zoe, room, "The certificate has expired", "").Message
		below := d.slack.Say(d.zoe, room, "Since noon", message.TS).Message
		got := d.slack.React(d.ben, room, message.TS, "pushpin")
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		d.slack.React(d.ana, room, message.TS, "pushpin")
		d.slack.React(d.ana, room, message.TS, "eyes")
		d.slack.Redeliver(got)
		pins := func(want ...string) {
			t.Helper()
			var all []string
			for _, p := range d.incident(id).Paperwork.Pins {
				all = append(all, p.Text)
			}
			if !slices.Equal(all, want) {
				t.Fatalf("pinned: %q, not %q\n%s", all, want, d.log)
			}
		}
		pins("Zoe Young: The certificate has expired")
		d.slack.Unreact(d.ben, room, message.TS, "pushpin")
		pins("Zoe Young: The certificate has expired")
		d.slack.Unreact(d.ana, room, message.TS, "pushpin")
		pins()

		d.slack.React(d.ben, room, below.TS, "pushpin")
		pins("Zoe Young: Since noon")
		d.slack.React(d.zoe, room, d.slack.Say(d.zoe, room, "Me too", "").Message.TS, "pushpin")
		d.waitForAnswer(d.zoe, "needs the access")
		d.slack.React(d.ben, d.lobby, d.slack.Say(d.zoe, d.lobby, "Lunch?", "").Message.TS, "pushpin")
		pins("Zoe Young: Since noon")
	})
}

// TestPushpinFetched: a message that was written while the server was away is fetched,
// from the channel or a thread.
func TestPushpinFetched(t *testing.T) {
	d := newTestServer(t, byHTTP)
	id, room := d.declare("Checkout is down --sev 2")
	d.slack.SetRequestURL("http://127.0.0.1:1/")
	message := d.slack.Say(d.zoe, room, "The &lt;certificate&gt; has expired", "").Message
	below := d.slack.Say(d.dan, room, "Since noon", message.TS).Message
	d.slack.SetRequestURL(d.request)
	d.checkConversation(id)
	for _, m := range []slacktest.Message{message, below} {
		if got := d.slack.React(d.ben, room, m.TS, "pushpin"); got.Err != nil {
			t.Fatal(got.Err)
		}
	}
	if pins := d.incident(id).Paperwork.Pins; len(pins) != 2 || pins[0].Text != "Zoe Young: The <certificate> has expired" || pins[1].Text != "Dan: Since noon" {
		t.Errorf("%+v\n%s", pins, d.log)
	}
	d.slack.Delete(d.zoe, room, message.TS)
	if pins := d.incident(id).Paperwork.Pins; len(pins) != 2 {
		t.Errorf("%+v", pins)
	}
}

// TestMention: what follows the app's name is a command, answered once, in the message's
// thread.
func TestMention(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		got := d.slack.Mention(d.ana, d.lobby, "declare Checkout is down --sev 2", "")
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		below := func(ts string) []string {
			var all []string
			for _, m := range d.slack.Posts(d.lobby) {
				if m.ThreadTS == ts {
					all = append(all, m.Plain())
				}
			}
			return all
		}
		if all := below(got.Message.TS); len(all) != 1 || !strings.Contains(all[0], "INC-1: Declared SEV2") {
			t.Errorf("%q\n%s", all, d.log)
		}
		d.slack.Redeliver(got)
		d.workspace = d.connect()
		d.forgetDeliveries()
		d.slack.Redeliver(got) // to another process
		if all := below(got.Message.TS); len(all) != 1 {
			t.Errorf("%q", all)
		}
		in := d.slack.Mention(d.ana, d.lobby, "ack INC-1", got.Message.TS)
		d.eventually("it is answered below the same message", func() bool { return len(below(got.Message.TS)) == 2 })
		if in.Err != nil || d.incident("INC-1").Acknowledgement.Person != "ana" {
			t.Error(in.Err)
		}
		empty := d.slack.Mention(d.zoe, d.lobby, "", "")
		if all := below(empty.Message.TS); len(all) != 1 || strings.Count(all[0], "\n") != 1 || !strings.Contains(all[0], "declare Checkout is down") {
			t.Errorf("%q", all)
		}
		if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 1 {
			t.Errorf("%d incidents, %v", len(open), err)
		}
	})
}

// TestMentionInRoom: in an incident's room its ID can be left out.
func TestMentionInRoom(t *testing.T) {
	d := newTestServer(t, bySocket)
	id, room := d.declare("Checkout is down --sev 2")
	if got := d.slack.Mention(d.ben, room, "note The cache is cold", ""); got.Err != nil || d.incident(id).Paperwork.Notes != 1 {
		t.Error(got.Err, d.incident(id).Paperwork.Notes)
	}
	for n, text := range []string{": note one", " — note two", ", `note three`", "，note four", ": ```\nnote five\n```"} {
		if got := d.slack.Mention(d.ben, room, text, ""); got.Err != nil || d.incident(id).Paperwork.Notes != n+2 {
			t.Errorf("%q: %v %d", text, got.Err, d.incident(id).Paperwork.Notes)
		}
	}
}

// TestMentionLostReply: a reply is not posted twice when Slack's response is lost.
func TestMentionLostReply(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		d.slash(d.ana, d.lobby, "list")
		d.slack.Fail("chat.postMessage", slacktest.Fault{LoseAnswer: true})
		got := d.slack.Mention(d.ana, d.lobby, "declare Checkout is down", "")
		for _, again := range d.slack.RetryEvents() {
			if again.Err != nil {
				t.Error(again.Err)
			}
		}
		if posts := d.slack.Posts(d.lobby); len(posts) != 1 || posts[0].ThreadTS != got.Message.TS {
			t.Errorf("%d posts", len(posts))
		}
		if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 1 {
			t.Errorf("%d incidents, %v", len(open), err)
		}
	})
}

// TestP2Mention: a private incident is never named in a reply that a whole channel reads
// (P2: private means members only), nor is a link to sign in with.
func TestP2Mention(t *testing.T) {
	d := newTestServer(t, bySocket)
	d.slash(d.ana, d.lobby, "declare A leak --private")
	d.slash(d.ana, d.lobby, "declare Checkout is down")
	for _, text := range []string{"show INC-1", "timeline INC-1", "list", "web", "/incident web", "note INC-1 a secret", "who INC-1", "web sessions", "show INC-99"} {
		if got := d.slack.Mention(d.ana, d.lobby, text, ""); got.Err != nil {
			t.Fatal(text, got.Err)
		}
	}
	d.eventually("all are answered", func() bool { return len(d.ephemerals(d.ana)) == 2+9 })
	if posts := d.slack.Posts(d.lobby); len(posts) != 0 {
		t.Errorf("everybody reads %q", posts[0].Plain())
	}
	if got := d.slack.Mention(d.ana, d.lobby, "show INC-2", ""); got.Err != nil || len(d.slack.Posts(d.lobby)) != 1 {
		t.Errorf("%v, %d posts", got.Err, len(d.slack.Posts(d.lobby)))
	}
	// Whoever is no member gets the same answer for what is hidden and what is not there.
	d.slack.Mention(d.zoe, d.lobby, "show INC-1", "")
	d.waitForAnswer(d.zoe, "INC-1 does not exist")
}

// TestDirect: a direct message is a command, and answered there.
func TestDirect(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		d.slack.OpenHome(d.ana) // opens the app's conversation with her
		got := d.slack.Say(d.ana, d.slack.Direct(d.ana).ID, "declare Checkout is down --private", "")
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		if all := d.directMessages(d.ana); !strings.Contains(all, "INC-1: Declared") {
			t.Errorf("%q\n%s", all, d.log)
		}
		d.slack.Redeliver(got)
		if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 1 || len(d.slack.Posts(d.slack.Direct(d.ana).ID)) != 1 {
			t.Errorf("%d incidents, %v", len(open), err)
		}
	})
}

// TestP2MentionInLeftRoom: the channel that an incident had before it became private gets
// no reply about it any more (P2: private means members only).
func TestP2MentionInLeftRoom(t *testing.T) {
	d := newTestServer(t, bySocket)
	_, left := d.declare("Payroll has leaked --sev 2")
	d.slash(d.ana, left, "private INC-1")
	before := len(d.slack.Posts(left))
	for _, text := range []string{"show INC-1", "note the payroll is on the internet", "timeline"} {
		if got := d.slack.Mention(d.ana, left, text, ""); got.Err != nil {
			t.Fatal(text, got.Err)
		}
	}
	d.eventually("all are answered", func() bool { return len(d.ephemerals(d.ana)) == 1+3 })
	if posts := d.slack.Posts(left); len(posts) != before {
		t.Errorf("everybody reads %q", posts[before].Plain())
	}
}
