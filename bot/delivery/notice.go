package delivery

import (
	"errors"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// Notice is a message that is about no incident, to one recipient through one method.
type Notice struct {
	Key string // stable, like a page's
	To  workflow.Recipient
	Via string // key of the method
	Say func(v card.View) card.Content
}

// Recipients returns the people and machines behind a target, each with their contact
// methods in order. The error is permanent, and says why there is no recipient.
func (s *Sender) Recipients(t workflow.Target) ([]workflow.Recipient, error) {
	a := s.engine.Organization().Directory.Resolve(t)
	if len(a.Recipients) == 0 {
		return nil, bot.Permanent(errors.New(a.Why))
	}
	return a.Recipients, nil
}

// ComposeNotice returns the message of a notice and its pager, with times in the
// recipient's zone. The error is permanent when the recipient is not reached by the
// method.
func (s *Sender) ComposeNotice(n Notice) (bot.Page, bot.Pager, error) {
	page, pager, view, err := s.resolveContact(n.To.ID, n.Via, workflow.Low)
	if err != nil {
		return page, nil, err
	}
	page.Key, page.Keys, page.Purpose, page.Content = n.Key, []string{n.Key}, workflow.PurposeNotice, n.Say(view)
	return page, pager, nil
}
