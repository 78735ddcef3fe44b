package slacktest

import (
	"cmp"
	"slices"
)

const (
	maxPins      = 100 // slack.com/help/articles/205239997 (too_many_pins on reference/methods/pins.add)
	maxBookmarks = 100 // slack.com/help/articles/4405764424979 (too_many_bookmarks on reference/methods/bookmarks.add)
	maxEmoji     = 23  // slack.com/help/articles/202931348: distinct emoji one person may add (too_many_reactions)
)

func addPin(c *call) answer {
	pinned := 0
	for _, other := range c.messages {
		if other.Channel == c.ch.ID && other.Pinned {
			pinned++
		}
	}
	if pinned >= maxPins {
		return refuse("too_many_pins")
	}
	c.m.Pinned = true
	return nil
}

func removePin(c *call) answer {
	c.m.Pinned = false
	return nil
}

// addBookmark adds a link; there are no others here.
func addBookmark(c *call) answer {
	if len(c.bookmarksOf(c.ch.ID)) >= maxBookmarks {
		return refuse("too_many_bookmarks")
	}
	b := Bookmark{c.newID("Bk"), c.ch.ID, c.args["title"], c.args["link"], c.args["emoji"]}
	c.bookmarks = append(c.bookmarks, b)
	return answer{"bookmark": b.encode()}
}

func (b Bookmark) encode() answer {
	return answer{
		"id": b.ID, "channel_id": b.Channel, "title": b.Title, "link": b.Link, "emoji": b.Emoji, "type": "link",
		"icon_url": "", "entity_id": nil, "rank": "U", "app_id": nil,
	}
}

// indexOfBookmark is the place of the bookmark that the call names; -1 if the channel has none such.
func (c *call) indexOfBookmark() int {
	return slices.IndexFunc(c.bookmarks, func(b Bookmark) bool { return b.Channel == c.ch.ID && b.ID == c.args["bookmark_id"] })
}

func editBookmark(c *call) answer {
	i := c.indexOfBookmark()
	if i < 0 {
		return refuse("not_found")
	}
	b := &c.bookmarks[i]
	b.Title, b.Link = cmp.Or(c.args["title"], b.Title), cmp.Or(c.args["link"], b.Link)
	if emoji, given := c.args["emoji"]; given {
		b.Emoji = emoji
	}
	return answer{"bookmark": b.encode()}
}

func removeBookmark(c *call) answer {
	i := c.indexOfBookmark()
	if i < 0 {
		return refuse("not_found")
	}
	c.bookmarks = slices.Delete(slices.Clone(c.bookmarks), i, i+1)
	return nil
}

func listBookmarks(c *call) answer {
	all := []answer{}
	for _, b := range c.bookmarksOf(c.ch.ID) {
		all = append(all, b.encode())
	}
	return answer{"bookmarks": all}
}

func addReaction(c *call) answer {
	name, mine := c.args["name"], 0
	for _, users := range c.m.Reactions {
		if slices.Contains(users, c.user) {
			mine++
		}
	}
	switch {
	case slices.Contains(c.m.Reactions[name], c.user):
		return refuse("already_reacted")
	case mine >= maxEmoji:
		return refuse("too_many_reactions")
	}
	c.m.addReaction(c.user, name)
	c.emit(c.ch, "reaction_added", c.newReactionEvent(c.m, c.user, name))
	return nil
}

func (m *Message) addReaction(user, name string) {
	if m.Reactions == nil {
		m.Reactions = map[string][]string{}
	}
	m.Reactions[name] = append(slices.Clone(m.Reactions[name]), user)
}

// newReactionEvent: reference/events/reaction_added and reaction_removed.
func (s *Server) newReactionEvent(m *Message, user, name string) answer {
	return answer{
		"user": user, "reaction": name, "item_user": m.User,
		"item": answer{"type": "message", "channel": m.Channel, "ts": m.TS},
	}
}

func getReactions(c *call) answer {
	shown := c.encodeMessage(c.m, false)
	shown["permalink"] = permalinkOf(c.m)
	return answer{"type": "message", "channel": c.ch.ID, "message": shown}
}
