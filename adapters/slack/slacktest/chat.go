package slacktest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// content is what a message says, checked.
type content struct {
	text     string
	blocks   json.RawMessage
	metadata *Metadata
}

// readContent reads text, blocks and metadata, which were checked.
func (c *call) readContent() content {
	said := content{text: normalize(c.args["text"])}
	if blocks := c.args["blocks"]; blocks != "" && blocks != "[]" {
		said.blocks = json.RawMessage(blocks)
	}
	if metadata := c.args["metadata"]; metadata != "" && metadata != "{}" {
		said.metadata = &Metadata{}
		if err := json.Unmarshal([]byte(metadata), said.metadata); err != nil {
			panic("slacktest: metadata was checked, and yet: " + err.Error())
		}
	}
	return said
}

// findThread finds the parent that thread_ts names, a message that stands in the channel itself ("avoid using a reply's ts
// value; use its parent instead").
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

// postMessage knows no idempotency: the same call twice is two messages.
func postMessage(c *call) answer {
	thread, refused := c.findThread()
	if refused != nil {
		return refused
	}
	said := c.readContent()
	m := c.addMessage(c.ch, &Message{
		User: c.user, Text: said.text, Blocks: said.blocks, Metadata: said.metadata,
		ThreadTS: thread, Broadcast: thread != "" && c.args.boolean("reply_broadcast"), BotID: c.botID(),
	})
	return answer{"channel": c.ch.ID, "ts": m.TS, "message": c.encodeMessage(m, true)}
}

func (c *call) botID() string {
	if c.kind == "bot" {
		return c.BotID
	}
	return ""
}

// addMessage puts a message into a channel and tells the app of it, whoever it is from (reference/events/message).
func (s *Server) addMessage(ch *Channel, m *Message) *Message {
	m.Channel, m.TS = ch.ID, s.newTimestamp()
	s.messages = append(s.messages, m)
	s.emit(ch, "message", s.encodeMessage(m, true))
	return m
}

// addSystemMessage is what Slack itself writes into a channel (reference/events/message, "Message subtypes").
func (s *Server) addSystemMessage(ch *Channel, user, subtype, text string) {
	if !ch.Direct {
		s.addMessage(ch, &Message{User: user, Subtype: subtype, Text: text})
	}
}

func postEphemeral(c *call) answer {
	thread, refused := c.findThread()
	if refused != nil {
		return refused
	}
	said, ts := c.readContent(), c.newTimestamp()
	c.ephemerals = append(c.ephemerals, Ephemeral{c.ch.ID, c.args["user"], ts, thread, said.text, said.blocks})
	return answer{"message_ts": ts}
}

// updateMessage: text without blocks takes the blocks away; metadata that is not given stays, and {} takes it away;
// "edited" is shown only when there are no blocks (reference/methods/chat.update).
func updateMessage(c *call) answer {
	m, said := c.m, c.readContent()
	if _, given := c.args["text"]; given {
		m.Text = said.text
	}
	m.Blocks = said.blocks
	m.Edits++
	m.Edited = m.Edited || said.blocks == nil
	if said.metadata != nil || c.args["metadata"] == "{}" {
		m.Metadata = said.metadata
	}
	c.emit(c.ch, "message", c.newChangeEvent(m))
	return answer{"channel": c.ch.ID, "ts": m.TS, "text": m.Text, "message": c.encodeMessage(m, true)}
}

// newChangeEvent is reference/events/message/message_changed.
func (s *Server) newChangeEvent(m *Message) answer {
	return answer{"subtype": "message_changed", "hidden": true, "ts": s.newTimestamp(), "message": s.encodeMessage(m, true)}
}

func deleteMessage(c *call) answer {
	c.removeMessage(c.ch, c.m)
	return answer{"channel": c.ch.ID, "ts": c.m.TS}
}

func (s *Server) removeMessage(ch *Channel, m *Message) {
	before := s.encodeMessage(m, true)
	m.Deleted, m.Pinned = true, false
	s.emit(ch, "message", newDeletionEvent(m, before, s.newTimestamp()))
}

func getPermalink(c *call) answer {
	link := permalinkOf(c.m)
	if c.m.ThreadTS != "" && c.m.ThreadTS != c.m.TS {
		link += "?thread_ts=" + c.m.ThreadTS + "&cid=" + c.ch.ID
	}
	return answer{"channel": c.ch.ID, "permalink": link}
}

func permalinkOf(m *Message) string {
	return "https://tocsin-test.slack.com/archives/" + m.Channel + "/p" + strings.ReplaceAll(m.TS, ".", "")
}

// encodeReactions has the shape of reference/methods/reactions.get.
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
