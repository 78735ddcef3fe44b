package slacktest

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// Slack cuts text at 40,000 characters (changelog/2018-truncating-really-long-messages); here it is refused, with the
	// code that older pages have: no test should rely on being cut.
	longestText = 40_000
	// "The text field cannot exceed 4,000 characters" (msg_too_long on reference/methods/chat.update).
	longestUpdate = 4_000
	// metadata_too_large has no figure on any page; this is well below what has been seen to work.
	largestMetadata = 8_000
)

func (s *Server) chatMethods() map[string]method {
	writes := []string{"chat:write"}
	return map[string]method{
		// The limit of posting is by channel, and is looked at in the method.
		"chat.postMessage":   {do: postMessage, bot: writes, required: []string{"channel"}, json: true},
		"chat.postEphemeral": {do: postEphemeral, perMinute: tier4, bot: writes, required: []string{"channel", "user"}, json: true},
		"chat.update":        {do: updateMessage, perMinute: tier3, bot: writes, required: []string{"channel", "ts"}, json: true},
		"chat.delete":        {do: deleteMessage, perMinute: tier3, bot: writes, required: []string{"channel", "ts"}, json: true},
		"chat.getPermalink":  {do: getPermalink, perMinute: hundreds, required: []string{"channel", "message_ts"}},
	}
}

// content is what a message says, checked.
type content struct {
	text     string
	blocks   json.RawMessage
	metadata *Metadata
}

// content checks text, blocks and metadata (the error lists of reference/methods/chat.postMessage and chat.update).
func (c *call) content(longest int) (content, answer) {
	text, metadata := c.args["text"], c.args["metadata"]
	for _, name := range []string{"attachments", "markdown_text"} {
		if given := c.args[name]; given != "" && given != "[]" {
			return content{}, refuse("slacktest_does_not_know_" + name)
		}
	}
	var found content
	if blocks := c.args["blocks"]; blocks != "" && blocks != "[]" {
		if refused := checkMessageBlocks(blocks); refused != nil {
			return content{}, refused
		}
		found.blocks = json.RawMessage(blocks)
	}
	if !utf8.ValidString(text) {
		return content{}, invalid("text is not UTF-8")
	}
	if utf8.RuneCountInString(text) > longest {
		return content{}, refuse("msg_too_long")
	}
	if strings.TrimSpace(text) == "" && found.blocks == nil {
		return content{}, refuse("no_text")
	}
	found.text = normalize(text)
	if metadata != "" && metadata != "{}" {
		m, code := checkMetadata(metadata)
		if code != "" {
			return content{}, refuse(code)
		}
		found.metadata = m
	}
	return found, nil
}

// checkMetadata: messaging/message-metadata. event_type is an alphanumeric string (underscores are in every example);
// event_payload is an object whose values are texts, numbers, booleans, or objects and lists of those.
func checkMetadata(text string) (found *Metadata, code string) {
	object, ok := decodeObject(text)
	if !ok {
		return nil, "invalid_metadata_format"
	}
	for name := range object {
		if name != "event_type" && name != "event_payload" {
			return nil, "invalid_metadata_format"
		}
	}
	var m Metadata
	if json.Unmarshal(object["event_type"], &m.EventType) != nil || object["event_payload"] == nil {
		return nil, "invalid_metadata_format"
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`).MatchString(m.EventType) {
		return nil, "invalid_metadata_schema"
	}
	payload, ok := decodeObject(string(object["event_payload"]))
	if !ok {
		return nil, "invalid_metadata_schema"
	}
	for name, value := range payload {
		if name == "" || string(value) == "null" {
			return nil, "invalid_metadata_schema"
		}
	}
	if len(text) > largestMetadata {
		return nil, "metadata_too_large"
	}
	m.EventPayload = object["event_payload"]
	return &m, ""
}

// destination finds where to post: a channel's ID, its name with or without #, or a person's ID, whose direct message
// is then opened (reference/methods/chat.postMessage, "Post to a channel" and "Post to a DM").
func (c *call) destination() (*Channel, answer) {
	where := c.args["channel"]
	if u := c.users[where]; u != nil {
		ch, _, refused := c.direct(where)
		if refused != nil {
			return nil, refuse("channel_not_found")
		}
		return ch, nil
	}
	ch := c.find(where)
	if ch == nil || (ch.Private || ch.Direct) && !ch.has(c.user) {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}

// mayPost says why a message may not go to a channel. Without chat:write.public one has to be a member
// (reference/scopes/chat.write.public).
func (c *call) mayPost(ch *Channel) answer {
	switch {
	case ch.Archived:
		return refuse("is_archived")
	case !ch.has(c.user) && !c.has("chat:write.public"):
		return refuse("not_in_channel")
	}
	return nil
}

// thread checks thread_ts: the timestamp of a message that stands in the channel itself ("avoid using a reply's ts
// value; use its parent instead").
func (c *call) thread(ch *Channel) (string, answer) {
	ts := c.args["thread_ts"]
	if ts == "" {
		return "", nil
	}
	parent := c.message(ch.ID, ts)
	switch {
	case parent == nil, parent.Deleted && c.replies(parent) == 0:
		return "", refuse("thread_not_found")
	case parent.ThreadTS != "" && parent.ThreadTS != ts:
		return "", refuse("cannot_reply_to_message")
	case parent.Subtype != "":
		return "", refuse("cannot_reply_to_message")
	}
	return ts, nil
}

// postMessage: reference/methods/chat.postMessage. It knows no idempotency: the same call twice is two messages.
func postMessage(c *call) answer {
	ch, refused := c.destination()
	if refused != nil {
		return refused
	}
	if !c.options.Unlimited {
		if wait := c.limit.post(ch.ID, c.now()); wait > 0 {
			return c.limited(wait)
		}
		if wait := c.limit.take("chat.postMessage", severalHundred, c.now()); wait > 0 {
			return c.limited(wait)
		}
	}
	if no := c.mayPost(ch); no != nil {
		return no
	}
	said, refused := c.content(longestText)
	if refused != nil {
		return refused
	}
	thread, refused := c.thread(ch)
	if refused != nil {
		return refused
	}
	m := c.say(ch, &Message{
		User: c.user, Text: said.text, Blocks: said.blocks, Metadata: said.metadata,
		ThreadTS: thread, Broadcast: thread != "" && c.args.boolean("reply_broadcast"), BotID: c.botID(),
	})
	return answer{"channel": ch.ID, "ts": m.TS, "message": c.show(m, true)}
}

func (c *call) botID() string {
	if c.kind == "bot" {
		return c.BotID
	}
	return ""
}

// say puts a message into a channel and tells the app of it, whoever it is from (reference/events/message).
func (s *Server) say(ch *Channel, m *Message) *Message {
	m.Channel, m.TS = ch.ID, s.timestamp()
	s.messages = append(s.messages, m)
	s.emit(ch, "message", s.show(m, true))
	return m
}

// system is what Slack itself writes into a channel (reference/events/message, "Message subtypes").
func (s *Server) system(ch *Channel, user, subtype, text string) {
	if !ch.Direct {
		s.say(ch, &Message{User: user, Subtype: subtype, Text: text})
	}
}

// postEphemeral: reference/methods/chat.postEphemeral.
func postEphemeral(c *call) answer {
	ch, refused := c.destination()
	if refused != nil {
		return refused
	}
	switch {
	case ch.Archived:
		return refuse("is_archived")
	case !ch.has(c.user):
		return refuse("not_in_channel")
	case !ch.has(c.args["user"]):
		return refuse("user_not_in_channel")
	}
	said, refused := c.content(longestText)
	if refused != nil {
		return refused
	}
	thread, refused := c.thread(ch)
	if refused != nil {
		return refused
	}
	ts := c.timestamp()
	c.ephemerals = append(c.ephemerals, Ephemeral{ch.ID, c.args["user"], ts, thread, said.text, said.blocks})
	return answer{"message_ts": ts}
}

// own finds a message of the caller's by ID of its channel and timestamp; a person's ID is no channel here ("ensure
// that this value is a DM ID").
func (c *call) own(denied string) (*Channel, *Message, answer) {
	ch, refused := c.channel("channel", family{})
	if refused != nil {
		return nil, nil, refused
	}
	m := c.message(ch.ID, c.args["ts"])
	switch {
	case m == nil || m.Deleted:
		return nil, nil, refuse("message_not_found")
	case m.User != c.user || m.BotID != c.botID() || m.Subtype != "":
		return nil, nil, refuse(denied)
	}
	return ch, m, nil
}

// updateMessage: reference/methods/chat.update. Text without blocks takes the blocks away; metadata that is not given
// stays, and {} takes it away; "edited" is shown only when there are no blocks.
func updateMessage(c *call) answer {
	ch, m, refused := c.own("cant_update_message")
	if refused != nil {
		return refused
	}
	if ch.Archived {
		return refuse("is_inactive")
	}
	if c.args["thread_ts"] != "" {
		return invalid("a message cannot be moved into a thread")
	}
	said, refused := c.content(longestUpdate)
	if refused != nil {
		return refused
	}
	if _, given := c.args["text"]; given {
		m.Text, m.Blocks = said.text, said.blocks
	} else {
		m.Blocks = said.blocks
	}
	m.Edits++
	m.Edited = m.Edited || said.blocks == nil
	switch {
	case said.metadata != nil:
		m.Metadata = said.metadata
	case c.args["metadata"] == "{}":
		m.Metadata = nil
	}
	c.emit(ch, "message", c.changeOf(m))
	return answer{"channel": ch.ID, "ts": m.TS, "text": m.Text, "message": c.show(m, true)}
}

// changeOf is reference/events/message/message_changed.
func (s *Server) changeOf(m *Message) answer {
	return answer{"subtype": "message_changed", "hidden": true, "ts": s.timestamp(), "message": s.show(m, true)}
}

// deleteMessage: reference/methods/chat.delete.
func deleteMessage(c *call) answer {
	ch, m, refused := c.own("cant_delete_message")
	if refused != nil {
		return refused
	}
	c.remove(ch, m)
	return answer{"channel": ch.ID, "ts": m.TS}
}

func (s *Server) remove(ch *Channel, m *Message) {
	before := s.show(m, true)
	m.Deleted, m.Pinned = true, false
	s.emit(ch, "message", deletion(m, before, s.timestamp()))
}

// getPermalink: reference/methods/chat.getPermalink. It needs no scope.
func getPermalink(c *call) answer {
	ch, refused := c.channel("channel", family{})
	if refused != nil {
		return refused
	}
	m := c.message(ch.ID, c.args["message_ts"])
	if m == nil || m.Deleted {
		return refuse("message_not_found")
	}
	link := "https://tocsin-test.slack.com/archives/" + ch.ID + "/p" + strings.ReplaceAll(m.TS, ".", "")
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + ch.ID
	}
	return answer{"channel": ch.ID, "permalink": link}
}

// reactionList has the shape of reference/methods/reactions.get.
func reactionList(m *Message) []answer {
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
