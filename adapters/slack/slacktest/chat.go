package slacktest

import (
	"encoding/json"
	"strings"
)

// content is the content of a message: text, blocks and metadata.
type content struct {
	text     string
	blocks   json.RawMessage
	metadata *Metadata
}

// readContent returns the content of a message from arguments that have been checked.
func (c *call) readContent() content {
	read := content{text: normalize(c.args["text"])}
	if blocks := c.args["blocks"]; blocks != "" && blocks != "[]" {
		read.blocks = json.RawMessage(blocks)
	}
	if metadata := c.args["metadata"]; metadata != "" && metadata != "{}" {
		read.metadata = &Metadata{}
		if err := json.Unmarshal([]byte(metadata), read.metadata); err != nil {
			panic("slacktest: decode metadata that has been checked: " + err.Error())
		}
	}
	return read
}

// findThread returns thread_ts if it names a message that can have replies. A reply cannot: "avoid using a reply's ts value;
// use its parent instead" (reference/methods/chat.postMessage).
func (c *call) findThread() (ts string, refused answer) {
	ts = c.args["thread_ts"]
	if ts == "" {
		return "", nil
	}
	parent := c.findMessage(c.ch.ID, ts)
	switch {
	case parent == nil, parent.Deleted && c.countReplies(parent) == 0:
		return "", refuse("thread_not_found")
	case parent.ThreadTS != "" && parent.ThreadTS != ts, parent.Subtype != "":
		return "", refuse("cannot_reply_to_message")
	}
	return ts, nil
}

// postMessage handles chat.postMessage. Slack does not deduplicate it: the same call twice posts two messages.
func postMessage(c *call) answer {
	thread, refused := c.findThread()
	if refused != nil {
		return refused
	}
	posted := c.readContent()
	m := c.addMessage(c.ch, &Message{
		User: c.user, Text: posted.text, Blocks: posted.blocks, Metadata: posted.metadata,
		ThreadTS: thread, Broadcast: thread != "" && c.args.boolean("reply_broadcast"), BotID: c.botID(),
	})
	return answer{"channel": c.ch.ID, "ts": m.TS, "message": c.encodeMessage(m, true)}
}

// botID returns the ID of the app's bot if the token is the bot's, else nothing.
func (c *call) botID() string {
	if c.kind == "bot" {
		return c.BotID
	}
	return ""
}

// addMessage adds a message to a channel and sends the app its event, also for the app's own messages
// (reference/events/message).
func (s *Server) addMessage(ch *Channel, m *Message) *Message {
	m.Channel, m.TS = ch.ID, s.newTimestamp()
	s.messages = append(s.messages, m)
	s.emit(ch, "message", s.encodeMessage(m, true))
	return m
}

// addSystemMessage adds a message that Slack itself writes into a channel (reference/events/message, "Message subtypes").
func (s *Server) addSystemMessage(ch *Channel, user, subtype, text string) {
	if !ch.Direct {
		s.addMessage(ch, &Message{User: user, Subtype: subtype, Text: text})
	}
}

// postEphemeral handles chat.postEphemeral.
func postEphemeral(c *call) answer {
	thread, refused := c.findThread()
	if refused != nil {
		return refused
	}
	posted, ts := c.readContent(), c.newTimestamp()
	c.ephemerals = append(c.ephemerals, Ephemeral{c.ch.ID, c.args["user"], ts, thread, posted.text, posted.blocks})
	return answer{"message_ts": ts}
}

// updateMessage handles chat.update. Text without blocks removes the blocks. Metadata stays if the call has none, and {} removes
// it. "edited" is shown only for a message without blocks (reference/methods/chat.update).
func updateMessage(c *call) answer {
	m, updated := c.m, c.readContent()
	if _, ok := c.args["text"]; ok {
		m.Text = updated.text
	}
	m.Blocks = updated.blocks
	m.Edits++
	m.Edited = m.Edited || updated.blocks == nil
	if updated.metadata != nil || c.args["metadata"] == "{}" {
		m.Metadata = updated.metadata
	}
	c.emit(c.ch, "message", c.newChangeEvent(m))
	return answer{"channel": c.ch.ID, "ts": m.TS, "text": m.Text, "message": c.encodeMessage(m, true)}
}

// newChangeEvent returns the fields of the event of a message that has changed
// (reference/events/message/message_changed).
func (s *Server) newChangeEvent(m *Message) answer {
	return answer{"subtype": "message_changed", "hidden": true, "ts": s.newTimestamp(), "message": s.encodeMessage(m, true)}
}

// deleteMessage handles chat.delete.
func deleteMessage(c *call) answer {
	c.removeMessage(c.ch, c.m)
	return answer{"channel": c.ch.ID, "ts": c.m.TS}
}

// removeMessage deletes a message and sends the app its event.
func (s *Server) removeMessage(ch *Channel, m *Message) {
	before := s.encodeMessage(m, true)
	m.Deleted, m.Pinned = true, false
	s.emit(ch, "message", newDeletionEvent(m, before, s.newTimestamp()))
}

// getPermalink handles chat.getPermalink.
func getPermalink(c *call) answer {
	link := permalinkOf(c.m)
	if c.m.ThreadTS != "" && c.m.ThreadTS != c.m.TS {
		link += "?thread_ts=" + c.m.ThreadTS + "&cid=" + c.ch.ID
	}
	return answer{"channel": c.ch.ID, "permalink": link}
}

// permalinkOf returns the address of a message.
func permalinkOf(m *Message) string {
	return "https://tocsin-test.slack.com/archives/" + m.Channel + "/p" + strings.ReplaceAll(m.TS, ".", "")
}
