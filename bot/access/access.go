// Package access decides who may see and do what, and nothing else does: who a
// person is ([Identify]), which incidents they see, and which words of the
// catalog they may use on an incident ([Can]).
package access

import (
	"cmp"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/commands"
	"tocsin/workflow"
)

// Speaker is whoever gives a command, as an adapter has authenticated them.
type Speaker struct {
	Person       string // ID of a configured person; "" for a guest
	Handle       string // of a guest: where they write from, such as "slack:U024BE7LH"
	Name         string // as shown
	Access       commands.Access
	Token        string // the named API token that was used, if any
	Zone         *time.Location
	Unidentified bool // a guest, because their chat does not say who they are
}

// Claim is what a front has found out about a speaker: from a session, an API
// token, a page's link, or an account on a platform. Its zero fields say nothing.
type Claim struct {
	Person  string  // ID of a configured person
	Account Account // on a chat platform
	Name    string  // as shown, of a speaker who is not configured
	Token   string  // the named API token behind it: it lends at most its own access
	Limit   Limit   // at most this access, whoever it is
}

// Limit is a highest access. The zero Limit limits nothing.
type Limit struct {
	Access commands.Access
	Set    bool
}

// AtMost limits a claim.
func AtMost(a commands.Access) Limit { return Limit{Access: a, Set: true} }

// Account is an account on a chat platform, as the platform knows it.
type Account struct {
	Platform     string
	ID           string
	Name         string
	Email        string // "": not known, or not to be trusted
	Zone         *time.Location
	Unidentified bool // the platform has not said whose it is
	External     bool // of another organization, in a channel that is shared with it
}

// Identify returns the speaker that a claim is about: the configured person, by ID,
// by account or by an address that the platform vouches for, or a guest (rule P1).
// ok is false when the person or the token is not configured any more.
func Identify(org *bot.Organization, c Claim) (s Speaker, ok bool) {
	person := c.Person
	if p, found := org.Directory.ByAccount(c.Account.Platform, c.Account.ID, c.Account.Email); found {
		person = p.ID
	}
	switch p, found := org.Directory.Person(person); {
	case found:
		s = Speaker{Person: p.ID, Name: p.Name, Access: max(p.Access, org.DefaultAccess), Zone: cmp.Or(p.Zone, c.Account.Zone, org.Zone)}
	case person != "":
		return Speaker{}, false
	case c.Account.ID != "":
		s = guestSpeaker(org, c.Account)
	default:
		s = Speaker{Name: c.Name, Access: org.DefaultAccess, Zone: org.Zone}
		if c.Limit.Set { // a token or a link stands for itself
			s.Access = c.Limit.Access
		}
	}
	if c.Limit.Set {
		s.Access = min(s.Access, c.Limit.Access)
	}
	if c.Token != "" && c.Token != bot.OperatorToken {
		token, found := org.Token(c.Token)
		if !found {
			return Speaker{}, false // the token was taken away: so is what it opened
		}
		s.Access = min(s.Access, token.Access)
	}
	return s, true
}

// guest is the speaker behind an account that belongs to nobody who is configured.
// A guest who is called like a configured person is told apart from them.
func guestSpeaker(org *bot.Organization, a Account) Speaker {
	name, _ := workflow.CleanLine(a.Name, 60)
	name = cmp.Or(name, a.ID)
	if _, namesake := org.Directory.Find(name); namesake && a.Platform != "" {
		name += " on " + strings.ToUpper(a.Platform[:1]) + a.Platform[1:]
	}
	s := Speaker{Handle: a.Platform + ":" + a.ID, Name: name, Access: org.DefaultAccess, Zone: cmp.Or(a.Zone, org.Zone), Unidentified: a.Unidentified}
	if a.External {
		s.Access = commands.Guest
	}
	return s
}

// Person returns a configured person as a speaker. ok is false when no person has
// that ID.
func Person(org *bot.Organization, id string) (s Speaker, ok bool) {
	if id == "" {
		return Speaker{}, false
	}
	return Identify(org, Claim{Person: id})
}

// Actor is the speaker in the record: "ana, by token ci".
func (s Speaker) Actor() workflow.Actor {
	a := workflow.Actor{Kind: workflow.ByPerson, ID: s.Person, Name: s.Name, Token: s.Token}
	if s.Person == "" {
		a.Kind, a.ID = workflow.ByGuest, "guest:"+cmp.Or(s.Handle, s.Name)
	}
	return a
}

// CanSee reports whether a speaker may see an incident (rule P2).
func (s Speaker) CanSee(i *workflow.Incident) bool {
	return i.Visibility != workflow.Private || i.IsMember(s.Person)
}

// CanWorkOn reports whether a speaker may read along where an incident is worked
// on: its timeline, its conversation and who was told. Everybody who sees it
// may read its card.
func (s Speaker) CanWorkOn(i *workflow.Incident) bool {
	return s.CanSee(i) && (s.Access >= commands.Responder || i.IsMember(s.Person))
}

// CheckVisible refuses, in the words of something that is not there, what the
// speaker must not see (rule P2).
func CheckVisible(i workflow.Incident, s Speaker) error {
	if i.Status == "" || s.CanSee(&i) {
		return nil
	}
	return NotFound(i.ID)
}

// NotFound is the refusal for an incident that does not exist for the speaker.
func NotFound(id string) error {
	return &workflow.Refusal{Message: id + " does not exist.", Hint: "`list` shows the open incidents."}
}

// ZoneOr returns the zone that the speaker reads times in, or another where it
// is not known.
func (s Speaker) ZoneOr(otherwise *time.Location) *time.Location { return cmp.Or(s.Zone, otherwise) }
