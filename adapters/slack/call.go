package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/workflow"
)

// call describes one call of a method to [pace].
type call struct {
	method   string
	channel  string            // for methods that are limited by channel
	key      string            // identifies the call when it comes again, so that it keeps its place in the queue
	severity workflow.Severity // the worst goes first, after pages; 0: after all others
	wait     bool              // it may wait for a moment, instead of coming again
	other    bool              // with another token than the bot's
}

// pageSeverity returns the severity of the calls for a page: pages go before the calls of
// all incidents, and among them the worst first (E10: lanes by priority).
func pageSeverity(s workflow.Severity) workflow.Severity {
	return cmp.Or(s, workflow.SEV5+1) - 10
}

// maxWait is how long a call that may wait waits at most. It leaves most of a send's
// time to the send.
const maxWait = 2 * time.Second

// call calls a method when it is its turn. An error says whether the call may be
// repeated, and when.
func (a *API) call(ctx context.Context, c call, do func(context.Context) error) error {
	if err := a.token.check(c, a.cfg.Now()); err != nil {
		return err
	}
	for waited := time.Duration(0); ; {
		wait := a.pace.take(c)
		if wait <= 0 {
			break
		}
		if waited += wait; !c.wait || waited > maxWait {
			return bot.RetryAfter(wait, fmt.Errorf("slack %s: %w", c.method, bot.ErrPaced))
		}
		if err := sleep(ctx, wait); err != nil {
			return fmt.Errorf("slack %s: %w", c.method, err)
		}
	}
	err := do(ctx)
	if err == nil {
		a.token.accept(c)
	}
	return a.classify(c, err)
}

// sleep waits for a while, or until the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// classify says of an error whether the call may be repeated. What Slack refuses is
// refused for good, unless an operator can fix the reason; a call that Slack could not
// carry out, or whose outcome is not known, may be repeated.
func (a *API) classify(c call, err error) error {
	if err == nil {
		return nil
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		wait := max(limited.RetryAfter, time.Second)
		a.pace.block(c, wait)
		return bot.RetryAfter(wait, fmt.Errorf("slack %s: too many calls", c.method))
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		if status.Code == http.StatusTooManyRequests { // without saying until when
			a.pace.block(c, 30*time.Second)
			return bot.RetryAfter(30*time.Second, fmt.Errorf("slack %s: too many calls", c.method))
		}
		return fmt.Errorf("slack %s: %w", c.method, err)
	}
	response, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return fmt.Errorf("slack %s: %w", c.method, err)
	}
	refused := &refusal{method: c.method, response: response}
	switch refusals()[response.Err].class {
	case limited:
		a.pace.block(c, 30*time.Second)
		return bot.RetryAfter(30*time.Second, fmt.Errorf("slack %s: too many calls", c.method))
	case failedForNow:
		return fmt.Errorf("slack %s: %w", c.method, err)
	case refusedToken:
		a.token.refuse(c, refused, a.cfg.Now())
		return bot.Blocked(refused)
	case refusedCall:
		return bot.Blocked(refused)
	case refusedForGood:
	}
	return bot.Permanent(refused)
}

// ErrorCode returns Slack's code for what is wrong, such as "not_found"; "" when the
// error is not a refusal by Slack.
func ErrorCode(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.response.Err
	}
	return ""
}

// isTokenRefused reports whether an error says that Slack accepts no call with the token.
func isTokenRefused(err error) bool { return refusals()[ErrorCode(err)].class == refusedToken }

// Tiers of methods, in calls a minute: docs.slack.dev/apis/web-api/rate-limits.
const (
	tier1 = 1
	tier2 = 20
	tier3 = 50
	tier4 = 100
)

// limitOf returns how often a method may be called a minute, by the whole workspace,
// as the method's page says.
func limitOf(method string) int {
	switch method {
	case "conversations.create", "conversations.archive", "conversations.unarchive", "conversations.setTopic", "conversations.setPurpose", "conversations.rename",
		"conversations.list", "pins.add", "bookmarks.add", "bookmarks.remove", "usergroups.users.list", "usergroups.list":
		return tier2
	case "chat.update", "conversations.invite", "conversations.history", "conversations.replies", "conversations.join", "conversations.info",
		"conversations.open", "chat.delete", "users.conversations", "users.lookupByEmail", "bookmarks.list", "reactions.get", "chat.getPermalink":
		return tier3
	case "chat.postEphemeral", "views.open", "views.update", "views.publish", "users.info":
		return tier4
	case "chat.postMessage": // docs.slack.dev/reference/methods/chat.postMessage: several hundred a minute
		return 300
	case "apps.connections.open":
		return tier1
	case "auth.test":
		return 600
	}
	return tier2
}
