package slacktest

import (
	"slices"
	"strings"
	"time"
)

// answer is the JSON object that a method answers with.
type answer map[string]any

func refuse(code string) answer { return answer{"ok": false, "error": code} }

func (a answer) code() string {
	code, _ := a["error"].(string)
	return code
}

// call is one call on its way through a method, with the lock held.
type call struct {
	*Server
	method string
	args   args
	kind   string // bot, user or app
	user   string // as whom it acts
	scopes []string
	wait   time.Duration // set when the limit of a channel was reached

	// ch and m are the conversation and the message that the arguments name, where the method has them.
	ch *Channel
	m  *Message
}

// hasScope reports one of the scopes, any of which is enough.
func (c *call) hasScope(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.scopes, s) })
}

// requireScope is the answer without one of the scopes, with what Slack adds to it (every method's error list); nil with one.
func (c *call) requireScope(scopes ...string) answer {
	if len(scopes) == 0 || c.hasScope(scopes...) {
		return nil
	}
	return answer{
		"ok": false, "error": "missing_scope",
		"needed": strings.Join(scopes, ","), "provided": strings.Join(c.scopes, ","),
	}
}

// check holds a call to the entry of its method: the conversation, the limit of posting there, the arguments, the
// message, and then what both must not be. It answers nil if all is well.
func (c *call) check(m *method) (refused answer) {
	switch {
	case m.Destination != "" && c.args[m.Destination] != "":
		c.ch, refused = c.findDestination(c.args[m.Destination])
	case m.Conversation != "" && c.args[m.Conversation] != "":
		c.ch, refused = c.findConversation(c.args[m.Conversation])
	}
	if refused != nil {
		return refused
	}
	if m.Tier == "posting" && c.ch != nil && !c.options.Unlimited {
		if c.wait = c.limit.reservePost(c.ch.ID, c.now()); c.wait > 0 {
			return refuse("ratelimited")
		}
	}
	if refused := m.checkArgs(c.args); refused != nil {
		return refused
	}
	if m.Message != "" {
		if c.m = c.findMessage(c.ch.ID, c.args[m.Message]); c.m == nil || c.m.Deleted {
			return refuse("message_not_found")
		}
	}
	is := conditions()
	for _, one := range m.Refuse {
		for condition, code := range one {
			if is[condition](c) {
				return refuse(code)
			}
		}
	}
	return nil
}

// conditions are what a conversation or a message must not be, by the names that methods.yaml has for them.
func conditions() map[string]func(*call) bool {
	return map[string]func(*call) bool{
		"archived":        func(c *call) bool { return c.ch.Archived },
		"not_archived":    func(c *call) bool { return !c.ch.Archived },
		"direct":          func(c *call) bool { return c.ch.Direct },
		"private":         func(c *call) bool { return c.ch.Private },
		"general":         func(c *call) bool { return c.ch.General },
		"not_creator":     func(c *call) bool { return c.ch.Creator != c.user },
		"not_member":      func(c *call) bool { return !c.ch.hasMember(c.user) },
		"bot_not_member":  func(c *call) bool { return c.kind == "bot" && !c.ch.hasMember(c.user) },
		"user_not_member": func(c *call) bool { return !c.ch.hasMember(c.args["user"]) },
		// Without chat:write.public one has to be a member (reference/scopes/chat.write.public).
		"may_not_post": func(c *call) bool { return !c.ch.hasMember(c.user) && !c.hasScope("chat:write.public") },
		"bot_token":    func(c *call) bool { return c.kind == "bot" },
		"by_slack":     func(c *call) bool { return c.m.Subtype != "" },
		"not_own":      func(c *call) bool { return c.m.User != c.user || c.m.BotID != c.botID() || c.m.Subtype != "" },
		"pinned":       func(c *call) bool { return c.m.Pinned },
		"not_pinned":   func(c *call) bool { return !c.m.Pinned },
	}
}

// findConversation finds a conversation by ID, as the token may see it: somebody else's private channel does not exist for
// it. Then it checks the scope for that kind of conversation.
func (c *call) findConversation(id string) (*Channel, answer) {
	for _, ch := range c.channels {
		if ch.ID == id && c.canSee(ch) {
			return ch, c.requireScope(readMethods().Methods[c.method].scopesByKind(c.kind).forChannel(ch)...)
		}
	}
	return nil, refuse("channel_not_found")
}

// findDestination finds where to post: a channel's ID, its name with or without #, or a person's ID, whose direct message
// is then opened (reference/methods/chat.postMessage, "Post to a channel" and "Post to a DM").
func (c *call) findDestination(where string) (ch *Channel, refused answer) {
	if c.users[where] != nil {
		ch, _, refused = c.openDirectMessage(where)
	} else if ch = c.findChannel(where); ch != nil && !c.canSee(ch) {
		ch = nil
	}
	if refused != nil || ch == nil {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}

func (c *call) canSee(ch *Channel) bool { return !ch.Private && !ch.Direct || ch.hasMember(c.user) }
