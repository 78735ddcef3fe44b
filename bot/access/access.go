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
	Person string // ID of a configured person; "" for a guest
	Handle string // of a guest: where they write from, such as "slack:U024BE7LH"
	Name   string // as shown
	Access commands.Access
	Token  string // the named API token that was used, if any
	Zone   *time.Location
	Unsure bool // a guest, because their chat does not say who they are
}

// Person returns a configured person as a speaker. ok is false when nobody is
// called that.
func Person(org *bot.Organization, person string) (s Speaker, ok bool) {
	p, ok := org.Directory.Person(person)
	if !ok {
		return Speaker{}, false
	}
	return Speaker{Person: p.ID, Name: p.Name, Access: max(p.Access, org.DefaultAccess), Zone: org.ZoneOf(p)}, true
}

// Actor is the speaker in the record: "ana, by token ci".
func (s Speaker) Actor() workflow.Actor {
	a := workflow.Actor{Kind: workflow.ByPerson, ID: s.Person, Name: s.Name, Token: s.Token}
	if s.Person == "" {
		a.Kind, a.ID = workflow.ByGuest, "guest:"+cmp.Or(s.Handle, s.Name)
	}
	return a
}

// Account is somebody on a chat platform, as the platform knows them.
type Account struct {
	Platform string
	ID       string
	Name     string
	Email    string // "": not known, or not to be trusted
	Zone     *time.Location
	Unsure   bool // the platform has not said who they are
	Stranger bool // of another organization, in a channel that is shared with it
}

// Identify returns whoever has an account: the configured person it belongs
// to, by its ID or else by its address, or a guest (rule P1). A guest who is
// called like somebody configured is told apart from them.
func Identify(org *bot.Organization, a Account) Speaker {
	if p, ok := org.Directory.ByAccount(a.Platform, a.ID, a.Email); ok {
		s, _ := Person(org, p.ID)
		if p.Zone == nil && a.Zone != nil {
			s.Zone = a.Zone
		}
		return s
	}
	name, _ := workflow.CleanLine(a.Name, 60)
	name = cmp.Or(name, a.ID)
	if _, namesake := org.Directory.Find(name); namesake && a.Platform != "" {
		name += " on " + strings.ToUpper(a.Platform[:1]) + a.Platform[1:]
	}
	access := org.DefaultAccess
	if a.Stranger {
		access = commands.Guest
	}
	return Speaker{
		Handle: a.Platform + ":" + a.ID, Name: name, Access: access, Zone: cmp.Or(a.Zone, org.Zone),
		Unsure: a.Unsure,
	}
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
