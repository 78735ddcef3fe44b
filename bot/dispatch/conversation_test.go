package dispatch_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/conversation"
	"tocsin/bot/dispatch"
	"tocsin/commands"
)

// TestWriteMessage: a message of a person is stored once, under their name.
func TestWriteMessage(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --service checkout")
	before, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	if reply := w.Write(w.Person("ana"), "INC-1", "  I see it too\n", ""); !reply.OK || reply.Text != "" || reply.Incident != "INC-1" {
		t.Errorf("%+v", reply)
	}
	w.Clock = w.Clock.Add(time.Second)
	ci := w.Person("dan")
	ci.Token = "ci"
	w.Write(ci, "INC-1", "Deployed <b>1.2</b>\nand rolled back", "")
	w.Write(access.Speaker{Name: "Zoe", Access: commands.Responder}, "INC-1", "🏴‍☠️ שלום", "")
	w.Write(w.Person("ana"), "INC-1", "I see it too", "") // the same words are another message
	want := "1 Ana: I see it too\n2 Dan, by token ci: Deployed <b>1.2</b>\nand rolled back\n3 Zoe: 🏴‍☠️ שלום\n4 Ana: I see it too"
	if got := w.ReadConversation(w.Person("ben"), "INC-1"); got != want {
		t.Errorf("the conversation is\n%s\nwant\n%s", got, want)
	}
	all, err := w.Conversation.List(t.Context(), "INC-1", w.Person("ana"), 0, 10)
	if err != nil || all[0].Person != "ana" || all[2].Person != "" || !all[0].At.Equal(bottest.Epoch) || !all[1].At.Equal(w.Clock) || all[0].Event != 0 || all[0].Key == "" {
		t.Errorf("%+v %v", all, err)
	}
	after, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil || after.Seq != before.Seq || !after.LastActivityAt.Equal(before.LastActivityAt) {
		t.Errorf("a message has changed the incident: %v", err)
	}
	for _, nowhere := range []string{"INC-99", "INC-0", "x", ""} {
		if reply := w.Write(w.Person("ana"), nowhere, "hello", ""); reply.OK || !strings.Contains(reply.Text, "does not exist") {
			t.Errorf("in %q: %+v", nowhere, reply)
		}
	}
	w.Say("ben", "resolve INC-1 fixed")
	w.Write(w.Person("ana"), "INC-1", "Thank you all", "") // people talk on when it is over
	if got := w.ReadConversation(w.Person("ana"), "INC-1"); !strings.HasSuffix(got, "\n5 Ana: Thank you all") {
		t.Errorf("after the end: %q", got)
	}
}

// TestWriteMessageLimits: an empty message is refused; one that is too long is cut, and
// the reply says so.
func TestWriteMessageLimits(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	for _, nothing := range []string{"", " \n\t", "\x00\x1b\u202e", "\xff\xfe", strings.Repeat("\x00", 100_000)} {
		if reply := w.Write(w.Person("ana"), "INC-1", nothing, "op"); reply.OK || !strings.Contains(reply.Text, "empty") {
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
		{"a\x00b\u202ec\r\nd", "abc\nd", false},
	} {
		reply := w.Write(w.Person("ana"), "INC-1", c.text, "")
		all, err := w.Conversation.List(t.Context(), "INC-1", w.Person("ana"), 0, 1)
		if err != nil || !reply.OK || strings.Contains(reply.Text, "cut") != c.cut || all[0].Text != c.want {
			t.Errorf("%.20q of %d bytes: %+v, stored %.20q of %d bytes", c.text, len(c.text), reply, all[0].Text, len(all[0].Text))
		}
	}
	if got := strings.Count(w.ReadConversation(w.Person("ana"), "INC-1"), " Ana: "); got != 4 {
		t.Errorf("%d messages", got)
	}
}

// TestWriteMessageOnce: an operation is one message, also when fifty requests come at
// once; in another room it is another message.
func TestWriteMessageOnce(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	w.Say("ben", "declare Search is slow")
	ana := w.Person("ana")
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			r := dispatch.Request{Text: "hello", Room: "INC-1", Speaker: ana, Operation: fmt.Sprint("op ", n%2)}
			if reply, err := w.Dispatcher.WriteMessage(t.Context(), r); err != nil || !reply.OK {
				t.Errorf("%+v %v", reply, err)
			}
		})
	}
	all.Wait()
	w.Write(ana, "INC-1", "changed", "op 0")
	w.Write(ana, "INC-2", "hello", "op 0")
	if got := w.ReadConversation(ana, "INC-1"); got != "1 Ana: hello\n2 Ana: hello" {
		t.Errorf("the conversation is\n%s", got)
	}
	if got := w.ReadConversation(ana, "INC-2"); got != "1 Ana: hello" {
		t.Errorf("the other conversation is\n%s", got)
	}
}

// TestWriteMessageHint: the reply to a message that begins like a command says how to
// give the command.
func TestWriteMessageHint(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	for text, hint := range map[string]string{
		"ack":                             "`/ack`",
		"Resolve fixed it":                "`/Resolve fixed it`",
		"who has it?":                     "`/who has it?`",
		"nothing to see":                  "",
		"acknowledged":                    "",
		"I will ack":                      "",
		"ack " + strings.Repeat("x", 300): "",
	} {
		reply := w.Write(w.Person("ana"), "INC-1", text, "")
		if !reply.OK || hint == "" && reply.Text != "" || !strings.Contains(reply.Text, hint) {
			t.Errorf("%.30q: %+v, want %q", text, reply, hint)
		}
	}
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil || i.IsAcknowledged() || !i.IsOpen() {
		t.Errorf("a message was run as a command: %v", err)
	}
}

// TestWriteMessageToStub: people can write in the room of an incident before its first
// step.
func TestWriteMessageToStub(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{Key: "a", Title: "Disk full", State: "firing"}}); err != nil {
		t.Fatal(err)
	}
	w.Expect(w.Write(w.Person("ana"), "INC-1", "On it", ""), true, "")
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "show INC-1"), true, "Disk full")
	if got := w.ReadConversation(w.Person("ana"), "INC-1"); got != "1 Ana: On it" {
		t.Errorf("the conversation is %q", got)
	}
}

// TestP1CPinNamesTheAuthor: a message that is pinned names its author, unless the author
// pins it: who has the same name is another person (P1c: a name is no identity).
func TestP1CPinNamesTheAuthor(t *testing.T) {
	guest := func(account string) access.Speaker {
		return access.Speaker{Handle: "square:" + account, Name: "Zoe", Access: commands.Responder}
	}
	for n, c := range []struct {
		author, by access.Speaker
		want       string
	}{
		{guest("U1"), guest("U1"), "Rolled back"},
		{guest("U1"), guest("U2"), "Zoe: Rolled back"},
		{access.Speaker{Person: "ana", Name: "Zoe", Access: commands.Responder}, guest("U1"), "Zoe: Rolled back"},
		{access.Speaker{Person: "ana", Name: "Ana", Access: commands.Responder}, access.Speaker{Person: "ana", Name: "Ana Silva", Access: commands.Responder}, "Rolled back"},
	} {
		w := bottest.NewApp(t, memory.New())
		w.Say("ben", "declare Checkout is down")
		w.Write(c.author, "INC-1", "Rolled back", "")
		m := conversation.PlatformMessage{Incident: "INC-1", Key: "square:1", At: w.Clock, By: c.author, Text: "Rolled back", Via: "Square"}
		if err := w.Conversation.RecordMessage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		all, err := w.Conversation.List(t.Context(), "INC-1", w.Person("ben"), 0, 10)
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v %v", all, err)
		}
		for _, one := range all {
			if reply, err := w.Dispatcher.Pin(t.Context(), dispatch.Request{Room: "INC-1", Speaker: c.by}, one.Key); err != nil || !reply.OK {
				t.Fatalf("%+v %v", reply, err)
			}
		}
		timeline := w.Say("ben", "timeline INC-1").Text + "\n"
		if strings.Count(timeline, "UTC  "+c.by.Name+": "+c.want+"\n") != 2 {
			t.Errorf("%d: want %q in the timeline\n%s", n, c.want, timeline)
		}
	}
}
