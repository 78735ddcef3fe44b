package slacktest

import (
	"slices"
	"sync"
)

// method is one entry of methods.yaml, which explains each part.
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

// byKind is something that differs by the kind of conversation.
type byKind[T any] struct{ Public, Private, Direct T }

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

// scopeFamily is a set of scopes that differ only by the kind of conversation (reference/scopes).
type scopeFamily = byKind[[]string]

// webAPI is app.yaml and methods.yaml.
type webAPI struct {
	Tiers       map[string]int
	Scopes      map[string]map[string]scopeFamily // by name, then by kind of token
	Installed   map[string][]string               // by kind of token
	Events      map[string]byKind[eventSubscription]
	Methods     map[string]*method
	ResponseURL *method `yaml:"response_url"`
}

// readMethods reads both, once.
//
//nolint:gochecknoglobals // It is never changed.
var readMethods = sync.OnceValue(func() (api webAPI) {
	readFile("app.yaml", &api)
	readFile("methods.yaml", &api)
	return api
})

// acceptsToken says whether a kind of token may call the method.
func (m *method) acceptsToken(token string) bool {
	if m.Token != "" {
		return token == m.Token
	}
	return token == "bot" || token == "user"
}

// scopesByKind are the scopes that a token needs, by the kind of conversation.
func (m *method) scopesByKind(token string) scopeFamily { return readMethods().Scopes[m.Scopes][token] }

// sufficientScopes are those of which a token needs one, whatever the kind of conversation.
func (m *method) sufficientScopes(token string) []string {
	if m.Scope != "" {
		return []string{m.Scope}
	}
	f := m.scopesByKind(token)
	return slices.Concat(f.Public, f.Private, f.Direct)
}

// checkArgs checks arguments.
func (m *method) checkArgs(given args) answer {
	return refuseArguments(checkArgs(&schema{Fields: m.Args, OneOf: m.OneOf, AnyOf: m.AnyOf, Otherwise: m.Otherwise}, given))
}

// AllBotScopes are all scopes that any method here asks of a bot token, and those that only events need.
func AllBotScopes() []string { return slices.Clone(readMethods().Installed["bot"]) }

// AllUserScopes are those of the user token.
func AllUserScopes() []string { return slices.Clone(readMethods().Installed["user"]) }

// handlers carry the methods out, after everything that methods.yaml says was checked.
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
