package slack

// Scope is a permission that the app asks for
// (docs.slack.dev/reference/scopes). The manifest, the doctor and docs/slack.md
// show these texts.
type Scope struct {
	Name string
	// Why is its purpose, as the words that follow "the app".
	Why string
	// Without is the feature that is turned off when the scope is missing.
	Without string
}

// chatWrite is the scope without which the app is of no use.
const chatWrite = "chat:write"

// Scopes returns the scopes that the bot token needs, and no more, by name. Which of them
// a method asks for is on its page, docs.slack.dev/reference/methods/<name>;
// which an event, below docs.slack.dev/reference/events.
func Scopes() []Scope {
	return []Scope{
		{"app_mentions:read", "receives mentions of itself", "mentions of the app are not received"},
		{"bookmarks:read", "looks which bookmarks are there before it adds any again", "bookmarks that were interrupted are not finished"},
		{"bookmarks:write", "puts the links of an incident at the head of its channel", "channels have no bookmarks"},
		{"channels:history", "records the messages in public channels of incidents, and looks there before it writes a message again", "the conversation of public channels is not kept, and after an outage a message may come twice"},
		{"channels:join", "joins the channel of announcements, and those that are paged", "people have to invite the app into these channels"},
		{"channels:manage", "makes, names, fills and archives the channels of incidents", "incidents have no public channel"},
		{"channels:read", "finds channels by their names", "nothing is announced, and channels are not paged by name"},
		{chatWrite, "writes cards, posts, answers and pages", "nothing is written on Slack at all"},
		{"commands", "offers `/incident`, `/inc` and the shortcuts", "there are no commands and no shortcuts; buttons still work"},
		{"groups:history", "records the messages in private channels of incidents, and looks there before it writes a message again", "the conversation of private channels is not kept, and after an outage a message may come twice"},
		{"groups:read", "finds private channels that it is in", "private channels are neither paged nor announced in by name"},
		{"groups:write", "makes, names, fills and archives the channels of private incidents", "private incidents have no channel; they never have a public one"},
		{"im:history", "receives commands in direct messages, and looks there before it pages again", "commands in direct messages are not received, and after an outage a page may come twice"},
		{"im:write", "opens direct messages, in which people are paged", "no one is paged by direct message"},
		{"pins:write", "pins the card of an incident in its channel", "cards are not pinned"},
		{"reactions:read", "sees 📌, which adds a message to the timeline", "📌 adds nothing to the timeline; the shortcut does"},
		{"usergroups:read", "takes the members of a user group for a team", "user groups are not teams"},
		{"users:read", "knows people: their names and time zones", "everyone is a guest"},
		{"users:read.email", "knows people by their e-mail addresses", "people are known only where their Slack ID is configured"},
	}
}

// UserScopes returns the scopes that the user token needs. It is optional: Slack denies bots
// to unarchive a channel
// (docs.slack.dev/reference/methods/conversations.unarchive, "Bug alert").
func UserScopes() []Scope {
	return []Scope{
		{"channels:write", "unarchives public channels, and adds the app to them again", "a reopened incident continues in a new channel"},
		{"groups:write", "unarchives private channels, and adds the app to them again", "a reopened private incident continues in a new channel"},
	}
}

// BotEvents returns the events that Slack sends to the app, by name: messages,
// mentions, reactions, and who opens the Home tab.
func BotEvents() []string {
	return []string{
		"app_home_opened", "app_mention", "message.channels", "message.groups", "message.im", "reaction_added", "reaction_removed",
	}
}
