package bot

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// Message is one message of an incident's conversation, as people read it.
type Message struct {
	Key    string    `json:"-"`
	Seq    int       `json:"-"`
	At     time.Time `json:"at"`
	Person string    `json:"person,omitempty"` // "" for a guest and for Tocsin itself
	Name   string    `json:"name"`
	Text   string    `json:"text"`
	Via    string    `json:"via,omitempty"` // the platform it was said on, if not here
	// What became of it since.
	Edited  bool `json:"edited,omitempty"`
	Deleted bool `json:"deleted,omitempty"`
	// Tocsin's own: it is about the events from Event to Through. 0: a person wrote it.
	Event   int `json:"event,omitempty"`
	Through int `json:"through,omitempty"`
}

// builtinPost is a post into a conversation of our own, about events that have just
// happened.
func (e *Engine) builtinMessage(key string, d workflow.Post, events []workflow.Event) (StoredMessage, error) {
	through := max(d.Seq, d.Through)
	told := slices.DeleteFunc(slices.Clone(events), func(e workflow.Event) bool { return e.Seq < d.Seq || e.Seq > through })
	return newPostMessage(e.Now(), card.Post(told, e.View(nil)), d.Seq, through).Encode(key)
}

func newPostMessage(at time.Time, m card.Content, event, through int) Message {
	return Message{At: at, Name: m.Title, Text: m.Text, Event: event, Through: through}
}

// Stored is the message as a store keeps it, under a key.
func (r Message) Encode(key string) (StoredMessage, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return StoredMessage{}, fmt.Errorf("keep a message: %w", err)
	}
	return StoredMessage{Key: key, Body: body}, nil
}
