package slacktest

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	mostPins      = 100 // slack.com/help/articles/205239997 (too_many_pins on reference/methods/pins.add)
	mostBookmarks = 100 // slack.com/help/articles/4405764424979 (too_many_bookmarks on reference/methods/bookmarks.add)
	mostEmoji     = 23  // slack.com/help/articles/202931348: distinct emoji one person may add (too_many_reactions)
)

func (s *Server) itemMethods() map[string]method {
	pins, marks := []string{"pins:write"}, []string{"bookmarks:write"}
	one := []string{"channel_id"}
	return map[string]method{
		"pins.add":         {do: addPin, perMinute: tier2, bot: pins, required: []string{"channel"}, json: true},
		"pins.remove":      {do: removePin, perMinute: tier2, bot: pins, required: []string{"channel"}, json: true},
		"bookmarks.add":    {do: addBookmark, perMinute: tier2, bot: marks, required: append(one, "title", "type"), json: true},
		"bookmarks.edit":   {do: editBookmark, perMinute: tier2, bot: marks, required: append(one, "bookmark_id"), json: true},
		"bookmarks.remove": {do: removeBookmark, perMinute: tier2, bot: marks, required: append(one, "bookmark_id"), json: true},
		"bookmarks.list":   {do: listBookmarks, perMinute: tier3, bot: []string{"bookmarks:read"}, required: one, json: true},
		"reactions.add": {
			do: addReaction, perMinute: tier3, bot: []string{"reactions:write"},
			required: []string{"channel", "timestamp", "name"}, json: true,
		},
		"reactions.get": {do: getReactions, perMinute: tier3, bot: []string{"reactions:read"}, required: []string{"channel"}},
	}
}

// item finds the message that channel and timestamp name, for pins and reactions.
func (c *call) item() (*Channel, *Message, answer) {
	ch, refused := c.channel("channel", family{})
	ts := c.args["timestamp"]
	switch {
	case refused != nil:
		return nil, nil, refused
	case ts == "":
		return nil, nil, refuse("no_item_specified")
	case !validTS(ts):
		return nil, nil, refuse("bad_timestamp")
	}
	m := c.message(ch.ID, ts)
	if m == nil || m.Deleted {
		return nil, nil, refuse("message_not_found")
	}
	return ch, m, nil
}

// addPin: reference/methods/pins.add.
func addPin(c *call) answer {
	ch, m, refused := c.item()
	switch {
	case refused != nil:
		return refused
	case !ch.has(c.user):
		return refuse("not_in_channel")
	case ch.Archived:
		return refuse("restricted_action")
	case m.Subtype != "":
		return refuse("not_pinnable")
	case m.Pinned:
		return refuse("already_pinned")
	}
	pinned := 0
	for _, other := range c.messages {
		if other.Channel == ch.ID && other.Pinned {
			pinned++
		}
	}
	if pinned >= mostPins {
		return refuse("too_many_pins")
	}
	m.Pinned = true
	return nil
}

// removePin: reference/methods/pins.remove.
func removePin(c *call) answer {
	ch, m, refused := c.item()
	switch {
	case refused != nil:
		return refused
	case !ch.has(c.user) || ch.Archived:
		return refuse("restricted_action")
	case !m.Pinned:
		return refuse("no_pin")
	}
	m.Pinned = false
	return nil
}

// marked finds the channel of a bookmark; strangers to a channel have no permission there.
func (c *call) marked() (*Channel, answer) {
	ch, refused := c.channel("channel_id", family{})
	switch {
	case refused != nil:
		return nil, refused
	case !ch.has(c.user) || ch.Archived:
		return nil, refuse("permission_denied")
	}
	return ch, nil
}

func checkBookmark(link, emoji string) string {
	switch {
	case !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://"):
		return "invalid_link"
	case emoji != "" && !regexp.MustCompile(`^:[a-z0-9_+'-]+:$`).MatchString(emoji):
		return "invalid_emoji"
	}
	return ""
}

// addBookmark: reference/methods/bookmarks.add, for links alone.
func addBookmark(c *call) answer {
	ch, refused := c.marked()
	if refused != nil {
		return refused
	}
	if c.args["type"] != "link" {
		return refuse("invalid_bookmark_type")
	}
	if code := checkBookmark(c.args["link"], c.args["emoji"]); code != "" {
		return refuse(code)
	}
	if !utf8.ValidString(c.args["title"]) {
		return invalid("title is not UTF-8")
	}
	if len(slices.DeleteFunc(slices.Clone(c.bookmarks), func(b Bookmark) bool { return b.Channel != ch.ID })) >= mostBookmarks {
		return refuse("too_many_bookmarks")
	}
	b := Bookmark{c.id("Bk"), ch.ID, c.args["title"], c.args["link"], c.args["emoji"]}
	c.bookmarks = append(c.bookmarks, b)
	return answer{"bookmark": b.show()}
}

func (b Bookmark) show() answer {
	return answer{
		"id": b.ID, "channel_id": b.Channel, "title": b.Title, "link": b.Link, "emoji": b.Emoji, "type": "link",
		"icon_url": "", "entity_id": nil, "rank": "U", "app_id": nil,
	}
}

func (c *call) bookmark() (int, answer) {
	ch, refused := c.marked()
	if refused != nil {
		return 0, refused
	}
	i := slices.IndexFunc(c.bookmarks, func(b Bookmark) bool { return b.Channel == ch.ID && b.ID == c.args["bookmark_id"] })
	if i < 0 {
		return 0, refuse("not_found")
	}
	return i, nil
}

// editBookmark: reference/methods/bookmarks.edit.
func editBookmark(c *call) answer {
	i, refused := c.bookmark()
	if refused != nil {
		return refused
	}
	b := c.bookmarks[i]
	for name, field := range map[string]*string{"title": &b.Title, "link": &b.Link, "emoji": &b.Emoji} {
		if value, given := c.args[name]; given && (value != "" || name == "emoji") {
			*field = value
		}
	}
	if code := checkBookmark(b.Link, b.Emoji); code != "" {
		return refuse(code)
	}
	c.bookmarks[i] = b
	return answer{"bookmark": b.show()}
}

// removeBookmark: reference/methods/bookmarks.remove.
func removeBookmark(c *call) answer {
	i, refused := c.bookmark()
	if refused != nil {
		return refused
	}
	c.bookmarks = slices.Delete(slices.Clone(c.bookmarks), i, i+1)
	return nil
}

// listBookmarks: reference/methods/bookmarks.list.
func listBookmarks(c *call) answer {
	ch, refused := c.channel("channel_id", family{})
	if refused != nil {
		return refused
	}
	all := []answer{}
	for _, b := range c.bookmarks {
		if b.Channel == ch.ID {
			all = append(all, b.show())
		}
	}
	return answer{"bookmarks": all}
}

// addReaction: reference/methods/reactions.add.
func addReaction(c *call) answer {
	ch, m, refused := c.item()
	if refused != nil {
		return refused
	}
	name := c.args["name"]
	switch {
	case ch.Archived:
		return refuse("is_archived")
	case !ch.has(c.user):
		return refuse("not_in_channel")
	case !regexp.MustCompile(`^[a-z0-9_+'-]+(::skin-tone-[2-6])?$`).MatchString(name):
		return refuse("invalid_name")
	case slices.Contains(m.Reactions[name], c.user):
		return refuse("already_reacted")
	}
	mine := 0
	for _, users := range m.Reactions {
		if slices.Contains(users, c.user) {
			mine++
		}
	}
	if mine >= mostEmoji {
		return refuse("too_many_reactions")
	}
	c.react(ch, m, c.user, name)
	return nil
}

func (s *Server) react(ch *Channel, m *Message, user, name string) {
	m.reacted(user, name)
	s.emit(ch, "reaction_added", s.reactionEvent(m, user, name))
}

func (m *Message) reacted(user, name string) {
	if m.Reactions == nil {
		m.Reactions = map[string][]string{}
	}
	m.Reactions[name] = append(slices.Clone(m.Reactions[name]), user)
}

// reactionEvent: reference/events/reaction_added and reaction_removed.
func (s *Server) reactionEvent(m *Message, user, name string) answer {
	return answer{
		"user": user, "reaction": name, "item_user": m.User,
		"item": answer{"type": "message", "channel": m.Channel, "ts": m.TS},
	}
}

// getReactions: reference/methods/reactions.get.
func getReactions(c *call) answer {
	ch, m, refused := c.item()
	switch {
	case refused != nil:
		return refused
	case ch.Private && !ch.has(c.user):
		return refuse("channel_not_found")
	}
	shown := c.show(m, false)
	shown["permalink"] = "https://tocsin-test.slack.com/archives/" + ch.ID + "/p" + strings.ReplaceAll(m.TS, ".", "")
	return answer{"type": "message", "channel": ch.ID, "message": shown}
}
