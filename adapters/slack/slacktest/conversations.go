package slacktest

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of reference/methods/conversations.create, .setTopic, .setPurpose and .invite. The page of .invite has said
// both 1000 and 100 users; the smaller holds here.
const (
	longestName  = 80
	longestTopic = 250
	mostInvited  = 100
	mostListed   = 999 // "an integer under 1000"
)

func (s *Server) conversationMethods() map[string]method {
	archive := on(manage, tier2, archiveChannel, "channel").withJSON()
	return map[string]method{
		"conversations.create":    on(manage, tier2, createChannel).withJSON(),
		"conversations.archive":   archive,
		"conversations.unarchive": on(manage, tier2, unarchiveChannel, "channel"),
		"conversations.rename":    on(manage, tier2, renameChannel, "channel").withJSON(),
		"conversations.setTopic":  on(topics, tier2, setTopic, "channel").withJSON(),
		// The scopes of setPurpose are those of setTopic (reference/methods/conversations.setPurpose).
		"conversations.setPurpose": on(topics, tier2, setPurpose, "channel").withJSON(),
		"conversations.invite":     on(invites, tier3, inviteUsers, "channel").withJSON(),
		"conversations.join": {
			do: joinChannel, perMinute: tier3, bot: []string{"channels:join"}, user: []string{"channels:write"},
			required: []string{"channel"}, json: true,
		},
		"conversations.open": on(manage, tier3, openDirect).withJSON(),
	}
}

// checkName holds names to reference/methods/conversations.create, "Naming": lower case letters, digits, hyphens and
// underscores, at most 80. Slack also takes letters of other scripts; the page does not promise it.
func checkName(name string) string {
	switch {
	case name == "":
		return "invalid_name_required"
	case utf8.RuneCountInString(name) > longestName:
		return "invalid_name_maxlength"
	case !regexp.MustCompile(`^[a-z0-9_-]+$`).MatchString(name):
		return "invalid_name_specials"
	case strings.Trim(name, "-_") == "":
		return "invalid_name_punctuation"
	}
	return ""
}

// nameTaken counts archived and private channels too: an archived channel keeps its name
// (slack.com/help/articles/213185307, and name_taken on reference/methods/conversations.create).
func (w *world) nameTaken(name string) bool {
	return slices.ContainsFunc(w.channels, func(c *Channel) bool { return c.Name == name })
}

// createChannel: reference/methods/conversations.create. The creator becomes a member.
func createChannel(c *call) answer {
	name, private := c.args["name"], c.args.boolean("is_private")
	f := manage(c.kind)
	if needed := f.of(&Channel{Private: private}); !c.has(needed...) {
		return c.missing(needed...)
	}
	if code := checkName(name); code != "" {
		return refuse(code)
	}
	if c.nameTaken(name) {
		return refuse("name_taken")
	}
	ch := &Channel{
		ID: c.id("C"), Name: name, Private: private, Creator: c.user, Created: c.now(), Members: []string{c.user},
	}
	c.channels = append(c.channels, ch)
	c.system(ch, c.user, "channel_join", "<@"+c.user+"> has joined the channel")
	return answer{"channel": c.conversation(ch)}
}

// archiveChannel: reference/methods/conversations.archive. The app's own user leaves an archived channel, so that it
// finds a private one no more.
func archiveChannel(c *call) answer {
	ch, refused := c.channel("channel", manage(c.kind))
	switch {
	case refused != nil:
		return refused
	case ch.Direct:
		return refuse("method_not_supported_for_channel_type")
	case ch.General:
		return refuse("cant_archive_general")
	case ch.Archived:
		return refuse("already_archived")
	case !ch.has(c.user):
		return refuse("not_in_channel")
	}
	c.archive(ch, c.user)
	return nil
}

func (s *Server) archive(ch *Channel, user string) {
	s.system(ch, user, "channel_archive", "archived the channel")
	s.emit(ch, "channel_archive", answer{"channel": ch.ID, "user": user})
	ch.Archived = true
	ch.Members = slices.DeleteFunc(ch.Members, func(m string) bool { return m == s.BotUser })
}

// unarchiveChannel: reference/methods/conversations.unarchive, whose "Bug alert" says that bot tokens cannot unarchive
// and that a user token has to be used. "The calling user is added to the conversation", and nobody else.
func unarchiveChannel(c *call) answer {
	ch, refused := c.channel("channel", manage(c.kind))
	switch {
	case refused != nil:
		return refused
	case ch.Direct:
		return refuse("method_not_supported_for_channel_type")
	case !ch.Archived:
		return refuse("not_archived")
	case c.kind == "bot":
		return refuse("not_in_channel")
	}
	c.unarchive(ch, c.user)
	return nil
}

func (s *Server) unarchive(ch *Channel, user string) {
	ch.Archived = false
	s.system(ch, user, "channel_unarchive", "un-archived the channel")
	if !ch.has(user) {
		ch.Members = append(ch.Members, user)
	}
}

// renameChannel: reference/methods/conversations.rename. Only the creator (or an admin) may.
func renameChannel(c *call) answer {
	ch, refused := c.channel("channel", manage(c.kind))
	if refused != nil {
		return refused
	}
	name := c.args["name"]
	switch {
	case ch.Direct:
		return refuse("method_not_supported_for_channel_type")
	case ch.Archived:
		return refuse("is_archived")
	case !ch.has(c.user):
		return refuse("not_in_channel")
	case ch.Creator != c.user:
		return refuse("not_authorized")
	}
	if code := checkName(name); code != "" {
		return refuse(code)
	}
	if name != ch.Name && c.nameTaken(name) {
		return refuse("name_taken")
	}
	ch.PreviousNames = append([]string{ch.Name}, ch.PreviousNames...)
	ch.Name = name
	c.system(ch, c.user, "channel_name", "renamed the channel to \""+name+"\"")
	return answer{"channel": c.conversation(ch)}
}

func setTopic(c *call) answer   { return c.describe("topic") }
func setPurpose(c *call) answer { return c.describe("purpose") }

// describe: reference/methods/conversations.setTopic and .setPurpose.
func (c *call) describe(what string) answer {
	ch, refused := c.channel("channel", topics(c.kind))
	if refused != nil {
		return refused
	}
	text, given := c.args[what]
	switch {
	case !given:
		return invalid("missing required field: " + what)
	case ch.Direct:
		return refuse("method_not_supported_for_channel_type")
	case ch.Archived:
		return refuse("is_archived")
	case !ch.has(c.user):
		return refuse("not_in_channel")
	case utf8.RuneCountInString(text) > longestTopic:
		return refuse("too_long")
	}
	if what == "topic" {
		ch.Topic = unescape(text)
	} else {
		ch.Purpose = unescape(text)
	}
	c.system(ch, c.user, "channel_"+what, "set the channel "+what+": "+escape(unescape(text)))
	return answer{"channel": c.conversation(ch)}
}

// joinChannel: reference/methods/conversations.join.
func joinChannel(c *call) answer {
	ch, refused := c.channel("channel", family{})
	switch {
	case refused != nil:
		return refused
	case ch.Direct || ch.Private:
		return refuse("method_not_supported_for_channel_type")
	case ch.Archived:
		return refuse("is_archived")
	}
	a := answer{}
	if ch.has(c.user) {
		a["warning"] = "already_in_channel"
	} else {
		c.enter(ch, c.user, "")
	}
	a["channel"] = c.conversation(ch)
	return a
}

// inviteUsers: reference/methods/conversations.invite. Without force one bad ID spoils the whole call; with it the good
// ones are invited, and the bad ones are told in errors all the same.
func inviteUsers(c *call) answer {
	ch, refused := c.channel("channel", invites(c.kind))
	users := c.args.list("users")
	switch {
	case refused != nil:
		return refused
	case ch.Direct:
		return refuse("method_not_supported_for_channel_type")
	case ch.Archived:
		return refuse("is_archived")
	case !ch.has(c.user):
		return refuse("not_in_channel")
	case len(users) == 0:
		return refuse("no_user")
	case len(users) > mostInvited:
		return refuse("too_many_users")
	}
	var bad []answer
	var good []string
	for _, id := range users {
		if code := c.cannotEnter(ch, id); code != "" {
			bad = append(bad, answer{"user": id, "ok": false, "error": code})
		} else if !slices.Contains(good, id) {
			good = append(good, id)
		}
	}
	if len(bad) > 0 && (!c.args.boolean("force") || len(good) == 0) {
		return answer{"ok": false, "error": bad[0].code(), "errors": bad}
	}
	for _, id := range good {
		c.enter(ch, id, c.user)
	}
	a := answer{"channel": c.conversation(ch)}
	if len(bad) > 0 {
		a["errors"] = bad
	}
	return a
}

func (c *call) cannotEnter(ch *Channel, id string) string {
	u := c.users[id]
	switch {
	case u == nil:
		return "user_not_found"
	case id == c.user:
		return "cant_invite_self"
	case u.Deleted:
		return "cant_invite"
	case ch.has(id):
		return "already_in_channel"
	case u.Stranger:
		return "no_external_invite_permission"
	case u.Restricted:
		return "user_is_restricted"
	}
	return ""
}

// enter makes somebody a member, with Slack's own message and the event (reference/events/member_joined_channel).
func (s *Server) enter(ch *Channel, user, inviter string) {
	ch.Members = append(ch.Members, user)
	s.system(ch, user, "channel_join", "<@"+user+"> has joined the channel")
	event := answer{"user": user, "channel": ch.ID, "channel_type": "C", "team": s.TeamID}
	if ch.Private {
		event["channel_type"] = "G"
	}
	if inviter != "" {
		event["inviter"] = inviter
	}
	s.emit(ch, "member_joined_channel", event)
}

// openDirect: reference/methods/conversations.open, for one person; the app opens no group direct messages.
func openDirect(c *call) answer {
	if c.args["channel"] == "" && c.args["users"] == "" {
		return refuse("users_list_not_supplied")
	}
	if c.args["users"] == "" {
		ch, refused := c.channel("channel", manage(c.kind))
		switch {
		case refused != nil:
			return refused
		case !ch.Direct:
			return refuse("method_not_supported_for_channel_type")
		}
		return answer{"channel": answer{"id": ch.ID}, "no_op": true, "already_open": true}
	}
	users := c.args.list("users")
	if len(users) != 1 {
		return refuse("too_many_users") // stricter than Slack, which takes eight
	}
	if !c.has("im:write") {
		return c.missing("im:write")
	}
	ch, isNew, refused := c.direct(users[0])
	if refused != nil {
		return refused
	}
	a := answer{"channel": answer{"id": ch.ID}}
	if c.args.boolean("return_im") {
		a["channel"] = c.conversation(ch)
	}
	if !isNew {
		a["no_op"], a["already_open"] = true, true
	}
	return a
}

// direct finds or opens the direct message with a person.
func (c *call) direct(user string) (ch *Channel, isNew bool, refused answer) {
	u := c.users[user]
	switch {
	case u == nil:
		return nil, false, refuse("user_not_found")
	case u.Deleted:
		return nil, false, refuse("user_disabled")
	case u.ID == c.user || u.Bot:
		return nil, false, refuse("user_not_found") // bots do not talk to bots: cannot_dm_bot on chat.postMessage
	}
	for _, ch := range c.channels {
		if ch.Direct && ch.has(user) && ch.has(c.user) {
			return ch, false, nil
		}
	}
	ch = &Channel{ID: c.id("D"), Direct: true, Created: c.now(), Members: []string{c.user, user}}
	c.channels = append(c.channels, ch)
	return ch, true, nil
}
