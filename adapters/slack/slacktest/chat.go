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

// content reads text, blocks and metadata, which were checked.
func (c *call) content() content {
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

// thread finds the parent that thread_ts names, a message that stands in the channel itself ("avoid using a reply's ts
// value; use its parent instead").
func (c *call) thread() (ts string, refused answer) {
	ts = c.args["thread_ts"]
	if ts == "" {
		return "", nil
	}
	parent := c.message(c.ch.ID, ts)
	switch {
	case parent == nil, parent.Deleted && c.replies(parent) == 0:
		return "", refuse("thread_not_found")
	case parent.ThreadTS != "" && parent.ThreadTS != ts, parent.Subtype != "":
		return "", refuse("cannot_reply_to_message")
	}
	return ts, nil
}

// postMessage knows no idempotency: the same call twice is two messages.
func postMessage(c *call) answer {
	thread, refused := c.thread()
	if refused != nil {
		return refused
	}
	said := c.content()
	m := c.say(c.ch, &Message{
		User: c.user, Text: said.text, Blocks: said.blocks, Metadata: said.metadata,
		ThreadTS: thread, Broadcast: thread != "" && c.args.boolean("reply_broadcast"), BotID: c.botID(),
	})
	return answer{"channel": c.ch.ID, "ts": m.TS, "message": c.show(m, true)}
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

func postEphemeral(c *call) answer {
	thread, refused := c.thread()
	if refused != nil {
		return refused
	}
	said, ts := c.content(), c.timestamp()
	c.ephemerals = append(c.ephemerals, Ephemeral{c.ch.ID, c.args["user"], ts, thread, said.text, said.blocks})
	return answer{"message_ts": ts}
}

// updateMessage: text without blocks takes the blocks away; metadata that is not given stays, and {} takes it away;
// "edited" is shown only when there are no blocks (reference/methods/chat.update).
func updateMessage(c *call) answer {
	m, said := c.m, c.content()
	if _, given := c.args["text"]; given {
		m.Text = said.text
	}
	m.Blocks = said.blocks
	m.Edits++
	m.Edited = m.Edited || said.blocks == nil
	if said.metadata != nil || c.args["metadata"] == "{}" {
		m.Metadata = said.metadata
	}
	c.emit(c.ch, "message", c.changeOf(m))
	return answer{"channel": c.ch.ID, "ts": m.TS, "text": m.Text, "message": c.show(m, true)}
}

// changeOf is reference/events/message/message_changed.
func (s *Server) changeOf(m *Message) answer {
	return answer{"subtype": "message_changed", "hidden": true, "ts": s.timestamp(), "message": s.show(m, true)}
}

func deleteMessage(c *call) answer {
	c.remove(c.ch, c.m)
	return answer{"channel": c.ch.ID, "ts": c.m.TS}
}

func (s *Server) remove(ch *Channel, m *Message) {
	before := s.show(m, true)
	m.Deleted, m.Pinned = true, false
	s.emit(ch, "message", deletion(m, before, s.timestamp()))
}

func getPermalink(c *call) answer {
	link := permalink(c.m)
	if c.m.ThreadTS != "" && c.m.ThreadTS != c.m.TS {
		link += "?thread_ts=" + c.m.ThreadTS + "&cid=" + c.ch.ID
	}
	return answer{"channel": c.ch.ID, "permalink": link}
}

func permalink(m *Message) string {
	return "https://tocsin-test.slack.com/archives/" + m.Channel + "/p" + strings.ReplaceAll(m.TS, ".", "")
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
