package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/bot/signin"
	"tocsin/workflow"
)

// compose returns the message for pages that go to the same recipient through the same
// method. The error is permanent when the recipient is not reached by that method.
func (s *Sender) compose(ctx context.Context, tasks []task) (bot.Page, bot.Pager, error) {
	head := tasks[0]
	page, pager, view, err := s.resolveContact(head.page.To, head.page.Via, s.urgency(ctx, head.Incident))
	if err != nil {
		return page, nil, err
	}
	page.Key, page.Purpose = head.key(), head.page.Purpose
	for _, t := range tasks {
		page.Keys = append(page.Keys, t.key())
		if sev := cmp.Or(t.Incident.Severity, t.page.Severity); sev.IsWorseThan(page.Severity) {
			page.Severity = sev
		}
	}
	if slices.ContainsFunc(tasks, func(t task) bool { return t.Incident.Status == "" }) {
		var pages []card.PageReference
		for _, t := range tasks {
			page.Incidents = append(page.Incidents, bot.PagedIncident{ID: t.Owner})
			pages = append(pages, card.PageReference{Incident: t.Owner, Seen: workflow.EventOf(t.ID)})
		}
		page.Content = card.FallbackPage(pages, view)
		return page, pager, nil
	}
	requests := make([]card.PageRequest, 0, len(tasks))
	for _, t := range tasks {
		i := t.Incident
		if page.Since.IsZero() || i.DeclaredAt.Before(page.Since) {
			page.Since = i.DeclaredAt
		}
		paged := s.pagedIncident(t, page.Person)
		page.Incidents = append(page.Incidents, paged)
		requests = append(requests, card.PageRequest{Incident: i, Purpose: t.page.Purpose, Text: t.page.Text, Alerts: t.page.Alerts, LateBy: t.page.LateBy, AckURL: paged.AcknowledgeURL})
	}
	page.Content = card.Bundle(removeDuplicates(requests), view)
	return page, pager, nil
}

// removeDuplicates keeps one of several pages for the same incident with the same
// text: the one that wants an answer.
func removeDuplicates(all []card.PageRequest) []card.PageRequest {
	var kept []card.PageRequest
	for _, a := range all {
		same := slices.IndexFunc(kept, func(k card.PageRequest) bool {
			return k.Incident.ID == a.Incident.ID && k.Text == a.Text && k.Alerts == a.Alerts
		})
		switch {
		case same < 0:
			kept = append(kept, a)
		case kept[same].Purpose == workflow.PurposeNotice:
			kept[same] = a
		}
	}
	return kept
}

// resolveContact returns the address and the pager for a message to a recipient, and
// the view with the recipient's time zone.
func (s *Sender) resolveContact(to, via string, urgency workflow.Level) (bot.Page, bot.Pager, card.View, error) {
	org := s.engine.Organization()
	contact, err := org.Directory.Contact(to, via, urgency)
	if err != nil {
		return bot.Page{}, nil, card.View{}, bot.Permanent(err)
	}
	pager := s.engine.Pager(contact.Via)
	if pager == nil {
		return bot.Page{}, nil, card.View{}, bot.Permanent(fmt.Errorf("%s is not connected", contact.Via))
	}
	view := s.engine.View(nil)
	if p, ok := org.Directory.Person(contact.Person); ok {
		view.Zone = org.ZoneOf(p)
	}
	return bot.Page{Person: contact.Person, Name: contact.Name, Via: contact.Via, Address: contact.Address}, pager, view, nil
}

// urgency returns the urgency of an incident's severity by its plan; high when the plan
// cannot be read or a severity word is unknown (I11: severity words are mapped).
func (s *Sender) urgency(ctx context.Context, i workflow.Incident) workflow.Level {
	if i.PlanHash == "" || len(i.Alerts.Unmapped) > 0 {
		return workflow.High
	}
	plan, err := s.engine.Plan(ctx, i.PlanHash)
	if err != nil {
		return workflow.High
	}
	return plan.Severity(i.Severity).Urgency
}

// pagedIncident returns the incident as a machine reads it; of a private one only its
// ID and addresses (P2: private means members only).
func (s *Sender) pagedIncident(t task, person string) bot.PagedIncident {
	i, url := t.Incident, s.engine.Organization().URL
	p := bot.PagedIncident{ID: i.ID, Private: i.Visibility == workflow.Private, URL: url + "/incidents/" + i.ID}
	// A link acts for its recipient. In a room every reader could open it, and would
	// acknowledge as the room, so a room gets none.
	if t.page.Purpose != workflow.PurposeNotice && workflow.Target(person).Kind() != "room" {
		p.AcknowledgeURL = url + "/ack/" + s.links.Token(signin.PageLink{Incident: i.ID, Page: t.page.Page, Person: person, Seen: i.Seq})
	}
	if !p.Private {
		p.Title, p.Severity, p.Status = i.Title, i.Severity.String(), string(i.Status)
		p.Services, p.DeclaredAt = i.Services, i.DeclaredAt
	}
	return p
}
