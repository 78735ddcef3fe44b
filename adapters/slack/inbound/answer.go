package inbound

import (
	"context"
	"strings"

	"tocsin/adapters/slack"
	"tocsin/bot/dispatch"
)

// recipient is the person who gets an answer, by the first of these ways that works.
type recipient struct {
	key         string // of the answer, should it be a message
	responseURL string
	user        string
	channel     string
	thread      string
}

// sendAnswer sends an answer that only one person sees: where they asked or, when
// that fails, in the app's conversation with them. Slack cannot be asked whether
// an answer whose response was lost had been shown: it may be sent twice.
func (s *Server) sendAnswer(ctx context.Context, to recipient, m slack.Rendered) {
	var err error
	if to.responseURL != "" {
		if err = s.workspace.API.Respond(ctx, to.responseURL, m); err == nil {
			return
		}
		s.log.WarnContext(ctx, "a response URL did not take the answer", "error", err.Error())
	}
	if to.channel != "" && !isDirect(to.channel) {
		if err = s.workspace.API.PostEphemeral(ctx, to.channel, to.thread, to.user, m); err == nil {
			return
		}
	}
	if to.user != "" {
		if err = s.workspace.Messages.SendDirect(ctx, to.user, to.key, m); err == nil {
			return
		}
	}
	if err != nil {
		s.log.WarnContext(ctx, "an answer did not reach the person who asked", "user", to.user, "error", err.Error())
	}
}

// isDirect reports whether a channel is the app's conversation with one person.
func isDirect(channel string) bool { return strings.HasPrefix(channel, "D") }

// failureText logs an error, and returns what the person who gave the command
// reads. The command may have been carried out: the store's response may have
// been lost.
func (s *Server) failureText(ctx context.Context, err error) string {
	s.log.ErrorContext(ctx, "a command from Slack failed", "error", err.Error())
	return "Something went wrong in Tocsin, and the command may not have been done. Check whether it was, then try again. If it keeps failing, use the browser or the command line."
}

// run carries a command out. The reply to one that failed says so.
func (s *Server) run(ctx context.Context, r dispatch.Request) (reply dispatch.Reply, failed bool) {
	reply, err := s.app.Dispatcher.Run(ctx, r)
	if err != nil {
		return dispatch.Reply{Text: s.failureText(ctx, err)}, true
	}
	return reply, false
}
