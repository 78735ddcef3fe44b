package slacktest

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

func (s *Server) historyMethods() map[string]method {
	return map[string]method{
		"conversations.info":    on(reading, tier3, channelInfo, "channel"),
		"conversations.list":    on(reading, tier2, listChannels),
		"users.conversations":   on(reading, tier3, listOwnChannels),
		"conversations.members": on(reading, tier4, listMembers, "channel"),
		"conversations.history": on(history, tier3, readHistory, "channel"),
		"conversations.replies": on(history, tier3, readReplies, "channel", "ts"),
	}
}

// conversation is reference/objects/conversation-object. Topic and purpose come escaped.
func (c *call) conversation(ch *Channel) answer {
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
	// is_group is true only for private channels from before March 2021, says the page.
	a["is_channel"], a["is_group"], a["is_mpim"] = true, false, false
	a["is_private"], a["is_general"], a["is_member"] = ch.Private, ch.General, ch.has(c.user)
	a["is_shared"], a["is_ext_shared"], a["is_pending_ext_shared"] = false, false, false
	a["unlinked"], a["previous_names"] = 0, append([]string{}, ch.PreviousNames...)
	a["topic"] = answer{"value": escape(ch.Topic), "creator": "", "last_set": 0}
	a["purpose"] = answer{"value": escape(ch.Purpose), "creator": "", "last_set": 0}
	return a
}

// channelInfo: reference/methods/conversations.info.
func channelInfo(c *call) answer {
	ch, refused := c.channel("channel", reading(c.kind))
	if refused != nil {
		return refused
	}
	a := c.conversation(ch)
	if c.args.boolean("include_num_members") {
		a["num_members"] = len(ch.Members)
	}
	return answer{"channel": a}
}

func listChannels(c *call) answer    { return c.list(false) }
func listOwnChannels(c *call) answer { return c.list(true) }

// list: reference/methods/conversations.list, and users.conversations for those that the caller is in.
func (c *call) list(own bool) answer {
	types := c.args.list("types")
	if len(types) == 0 {
		types = []string{"public_channel"}
	}
	for _, t := range types {
		needed, known := map[string]string{
			"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read",
		}[t]
		if !known {
			return refuse("invalid_types")
		}
		if !c.has(needed) {
			return c.missing(needed)
		}
	}
	member := c.user
	if user := c.args["user"]; own && user != "" {
		member = user
	}
	var found []answer
	for _, ch := range c.channels {
		kind := "public_channel"
		if ch.Direct {
			kind = "im"
		} else if ch.Private {
			kind = "private_channel"
		}
		hidden := kind != "public_channel" && !ch.has(c.user)
		if !slices.Contains(types, kind) || hidden || own && !ch.has(member) {
			continue
		}
		if ch.Archived && c.args.boolean("exclude_archived") {
			continue
		}
		a := c.conversation(ch)
		if !own {
			a["num_members"] = len(ch.Members)
		}
		found = append(found, a)
	}
	from, to, next, refused := c.page(len(found), 100, mostListed)
	if refused != nil {
		return refused
	}
	return answer{"channels": append([]answer{}, found[from:to]...), "response_metadata": answer{"next_cursor": next}}
}

// listMembers: reference/methods/conversations.members.
func listMembers(c *call) answer {
	ch, refused := c.channel("channel", reading(c.kind))
	if refused != nil {
		return refused
	}
	from, to, next, refused := c.page(len(ch.Members), 100, mostListed)
	if refused != nil {
		return refused
	}
	members := append([]string{}, ch.Members[from:to]...)
	return answer{"members": members, "response_metadata": answer{"next_cursor": next}}
}

func validTS(ts string) bool { return regexp.MustCompile(`^\d{1,12}(\.\d{1,6})?$`).MatchString(ts) }

// compareTS orders timestamps, whose fractions may be shorter in an argument.
func compareTS(a, b string) int {
	normal := func(ts string) string {
		seconds, fraction, _ := strings.Cut(ts, ".")
		return strings.Repeat("0", 12-len(seconds)) + seconds + "." + fraction + strings.Repeat("0", 6-len(fraction))
	}
	return cmp.Compare(normal(a), normal(b))
}

// span checks oldest and latest and says whether a timestamp lies between them.
func (c *call) span() (within func(ts string) bool, refused answer) {
	oldest, latest, inclusive := c.args["oldest"], c.args["latest"], c.args.boolean("inclusive")
	if oldest != "" && !validTS(oldest) {
		return nil, refuse("invalid_ts_oldest")
	}
	if latest != "" && !validTS(latest) {
		return nil, refuse("invalid_ts_latest")
	}
	return func(ts string) bool {
		if oldest != "" {
			if order := compareTS(ts, oldest); order < 0 || order == 0 && !inclusive {
				return false
			}
		}
		if latest != "" {
			if order := compareTS(ts, latest); order > 0 || order == 0 && !inclusive {
				return false
			}
		}
		return true
	}, nil
}

// readHistory: reference/methods/conversations.history. Newest first; replies are left out unless they were broadcast.
// With oldest and no latest the page that comes first is the one next to oldest, so that one has to go on by cursor: the
// page of the older channels.history said so ("closest to oldest"), and the present one does not take it back.
func readHistory(c *call) answer {
	ch, refused := c.channel("channel", history(c.kind))
	if refused != nil {
		return refused
	}
	if !ch.has(c.user) && c.kind == "bot" {
		return refuse("not_in_channel") // "only user tokens can access public channels they are not in"
	}
	within, refused := c.span()
	if refused != nil {
		return refused
	}
	var found []*Message
	for _, m := range c.messages {
		top := m.ThreadTS == "" || m.ThreadTS == m.TS || m.Broadcast
		if m.Channel == ch.ID && !m.Deleted && top && within(m.TS) {
			found = append(found, m)
		}
	}
	forward := c.args["oldest"] != "" && c.args["latest"] == ""
	if !forward {
		slices.Reverse(found)
	}
	from, to, next, refused := c.page(len(found), 100, mostListed)
	if refused != nil {
		return refused
	}
	page := slices.Clone(found[from:to])
	if forward {
		slices.Reverse(page)
	}
	return c.messagePage(page, next)
}

// readReplies: reference/methods/conversations.replies. The parent comes first, then its replies, oldest first.
func readReplies(c *call) answer {
	ch, refused := c.channel("channel", history(c.kind))
	if refused != nil {
		return refused
	}
	if !ch.has(c.user) && c.kind == "bot" {
		return refuse("not_in_channel")
	}
	within, refused := c.span()
	if refused != nil {
		return refused
	}
	start := c.message(ch.ID, c.args["ts"])
	if start == nil || start.Deleted && c.replies(start) == 0 {
		return refuse("thread_not_found")
	}
	parent := cmp.Or(start.ThreadTS, start.TS)
	var found []*Message
	for _, m := range c.messages {
		inThread := m.TS == parent || m.ThreadTS == parent
		if m.Channel == ch.ID && inThread && !m.Deleted && (m.TS == parent || within(m.TS)) {
			found = append(found, m)
		}
	}
	from, to, next, refused := c.page(len(found), 1000, 1000)
	if refused != nil {
		return refused
	}
	return c.messagePage(found[from:to], next)
}

func (c *call) messagePage(page []*Message, next string) answer {
	messages := []answer{}
	for _, m := range page {
		messages = append(messages, c.show(m, c.args.boolean("include_all_metadata")))
	}
	a := answer{"messages": messages, "has_more": next != "", "response_metadata": answer{"next_cursor": next}}
	return a
}

func (w *world) replies(parent *Message) (n int) {
	for _, m := range w.messages {
		if m.Channel == parent.Channel && m.ThreadTS == parent.TS && m.TS != parent.TS && !m.Deleted {
			n++
		}
	}
	return n
}

// show is a message as history has it (messaging/retrieving-messages). Metadata comes only when it was asked for
// (include_all_metadata on reference/methods/conversations.history).
func (s *Server) show(m *Message, metadata bool) answer {
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
	if n := s.replies(m); n > 0 {
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
		a["reactions"] = reactionList(m)
	}
	return a
}

// decodeObject reads an argument that must be a JSON object.
func decodeObject(text string) (map[string]json.RawMessage, bool) {
	var object map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &object)
	return object, err == nil && object != nil
}
