package slacktest

import (
	"cmp"
	"slices"
)

// maxBookmarks is how many bookmarks a channel can have (slack.com/help/articles/4405764424979, and too_many_bookmarks on
// reference/methods/bookmarks.add).
const maxBookmarks = 100

// addBookmark handles bookmarks.add. Bookmarks are always links.
func addBookmark(c *call) answer {
	if len(c.bookmarksOf(c.ch.ID)) >= maxBookmarks {
		return refuse("too_many_bookmarks")
	}
	b := Bookmark{c.newID("Bk"), c.ch.ID, c.args["title"], c.args["link"], c.args["emoji"]}
	c.bookmarks = append(c.bookmarks, b)
	return answer{"bookmark": b.encode()}
}

// encode returns a bookmark as reference/methods/bookmarks.add shows it.
func (b Bookmark) encode() answer {
	return answer{
		"id": b.ID, "channel_id": b.Channel, "title": b.Title, "link": b.Link, "emoji": b.Emoji, "type": "link",
		"icon_url": "", "entity_id": nil, "rank": "U", "app_id": nil,
	}
}

// indexOfBookmark returns the index of the bookmark that the call names; -1 if the channel has none such.
func (c *call) indexOfBookmark() int {
	return slices.IndexFunc(c.bookmarks, func(b Bookmark) bool { return b.Channel == c.ch.ID && b.ID == c.args["bookmark_id"] })
}

// editBookmark handles bookmarks.edit.
func editBookmark(c *call) answer {
	i := c.indexOfBookmark()
	if i < 0 {
		return refuse("not_found")
	}
	b := &c.bookmarks[i]
	b.Title, b.Link = cmp.Or(c.args["title"], b.Title), cmp.Or(c.args["link"], b.Link)
	if emoji, ok := c.args["emoji"]; ok {
		b.Emoji = emoji
	}
	return answer{"bookmark": b.encode()}
}

// removeBookmark handles bookmarks.remove.
func removeBookmark(c *call) answer {
	i := c.indexOfBookmark()
	if i < 0 {
		return refuse("not_found")
	}
	c.bookmarks = slices.Delete(slices.Clone(c.bookmarks), i, i+1)
	return nil
}

// listBookmarks handles bookmarks.list.
func listBookmarks(c *call) answer {
	all := []answer{}
	for _, b := range c.bookmarksOf(c.ch.ID) {
		all = append(all, b.encode())
	}
	return answer{"bookmarks": all}
}
