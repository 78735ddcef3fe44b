package conversation_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/conversation"
	"tocsin/commands"
	"tocsin/workflow"
)

// TestP1Conversation: a guest neither writes nor reads messages; a paged person and a
// role holder do both, with any access.
func TestP1Conversation(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	org := bottest.SampleOrganization()
	org.DefaultAccess, org.Directory.People[2].Access = 0, 0 // dan is a guest, and is paged first
	if err := w.Configure(org, map[string]bot.Pager{"sms": w, "email": w}); err != nil {
		t.Fatal(err)
	}
	w.Say("ben", "declare Search is slow --service search") // pages ben
	w.Write(w.Person("ana"), "INC-1", "hello", "")
	for _, s := range []access.Speaker{{Name: "Zoe"}, {Name: "Zoe", Access: commands.Stakeholder}, w.Person("dan")} {
		if reply := w.Write(s, "INC-1", "let me in", ""); reply.OK || !strings.Contains(reply.Text, `needs the access "responder"`) {
			t.Errorf("%s writes: %+v", s.Name, reply)
		}
		if got := w.ReadConversation(s, "INC-1"); got != "" {
			t.Errorf("%s reads %q", s.Name, got)
		}
		if i, err := w.Incidents.Get(t.Context(), "INC-1", s); err != nil || s.CanWorkOn(&i) || !s.CanSee(&i) {
			t.Errorf("%s: can work %v, can see %v, %v", s.Name, s.CanWorkOn(&i), s.CanSee(&i), err)
		}
	}
	w.Say("ana", "page INC-1 @dan please")
	w.Expect(w.Write(w.Person("dan"), "INC-1", "here I am", ""), true, "")
	if got := w.ReadConversation(w.Person("dan"), "INC-1"); got != "1 Ana: hello\n2 Dan: here I am" {
		t.Errorf("Dan, who was paged, reads %q", got)
	}
}

// TestP2Conversation: only members read and write the messages of a private incident;
// to others it does not exist.
func TestP2Conversation(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Data leak --private --service search")
	w.Write(w.Person("ben"), "INC-1", "payroll.xlsx", "")
	eve := access.Speaker{Person: "eve", Name: "Eve", Access: commands.Admin}
	for _, s := range []access.Speaker{eve, {Name: "operator", Access: commands.Admin}, {Name: "Zoe"}, w.Person("dan")} {
		if reply := w.Write(s, "INC-1", "hello", ""); reply.OK || reply.Incident != "" || reply.Text != "INC-1 does not exist. `list` shows the open incidents." {
			t.Errorf("%s writes: %+v", s.Name, reply)
		}
		_, err := w.Conversation.List(t.Context(), "INC-1", s, 0, 10)
		if no, ok := errors.AsType[*workflow.Refusal](err); !ok || no.Message != "INC-1 does not exist." {
			t.Errorf("%s reads: %v", s.Name, err)
		}
	}
	w.Say("ben", "invite INC-1 @dan")
	w.Expect(w.Write(w.Person("dan"), "INC-1", "I know that file", ""), true, "")
	if got := w.ReadConversation(w.Person("dan"), "INC-1"); got != "1 Ben: payroll.xlsx\n2 Dan: I know that file" {
		t.Errorf("Dan, who was invited, reads %q", got)
	}
}

// TestConversationPages: pages go back from the newest message, each with the oldest
// first.
func TestConversationPages(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	for n := range 25 {
		w.Write(w.Person("ana"), "INC-1", fmt.Sprint("line ", n+1), "")
	}
	before, pages := 0, ""
	for {
		page, err := w.Conversation.List(t.Context(), "INC-1", w.Person("ben"), before, 10)
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

// TestDeletedLongAfter: a message that is deleted on its platform loses its text,
// however many messages came after it.
func TestDeletedLongAfter(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --service search")
	ben := w.Person("ben")
	record := func(key, text string, deleted bool) {
		t.Helper()
		w.Clock = w.Clock.Add(time.Second)
		u := conversation.PlatformMessage{Incident: "INC-1", Key: key, At: w.Clock, By: ben, Text: text, Via: "Slack", Deleted: deleted}
		if err := w.Conversation.RecordMessage(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	record("first", "the password is hunter2", false)
	for n := range 1200 {
		record(fmt.Sprint("more ", n), "still looking", false)
	}
	record("first", "", true)
	all, err := w.Conversation.List(t.Context(), "INC-1", ben, 0, 2000)
	if err != nil || len(all) != 1201 || all[0].Text != "" || !all[0].Deleted {
		t.Errorf("%d messages, the first %+v, %v", len(all), all[:1], err)
	}
}

// TestDeletedBeforeItCame: events of a platform come in any order, and to any replica. A
// message whose deletion comes first, or between, keeps no words; an edit that comes after
// its deletion does not bring them back.
func TestDeletedBeforeItCame(t *testing.T) {
	for name, events := range map[string][]conversation.PlatformMessage{
		"deletion, message":             {{Deleted: true}, {Text: "hunter2"}},
		"deletion, edit, message":       {{Deleted: true}, {Text: "hunter2", Edited: true}, {Text: "hunter1"}},
		"deletion, message, edit":       {{Deleted: true}, {Text: "hunter1"}, {Text: "hunter2", Edited: true}},
		"message, deletion, edit":       {{Text: "hunter1"}, {Deleted: true}, {Text: "hunter2", Edited: true}},
		"edit, deletion, message":       {{Text: "hunter2", Edited: true}, {Deleted: true}, {Text: "hunter1"}},
		"deletion twice, message twice": {{Deleted: true}, {Deleted: true}, {Text: "hunter1"}, {Text: "hunter1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := bottest.NewApp(t, memory.New())
			w.Say("ben", "declare Checkout is down --service search")
			ben := w.Person("ben")
			w.Write(ben, "INC-1", "before", "")
			for _, e := range events {
				e.Incident, e.Key, e.At, e.Via = "INC-1", "slack:C1:1.1", w.Clock, "Slack"
				if !e.Deleted {
					e.By = ben
				}
				if err := w.Conversation.RecordMessage(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := w.Store.Messages(t.Context(), "INC-1", 0, 100)
			if err != nil || len(raw) != 2 || strings.Contains(string(raw[1].Body), "hunter") {
				t.Errorf("stored: %+v, %v", raw, err)
			}
			if m, ok, err := w.Conversation.Find(t.Context(), "INC-1", "slack:C1:1.1"); err != nil || !ok || !m.Deleted || m.Text != "" {
				t.Errorf("found: %+v %v %v", m, ok, err)
			}
		})
	}
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --service search")
	w.Write(w.Person("ben"), "INC-1", "before", "")
	for n := range 30 { // more than a page of what no one is shown
		e := conversation.PlatformMessage{Incident: "INC-1", Key: fmt.Sprint("slack:C1:", n), At: w.Clock, Deleted: true}
		if err := w.Conversation.RecordMessage(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if page, err := w.Conversation.List(t.Context(), "INC-1", w.Person("ben"), 0, 10); err != nil || len(page) != 1 || page[0].Text != "before" {
		t.Errorf("read: %+v, %v", page, err)
	}
}

// TestBuiltinRoomMessages: each step is one message in a built-in room, stored in its
// commit, in order with the messages of people.
func TestBuiltinRoomMessages(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Restart(nil, map[string]bot.BuiltinRooms{"web": bottest.BuiltinRooms{}})
	ben := w.Person("ben")
	w.Say("ben", "declare Checkout is down --service search")
	w.Write(ben, "INC-1", "Looking", "")
	w.RunForm(ben, "INC-1", "update", map[string][]string{"text": {"Found <b>it</b>"}, "status": {"identified"}})
	w.Write(ben, "INC-1", "Nearly there", "")
	w.Say("ben", "resolve INC-1 fixed")
	all, err := w.Conversation.List(t.Context(), "INC-1", ben, 0, 100)
	if err != nil || len(all) != 5 {
		t.Fatalf("%+v %v", all, err)
	}
	for n, text := range []string{"", "Looking", "Found <b>it</b>", "Nearly there", "fixed"} {
		r, tocsin := all[n], n%2 == 0
		if !strings.Contains(r.Text, text) || (r.Event > 0) != tocsin || r.Seq != n+1 || tocsin && r.Person != "" {
			t.Errorf("message %d: %+v, want %q", n+1, r, text)
		}
	}
	if update := all[2]; update.Through <= update.Event || update.Name != "Ben" || !strings.Contains(update.Text, "identified") {
		t.Errorf("a step of two events is the message %+v", update)
	}
}

// TestOperationIsNoEffectKey: a message whose operation is named like an effect does
// not take the key of that effect's message.
func TestOperationIsNoEffectKey(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Restart(nil, map[string]bot.BuiltinRooms{"web": bottest.BuiltinRooms{}})
	w.Say("ben", "declare Checkout is down --service search")
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(w.Person("dan"), "INC-1", "nothing to see", fmt.Sprintf("INC-1/%d.0", i.Seq+1))
	w.Say("ben", "note INC-1 but there is")
	if got := w.ReadConversation(w.Person("ben"), "INC-1"); !strings.Contains(got, "but there is") {
		t.Errorf("a message of Tocsin's own is missing:\n%s", got)
	}
}
