package bot

import (
	"errors"
	"fmt"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// Notice is a message that is of no incident: to one recipient, through one
// method.
type Notice struct {
	Key string // stable for ever, as a page's
	To  workflow.Recipient
	Via string // key of the method
	Say func(v card.View) card.Message
}

// Recipients are the people and machines behind a target, each with their
// methods in the order in which a notice tries them. The error says why there
// is nobody.
func (b *Bot) Recipients(t workflow.Target) ([]workflow.Recipient, error) {
	a := b.Organization().Directory.Answer(t)
	if len(a.Recipients) == 0 {
		return nil, Permanent(errors.New(a.Why))
	}
	return a.Recipients, nil
}

// ComposeNotice makes a notice ready to be handed over, in the recipient's
// zone. The error is permanent when the recipient has no such method.
func (b *Bot) ComposeNotice(n Notice) (Page, Pager, error) {
	org := b.Organization()
	contact, err := org.Directory.Contact(n.To.ID, n.Via, workflow.Low)
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
	return Page{
		Key: n.Key, Keys: []string{n.Key}, Purpose: workflow.PurposeNotice,
		Person: contact.Person, Name: contact.Name, Address: contact.Address, Message: n.Say(view),
	}, pager, nil
}
