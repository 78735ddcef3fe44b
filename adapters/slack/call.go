package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
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
}

// pageSeverity is the severity of calls for a page: pages go before the calls of
// all incidents.
const pageSeverity workflow.Severity = -1

// maxWait is how long a call that may wait waits at most. It leaves most of a send's
// time to the send.
const maxWait = 2 * time.Second

// call calls a method when it is its turn. An error says whether the call may be
// repeated, and when.
func (a *API) call(ctx context.Context, c call, do func(context.Context) error) error {
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
	return a.classify(c, do(ctx))
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
// refused for good; a call that Slack could not carry out, or whose outcome is not
// known, may be repeated.
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
	switch response.Err {
	case "ratelimited", "rate_limited":
		a.pace.block(c, 30*time.Second)
		return bot.RetryAfter(30*time.Second, fmt.Errorf("slack %s: too many calls", c.method))
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "org_login_required":
		return fmt.Errorf("slack %s: %w", c.method, err)
	}
	return bot.Permanent(&refusal{method: c.method, response: response})
}

// refusal is the refusal of a call by Slack.
type refusal struct {
	method   string
	response slack.SlackErrorResponse
}

// Error says what is wrong, in Slack's code, and what to do where that is known.
func (r *refusal) Error() string {
	what := r.response.Err
	switch what {
	case "missing_scope":
		if r.response.Needed != "" {
			what += ": add " + strings.ReplaceAll(r.response.Needed, ",", " or ") + " to the app, and install it again"
		}
	case "invalid_auth", "token_revoked", "account_inactive", "not_authed", "token_expired":
		what += ": SLACK_BOT_TOKEN is not valid any more; install the app again"
	case "not_in_channel":
		what += ": invite the app into the channel"
	case "restricted_action":
		what += ": the workspace does not let apps do that"
	}
	return what
}

// ErrorCode returns Slack's code for what is wrong, such as "not_found"; "" when the
// error is not a refusal by Slack.
func ErrorCode(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.response.Err
	}
	return ""
}

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
	case "conversations.create", "conversations.archive", "conversations.unarchive", "conversations.setTopic", "conversations.setPurpose",
		"conversations.list", "pins.add", "bookmarks.add", "usergroups.users.list", "usergroups.list":
		return tier2
	case "chat.update", "conversations.invite", "conversations.history", "conversations.replies", "conversations.join", "conversations.info",
		"conversations.open", "users.conversations", "users.lookupByEmail", "bookmarks.list", "reactions.get", "chat.getPermalink":
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
