package bot_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/conversation"
	"tocsin/bot/dispatch"
	"tocsin/commands"
	"tocsin/workflow"
)

// talk says something in a room.
func (w *town) talk(s access.Speaker, room, text, operation string) dispatch.Reply {
	w.t.Helper()
	reply, err := w.Dispatcher.Say(w.t.Context(), dispatch.Request{Text: text, Room: room, Speaker: s, Operation: operation})
	if err != nil {
		w.t.Fatal(err)
	}
	return reply
}

// heard is what somebody reads in a room: "1 Ana: hello", a line each.
func (w *town) heard(s access.Speaker, room string) string {
	w.t.Helper()
	all, err := w.Conversation.List(w.t.Context(), room, s, 0, 1000)
	if err != nil {
		return err.Error()
	}
	lines := make([]string, 0, len(all))
	for _, r := range all {
		lines = append(lines, fmt.Sprintf("%d %s: %s", r.Seq, r.Name, r.Text))
	}
	return strings.Join(lines, "\n")
}

// TestSay: what a person says stands in the room, under their name, once.
func TestSay(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Checkout is down --service checkout")
	before, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	if reply := w.talk(w.person("ana"), "INC-1", "  I see it too\n", ""); !reply.OK || reply.Text != "" || reply.Incident != "INC-1" {
		t.Errorf("%+v", reply)
	}
	w.now = w.now.Add(time.Second)
	ci := w.person("dan")
	ci.Token = "ci"
	w.talk(ci, "INC-1", "Deployed <b>1.2</b>\nand rolled back", "")
	w.talk(access.Speaker{Name: "Zoe", Access: commands.Responder}, "INC-1", "🏴‍☠️ שלום", "")
	w.talk(w.person("ana"), "INC-1", "I see it too", "") // the same words are another message
	want := "1 Ana: I see it too\n2 Dan, by token ci: Deployed <b>1.2</b>\nand rolled back\n3 Zoe: 🏴‍☠️ שלום\n4 Ana: I see it too"
	if got := w.heard(w.person("ben"), "INC-1"); got != want {
		t.Errorf("the conversation is\n%s\nwant\n%s", got, want)
	}
	all, err := w.Conversation.List(t.Context(), "INC-1", w.person("ana"), 0, 10)
	if err != nil || all[0].Person != "ana" || all[2].Person != "" || !all[0].At.Equal(bottest.Epoch) || !all[1].At.Equal(w.now) || all[0].Event != 0 || all[0].Key == "" {
		t.Errorf("%+v %v", all, err)
	}
	after, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil || after.Seq != before.Seq || !after.LastActivityAt.Equal(before.LastActivityAt) {
		t.Errorf("talking has changed the incident: %v", err)
	}
	for _, nowhere := range []string{"INC-99", "INC-0", "x", ""} {
		if reply := w.talk(w.person("ana"), nowhere, "hello", ""); reply.OK || !strings.Contains(reply.Text, "does not exist") {
			t.Errorf("in %q: %+v", nowhere, reply)
		}
	}
	w.say("ben", "resolve INC-1 fixed")
	w.talk(w.person("ana"), "INC-1", "Thank you all", "") // people talk on when it is over
	if got := w.heard(w.person("ana"), "INC-1"); !strings.HasSuffix(got, "\n5 Ana: Thank you all") {
		t.Errorf("after the end: %q", got)
	}
}

// TestSayLimits: nothing is said with nothing; what is too long is cut, and
// said to be.
func TestSayLimits(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Checkout is down")
	for _, nothing := range []string{"", " \n\t", "\x00\x1b\u202e", "\xff\xfe", strings.Repeat("\x00", 100_000)} {
		if reply := w.talk(w.person("ana"), "INC-1", nothing, "op"); reply.OK || !strings.Contains(reply.Text, "empty") {
			t.Errorf("%.20q: %+v", nothing, reply)
		}
	}
	for _, c := range []struct {
		text, want string
		cut        bool
	}{
		{strings.Repeat("é", 4000), strings.Repeat("é", 4000), false},
		{strings.Repeat("é", 4001), strings.Repeat("é", 3999) + "…", true},
		{strings.Repeat("漢字", 50_000), strings.Repeat("漢字", 2000)[:3*3999] + "…", true},
		{"a\x00b\u202ec\r\nd", "abc \nd", false},
	} {
		reply := w.talk(w.person("ana"), "INC-1", c.text, "")
		all, err := w.Conversation.List(t.Context(), "INC-1", w.person("ana"), 0, 1)
		if err != nil || !reply.OK || strings.Contains(reply.Text, "cut") != c.cut || all[0].Text != c.want {
			t.Errorf("%.20q of %d bytes: %+v, heard %.20q of %d bytes", c.text, len(c.text), reply, all[0].Text, len(all[0].Text))
		}
	}
	if got := strings.Count(w.heard(w.person("ana"), "INC-1"), " Ana: "); got != 4 {
		t.Errorf("%d messages", got)
	}
}

// TestSayOnce: an operation is one message, also when it comes from everywhere
// at once; in another room it is another.
func TestSayOnce(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Checkout is down")
	w.say("ben", "declare Search is slow")
	ana := w.person("ana")
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			r := dispatch.Request{Text: "hello", Room: "INC-1", Speaker: ana, Operation: fmt.Sprint("op ", n%2)}
			if reply, err := w.Dispatcher.Say(t.Context(), r); err != nil || !reply.OK {
				t.Errorf("%+v %v", reply, err)
			}
		})
	}
	all.Wait()
	w.talk(ana, "INC-1", "changed", "op 0")
	w.talk(ana, "INC-2", "hello", "op 0")
	if got := w.heard(ana, "INC-1"); got != "1 Ana: hello\n2 Ana: hello" {
		t.Errorf("the conversation is\n%s", got)
	}
	if got := w.heard(ana, "INC-2"); got != "1 Ana: hello" {
		t.Errorf("the other conversation is\n%s", got)
	}
}

// TestSayHint: whoever says a command to the room is told how to give it.
func TestSayHint(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Checkout is down")
	for text, hint := range map[string]string{
		"ack":                             "`/ack`",
		"Resolve fixed it":                "`/Resolve fixed it`",
		"who has it?":                     "`/who has it?`",
		"nothing to see":                  "",
		"acknowledged":                    "",
		"I will ack":                      "",
		"ack " + strings.Repeat("x", 300): "",
	} {
		reply := w.talk(w.person("ana"), "INC-1", text, "")
		if !reply.OK || hint == "" && reply.Text != "" || !strings.Contains(reply.Text, hint) {
			t.Errorf("%.30q: %+v, want %q", text, reply, hint)
		}
	}
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil || i.IsAcknowledged() || !i.IsOpen() {
		t.Errorf("talk was taken for a command: %v", err)
	}
}

// TestP1Talk: who only looks on neither talks nor reads along; whoever is paged
// or has a role does both, whatever their access.
func TestP1Talk(t *testing.T) {
	w := newTown(t)
	org := bottest.Town()
	org.DefaultAccess, org.Directory.People[2].Access = 0, 0 // dan is a guest, and is paged first
	if err := w.Configure(org, map[string]bot.Pager{"sms": w, "email": w}); err != nil {
		t.Fatal(err)
	}
	w.say("ben", "declare Search is slow --service search") // pages ben
	w.talk(w.person("ana"), "INC-1", "hello", "")
	for _, s := range []access.Speaker{{Name: "Zoe"}, {Name: "Zoe", Access: commands.Stakeholder}, w.person("dan")} {
		if reply := w.talk(s, "INC-1", "let me in", ""); reply.OK || !strings.Contains(reply.Text, `needs the access "responder"`) {
			t.Errorf("%s talks: %+v", s.Name, reply)
		}
		if got := w.heard(s, "INC-1"); got != "" {
			t.Errorf("%s reads %q", s.Name, got)
		}
		if i, err := w.Incidents.Get(t.Context(), "INC-1", s); err != nil || s.CanWorkOn(&i) || !s.CanSee(&i) {
			t.Errorf("%s: works %v, sees %v, %v", s.Name, s.CanWorkOn(&i), s.CanSee(&i), err)
		}
	}
	w.say("ana", "page INC-1 @dan please")
	w.expect(w.talk(w.person("dan"), "INC-1", "here I am", ""), true, "")
	if got := w.heard(w.person("dan"), "INC-1"); got != "1 Ana: hello\n2 Dan: here I am" {
		t.Errorf("Dan, who was paged, reads %q", got)
	}
}

// TestP2Talk: a private incident's conversation is its members' alone, and
// others are answered as if it were not there.
func TestP2Talk(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Data leak --private --service search")
	w.talk(w.person("ben"), "INC-1", "payroll.xlsx", "")
	eve := access.Speaker{Person: "eve", Name: "Eve", Access: commands.Admin}
	for _, s := range []access.Speaker{eve, {Name: "operator", Access: commands.Admin}, {Name: "Zoe"}, w.person("dan")} {
		if reply := w.talk(s, "INC-1", "hello", ""); reply.OK || reply.Incident != "" || reply.Text != "INC-1 does not exist. `list` shows the open incidents." {
			t.Errorf("%s talks: %+v", s.Name, reply)
		}
		_, err := w.Conversation.List(t.Context(), "INC-1", s, 0, 10)
		if no, is := errors.AsType[*workflow.Refusal](err); !is || no.Message != "INC-1 does not exist." {
			t.Errorf("%s reads: %v", s.Name, err)
		}
	}
	w.say("ben", "invite INC-1 @dan")
	w.expect(w.talk(w.person("dan"), "INC-1", "I know that file", ""), true, "")
	if got := w.heard(w.person("dan"), "INC-1"); got != "1 Ben: payroll.xlsx\n2 Dan: I know that file" {
		t.Errorf("Dan, who was invited, reads %q", got)
	}
}

// TestSayStub: people talk in a room that alerts have reserved, before the
// incident has taken its first step.
func TestSayStub(t *testing.T) {
	w := newTown(t)
	if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{Key: "a", Title: "Disk full", State: "firing"}}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.talk(w.person("ana"), "INC-1", "On it", ""), true, "")
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-1"), true, "Disk full")
	if got := w.heard(w.person("ana"), "INC-1"); got != "1 Ana: On it" {
		t.Errorf("the conversation is %q", got)
	}
}

// TestConversationPages: from the newest back, oldest first in each page.
func TestConversationPages(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Checkout is down")
	for n := range 25 {
		w.talk(w.person("ana"), "INC-1", fmt.Sprint("line ", n+1), "")
	}
	before, pages := 0, ""
	for {
		page, err := w.Conversation.List(t.Context(), "INC-1", w.person("ben"), before, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for n, r := range page {
			if r.Text != fmt.Sprint("line ", r.Seq) || r.Seq != page[0].Seq+n {
				t.Fatalf("page %+v", page)
			}
		}
		before = page[0].Seq
		pages += fmt.Sprintf("%d-%d ", page[0].Seq, page[len(page)-1].Seq)
	}
	if pages != "16-25 6-15 1-5 " {
		t.Errorf("pages %s", pages)
	}
}

// TestDeletedLongAfter: what somebody takes back is gone, however much has been
// said since.
func TestDeletedLongAfter(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Checkout is down --service search")
	ben := w.person("ben")
	said := func(key, text string, deleted bool) {
		t.Helper()
		w.now = w.now.Add(time.Second)
		u := conversation.PlatformMessage{Incident: "INC-1", Key: key, At: w.now, By: ben, Text: text, Via: "Slack", Deleted: deleted}
		if err := w.Conversation.RecordMessage(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	said("first", "the password is hunter2", false)
	for n := range 1200 {
		said(fmt.Sprint("more ", n), "still looking", false)
	}
	said("first", "", true)
	all, err := w.Conversation.List(t.Context(), "INC-1", ben, 0, 2000)
	if err != nil || len(all) != 1201 || all[0].Text != "" || !all[0].Deleted {
		t.Errorf("%d messages, the first %+v, %v", len(all), all[:1], err)
	}
}

// TestP1Namesake: whoever is called like somebody configured, and is not, is told
// apart from them wherever they are named (rule P1).
func TestP1Namesake(t *testing.T) {
	w := newTown(t)
	for name, want := range map[string]string{"Ana": "Ana on Slack", "ben@example.com": "ben@example.com on Slack", "Zoe": "Zoe"} {
		s, _ := access.Identify(w.Organization(), access.Claim{Account: access.Account{Platform: "slack", ID: "U0MALLORY", Name: name}})
		if s.Person != "" || s.Name != want {
			t.Errorf("%q is %+v", name, s)
		}
	}
	ana, _ := access.Identify(w.Organization(), access.Claim{Account: access.Account{Platform: "slack", ID: "U0ANA", Name: "Ana", Email: "ana@example.com"}})
	if ana.Person != "ana" || ana.Name != "Ana" {
		t.Errorf("ana is %+v", ana)
	}
}
