package access

import (
	"fmt"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// Can returns nil when a speaker may use a command on an incident (P1: access is
// checked first), else a *workflow.Refusal that says which access is missing. i is
// nil for a command without an incident. A private incident that the speaker must not
// see is refused as if it did not exist (P2: private means members only). A person
// who was paged for an incident may always acknowledge it, and a member of an incident
// may always read along.
func Can(s Speaker, w commands.Spec, i *workflow.Incident) error {
	if i != nil {
		if err := CheckVisible(*i, s); err != nil {
			return err
		}
	}
	switch {
	case s.Access >= w.Access && w.Name == hideWord && s.Person == "":
		return refuseToHide()
	case s.Access >= w.Access, i != nil && w.Name == "ack" && isPaged(s, i), i != nil && w.Members && i.IsMember(s.Person):
		return nil
	}
	if s.Unidentified {
		return &workflow.Refusal{
			Message: fmt.Sprintf("`%s` needs the access %q, and your chat platform does not say who you are right now.", w.Name, w.Access),
			Hint:    "Try again in a moment, or use the browser.",
		}
	}
	return &workflow.Refusal{
		Message: fmt.Sprintf("`%s` needs the access %q; yours is %q.", w.Name, w.Access, s.Access),
		Hint:    "Ask an administrator for it, or a person who has it.",
	}
}

// isPaged reports whether the speaker was paged for an incident. A guest may have
// been paged as a member of a group on their platform, under their account.
func isPaged(s Speaker, i *workflow.Incident) bool {
	if s.Person+s.Handle == "" {
		return false
	}
	id := s.Actor().ID
	return slices.ContainsFunc(i.Paging.Pages, func(p workflow.PageState) bool { return p.To == id })
}

// Usable returns whether a speaker may use a command on an incident; nil: without one.
func Usable(s Speaker, i *workflow.Incident) func(commands.Spec) bool {
	return func(w commands.Spec) bool { return Can(s, w, i) == nil }
}

// CanHide refuses a command that makes an incident private when the speaker is not a
// configured person: only those are members of private incidents, so the speaker would
// not see it any more (P2: private means members only).
func CanHide(s Speaker, c workflow.Command) error {
	declare, ok := c.(workflow.Declare)
	hides := ok && declare.Private
	if v, ok := c.(workflow.SetVisibility); ok {
		hides = v.To == workflow.Private
	}
	if s.Person != "" || !hides {
		return nil
	}
	return refuseToHide()
}

func refuseToHide() error {
	return &workflow.Refusal{
		Message: "Only a configured person can make an incident private: you would not see it any more yourself.",
		Hint:    "Add yourself under `people:`, or leave it open.",
	}
}

// Fields returns the fields of a command's form that the speaker may fill in.
func Fields(s Speaker, w commands.Spec) []commands.Field {
	return slices.DeleteFunc(slices.Clone(w.Form), func(f commands.Field) bool {
		return s.Access < f.Access || f.Name == hideWord && s.Person == ""
	})
}

// hideWord is the command that makes an incident private, and the field that declares
// one as private.
const hideWord = "private"

// Viewer returns how cards are read in a time zone, and the words that people
// type. *bot.Engine implements it.
type Viewer interface {
	// View returns how a reader in a zone reads cards; nil: the zone of the
	// organization.
	View(zone *time.Location) card.View
	// Catalog returns the words that people type.
	Catalog() commands.Catalog
}

// View returns how a speaker reads the card of an incident: it offers only the
// words that the speaker may use on it. Everything that renders a card for one
// reader takes its view from here.
func View(e Viewer, s Speaker, i *workflow.Incident) card.View {
	v := e.View(s.Zone)
	v.Reader = s.Person
	catalog, usable := e.Catalog(), Usable(s, i)
	v.Word = func(name string) bool {
		w, ok := catalog.Find(name)
		return ok && usable(w)
	}
	return v
}

// NeedsAnswer reports whether an incident waits for the speaker to acknowledge it.
// While no people are configured pages go to the log, and it waits for every
// responder.
func NeedsAnswer(org *bot.Organization, s Speaker, i *workflow.Incident) bool {
	return (AnswersForAll(org, s) && i.IsPaging() || i.IsAwaiting(s.Person)) && s.CanSee(i)
}

// AnswersForAll reports whether every incident that pages waits for the speaker: while no
// people are configured, for every responder.
func AnswersForAll(org *bot.Organization, s Speaker) bool {
	return len(org.Directory.People) == 0 && s.Access >= commands.Responder
}
