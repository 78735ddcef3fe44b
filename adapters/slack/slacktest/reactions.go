package slacktest

import (
	"cmp"
	"slices"
)

// maxEmoji is how many distinct emoji one person can add to a message (slack.com/help/articles/202931348, and
// too_many_reactions on reference/methods/reactions.add).
const maxEmoji = 23

// addReaction handles reactions.add.
func addReaction(c *call) answer {
	name, own := c.args["name"], 0
	for _, users := range c.m.Reactions {
		if slices.Contains(users, c.user) {
			own++
		}
	}
	switch {
	case slices.Contains(c.m.Reactions[name], c.user):
		return refuse("already_reacted")
	case own >= maxEmoji:
		return refuse("too_many_reactions")
	}
	c.m.addReaction(c.user, name)
	c.emit(c.ch, "reaction_added", c.newReactionEvent(c.m, c.user, name))
	return nil
}

// addReaction adds a user to those who reacted with an emoji.
func (m *Message) addReaction(user, name string) {
	if m.Reactions == nil {
		m.Reactions = map[string][]string{}
	}
	m.Reactions[name] = append(slices.Clone(m.Reactions[name]), user)
}

// newReactionEvent returns the fields of reference/events/reaction_added and reaction_removed.
func (s *Server) newReactionEvent(m *Message, user, name string) answer {
	return answer{
		"user": user, "reaction": name, "item_user": m.User,
		"item": answer{"type": "message", "channel": m.Channel, "ts": m.TS},
	}
}

// getReactions handles reactions.get.
func getReactions(c *call) answer {
	message := c.encodeMessage(c.m, false)
	message["permalink"] = permalinkOf(c.m)
	return answer{"type": "message", "channel": c.ch.ID, "message": message}
}

// encodeReactions returns the reactions to a message in the shape of reference/methods/reactions.get.
func encodeReactions(m *Message) []answer {
	var all []answer
	for name, users := range m.Reactions {
		all = append(all, answer{"name": name, "users": users, "count": len(users)})
	}
	slices.SortFunc(all, func(a, b answer) int {
		left, _ := a["name"].(string)
		right, _ := b["name"].(string)
		return cmp.Compare(left, right)
	})
	return all
}
