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
	Guest  string    `json:"guest,omitempty"`  // ID of a guest
	Name   string    `json:"name"`
	Text   string    `json:"text"`
	Via    string    `json:"via,omitempty"` // the platform that it was written on; "": the browser

	Edited  bool `json:"edited,omitempty"`
	Deleted bool `json:"deleted,omitempty"`
	// Event and Through are the Seq of the first and last event that a message of
	// Tocsin's own reports; 0 in a message of a person.
	Event   int `json:"event,omitempty"`
	Through int `json:"through,omitempty"`
}

// builtinMessage returns the message for a built-in room about events of the same
// commit.
func (e *Engine) builtinMessage(key string, post workflow.Post, events []workflow.Event) (StoredMessage, error) {
	through := max(post.Seq, post.Through)
	reported := slices.DeleteFunc(slices.Clone(events), func(e workflow.Event) bool { return e.Seq < post.Seq || e.Seq > through })
	return newPostMessage(e.Now(), card.Post(reported, e.View(nil)), post.Seq, through).Encode(key)
}

// newPostMessage returns the message that says what a post says.
func newPostMessage(at time.Time, m card.Content, event, through int) Message {
	return Message{At: at, Name: m.Title, Text: m.Text, Event: event, Through: through}
}

// Encode returns the message in the form that is stored, under a key.
func (m Message) Encode(key string) (StoredMessage, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return StoredMessage{}, fmt.Errorf("encode a message: %w", err)
	}
	return StoredMessage{Key: key, Body: body}, nil
}
