package directory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/bot/directory"
	"tocsin/workflow"
)

// slack is the platform that is connected.
func slack() []directory.Platform {
	return []directory.Platform{{Name: "slack", Title: "Slack", FindsByEmail: true}}
}

// directoryWithChat returns a directory in which chat and the named pagers are connected.
func directoryWithChat(pagers ...string) directory.Directory {
	return directory.Directory{
		People: []directory.Person{
			{ID: "ana", Name: "Ana", Email: "ana@example.com", Accounts: map[string]string{"slack": "U012AB3CD"}},
			{ID: "ben", Name: "Ben", Email: "ben@example.com"},
			{ID: "cleo", Name: "Cleo", Accounts: map[string]string{"slack": "U0CLEO"}},
			{ID: "dan", Name: "Dan"},
			{ID: "eve", Name: "Eve", Email: "eve@example.com", Low: []directory.Method{{Via: "email"}}},
		},
		Teams: []directory.Team{
			{ID: "ops", Groups: map[string]string{"slack": "S0123456"}},
			{ID: "both", Groups: map[string]string{"slack": "S0123456"}, Members: []string{"dan"}},
			{ID: "lonely", Groups: map[string]string{"slack": "S0EMPTY"}},
		},
		Pagers: append([]string{"log"}, pagers...), Platforms: slack(),
	}
}

// TestDefaultsWithChat: a person without usable methods is reached on the platform that
// can find them and then by e-mail, and never through the log (E4b: only a person who was
// reached is waited for).
func TestDefaultsWithChat(t *testing.T) {
	chat, mail := workflow.Method{Key: "slack"}, workflow.Method{Key: "email"}
	soon, late := workflow.Method{Key: "email", After: 2 * time.Minute}, workflow.Method{Key: "email", After: time.Hour}
	type both struct{ high, low []workflow.Method }
	of := func(m ...workflow.Method) []workflow.Method { return m }
	for _, c := range []struct {
		pagers []string
		want   map[string]both
	}{
		{[]string{"email"}, map[string]both{
			"ana": {of(chat, soon), of(chat, late)}, "ben": {of(chat, soon), of(chat, late)}, "cleo": {of(chat), of(chat)},
			"dan": {}, "eve": {of(mail), of(mail)},
		}},
		{nil, map[string]both{
			"ana": {of(chat), of(chat)}, "ben": {of(chat), of(chat)}, "cleo": {of(chat), of(chat)}, "dan": {}, "eve": {of(chat), of(chat)},
		}},
	} {
		r := directoryWithChat(c.pagers...)
		for id, want := range c.want {
			a := r.Resolve(workflow.Target("person:" + id))
			if got := (both{a.Recipients[0].High, a.Recipients[0].Low}); !cmp.Equal(got, want, cmp.AllowUnexported(both{})) {
				t.Errorf("%s, with %v: %+v", id, c.pagers, got)
			}
		}
	}
}

// TestRooms: a room on a platform is a recipient.
func TestRooms(t *testing.T) {
	r := directoryWithChat()
	m := []workflow.Method{{Key: "slack"}}
	for target, name := range map[workflow.Target]string{"room:slack:#ops": "#ops on Slack", "room:slack:C024BE7LR": "C024BE7LR on Slack"} {
		want := []workflow.Recipient{{ID: string(target), Name: name, High: m, Low: m}}
		if diff := cmp.Diff(want, r.Resolve(target).Recipients); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
		contact := directory.Contact{Person: string(target), Name: name, Via: "slack", Address: strings.TrimPrefix(target.ID(), "slack:")}
		if got, err := r.Contact(string(target), "slack", workflow.Low); err != nil || got != contact {
			t.Errorf("%s: %+v %v", target, got, err)
		}
	}
	if a := r.Resolve("room:discord:ops"); len(a.Recipients) > 0 || a.Why != "room:discord:ops cannot be paged" {
		t.Errorf("discord: %+v", a)
	}
}

// TestChatContact: a person is reached under their account, else under the address by
// which the platform finds them.
func TestChatContact(t *testing.T) {
	r := directoryWithChat("email")
	for id, want := range map[string]string{"ana": "U012AB3CD", "ben": "email:ben@example.com", "cleo": "U0CLEO"} {
		for _, urgency := range []workflow.Level{workflow.High, workflow.Low} {
			got, err := r.Contact(id, "slack", urgency)
			if err != nil || got.Person != id || got.Via != "slack" || got.Address != want {
				t.Errorf("%s: %+v %v", id, got, err)
			}
		}
	}
	r.People[3].High = []directory.Method{{Via: "slack"}}
	if _, err := r.Contact("dan", "slack", workflow.High); err == nil || err.Error() != "Dan is not reached by slack any more" {
		t.Errorf("dan: %v", err)
	}
}

// TestGuests: a guest is reached on their platform while it is connected.
func TestGuests(t *testing.T) {
	const zoe = "guest:slack:U123"
	m := []workflow.Method{{Key: "slack"}}
	r := directoryWithChat()
	want := []workflow.Recipient{{ID: zoe, Name: "U123 on Slack", High: m, Low: m}}
	if diff := cmp.Diff(want, r.Resolve("person:"+zoe).Recipients); diff != "" {
		t.Errorf("guest: %s", diff)
	}
	if diff := cmp.Diff(want, (&directory.Directory{Platforms: slack()}).Resolve("person:"+zoe).Recipients); diff != "" {
		t.Errorf("while no people are configured: %s", diff)
	}
	for key, want := range map[string]directory.Contact{
		"slack": {Person: zoe, Name: "U123 on Slack", Via: "slack", Address: "U123"},
		"log":   {Person: zoe, Name: "slack:U123", Via: "log"}, // planned before chat was connected
	} {
		if got, err := r.Contact(zoe, key, workflow.High); err != nil || got != want {
			t.Errorf("by %s: %+v %v", key, got, err)
		}
	}
	for _, id := range []string{"guest:Zoe", "guest:slack:", "guest:slack:U1:2", "guest:discord:8"} {
		if a := r.Resolve(workflow.Target("person:" + id)); len(a.Recipients) > 0 || !strings.Contains(a.Why, "no person "+id) {
			t.Errorf("%s: %+v", id, a)
		}
	}
	r.Platforms = nil
	if a := r.Resolve("person:" + zoe); len(a.Recipients) > 0 {
		t.Errorf("without chat: %+v", a)
	}
	log := []workflow.Method{{Key: "log"}}
	want = []workflow.Recipient{{ID: zoe, Name: "slack:U123", High: log, Low: log}}
	if diff := cmp.Diff(want, (&directory.Directory{Pagers: []string{"log"}}).Resolve("person:"+zoe).Recipients); diff != "" {
		t.Errorf("without chat, while no people are configured: %s", diff)
	}
}

// TestGroups: a team without members of its own has the current members of its group.
func TestGroups(t *testing.T) {
	r := directoryWithChat()
	if a := r.Resolve("team:ops"); a.Why != "the Slack group of team ops has no known members" {
		t.Errorf("unknown: %+v", a)
	}
	now := []string{"ana", "gone", "guest:slack:U123"}
	r.Platforms[0].Members = func(group string) []string {
		if group != "S0123456" {
			return nil
		}
		return now
	}
	ids := func(target workflow.Target) string {
		var all []string
		for _, one := range r.Resolve(target).Recipients {
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
	if a := r.Resolve("team:lonely"); len(a.Recipients) > 0 || a.Why == "" {
		t.Errorf("lonely: %+v", a)
	}
}

// TestViaChat: the method "chat" stands for each connected platform that can reach the
// person, a platform's name for that one.
func TestViaChat(t *testing.T) {
	d := directory.Directory{
		People: []directory.Person{{
			ID: "ana", Name: "Ana", Accounts: map[string]string{"slack": "U0ANA", "huddle": "7"},
			High: []directory.Method{{Via: directory.ViaChat}, {Via: directory.ViaChat, After: time.Minute}}, Low: []directory.Method{{Via: "huddle"}},
		}},
		Platforms: []directory.Platform{{Name: "slack", Title: "Slack"}, {Name: "huddle", Title: "Huddle"}, {Name: "other", Title: "Other"}},
	}
	r := d.Resolve("person:ana").Recipients[0]
	high := []workflow.Method{{Key: "slack"}, {Key: "huddle"}, {Key: "slack#2", After: time.Minute}, {Key: "huddle#2", After: time.Minute}}
	if diff := cmp.Diff(high, r.High); diff != "" {
		t.Errorf("high: %s", diff)
	}
	if diff := cmp.Diff([]workflow.Method{{Key: "huddle"}}, r.Low); diff != "" {
		t.Errorf("low: %s", diff)
	}
	if c, err := d.Contact("ana", "huddle#2", workflow.High); err != nil || c.Via != "huddle" || c.Address != "7" {
		t.Errorf("contact: %+v %v", c, err)
	}
}

// TestE4Unreachable: a configured person who cannot be paged is known as such, with the
// reason (E4b: only a person who was reached is waited for).
func TestE4Unreachable(t *testing.T) {
	method := func(via string) []directory.Method { return []directory.Method{{Via: via}} }
	for _, c := range []struct {
		person directory.Person
		pagers string
		want   string // of the reason; "": the person is reachable
	}{
		{directory.Person{Email: "dan@example.com"}, "email", ""},
		{directory.Person{Email: "dan@example.com"}, "", ""}, // the platform finds them
		{directory.Person{}, "email", "no connected chat platform knows them; no address for email"},
		{directory.Person{High: method("log")}, "email", "no one reads the log"},
		{directory.Person{High: method("sms")}, "email", "sms is not connected"},
		{directory.Person{High: method("sms"), Email: "dan@example.com"}, "email", ""},
		{directory.Person{High: method("sms"), Low: method("slack"), Accounts: map[string]string{"slack": "U1"}}, "", ""},
		{directory.Person{High: method("slack")}, "", "neither a Slack account nor an e-mail address"},
		{directory.Person{High: method("chat")}, "", "no connected chat platform knows them"},
		{directory.Person{High: method("email")}, "", "email is not connected"},
	} {
		d := directoryWithChat(strings.Fields(c.pagers)...)
		c.person.ID, c.person.Name = "dan", "Dan"
		d.People = []directory.Person{c.person}
		for _, urgency := range []workflow.Level{workflow.High, workflow.Low} {
			why := d.Unreachable(c.person, urgency)
			if why == "" != (c.want == "") || !strings.Contains(why, c.want) {
				t.Errorf("%+v with %q: %q, want %q", c.person, c.pagers, why, c.want)
			}
			r := d.Resolve("person:dan").Recipients[0]
			if empty := len(r.High)+len(r.Low) == 0; empty != (c.want != "") {
				t.Errorf("%+v with %q: methods %v, %v", c.person, c.pagers, r.High, r.Low)
			}
		}
	}
}
