package slacktest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"
)

// A response URL can be used five times within 30 minutes (interactivity/handling-user-interaction, "Message responses").
const (
	maxResponseUses  = 5
	responseLifetime = 30 * time.Minute
)

// responseURL is a response URL that the app got in a payload.
type responseURL struct {
	user, channel string
	original      string // timestamp of the message whose element was used; empty for a command
	ephemeral     bool   // only the user sees the original
	thread        string
	made          time.Time
	uses          int
}

// Response is a message that the app posted to a response URL, or returned in its answer to a slash command.
type Response struct {
	User, Channel, ThreadTS, Text string
	Blocks                        json.RawMessage
	// InChannel reports that everybody in the channel sees the message; else only the user does.
	InChannel bool
	// Replaced and Deleted report that the original message was replaced or deleted.
	Replaced, Deleted bool
	// Original is the timestamp of the message whose element was used.
	Original string
}

// Plain returns the response as its reader sees it.
func (r Response) Plain() string { return renderPlain(r.Text, r.Blocks, nil) }

// Responses returns the responses that were accepted, oldest first. One that a single person sees is also among the
// Ephemerals, and one that everybody sees among the Messages.
func (s *Server) Responses() []Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.responses)
}

// newResponseURL registers a response URL, and returns its address.
func (s *Server) newResponseURL(u responseURL) string {
	ticket := newSecret()
	u.made = s.now()
	s.responseURLs[ticket] = &u
	return "http://" + s.listener.Addr().String() + "/response/" + ticket
}

// handleResponse answers a post to a response URL.
func (s *Server) handleResponse(w http.ResponseWriter, r *http.Request) {
	logged := Call{Method: "response_url", At: s.now(), Args: args{}}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	malformed := readJSON(bytes.NewReader(raw), logged.Args)
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || err != nil || media != "application/json" {
		malformed = "invalid_payload"
	}
	w, finish := s.injectFault(w, &logged)
	if w == nil {
		return
	}
	defer finish()
	s.callHook(logged, "before")
	refused := refuse(malformed)
	if malformed == "" {
		refused = s.redeemResponseURL(r.PathValue("ticket"), raw) //nolint:contextcheck // an event's delivery outlives the call that causes it
	}
	logged.Error, logged.Done = refused.code(), refused == nil
	s.callHook(logged, "after")
	status := http.StatusOK
	switch logged.Error {
	case "":
	case "expired_url", "used_url":
		status = http.StatusNotFound
	default:
		status = http.StatusBadRequest
	}
	if _, discarded := w.(*discard); !discarded {
		logged.Status = status
	}
	s.recordCall(logged)
	if refused == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok")
		return
	}
	writeJSON(w, status, refused)
}

// redeemResponseURL counts a use of a response URL, and applies the response. A response that is refused counts as a use.
func (s *Server) redeemResponseURL(ticket string, raw []byte) answer {
	u, refused := s.countResponseUse(ticket)
	if refused != nil {
		return refused
	}
	return s.applyResponse(u, raw)
}

// countResponseUse returns the response URL of a ticket, after counting one more use of it.
func (s *Server) countResponseUse(ticket string) (responseURL, answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.responseURLs[ticket]
	switch {
	case u == nil || s.now().Sub(u.made) > responseLifetime:
		return responseURL{}, refuse("expired_url")
	case u.uses >= maxResponseUses:
		return responseURL{}, refuse("used_url")
	}
	u.uses++
	return *u, nil
}

// applyResponse posts, replaces or deletes a message, as a response says. It returns nil if that succeeded.
func (s *Server) applyResponse(u responseURL, raw []byte) answer {
	given := args{}
	if code := readJSON(bytes.NewReader(raw), given); code != "" {
		return refuse("invalid_payload")
	}
	if refused := readMethods().ResponseURL.checkArgs(given); refused != nil {
		return refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{Server: s, args: given, kind: "bot", user: s.BotUser}
	if given.boolean("delete_original") {
		return s.deleteOriginal(u)
	}
	message := c.readContent()
	r := Response{
		User: u.user, Channel: u.channel, ThreadTS: given["thread_ts"], Text: message.text, Blocks: message.blocks,
		InChannel: given["response_type"] == "in_channel", Original: u.original,
	}
	ch := s.findChannel(u.channel)
	switch {
	case given.boolean("replace_original") && u.original != "":
		r.Replaced = true
		if !s.replaceOriginal(u, message) {
			return refuse("message_not_found")
		}
	case r.InChannel:
		s.addMessage(ch, &Message{User: s.BotUser, BotID: s.BotID, Text: message.text, Blocks: message.blocks, ThreadTS: r.ThreadTS})
	default:
		s.ephemerals = append(s.ephemerals, Ephemeral{u.channel, u.user, s.newTimestamp(), r.ThreadTS, message.text, message.blocks})
	}
	s.responses = append(s.responses, r)
	return nil
}

// deleteOriginal deletes the message whose element was used.
func (s *Server) deleteOriginal(u responseURL) answer {
	switch m := s.findMessage(u.channel, u.original); {
	case u.ephemeral && s.indexOfEphemeral(u.original) >= 0:
		s.ephemerals = slices.DeleteFunc(slices.Clone(s.ephemerals), func(e Ephemeral) bool { return e.TS == u.original })
	case u.original != "" && m != nil && !m.Deleted:
		s.removeMessage(s.findChannel(u.channel), m)
	default:
		return refuse("message_not_found")
	}
	s.responses = append(s.responses, Response{User: u.user, Channel: u.channel, Deleted: true, Original: u.original})
	return nil
}

// replaceOriginal replaces the message whose element was used. It reports whether the message exists.
func (s *Server) replaceOriginal(u responseURL, by content) bool {
	if i := s.indexOfEphemeral(u.original); u.ephemeral && i >= 0 {
		s.ephemerals[i].Text, s.ephemerals[i].Blocks = by.text, by.blocks
		return true
	}
	m := s.findMessage(u.channel, u.original)
	if m == nil || m.Deleted {
		return false
	}
	m.Text, m.Blocks, m.Edits = by.text, by.blocks, m.Edits+1
	s.emit(s.findChannel(u.channel), "message", s.newChangeEvent(m))
	return true
}
