package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/commands"
	"tocsin/workflow"
)

// relation is a relation of a speaker to an incident.
type relation struct {
	name     string
	incident func(*workflow.Incident)
	member   bool // sees it while it is private
	pagedFor bool // may acknowledge it whatever their access
}

func relations() []relation {
	page := func(to string) func(*workflow.Incident) {
		return func(i *workflow.Incident) {
			i.Paging.Pages = append(i.Paging.Pages, workflow.PageState{ID: "1.0.0.0/" + to + "/email", To: to, Purpose: workflow.PurposeEscalation, State: workflow.DeliveryAccepted})
		}
	}
	return []relation{
		{name: "none", incident: func(*workflow.Incident) {}},
		{name: "paged", incident: page("eve"), member: true, pagedFor: true},
		{name: "another is paged", incident: page("ana")},
		{name: "role holder", incident: func(i *workflow.Incident) { i.Roles = map[string]string{workflow.Commander: "eve"} }, member: true},
		{name: "reporter", incident: func(i *workflow.Incident) { i.Reporter.Person = "eve" }, member: true},
		{name: "invited", incident: func(i *workflow.Incident) { i.Invited = []string{"eve"} }, member: true},
		{name: "acknowledger", incident: func(i *workflow.Incident) { i.Acknowledgement.Person = "eve" }, member: true},
	}
}

// TestP1Can checks every command with every access, relation and visibility. The
// expectation is written in the terms of the rules, not of the code.
func TestP1Can(t *testing.T) {
	levels := []commands.Access{commands.Guest, commands.Stakeholder, commands.Responder, commands.Commander, commands.Admin}
	cases := 0
	for _, word := range commands.New() {
		for _, level := range levels {
			for _, r := range relations() {
				for _, visibility := range []workflow.Visibility{workflow.Public, workflow.Private} {
					i := workflow.Incident{ID: "INC-7", Number: 7, Status: workflow.Triage, Visibility: visibility}
					r.incident(&i)
					s := access.Speaker{Person: "eve", Name: "Eve", Access: level}
					sees := visibility == workflow.Public || r.member
					want := sees && (level >= word.Access || word.Name == "ack" && r.pagedFor || word.Members && r.member)
					err := access.Can(s, word, &i)
					if (err == nil) != want {
						t.Errorf("%s, access %s, %s, %s: %v, want allowed=%t", word.Name, level, r.name, visibility, err, want)
					}
					if err != nil && !sees && !strings.Contains(err.Error(), "does not exist") {
						t.Errorf("%s, %s: a private incident shows in %q (P2)", word.Name, r.name, err)
					}
					cases++
				}
			}
		}
	}
	if cases < 1000 {
		t.Errorf("only %d cases", cases)
	}
}

// TestP1CanGuest: a guest who is a member of a paged group may acknowledge the
// incident, and nothing else.
func TestP1CanGuest(t *testing.T) {
	i := workflow.Incident{ID: "INC-7", Status: workflow.Triage, Visibility: workflow.Public}
	i.Paging.Pages = []workflow.PageState{{ID: "1", To: "guest:slack:U0ZOE", Purpose: workflow.PurposeEscalation, State: workflow.DeliveryAccepted}}
	zoe := access.Speaker{Handle: "slack:U0ZOE", Name: "Zoe"}
	for _, word := range commands.New() {
		want := word.Access == commands.Guest || word.Name == "ack"
		if err := access.Can(zoe, word, &i); (err == nil) != want {
			t.Errorf("%s: %v", word.Name, err)
		}
	}
	nameless := access.Speaker{Name: "guest:slack:U0ZOE"}
	ack, _ := commands.New().Find("ack")
	if access.Can(nameless, ack, &i) == nil {
		t.Error("a name was taken for an account")
	}
	zoe.Unidentified = true
	resolve, _ := commands.New().Find("resolve")
	if err := access.Can(zoe, resolve, &i); err == nil || !strings.Contains(err.Error(), "does not say who you are") {
		t.Errorf("unsure: %v", err)
	}
}

// TestP1Identify covers each way to identify a speaker.
func TestP1Identify(t *testing.T) {
	org := bottest.SampleOrganization()
	org.DefaultAccess = commands.Guest
	ci := bot.Token{Name: "ci", Secret: "the secret of now", Access: commands.Responder}
	org.Tokens, org.Operator = []bot.Token{ci}, "the operator's secret"
	operator, _ := org.Token(bot.OperatorToken)
	lisbon := time.FixedZone("WET", 0)
	for _, c := range []struct {
		name  string
		claim access.Claim
		want  string
	}{
		{"a person", access.Claim{Person: "ana"}, "ana Ana admin"},
		{"a person who is not configured any more", access.Claim{Person: "zoe"}, "nobody"},
		{"a person, limited", access.Claim{Person: "ana", Limit: access.AtMost(commands.Stakeholder)}, "ana Ana stakeholder"},
		{"a limit raises no access", access.Claim{Person: "dan", Limit: access.AtMost(commands.Admin)}, "dan Dan responder"},
		{"by a token", access.Claim{Person: "ana", Key: access.KeyOf(ci)}, "ana Ana responder"},
		{"by its former secret", access.Claim{Person: "ana", Key: access.KeyOf(bot.Token{Name: "ci", Secret: "the secret of then"})}, "nobody"},
		{"by no secret that is known", access.Claim{Person: "ana", Key: access.Key{Token: "ci"}}, "nobody"},
		{"by a token that is not configured any more", access.Claim{Person: "ana", Key: access.KeyOf(bot.Token{Name: "old", Secret: ci.Secret})}, "nobody"},
		{"by the operator's token", access.Claim{Name: "operator", Key: access.KeyOf(operator), Limit: access.AtMost(commands.Admin)}, " operator admin"},
		{"by the operator's former token", access.Claim{Name: "operator", Key: access.KeyOf(bot.Token{Name: "operator", Secret: "x"}), Limit: access.AtMost(commands.Admin)}, "nobody"},
		{"an address the platform vouches for", access.Claim{Account: access.Account{Platform: "slack", ID: "U1", Email: "BEN@example.com", Zone: lisbon}}, "ben Ben commander"},
		{"a guest", access.Claim{Account: access.Account{Platform: "slack", ID: "U2", Name: "Zoe"}}, " Zoe guest slack:U2"},
		{"a guest called like a person", access.Claim{Account: access.Account{Platform: "slack", ID: "U2", Name: "Ana"}}, " Ana on Slack guest slack:U2"},
		{"a stranger", access.Claim{Account: access.Account{Platform: "slack", ID: "U3", Name: "Max", External: true}}, " Max guest slack:U3"},
	} {
		s, ok := access.Identify(&org, c.claim)
		got := strings.TrimRight(fmt.Sprintf("%s %s %s %s", s.Person, s.Name, s.Access, s.Handle), " ")
		if !ok {
			got = "nobody"
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if ok && s.Zone == nil {
			t.Errorf("%s has no zone", c.name)
		}
	}
}

// TestP1Access: access is checked before a command has an effect, and a paged person
// may acknowledge.
func TestP1Access(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	org := bottest.SampleOrganization()
	org.DefaultAccess, org.Directory.People[2].Access = 0, 0 // dan is a guest
	if err := w.Configure(org, map[string]bot.Pager{"sms": w, "email": w, "webhook": w}); err != nil {
		t.Fatal(err)
	}
	w.Expect(w.Say("zoe", "declare Checkout is down --sev 1 --service checkout"), true, "INC-1: Declared SEV1")
	w.Expect(w.Say("zoe", "ack INC-1"), false, "`ack` needs the access \"responder\"; yours is \"guest\"")
	w.Expect(w.Say("ben", "close INC-1 --force --reason x"), false, "not resolved")
	w.Expect(w.Say("dan", "note INC-1 x"), false, "needs the access")
	w.Expect(w.Say("dan", "ack INC-1"), true, "Acknowledged by Dan") // the first step pages dan
}

// TestP2Hides: only a configured person can make an incident private, by a command, a
// flag or a form.
func TestP2Hides(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	for _, s := range []access.Speaker{
		{Name: "Zoe"},
		{Name: "Zoe", Access: commands.Responder},
		{Name: "operator", Token: "operator", Access: commands.Admin},
	} {
		for _, c := range []struct {
			room, line string
			fields     map[string][]string
		}{
			{"", "declare Data leak --private", nil},
			{"", "declare --private Data leak", nil},
			{"", "declare Data leak —Private=yes", nil},
			{"", "declare", map[string][]string{"title": {"Data leak"}, "private": {"on"}}},
			{"", "declare Data leak", map[string][]string{"private": {"true"}}},
			{"", "private INC-1", nil},
			{"INC-1", "private", nil},
			{"INC-1", "private on", nil},
			{"INC-1", "private", map[string][]string{"private": {"on"}}},
			{"INC-1", "private", map[string][]string{"private": {""}}},
			{"INC-1", "PRIVATE INC-1 on", nil},
		} {
			reply := w.RunForm(s, c.room, c.line, c.fields)
			guest := s.Access < commands.Responder && !strings.HasPrefix(c.line, "declare")
			if reply.OK || !guest && !strings.Contains(reply.Text, "Only a configured person can make an incident private") {
				t.Errorf("%s (%s): %s %v: %+v", s.Name, s.Access, c.line, c.fields, reply)
			}
		}
	}
	all, err := w.Incidents.ListOpen(t.Context(), 100)
	if err != nil || len(all) != 1 || all[0].ID != "INC-1" || all[0].Visibility != workflow.Public {
		t.Errorf("there are %+v, %v", all, err)
	}
	// Other commands are not refused.
	w.Expect(w.RunForm(access.Speaker{Name: "Zoe"}, "", "declare", map[string][]string{"title": {"Search is slow"}, "private": {"off"}}), true, "INC-2")
	w.Expect(w.Say("ben", "private INC-2"), true, "")
	w.Expect(w.RunForm(w.Person("ana"), "", "declare", map[string][]string{"title": {"Data leak"}, "private": {"on"}}), true, "INC-3")
	if i, err := w.LoadUnchecked(t.Context(), "INC-3"); err != nil || i.Visibility != workflow.Private || !i.IsMember("ana") {
		t.Errorf("%+v %v", i, err)
	}
}

// TestP2HidesFromAuthor: a person who makes an incident private still sees it, also
// when they had no part in it before.
func TestP2HidesFromAuthor(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	w.Expect(w.Say("ana", "private INC-1"), true, "")
	w.Expect(w.Say("ana", "show INC-1"), true, "Checkout is down")
	w.Expect(w.Say("ana", "private INC-1 off"), true, "")
}

// TestP1CNoNameIsAnIdentity: what has the same name is not the same speaker, on any way in
// (P1c: a name is no identity).
func TestP1CNoNameIsAnIdentity(t *testing.T) {
	ids := map[string]access.Speaker{}
	for _, s := range []access.Speaker{
		{Person: "ci", Name: "ci"},
		{Handle: "slack:ci", Name: "ci"},
		{Handle: "square:ci", Name: "ci"},
		{Handle: "token:ci", Name: "ci"},
		{Session: "ci", Name: "ci"},
		{Session: "0a1b2c3d", Name: "slack:ci", Key: access.Key{Token: "ci"}},
		{Session: "0a1b2c3e", Name: "slack:ci", Key: access.Key{Token: "ci"}},
		{Token: "ci", Name: "ci"},
		{Token: "operator", Name: "ci"},
	} {
		if other, taken := ids[s.ID()]; taken {
			t.Errorf("%+v and %+v are both %q", s, other, s.ID())
		}
		if s.Actor().ID != s.ID() {
			t.Errorf("%+v acts as %q", s, s.Actor().ID)
		}
		ids[s.ID()] = s
	}
	direct, link := access.Speaker{Token: "ci", Name: "ci"}, access.Speaker{Name: "renamed", Key: access.Key{Token: "ci"}}
	if direct.ID() != link.ID() {
		t.Errorf("a token is %q, and by its link %q", direct.ID(), link.ID())
	}
}

// TestP1Namesake: a guest with the name or e-mail address of a configured person, or the
// name of a token or of Tocsin, is shown with their platform (P1: access is checked first).
func TestP1Namesake(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	org := *w.Organization()
	org.Tokens = []bot.Token{{Name: "ci"}}
	if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Ana": "Ana on Slack", "operator": "operator on Slack", "ＯＰＥＲＡＴＯＲ": "ＯＰＥＲＡＴＯＲ on Slack", "CI": "CI on Slack", "Tocsin": "Tocsin on Slack", "ben@example.com": "ben@example.com on Slack", "Zoe": "Zoe",
	} {
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
