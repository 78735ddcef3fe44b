package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// The methods of this file are what package agenda carries effects out with.

// system is Tocsin itself, in the record.
func system() workflow.Actor { return workflow.Actor{Kind: workflow.BySystem} }

// Wake carries out what is due for the owner of a standing wake-up.
func (b *Bot) Wake(ctx context.Context, l Lease) error {
	_, err := b.step(ctx, l.Owner, request{by: system(), command: workflow.Wake{}, settle: &l})
	return err
}

// Answer gives an effect's answer to the incident that asked for it, and
// settles its task and writes records in the same commit.
func (b *Bot) Answer(ctx context.Context, l Lease, c workflow.Command, records ...RecordChange) error {
	_, err := b.step(ctx, l.Owner, request{by: system(), command: c, settle: &l, records: records})
	return err
}

// Report gives an incident news of an effect that is still going on.
func (b *Bot) Report(ctx context.Context, id string, c workflow.Command) error {
	_, err := b.step(ctx, id, request{by: system(), command: c})
	return err
}

// Settle ends a task that needs no answer, and writes records in the same
// commit.
func (b *Bot) Settle(ctx context.Context, l Lease, records ...RecordChange) error {
	_, err := b.cfg.Store.Commit(ctx, Commit{At: b.Now(), Incident: l.Owner, Settle: &l, Records: records})
	if err == nil {
		b.nudge() // the next of the lane may be due
	}
	return err
}

// Forward gives a command to another incident under the effect's ID, so that a
// repeat changes nothing, and then ends the task.
func (b *Bot) Tell(ctx context.Context, l Lease, d workflow.Forward) error {
	_, err := b.step(ctx, d.Incident, request{by: system(), command: d.Command(), operation: "effect " + l.ID})
	if errors.Is(err, ErrNotFound) {
		return b.Answer(ctx, l, workflow.GiveUp{What: "passing alerts on to " + d.Incident, Why: "it does not exist"})
	}
	if err != nil {
		return err
	}
	return b.Settle(ctx, l)
}

// Peek returns an incident as it is, whoever may see it.
func (b *Bot) Peek(ctx context.Context, id string) (workflow.Incident, error) {
	l, err := b.cfg.Store.Load(ctx, id)
	if err != nil {
		return workflow.Incident{}, err
	}
	return decode(l)
}

// PageTask is one page that is due.
type PageTask struct {
	Lease    Lease
	Deed     workflow.SendPage
	Incident workflow.Incident // zero when the store could not be read: the page is then sent blind (E3)
	Tried    string            // its record as a page that may have been sent; "": none is kept
}

// Compose makes one page of tasks that go to the same recipient through the
// same method. The error is permanent when the recipient has no such method.
func (b *Bot) Compose(ctx context.Context, tasks []PageTask) (Page, Pager, error) {
	org := b.Organization()
	head := tasks[0]
	contact, err := org.Directory.Contact(head.Deed.To, head.Deed.Via, b.urgency(ctx, head.Incident))
	if err != nil {
		return Page{}, nil, Permanent(err)
	}
	pager := b.org.Load().pagers[contact.Via]
	if pager == nil {
		return Page{}, nil, Permanent(fmt.Errorf("%s is not connected", contact.Via))
	}
	view := b.view(Speaker{Person: contact.Person})
	if p, ok := org.Directory.Person(contact.Person); ok {
		view.Zone = org.ZoneOf(p)
	}
	page := Page{
		Key: head.Lease.Owner + "/" + head.Deed.Page, Purpose: head.Deed.Purpose,
		Person: contact.Person, Name: contact.Name, Address: contact.Address,
	}
	for _, t := range tasks {
		page.Keys = append(page.Keys, t.Lease.Owner+"/"+t.Deed.Page)
	}
	if slices.ContainsFunc(tasks, func(t PageTask) bool { return t.Incident.Status == "" }) {
		var ids []string
		for _, t := range tasks {
			ids = append(ids, t.Lease.Owner)
			page.Incidents = append(page.Incidents, PagedIncident{ID: t.Lease.Owner})
		}
		page.Message = card.Blind(ids, view)
		return page, pager, nil
	}
	asked := make([]card.Asked, 0, len(tasks))
	for _, t := range tasks {
		i := t.Incident
		if page.Since.IsZero() || i.DeclaredAt.Before(page.Since) {
			page.Since = i.DeclaredAt
		}
		paged := b.pagedIncident(t, contact.Person)
		page.Incidents = append(page.Incidents, paged)
		asked = append(asked, card.Asked{Incident: i, Purpose: t.Deed.Purpose, Text: t.Deed.Text, Alerts: t.Deed.Alerts, Answer: paged.AcknowledgeURL})
	}
	page.Message = card.Bundle(asked, view)
	return page, pager, nil
}

// urgency is what the incident's plan says of its severity now.
func (b *Bot) urgency(ctx context.Context, i workflow.Incident) workflow.Level {
	if i.PlanHash == "" || len(i.Alerts.Unmapped) > 0 {
		return workflow.High
	}
	plan, err := b.plan(ctx, i.PlanHash)
	if err != nil {
		return workflow.High
	}
	return plan.Severity(i.Severity).Urgency
}

// pagedIncident is what a machine reads; of a private incident only that it is
// there (rule P2).
func (b *Bot) pagedIncident(t PageTask, person string) PagedIncident {
	i, url := t.Incident, b.Organization().URL
	p := PagedIncident{ID: i.ID, Private: i.Visibility == workflow.Private, URL: url + "/incidents/" + i.ID}
	// A link is somebody's own: whoever opened one that was sent into a room would
	// be that room.
	if t.Deed.Purpose != workflow.PurposeNotice && workflow.Target(person).Kind() != "room" {
		p.AcknowledgeURL = url + "/ack/" + b.ackToken(AckLink{
			Incident: i.ID, Page: t.Deed.Page, Person: person, Expires: b.Now().Add(linkLife),
		})
	}
	if !p.Private {
		p.Title, p.Severity, p.Status = i.Title, i.Severity.String(), string(i.Status)
		p.Services, p.DeclaredAt = i.Services, i.DeclaredAt
	}
	return p
}

// Canceler returns the medium of a method if it can take pages back.
func (b *Bot) Canceler(via string) (Canceler, bool) {
	c, ok := b.org.Load().pagers[medium(via)].(Canceler)
	return c, ok
}

// Chat returns the chat platform of that name.
func (b *Bot) Chat(platform string) (Chat, bool) {
	c, ok := b.cfg.Chats[platform]
	return c, ok
}
