package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/commands"
	"tocsin/workflow"
)

// relation is how a speaker stands to an incident.
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

// TestP1Can is the whole table: each word × access × relation × visibility. The
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
					want := sees && (level >= word.Access || word.Name == "ack" && r.pagedFor)
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

// TestP1CanGuest: a member of a user group who is not configured may acknowledge
// the page that came to their account, and nothing else.
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
	nobody := access.Speaker{Name: "guest:slack:U0ZOE"}
	ack, _ := commands.New().Find("ack")
	if access.Can(nobody, ack, &i) == nil {
		t.Error("a name was taken for an account")
	}
	zoe.Unsure = true
	resolve, _ := commands.New().Find("resolve")
	if err := access.Can(zoe, resolve, &i); err == nil || !strings.Contains(err.Error(), "does not say who you are") {
		t.Errorf("unsure: %v", err)
	}
}

// TestP1Identify: each way of saying who a speaker is.
func TestP1Identify(t *testing.T) {
	org := bottest.Town()
	org.DefaultAccess = commands.Guest
	org.Tokens = []bot.Token{{Name: "ci", Access: commands.Responder}}
	lisbon := time.FixedZone("WET", 0)
	for _, c := range []struct {
		name  string
		claim access.Claim
		want  string
	}{
		{"a person", access.Claim{Person: "ana"}, "ana Ana admin"},
		{"a person who has left", access.Claim{Person: "zoe"}, "nobody"},
		{"a person, limited", access.Claim{Person: "ana", Limit: access.AtMost(commands.Stakeholder)}, "ana Ana stakeholder"},
		{"a limit raises nobody", access.Claim{Person: "dan", Limit: access.AtMost(commands.Admin)}, "dan Dan responder"},
		{"by a token", access.Claim{Person: "ana", Token: "ci"}, "ana Ana responder"},
		{"by a token that is gone", access.Claim{Person: "ana", Token: "old"}, "nobody"},
		{"by the operator's token", access.Claim{Name: "operator", Token: bot.OperatorToken, Limit: access.AtMost(commands.Admin)}, " operator admin"},
		{"an address the platform vouches for", access.Claim{Account: access.Account{Platform: "slack", ID: "U1", Email: "BEN@example.com", Zone: lisbon}}, "ben Ben commander"},
		{"a guest", access.Claim{Account: access.Account{Platform: "slack", ID: "U2", Name: "Zoe"}}, " Zoe guest slack:U2"},
		{"a guest called like a person", access.Claim{Account: access.Account{Platform: "slack", ID: "U2", Name: "Ana"}}, " Ana on Slack guest slack:U2"},
		{"a stranger", access.Claim{Account: access.Account{Platform: "slack", ID: "U3", Name: "Max", Stranger: true}}, " Max guest slack:U3"},
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
