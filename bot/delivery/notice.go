package delivery

import (
	"errors"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// Notice is a message about no incident: to one recipient, through one method.
type Notice struct {
	Key string // stable for ever, as a page's
	To  workflow.Recipient
	Via string // key of the method
	Say func(v card.View) card.Content
}

// Recipients are the people and machines behind a target, each with their
// methods in the order in which a notice tries them. The error is permanent, and
// says why there is nobody.
func (s *Sender) Recipients(t workflow.Target) ([]workflow.Recipient, error) {
	a := s.engine.Organization().Directory.Resolve(t)
	if len(a.Recipients) == 0 {
		return nil, bot.Permanent(errors.New(a.Why))
	}
	return a.Recipients, nil
}

// ComposeNotice makes a notice ready to be handed over, in the recipient's
// zone. The error is permanent when the recipient has no such method.
func (s *Sender) ComposeNotice(n Notice) (bot.Page, bot.Pager, error) {
	page, pager, view, err := s.resolveContact(n.To.ID, n.Via, workflow.Low)
	if err != nil {
		return page, nil, err
	}
	page.Key, page.Keys, page.Purpose, page.Content = n.Key, []string{n.Key}, workflow.PurposeNotice, n.Say(view)
	return page, pager, nil
}
