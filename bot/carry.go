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
// settles its task in the same commit.
func (b *Bot) Answer(ctx context.Context, l Lease, c workflow.Command) error {
	_, err := b.step(ctx, l.Owner, request{by: system(), command: c, settle: &l})
	return err
}

// Report gives an incident news of an effect that is still going on.
func (b *Bot) Report(ctx context.Context, id string, c workflow.Command) error {
	_, err := b.step(ctx, id, request{by: system(), command: c})
	return err
}

// Settle ends a task that needs no answer.
func (b *Bot) Settle(ctx context.Context, l Lease) error {
	_, err := b.cfg.Store.Commit(ctx, Commit{At: b.Now(), Incident: l.Owner, Settle: &l})
	if err == nil {
		b.nudge() // the next of the lane may be due
	}
	return err
}

// Tell gives a command to another incident under the effect's ID, so that a
// repeat changes nothing, and then ends the task.
func (b *Bot) Tell(ctx context.Context, l Lease, d workflow.Tell) error {
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
}

// Compose makes one page of tasks that go to the same recipient through the
// same method. The error is permanent when the recipient has no such method.
func (b *Bot) Compose(ctx context.Context, tasks []PageTask) (Page, Pager, error) {
	org := b.Organization()
	head := tasks[0]
	contact, err := org.Roster.Contact(head.Deed.To, head.Deed.Via, b.urgency(ctx, head.Incident))
	if err != nil {
		return Page{}, nil, Permanent(err)
	}
	pager := b.org.Load().pagers[contact.Via]
	if pager == nil {
		return Page{}, nil, Permanent(fmt.Errorf("%s is not connected", contact.Via))
	}
	view := b.view(Speaker{Person: contact.Person})
	if p, ok := org.Roster.Person(contact.Person); ok {
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
		paged := b.pagedIncident(t, contact.Person)
		page.Incidents = append(page.Incidents, paged)
		asked = append(asked, card.Asked{Incident: i, Purpose: t.Deed.Purpose, Text: t.Deed.Text, Alerts: t.Deed.Alerts, Answer: paged.AcknowledgeURL})
	}
	page.Message = card.Bundle(asked, view)
	return page, pager, nil
}

// urgency is what the incident's plan says of its severity now.
func (b *Bot) urgency(ctx context.Context, i workflow.Incident) workflow.Level {
	if i.PlanHash == "" || len(i.Unmapped) > 0 {
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
	if t.Deed.Purpose != workflow.ToKnow {
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

// RoomRequest is what an [OpenRoom] effect asks of a platform.
func (b *Bot) RoomRequest(key string, i workflow.Incident) RoomRequest {
	return RoomRequest{
		Key: key, Incident: i.ID, Name: roomName(i), Private: i.Visibility == workflow.Private,
		Card: card.Card(i, b.view(Speaker{})),
	}
}

// PostOf is the message in one room about what a step made true.
func (b *Bot) PostOf(ctx context.Context, key string, i workflow.Incident, d workflow.Post) (RoomPost, error) {
	through := max(d.Seq, d.Through)
	raw, err := b.cfg.Store.History(ctx, i.ID, d.Seq-1, through-d.Seq+1)
	if err != nil {
		return RoomPost{}, err
	}
	if len(raw) == 0 {
		return RoomPost{}, Permanent(fmt.Errorf("event %d of %s is missing", d.Seq, i.ID))
	}
	events := make([]workflow.Event, 0, len(raw))
	for _, body := range raw {
		e, err := workflow.DecodeEvent(body)
		if err != nil {
			return RoomPost{}, Permanent(err)
		}
		events = append(events, e)
	}
	p := RoomPost{Key: key, Incident: i.ID, Event: d.Seq, Through: through, Message: card.Post(events, b.Organization().Zone)}
	p.Failure = !slices.ContainsFunc(events, func(e workflow.Event) bool { _, failed := e.Fact.(workflow.EffectGivenUp); return !failed })
	for _, r := range i.Rooms {
		if r.Platform == d.Platform {
			p.Room = r
		}
	}
	return p, nil
}

// roomName is "inc-7-checkout-is-down": lower case, digits and dashes.
func roomName(i workflow.Incident) string {
	slug := make([]byte, 0, 40)
	for _, r := range i.Title {
		switch {
		case len(slug) >= 40:
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			slug = append(slug, byte(r))
		case r >= 'A' && r <= 'Z':
			slug = append(slug, byte(r-'A'+'a'))
		case len(slug) > 0 && slug[len(slug)-1] != '-':
			slug = append(slug, '-')
		}
	}
	for len(slug) > 0 && slug[len(slug)-1] == '-' {
		slug = slug[:len(slug)-1]
	}
	name := fmt.Sprintf("inc-%d", i.Number)
	if len(slug) > 0 && i.Visibility != workflow.Private {
		name += "-" + string(slug)
	}
	return name
}
