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

// call is one call of a method, as pacing sees it.
type call struct {
	method   string
	channel  string            // for what is limited by channel
	key      string            // what it is for, so that it keeps its place while it waits
	severity workflow.Severity // the worst goes first, after pages; 0: after all others
	wait     bool              // for a moment, instead of coming again
}

// paging is the severity of a page, as pacing sees it: what has to answer goes
// before what is to be read.
const paging workflow.Severity = -1

// maxWait is how long a call that may wait does so at most. It leaves the send
// most of its time.
const maxWait = 2 * time.Second

// call calls a method once it is its turn. An error says whether it may be
// tried again, and when.
func (a *API) call(ctx context.Context, c call, do func(context.Context) error) error {
	for waited := time.Duration(0); ; {
		wait := a.pace.take(c)
		if wait <= 0 {
			break
		}
		if waited += wait; !c.wait || waited > maxWait {
			return bot.RetryAfter(wait, fmt.Errorf("slack %s: %w", c.method, bot.ErrPaced))
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("slack %s: %w", c.method, err)
		}
	}
	return a.judge(c, do(ctx))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// judge says what an answer means. What Slack refused is refused for good; what
// it could not do, and what nobody heard of, is tried again.
func (a *API) judge(c call, err error) error {
	if err == nil {
		return nil
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		wait := max(limited.RetryAfter, time.Second)
		a.pace.refused(c, wait)
		return bot.RetryAfter(wait, fmt.Errorf("slack %s: too many calls", c.method))
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		if status.Code == http.StatusTooManyRequests { // without saying until when
			a.pace.refused(c, 30*time.Second)
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
		a.pace.refused(c, 30*time.Second)
		return bot.RetryAfter(30*time.Second, fmt.Errorf("slack %s: too many calls", c.method))
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "org_login_required":
		return fmt.Errorf("slack %s: %w", c.method, err)
	}
	return bot.Permanent(&refusal{method: c.method, response: response})
}

// refusal is a no of Slack's, in its own word and in ours.
type refusal struct {
	method   string
	response slack.SlackErrorResponse
}

// Error says what is wrong and, where it can be known, what to do.
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

// ErrorCode returns the code of Slack's for what is wrong, such as "not_found";
// "" when the error is not a refusal by Slack.
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

// limitOf is how often a method may be called a minute, by the workspace as a
// whole, as its page says.
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
