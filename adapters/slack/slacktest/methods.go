package slacktest

import (
	"slices"
	"sync"
)

// method is one entry of methods.yaml, which explains each field.
type method struct {
	Tier, Scope, Scopes, Token         string
	JSON                               bool
	Conversation, Destination, Message string
	Args                               map[string]rule
	OneOf                              []string `yaml:"one_of"`
	AnyOf                              []string `yaml:"any_of"`
	Otherwise                          string
	Refuse                             []map[string]string
	Errors                             []string
}

// byKind holds a value for each kind of conversation.
type byKind[T any] struct{ Public, Private, Direct T }

// forChannel returns the value for the kind of a conversation.
func (b byKind[T]) forChannel(c *Channel) T {
	switch {
	case c.Direct:
		return b.Direct
	case c.Private:
		return b.Private
	default:
		return b.Public
	}
}

// scopeFamily is a set of scopes for each kind of conversation (reference/scopes).
type scopeFamily = byKind[[]string]

// webAPI is the content of app.yaml and methods.yaml.
type webAPI struct {
	Tiers       map[string]int
	Scopes      map[string]map[string]scopeFamily // by name, then by kind of token
	Installed   map[string][]string               // by kind of token
	Events      map[string]byKind[eventSubscription]
	Methods     map[string]*method
	ResponseURL *method `yaml:"response_url"`
}

// readMethods returns the content of app.yaml and methods.yaml, which it reads once.
//
//nolint:gochecknoglobals // the value never changes
var readMethods = sync.OnceValue(func() (api webAPI) {
	readFile("app.yaml", &api)
	readFile("methods.yaml", &api)
	return api
})

// acceptsToken reports whether a token of a kind may call the method.
func (m *method) acceptsToken(token string) bool {
	if m.Token != "" {
		return token == m.Token
	}
	return token == "bot" || token == "user"
}

// scopesByKind returns the scopes that a token needs, by the kind of conversation.
func (m *method) scopesByKind(token string) scopeFamily { return readMethods().Scopes[m.Scopes][token] }

// sufficientScopes returns the scopes of which a token needs at least one, for any kind of conversation.
func (m *method) sufficientScopes(token string) []string {
	if m.Scope != "" {
		return []string{m.Scope}
	}
	f := m.scopesByKind(token)
	return slices.Concat(f.Public, f.Private, f.Direct)
}

// checkArgs checks the arguments of a call. It returns nil if they are valid.
func (m *method) checkArgs(given args) answer {
	return refuseArguments(checkArgs(&schema{Fields: m.Args, OneOf: m.OneOf, AnyOf: m.AnyOf, Otherwise: m.Otherwise}, given))
}

// AllBotScopes returns the scopes that the bot token has unless a test chooses others: those that the methods require of it,
// and those that only events and commands need.
func AllBotScopes() []string { return slices.Clone(readMethods().Installed["bot"]) }

// AllUserScopes returns the scopes that the user token has unless a test chooses others.
func AllUserScopes() []string { return slices.Clone(readMethods().Installed["user"]) }

// handlers returns the handler of each method. A call has been checked against methods.yaml before its handler runs.
func handlers() map[string]func(*call) answer {
	return map[string]func(*call) answer{
		"apps.connections.open":    openConnection,
		"auth.test":                testAuth,
		"bookmarks.add":            addBookmark,
		"bookmarks.edit":           editBookmark,
		"bookmarks.list":           listBookmarks,
		"bookmarks.remove":         removeBookmark,
		"chat.delete":              deleteMessage,
		"chat.getPermalink":        getPermalink,
		"chat.postEphemeral":       postEphemeral,
		"chat.postMessage":         postMessage,
		"chat.update":              updateMessage,
		"conversations.archive":    archiveChannel,
		"conversations.create":     createChannel,
		"conversations.history":    readHistory,
		"conversations.info":       channelInfo,
		"conversations.invite":     inviteUsers,
		"conversations.join":       joinChannel,
		"conversations.list":       listChannels,
		"conversations.members":    listMembers,
		"conversations.open":       openDirect,
		"conversations.rename":     renameChannel,
		"conversations.replies":    readReplies,
		"conversations.setPurpose": setPurpose,
		"conversations.setTopic":   setTopic,
		"conversations.unarchive":  unarchiveChannel,
		"pins.add":                 addPin,
		"pins.remove":              removePin,
		"reactions.add":            addReaction,
		"reactions.get":            getReactions,
		"usergroups.list":          listGroups,
		"usergroups.users.list":    listGroupUsers,
		"usergroups.users.update":  updateGroupUsers,
		"users.conversations":      listChannels,
		"users.info":               userInfo,
		"users.lookupByEmail":      lookupByEmail,
		"views.open":               openView,
		"views.publish":            publishView,
		"views.push":               pushView,
		"views.update":             updateView,
	}
}
