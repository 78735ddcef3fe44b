package slacktest

import (
	"slices"
	"strings"
	"time"
)

// answer is a JSON object that the server sends.
type answer map[string]any

// refuse returns the answer to a call that fails with an error code.
func refuse(code string) answer { return answer{"ok": false, "error": code} }

// code returns the error code of an answer; empty if it is ok.
func (a answer) code() string {
	code, _ := a["error"].(string)
	return code
}

// call is one call of a method. Its methods run with the lock held.
type call struct {
	*Server
	method string
	args   args
	kind   string // bot, user or app
	user   string // the user that the token acts as
	scopes []string
	wait   time.Duration // how long the caller has to wait, if the limit of posts in a channel was reached

	// ch and m are the conversation and the message that the arguments name, if the method has such arguments.
	ch *Channel
	m  *Message
}

// hasScope reports whether the token has at least one of the scopes.
func (c *call) hasScope(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.scopes, s) })
}

// requireScope returns nil if the token has at least one of the scopes, or if none is given; else the answer missing_scope
// with the scopes that are needed and those that the token has (every method's error list).
func (c *call) requireScope(scopes ...string) answer {
	if len(scopes) == 0 || c.hasScope(scopes...) {
		return nil
	}
	return answer{
		"ok": false, "error": "missing_scope",
		"needed": strings.Join(scopes, ","), "provided": strings.Join(c.scopes, ","),
	}
}

// check checks a call against the entry of its method: the conversation, the limit of posts in it, the arguments, the
// message, and then the state of both. It returns nil if the call is valid.
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
	holds := conditions()
	for _, refusal := range m.Refuse {
		for condition, code := range refusal {
			if holds[condition](c) {
				return refuse(code)
			}
		}
	}
	return nil
}

// conditions returns the conditions under which a call is refused, by the names that methods.yaml uses.
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
		// Without chat:write.public the app has to be a member (reference/scopes/chat.write.public).
		"may_not_post": func(c *call) bool { return !c.ch.hasMember(c.user) && !c.hasScope("chat:write.public") },
		"bot_token":    func(c *call) bool { return c.kind == "bot" },
		"by_slack":     func(c *call) bool { return c.m.Subtype != "" },
		"not_own":      func(c *call) bool { return c.m.User != c.user || c.m.BotID != c.botID() || c.m.Subtype != "" },
		"pinned":       func(c *call) bool { return c.m.Pinned },
		"not_pinned":   func(c *call) bool { return !c.m.Pinned },
	}
}

// findConversation finds a conversation by ID and checks the scope for that kind of conversation. A private channel that
// the token's user is not in is not found.
func (c *call) findConversation(id string) (*Channel, answer) {
	for _, ch := range c.channels {
		if ch.ID == id && c.canSee(ch) {
			return ch, c.requireScope(readMethods().Methods[c.method].scopesByKind(c.kind).forChannel(ch)...)
		}
	}
	return nil, refuse("channel_not_found")
}

// findDestination finds the conversation to post to, by a channel's ID, its name with or without #, or a person's ID, whose
// direct message is then opened (reference/methods/chat.postMessage, "Post to a channel" and "Post to a DM").
func (c *call) findDestination(name string) (ch *Channel, refused answer) {
	if c.users[name] != nil {
		ch, _, refused = c.openDirectMessage(name)
	} else if ch = c.findChannel(name); ch != nil && !c.canSee(ch) {
		ch = nil
	}
	if refused != nil || ch == nil {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}

// canSee reports whether a conversation exists for the token's user.
func (c *call) canSee(ch *Channel) bool { return !ch.Private && !ch.Direct || ch.hasMember(c.user) }
