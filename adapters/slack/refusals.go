package slack

import (
	"strings"

	"github.com/slack-go/slack"
)

// refusalClass says what becomes of a call that Slack has refused.
type refusalClass int

const (
	refusedForGood refusalClass = iota // the same call is refused again
	refusedToken                       // no call with this token is accepted until an operator fixes it
	refusedCall                        // this call, until an operator changes a permission or a setting
	failedForNow                       // Slack could not carry it out
	limited                            // too many calls
)

// advice is what an operator does about a refusal.
type advice struct {
	class refusalClass
	text  string
}

// refusals returns the class of each refusal that is not for good, by Slack's code, and
// what an operator does about it. The codes and their meanings are those of the tables
// "Errors" at docs.slack.dev/reference/methods, of all methods in common and of
// chat.postMessage and conversations.create.
func refusals() map[string]advice {
	const (
		token    = "SLACK_BOT_TOKEN is not valid any more; install the app again"
		approve  = "ask an administrator of the workspace to allow the app"
		settings = "the workspace does not let apps do that"
	)
	return map[string]advice{
		"invalid_auth":              {refusedToken, token},
		"not_authed":                {refusedToken, token},
		"token_revoked":             {refusedToken, token},
		"token_expired":             {refusedToken, token},
		"account_inactive":          {refusedToken, token},
		"org_login_required":        {refusedToken, "the workspace is being moved into an organization"},
		"team_access_not_granted":   {refusedToken, "grant the app access to this workspace"},
		"two_factor_setup_required": {refusedToken, "set up two-factor authentication for the user of the token"},

		"missing_scope":            {refusedCall, "add the scope to the app, and install it again"},
		"no_permission":            {refusedCall, approve},
		"access_denied":            {refusedCall, approve},
		"accesslimited":            {refusedCall, "allow this network in the settings of the workspace"},
		"ekm_access_denied":        {refusedCall, "administrators have suspended posting"},
		"enterprise_is_restricted": {refusedCall, "install the app in the workspace instead of the organization"},
		"not_allowed_token_type":   {refusedCall, "SLACK_BOT_TOKEN is not a bot token of the app"},
		"user_is_restricted":       {refusedCall, approve},
		"permission_denied":        {refusedCall, approve},
		"messages_tab_disabled":    {refusedCall, "turn on the Messages tab under “App Home” of the app"},

		"restricted_action":                        {refusedCall, settings},
		"restricted_action_read_only_channel":      {refusedCall, "let the app post in this channel, which is read-only"},
		"restricted_action_thread_only_channel":    {refusedCall, "let apps post outside of threads in this channel"},
		"restricted_action_non_threadable_channel": {refusedCall, "let apps post in threads in this channel"},
		"restricted_action_thread_locked":          {refusedCall, "unlock the thread"},

		"internal_error":      {class: failedForNow},
		"fatal_error":         {class: failedForNow},
		"service_unavailable": {class: failedForNow},
		"request_timeout":     {class: failedForNow},
		"team_added_to_org":   {class: failedForNow},

		"ratelimited":  {class: limited},
		"rate_limited": {class: limited},
	}
}

// refusal is the refusal of a call by Slack.
type refusal struct {
	method   string
	response slack.SlackErrorResponse
}

// Error says what is wrong, in Slack's code, and what to do where that is known.
func (r *refusal) Error() string {
	code := r.response.Err
	advice := refusals()[code].text
	switch {
	case code == "missing_scope" && r.response.Needed != "":
		advice = "add " + strings.ReplaceAll(r.response.Needed, ",", " or ") + " to the app, and install it again"
	case code == "not_in_channel":
		advice = "invite the app into the channel"
	}
	if advice == "" {
		return code
	}
	return code + ": " + advice
}
