package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// messagePage is the number of messages in one page of a conversation.
const messagePage = 200

// message is one message of an incident's conversation.
type message struct {
	Seq     int       `json:"seq"`
	At      time.Time `json:"at"`
	Person  string    `json:"person,omitempty"`
	Name    string    `json:"name"`
	Text    string    `json:"text"`
	Via     string    `json:"via,omitempty"`
	Edited  bool      `json:"edited,omitempty"`
	Deleted bool      `json:"deleted,omitempty"`
	Event   int       `json:"event,omitempty"`
}

// handleMessages returns one page of an incident's conversation, the newest first page,
// each page oldest first.
func (s *server) handleMessages(r *http.Request, who caller) (any, error) {
	i, err := s.loadFor("timeline", r, who.Speaker)
	if err != nil {
		return nil, err
	}
	if !who.CanWorkOn(&i) {
		return nil, s.forbidden(who.Access, s.accessOf("note"))
	}
	before := 0
	if word := r.URL.Query().Get("before"); word != "" {
		if before, err = strconv.Atoi(word); err != nil || before < 1 {
			return nil, badValue(fmt.Sprintf("%q is not the number of a message", sanitize(word)), `send the "before" of the page that you have`)
		}
	}
	found, err := s.Messages.List(r.Context(), i.ID, who.Speaker, before, messagePage)
	if err != nil {
		return nil, err
	}
	page := struct {
		Messages []message `json:"messages"`
		Before   int       `json:"before,omitempty"`
	}{Messages: make([]message, 0, len(found))}
	for _, m := range found {
		page.Messages = append(page.Messages, message{
			Seq: m.Seq, At: m.At.UTC(), Person: m.Person, Name: m.Name, Text: m.Text, Via: m.Via, Edited: m.Edited, Deleted: m.Deleted, Event: m.Event,
		})
	}
	if len(found) > 0 && found[0].Seq > 1 {
		page.Before = found[0].Seq
	}
	return page, nil
}
