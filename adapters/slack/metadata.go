package slack

import (
	"github.com/slack-go/slack"
)

// eventType names the metadata of messages (docs.slack.dev/messaging/message-metadata).
const eventType = "tocsin_written"

// metadata returns the metadata with which a message is found again: the mark of the
// installation, because another one may have an incident with the same ID and write
// into the same conversation, and the key; of several pages, all keys. A list holds
// objects: Slack takes no other
// (docs.slack.dev/tools/node-slack-sdk/reference/types/interfaces/MessageMetadata).
func (o outgoing) metadata(mark string) slack.SlackMetadata {
	payload := map[string]any{"key": o.key, "mark": mark}
	if len(o.keys) > 1 {
		all := make([]any, 0, len(o.keys))
		for _, key := range o.keys {
			all = append(all, map[string]any{"key": key})
		}
		payload["keys"] = all
	}
	return slack.SlackMetadata{EventType: eventType, EventPayload: payload}
}

// isWrittenFor reports whether this installation has written a message for a key. A
// message of another app is not its own, whatever its metadata says. One without a
// mark is of an earlier version: in the room of an incident it is this installation's,
// in a conversation that others write into too it could be anyone's.
func (m *Messages) isWrittenFor(one *slack.Message, o outgoing) bool {
	payload := one.Metadata.EventPayload
	if one.Metadata.EventType != eventType || !hasKey(payload, o.key) {
		return false
	}
	if self, ok := m.api.KnownIdentity(); ok && self.Bot != "" && one.BotID != self.Bot {
		return false
	}
	if mark, ok := payload["mark"]; ok {
		return mark == m.api.cfg.Mark
	}
	return o.own
}

// IsForeign reports whether another installation has written a message: its incidents have
// the same IDs as this one's.
func (m *Messages) IsForeign(one *slack.Message) bool {
	mark, ok := one.Metadata.EventPayload["mark"]
	return one.Metadata.EventType == eventType && ok && mark != m.api.cfg.Mark
}

// hasKey reports whether the metadata of a message holds a key.
func hasKey(payload map[string]any, key string) bool {
	if payload["key"] == key {
		return true
	}
	all, _ := payload["keys"].([]any)
	for _, one := range all {
		object, ok := one.(map[string]any)
		if ok && object["key"] == key || one == key { // texts are of an earlier version
			return true
		}
	}
	return false
}

// isBundle reports whether a message was written for several keys.
func isBundle(m *slack.Message) bool {
	all, _ := m.Metadata.EventPayload["keys"].([]any)
	return len(all) > 0
}
