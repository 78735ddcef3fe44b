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

// Can reports whether a speaker may use a word on an incident (rule P1): nil, or
// a *workflow.Refusal that says what is missing. i is nil where the word is used
// on no incident. An incident that the speaker must not see does not exist for
// them (rule P2). Whoever was paged for an incident may always acknowledge it.
func Can(s Speaker, w commands.Word, i *workflow.Incident) error {
	if i != nil {
		if err := CheckVisible(*i, s); err != nil {
			return err
		}
	}
	if s.Access >= w.Access || w.Name == "ack" && i != nil && wasPaged(s, i) {
		return nil
	}
	if s.Unsure {
		return &workflow.Refusal{
			Message: fmt.Sprintf("`%s` needs the access %q, and your chat does not say who you are just now.", w.Name, w.Access),
			Hint:    "Try again in a moment, or use the browser.",
		}
	}
	return &workflow.Refusal{
		Message: fmt.Sprintf("`%s` needs the access %q; yours is %q.", w.Name, w.Access, s.Access),
		Hint:    "Ask somebody who has it, or an administrator.",
	}
}

// wasPaged reports whether a page of the incident went to the speaker: also to a
// member of a user group who is not configured, under the account their platform
// gives them.
func wasPaged(s Speaker, i *workflow.Incident) bool {
	if s.Person+s.Handle == "" {
		return false
	}
	id := s.Actor().ID
	return slices.ContainsFunc(i.Paging.Pages, func(p workflow.PageState) bool { return p.To == id })
}

// CanHide refuses to make an incident private for a speaker who would not see it
// afterwards: only configured people are members of private incidents (rule P2).
func CanHide(s Speaker, c workflow.Command) error {
	declare, declares := c.(workflow.Declare)
	visibility, sets := c.(workflow.SetVisibility)
	hides := declares && declare.Private || sets && visibility.To == workflow.Private
	if s.Person != "" || !hides {
		return nil
	}
	return &workflow.Refusal{
		Message: "Only a configured person can make an incident private: nobody else would see it any more, you included.",
		Hint:    "Add yourself under `people:`, or leave it open.",
	}
}

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
	catalog := e.Catalog()
	v.Word = func(name string) bool {
		w, ok := catalog.Find(name)
		return ok && Can(s, w, i) == nil
	}
	return v
}

// NeedsAnswer reports whether an incident pages a speaker who has not answered.
// While no people are configured everybody is paged through the log, and each
// responder is one of them.
func NeedsAnswer(org *bot.Organization, s Speaker, i *workflow.Incident) bool {
	everybody := len(org.Directory.People) == 0 && s.Access >= commands.Responder && i.IsPaging()
	return (everybody || i.IsAwaiting(s.Person)) && s.CanSee(i)
}
