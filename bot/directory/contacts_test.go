package directory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/bot/directory"
	"tocsin/workflow"
)

// chatty is a town in which chat is connected, and whatever else is named.
func chatty(pagers ...string) directory.Directory {
	return directory.Directory{
		People: []directory.Person{
			{ID: "ana", Name: "Ana", Email: "ana@example.com", Slack: "U012AB3CD"},
			{ID: "ben", Name: "Ben", Email: "ben@example.com"},
			{ID: "cleo", Name: "Cleo", Slack: "U0CLEO"},
			{ID: "dan", Name: "Dan"},
			{ID: "eve", Name: "Eve", Email: "eve@example.com", Low: []directory.Method{{Via: "email"}}},
		},
		Teams: []directory.Team{
			{ID: "ops", Slack: "S0123456"},
			{ID: "both", Slack: "S0123456", Members: []string{"dan"}},
			{ID: "lonely", Slack: "S0EMPTY"},
		},
		Pagers: append([]string{"log", "chat"}, pagers...),
	}
}

// TestDefaultsWithChat: whoever has no methods of their own is reached in chat,
// and by e-mail if that goes unanswered, by what can work for them.
func TestDefaultsWithChat(t *testing.T) {
	chat, log, mail := workflow.Method{Key: "chat"}, workflow.Method{Key: "log"}, workflow.Method{Key: "email"}
	soon, late := workflow.Method{Key: "email", After: 2 * time.Minute}, workflow.Method{Key: "email", After: time.Hour}
	type both struct{ high, low []workflow.Method }
	of := func(m ...workflow.Method) []workflow.Method { return m }
	for _, c := range []struct {
		pagers []string
		want   map[string]both
	}{
		{[]string{"email"}, map[string]both{
			"ana": {of(chat, soon), of(chat, late)}, "ben": {of(chat, soon), of(chat, late)}, "cleo": {of(chat), of(chat)},
			"dan": {of(log), of(log)}, "eve": {of(mail), of(mail)},
		}},
		{nil, map[string]both{
			"ana": {of(chat), of(chat)}, "ben": {of(chat), of(chat)}, "cleo": {of(chat), of(chat)}, "dan": {of(log), of(log)},
		}},
	} {
		r := chatty(c.pagers...)
		for id, want := range c.want {
			a := r.Answer(workflow.Target("person:" + id))
			if got := (both{a.Recipients[0].High, a.Recipients[0].Low}); !cmp.Equal(got, want, cmp.AllowUnexported(both{})) {
				t.Errorf("%s, with %v: %+v", id, c.pagers, got)
			}
		}
	}
}

// TestRooms: a channel is a recipient of its own, whom chat reaches.
func TestRooms(t *testing.T) {
	r := town()
	m := []workflow.Method{{Key: "chat"}}
	for target, name := range map[workflow.Target]string{"room:slack:#ops": "#ops on Slack", "room:slack:C024BE7LR": "C024BE7LR on Slack"} {
		want := []workflow.Recipient{{ID: string(target), Name: name, High: m, Low: m}}
		if diff := cmp.Diff(want, r.Answer(target).Recipients); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
		contact := directory.Contact{Person: string(target), Name: name, Via: "chat", Address: target.ID()}
		if got, err := r.Contact(string(target), "chat", workflow.Low); err != nil || got != contact {
			t.Errorf("%s: %+v %v", target, got, err)
		}
	}
	if a := r.Answer("room:discord:ops"); len(a.Recipients) > 0 || a.Why != "room:discord:ops cannot be paged" {
		t.Errorf("discord: %+v", a)
	}
}

// TestChatContact: a person is written to under their account, or under the
// address by which the platform finds them.
func TestChatContact(t *testing.T) {
	r := chatty("email")
	for id, want := range map[string]string{"ana": "slack:U012AB3CD", "ben": "email:ben@example.com", "cleo": "slack:U0CLEO"} {
		for _, urgency := range []workflow.Level{workflow.High, workflow.Low} {
			got, err := r.Contact(id, "chat", urgency)
			if err != nil || got.Person != id || got.Via != "chat" || got.Address != want {
				t.Errorf("%s: %+v %v", id, got, err)
			}
		}
	}
	r.People[3].High = []directory.Method{{Via: "chat"}}
	if _, err := r.Contact("dan", "chat", workflow.High); err == nil || err.Error() != "Dan has neither a Slack account nor an e-mail address to be found by" {
		t.Errorf("dan: %v", err)
	}
}

// TestGuests: who is known from a chat alone is reached there while it is
// connected.
func TestGuests(t *testing.T) {
	const zoe = "guest:slack:U123"
	m := []workflow.Method{{Key: "chat"}}
	r := chatty()
	want := []workflow.Recipient{{ID: zoe, Name: "U123 on Slack", High: m, Low: m}}
	if diff := cmp.Diff(want, r.Answer("person:"+zoe).Recipients); diff != "" {
		t.Errorf("guest: %s", diff)
	}
	if diff := cmp.Diff(want, (&directory.Directory{Pagers: []string{"chat"}}).Answer("person:"+zoe).Recipients); diff != "" {
		t.Errorf("where nobody is configured: %s", diff)
	}
	for key, want := range map[string]directory.Contact{
		"chat": {Person: zoe, Name: "U123 on Slack", Via: "chat", Address: "slack:U123"},
		"log":  {Person: zoe, Name: "slack:U123", Via: "log"}, // planned before chat was connected
	} {
		if got, err := r.Contact(zoe, key, workflow.High); err != nil || got != want {
			t.Errorf("by %s: %+v %v", key, got, err)
		}
	}
	for _, id := range []string{"guest:Zoe", "guest:slack:", "guest:slack:U1:2", "guest:discord:8"} {
		if a := r.Answer(workflow.Target("person:" + id)); len(a.Recipients) > 0 || !strings.Contains(a.Why, "nobody is called "+id) {
			t.Errorf("%s: %+v", id, a)
		}
	}
	r.Pagers = []string{"email", "log"}
	if a := r.Answer("person:" + zoe); len(a.Recipients) > 0 {
		t.Errorf("without chat: %+v", a)
	}
	log := []workflow.Method{{Key: "log"}}
	want = []workflow.Recipient{{ID: zoe, Name: "slack:U123", High: log, Low: log}}
	if diff := cmp.Diff(want, (&directory.Directory{Pagers: []string{"log"}}).Answer("person:"+zoe).Recipients); diff != "" {
		t.Errorf("without chat, where nobody is configured: %s", diff)
	}
}

// TestGroups: a team without members of its own has those of its group, as they
// are now.
func TestGroups(t *testing.T) {
	r := chatty()
	if a := r.Answer("team:ops"); a.Why != "nobody is known to be in the Slack group of team ops" {
		t.Errorf("unknown: %+v", a)
	}
	now := []string{"ana", "gone", "guest:slack:U123"}
	r.Groups = func(group string) []string {
		if group != "S0123456" {
			return nil
		}
		return now
	}
	ids := func(target workflow.Target) string {
		var all []string
		for _, one := range r.Answer(target).Recipients {
			all = append(all, one.ID)
		}
		return strings.Join(all, " ")
	}
	if got := ids("team:ops"); got != "ana guest:slack:U123" {
		t.Errorf("ops is %s", got)
	}
	now = []string{"ben"}
	if got := ids("team:ops"); got != "ben" {
		t.Errorf("ops is %s by now", got)
	}
	if got := ids("team:both"); got != "dan" {
		t.Errorf("its own members are %s", got)
	}
	if a := r.Answer("team:lonely"); len(a.Recipients) > 0 || a.Why == "" {
		t.Errorf("lonely: %+v", a)
	}
}

func TestSlackIDs(t *testing.T) {
	long := strings.Repeat("x", 80)
	for text, want := range map[string]string{
		"U012AB3CD": "user", "W012AB3CD": "user", "S0123456": "group", "C024BE7LR": "channel", "G024BE7LR": "channel",
		"#ops": "channel", "#inc-7_b": "channel", "#störung": "channel", "#障害": "channel", "#" + long: "channel",
		"": "", "#": "", "U": "", "u012ab3cd": "", "U012-AB3": "", "D024BE7LR": "", "T024BE7LR": "", "ops": "", "@ops": "",
		"#Ops": "", "#ops.": "", "#o ps": "", "##ops": "", "#" + long + "x": "", "S" + strings.Repeat("0", 40): "", "ÜÜÜÜÜ": "", "#\xff": "",
	} {
		got := ""
		for name, is := range map[string]func(string) bool{"user": directory.IsSlackUser, "group": directory.IsSlackGroup, "channel": directory.IsSlackChannel} {
			if is(text) {
				got += name
			}
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
