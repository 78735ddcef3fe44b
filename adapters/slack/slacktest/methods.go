package slacktest

import "maps"

// method is one entry of the Web API. Tier, scopes, tokens and content types are those of its page,
// reference/methods/<name>.
type method struct {
	do        func(*call) answer
	perMinute int
	// bot and user are the scopes of each kind of token, any of which is enough. Where they depend on the kind of
	// channel, the method itself looks at them again.
	bot, user []string
	// app marks a method for the app-level token alone; forBoth is one that takes bot and user tokens (the rule).
	app      bool
	required []string
	json     bool // takes application/json beside forms
}

func (m method) tokens() []string {
	if m.app {
		return []string{"app"}
	}
	return []string{"bot", "user"}
}

func (m method) scopesOf(kind string) []string {
	if kind == "user" && m.user != nil {
		return m.user
	}
	return m.bot
}

// AllBotScopes are all scopes that any method here asks of a bot token, and those that only events need.
func AllBotScopes() []string {
	return []string{
		"app_mentions:read", "bookmarks:read", "bookmarks:write", "channels:history", "channels:join", "channels:manage",
		"channels:read", "chat:write", "chat:write.public", "commands", "groups:history", "groups:read", "groups:write",
		"im:history", "im:read", "im:write", "pins:read", "pins:write", "reactions:read", "reactions:write",
		"usergroups:read", "usergroups:write", "users:read", "users:read.email",
	}
}

// AllUserScopes are those of the user token.
func AllUserScopes() []string {
	return []string{
		"channels:history", "channels:read", "channels:write", "chat:write", "groups:history", "groups:read",
		"groups:write", "im:history", "im:read", "im:write", "users:read",
	}
}

func (s *Server) methods() map[string]method {
	all := map[string]method{}
	for _, part := range []map[string]method{
		s.conversationMethods(), s.historyMethods(), s.chatMethods(), s.itemMethods(), s.peopleMethods(), s.viewMethods(),
	} {
		maps.Copy(all, part)
	}
	return all
}

// family is the set of scopes that differ only by the kind of conversation (reference/scopes).
type family struct{ public, private, direct []string }

func manage(kind string) family {
	if kind == "user" {
		return family{[]string{"channels:write"}, []string{"groups:write"}, []string{"im:write"}}
	}
	return family{[]string{"channels:manage"}, []string{"groups:write"}, []string{"im:write"}}
}

func topics(kind string) family {
	f := manage(kind)
	f.public = append(f.public, "channels:write.topic")
	f.private = append(f.private, "groups:write.topic")
	f.direct = append(f.direct, "im:write.topic")
	return f
}

func invites(kind string) family {
	f := manage(kind)
	f.public = append(f.public, "channels:write.invites")
	f.private = append(f.private, "groups:write.invites")
	return f
}

func reading(string) family {
	return family{[]string{"channels:read"}, []string{"groups:read"}, []string{"im:read"}}
}

func history(string) family {
	return family{[]string{"channels:history"}, []string{"groups:history"}, []string{"im:history"}}
}

func (f family) all() []string {
	var all []string
	all = append(all, f.public...)
	all = append(all, f.private...)
	return append(all, f.direct...)
}

func (f family) of(c *Channel) []string {
	switch {
	case c.Direct:
		return f.direct
	case c.Private:
		return f.private
	default:
		return f.public
	}
}

// on makes a method of a family of scopes.
func on(f func(string) family, perMinute int, do func(*call) answer, required ...string) method {
	return method{do: do, perMinute: perMinute, bot: f("bot").all(), user: f("user").all(), required: required}
}

func (m method) withJSON() method {
	m.json = true
	return m
}

// channel finds the conversation that an argument names by ID, as the token may see it: somebody else's private channel
// does not exist for it. Then it checks the scope for that kind of conversation.
func (c *call) channel(argument string, f family) (*Channel, answer) {
	id := c.args[argument]
	for _, ch := range c.channels {
		if ch.ID != id {
			continue
		}
		if (ch.Private || ch.Direct) && !ch.has(c.user) {
			break
		}
		if needed := f.of(ch); len(needed) > 0 && !c.has(needed...) {
			return nil, c.missing(needed...)
		}
		return ch, nil
	}
	return nil, refuse("channel_not_found")
}
