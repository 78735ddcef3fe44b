package slacktest

import (
	"cmp"
	"slices"
	"strings"
)

// encodeChannel returns a conversation as reference/objects/conversation-object describes it. Topic and purpose are escaped.
func (c *call) encodeChannel(ch *Channel) answer {
	a := answer{
		"id": ch.ID, "created": ch.Created.Unix(), "updated": ch.Created.UnixMilli(), "is_im": ch.Direct,
		"is_archived": ch.Archived, "is_org_shared": false, "context_team_id": c.TeamID,
	}
	if ch.Direct {
		other := slices.IndexFunc(ch.Members, func(m string) bool { return m != c.user })
		a["user"] = ch.Members[max(other, 0)]
		return a
	}
	a["name"], a["name_normalized"] = ch.Name, ch.Name
	a["creator"] = ch.Creator
	// The page says that is_group is true only for private channels created before March 2021.
	a["is_channel"], a["is_group"], a["is_mpim"] = true, false, false
	a["is_private"], a["is_general"], a["is_member"] = ch.Private, ch.General, ch.hasMember(c.user)
	a["is_shared"], a["is_ext_shared"], a["is_pending_ext_shared"] = false, false, false
	a["unlinked"], a["previous_names"] = 0, append([]string{}, ch.PreviousNames...)
	a["topic"] = answer{"value": escape(ch.Topic), "creator": "", "last_set": 0}
	a["purpose"] = answer{"value": escape(ch.Purpose), "creator": "", "last_set": 0}
	return a
}

// channelInfo handles conversations.info.
func channelInfo(c *call) answer {
	a := c.encodeChannel(c.ch)
	if c.args.boolean("include_num_members") {
		a["num_members"] = len(c.ch.Members)
	}
	return answer{"channel": a}
}

// listChannels handles conversations.list, and users.conversations, which lists only the conversations that the caller or
// another user is in.
func listChannels(c *call) answer {
	own := c.method == "users.conversations"
	types := c.args.list("types")
	if len(types) == 0 {
		types = []string{"public_channel"}
	}
	scopes := map[string]string{
		"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read",
	}
	for _, t := range types {
		if refused := c.requireScope(scopes[t]); refused != nil {
			return refused
		}
	}
	member := cmp.Or(c.args["user"], c.user)
	found := []answer{}
	for _, ch := range c.channels {
		kind := "public_channel"
		if ch.Direct {
			kind = "im"
		} else if ch.Private {
			kind = "private_channel"
		}
		hidden := kind != "public_channel" && !ch.hasMember(c.user)
		if !slices.Contains(types, kind) || hidden || own && !ch.hasMember(member) {
			continue
		}
		if ch.Archived && c.args.boolean("exclude_archived") {
			continue
		}
		a := c.encodeChannel(ch)
		if !own {
			a["num_members"] = len(ch.Members)
		}
		found = append(found, a)
	}
	some, next, refused := paginate(c, found, 100)
	if refused != nil {
		return refused
	}
	return answer{"channels": some, "response_metadata": answer{"next_cursor": next}}
}

// listMembers handles conversations.members.
func listMembers(c *call) answer {
	some, next, refused := paginate(c, c.ch.Members, 100)
	if refused != nil {
		return refused
	}
	return answer{"members": append([]string{}, some...), "response_metadata": answer{"next_cursor": next}}
}

// compareTimestamps compares two timestamps. In an argument the fraction may have fewer digits.
func compareTimestamps(a, b string) int {
	normal := func(ts string) string {
		seconds, fraction, _ := strings.Cut(ts, ".")
		return strings.Repeat("0", 12-len(seconds)) + seconds + "." + fraction + strings.Repeat("0", 6-len(fraction))
	}
	return cmp.Compare(normal(a), normal(b))
}

// isInRange reports whether a timestamp lies between the arguments oldest and latest.
func (c *call) isInRange(ts string) bool {
	minOrder := 1 // of a comparison: strictly later
	if c.args.boolean("inclusive") {
		minOrder = 0
	}
	oldest, latest := c.args["oldest"], c.args["latest"]
	return (oldest == "" || compareTimestamps(ts, oldest) >= minOrder) && (latest == "" || compareTimestamps(latest, ts) >= minOrder)
}

// readHistory handles conversations.history: newest first, without replies unless they were broadcast. With oldest and without
// latest the first page is the one next to oldest, and the cursor leads to newer ones: the documentation of the former
// channels.history said so ("closest to oldest"), and the current one does not contradict it.
func readHistory(c *call) answer {
	var found []*Message
	for _, m := range c.messages {
		top := m.ThreadTS == "" || m.ThreadTS == m.TS || m.Broadcast
		if m.Channel == c.ch.ID && !m.Deleted && top && c.isInRange(m.TS) {
			found = append(found, m)
		}
	}
	forward := c.args["oldest"] != "" && c.args["latest"] == ""
	if !forward {
		slices.Reverse(found)
	}
	some, next, refused := paginate(c, found, 100)
	if refused != nil {
		return refused
	}
	if forward {
		slices.Reverse(some)
	}
	return c.answerMessages(some, next)
}

// readReplies handles conversations.replies: the parent first, then its replies, oldest first.
func readReplies(c *call) answer {
	start := c.findMessage(c.ch.ID, c.args["ts"])
	if start == nil || start.Deleted && c.countReplies(start) == 0 {
		return refuse("thread_not_found")
	}
	parent := cmp.Or(start.ThreadTS, start.TS)
	var found []*Message
	for _, m := range c.messages {
		inThread := m.TS == parent || m.ThreadTS == parent && c.isInRange(m.TS)
		if m.Channel == c.ch.ID && inThread && !m.Deleted {
			found = append(found, m)
		}
	}
	some, next, refused := paginate(c, found, 1000)
	if refused != nil {
		return refused
	}
	return c.answerMessages(some, next)
}

// answerMessages returns the answer with one page of messages.
func (c *call) answerMessages(some []*Message, next string) answer {
	messages := []answer{}
	for _, m := range some {
		messages = append(messages, c.encodeMessage(m, c.args.boolean("include_all_metadata")))
	}
	return answer{"messages": messages, "has_more": next != "", "response_metadata": answer{"next_cursor": next}}
}

// countReplies returns how many replies a message has, without deleted ones.
func (w *workspace) countReplies(parent *Message) (n int) {
	for _, m := range w.messages {
		if m.Channel == parent.Channel && m.ThreadTS == parent.TS && m.TS != parent.TS && !m.Deleted {
			n++
		}
	}
	return n
}

// encodeMessage returns a message as in a conversation's history (messaging/retrieving-messages), with its metadata if that
// is asked for (include_all_metadata on reference/methods/conversations.history).
func (s *Server) encodeMessage(m *Message, metadata bool) answer {
	a := answer{"type": "message", "ts": m.TS, "text": m.Text, "user": m.User, "team": s.TeamID}
	if m.Subtype != "" {
		a["subtype"] = m.Subtype
	}
	if m.BotID != "" {
		a["bot_id"], a["app_id"] = m.BotID, s.AppID
		a["bot_profile"] = answer{"id": m.BotID, "app_id": s.AppID, "name": "tocsin", "team_id": s.TeamID}
	}
	if len(m.Blocks) > 0 {
		a["blocks"] = m.Blocks
	}
	if m.ThreadTS != "" {
		a["thread_ts"] = m.ThreadTS
	}
	if n := s.countReplies(m); n > 0 {
		a["thread_ts"], a["reply_count"] = m.TS, n
	}
	if m.Metadata != nil && metadata {
		a["metadata"] = m.Metadata
	}
	if m.Edited {
		a["edited"] = answer{"user": m.User, "ts": m.TS}
	}
	if m.Pinned {
		a["pinned_to"] = []string{m.Channel}
	}
	if len(m.Reactions) > 0 {
		a["reactions"] = encodeReactions(m)
	}
	return a
}
