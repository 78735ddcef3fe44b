package inbound

import (
	"cmp"
	"context"
	"time"

	"tocsin/adapters/slack"
	"tocsin/bot"
	"tocsin/bot/access"
)

// accountTimeout is how long Slack may take to say whose account an ID is.
const accountTimeout = time.Second

// account returns the account of a user ID. When Slack does not say whose it is in
// time, it has the name in the payload, this once, and is marked as unsure
// (P1: access is checked first).
func (s *Server) account(ctx context.Context, id, name string) access.Account {
	asking, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	a, err := s.workspace.Directory.Account(asking, id)
	if err != nil {
		s.log.WarnContext(ctx, "Slack does not say whose account it is", "user", id, "error", err.Error())
		return access.Account{Platform: slack.Platform, ID: id, Name: name, Unidentified: !bot.IsRefused(err)}
	}
	a.Name = cmp.Or(a.Name, name)
	return a
}

// identify returns the speaker behind an account.
func (s *Server) identify(a access.Account) access.Speaker {
	speaker, _ := access.Identify(s.app.Organization(), access.Claim{Account: a})
	return speaker
}

// identifyUser returns the speaker behind a user ID, who has typed or pressed
// something. The name is the one in the payload.
func (s *Server) identifyUser(ctx context.Context, id, name string) access.Speaker {
	return s.identify(s.account(ctx, id, name))
}
