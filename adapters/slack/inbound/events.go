package inbound

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/adapters/slack"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/conversation"
)

// event is the wrapper of every event
// (docs.slack.dev/apis/events-api, "Callback field").
type event struct {
	Type           string          `json:"type"`
	Challenge      string          `json:"challenge"`
	ID             string          `json:"event_id"`
	App            string          `json:"api_app_id"`
	Event          json.RawMessage `json:"event"`
	Authorizations []struct {
		User string `json:"user_id"`
		Bot  bool   `json:"is_bot"`
	} `json:"authorizations"`
	retry int
}

// message is a message in an event, or the one that an event is about
// (docs.slack.dev/reference/events/message).
type message struct {
	Subtype     string `json:"subtype"`
	Channel     string `json:"channel"`
	ChannelType string `json:"channel_type"`
	User        string `json:"user"`
	UserName    string `json:"username"`
	Bot         string `json:"bot_id"`
	App         string `json:"app_id"`
	Text        string `json:"text"`
	TS          string `json:"ts"`
	Thread      string `json:"thread_ts"`
	Profile     struct {
		Name string `json:"name"`
	} `json:"bot_profile"`
	Edited *struct{} `json:"edited"`
	Files  []struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	} `json:"files"`
}

// key identifies a message in its incident's conversation.
func (m message) key() string { return slack.Platform + ":" + m.Channel + ":" + m.TS }

// handleEvent handles what has happened in the workspace.
func (s *Server) handleEvent(d delivery) (task, error) {
	e := event{retry: d.retry}
	if err := json.Unmarshal(d.body, &e); err != nil {
		return task{}, fmt.Errorf("read an event: %w", err)
	}
	if e.Type == "url_verification" { // docs.slack.dev/reference/events/url_verification
		return task{run: func(context.Context) outcome { return outcome{payload: map[string]string{"challenge": e.Challenge}} }}, nil
	}
	var inner struct {
		Type string `json:"type"`
	}
	if len(e.Event) == 0 {
		return task{}, nil // of the app, not of the workspace
	}
	if err := json.Unmarshal(e.Event, &inner); err != nil {
		return task{}, fmt.Errorf("read an event: %w", err)
	}
	var t task
	var err error
	switch inner.Type {
	case "message":
		t, err = s.handleMessage(e)
	case "app_mention":
		t, err = s.handleMention(e)
	case "reaction_added", "reaction_removed":
		t, err = s.handleReaction(e)
	case "app_home_opened":
		t, err = s.handleHomeOpened(e)
	}
	t.key = operationOf(e.ID, "")
	return t, err
}

// isOwn reports whether the app has written a message itself.
func (s *Server) isOwn(e event, m message) bool {
	if m.App != "" && m.App == e.App {
		return true
	}
	for _, a := range e.Authorizations {
		if a.Bot && a.User == m.User && m.User != "" {
			return true
		}
	}
	return s.workspace.API.IsOwn(m.User, m.Bot)
}

// handleMessage records messages in incidents' rooms, and takes direct messages
// for commands.
func (s *Server) handleMessage(e event) (task, error) {
	var m struct {
		message
		New     message `json:"message"`
		Old     message `json:"previous_message"`
		Deleted string  `json:"deleted_ts"`
	}
	if err := json.Unmarshal(e.Event, &m); err != nil {
		return task{}, fmt.Errorf("read a message: %w", err)
	}
	current, edited, deleted := m.message, false, false
	switch m.Subtype {
	case "", "file_share", "thread_broadcast", "me_message", "bot_message":
	case "message_changed": // docs.slack.dev/reference/events/message/message_changed
		deleted = m.New.Subtype == "tombstone" // a deleted message that has replies
		current, edited = m.New, !deleted
		if m.New.Text == m.Old.Text && !deleted { // a preview was added, or a reply
			return task{}, nil
		}
	case "message_deleted": // docs.slack.dev/reference/events/message/message_deleted
		current, deleted = m.Old, true
		current.TS = cmp.Or(m.Deleted, current.TS)
	default: // written by Slack itself
		return task{}, nil
	}
	current.Channel = m.Channel
	if s.isOwn(e, current) || current.TS == "" {
		return task{}, nil
	}
	if m.ChannelType == "im" || isDirect(m.Channel) {
		if edited || deleted || current.Bot != "" || current.User == "" {
			return task{}, nil
		}
		return s.messageCommand(e, current, current.Text), nil
	}
	return task{lane: m.Channel, run: func(ctx context.Context) outcome {
		return outcome{err: s.recordMessage(ctx, current, edited, deleted)}
	}}, nil
}

// recordMessage records a message in a room in its incident's conversation.
func (s *Server) recordMessage(ctx context.Context, m message, edited, deleted bool) error {
	incident, err := s.incidentOf(ctx, m.Channel)
	if err != nil || incident == "" {
		return err
	}
	record := conversation.PlatformMessage{Incident: incident, Key: m.key(), At: parseTimestamp(m.TS), Via: "Slack", Edited: edited, Deleted: deleted}
	if !deleted { // a deleted message keeps its author
		record.By, record.Text = s.author(ctx, m), s.messageText(ctx, m)
	}
	if record.Text == "" && !deleted {
		return nil
	}
	err = s.app.Conversation.RecordMessage(ctx, record)
	if bot.IsPermanent(err) { // the incident is forgotten
		s.log.InfoContext(ctx, "messages in a room are not recorded any more", "incident", incident, "error", err.Error())
		return nil
	}
	return err
}

// author returns the author of a message: a person, or another app by its name.
func (s *Server) author(ctx context.Context, m message) access.Speaker {
	if m.User != "" && m.Bot == "" {
		return s.identifyUser(ctx, m.User, m.User)
	}
	id := cmp.Or(m.Bot, m.User)
	return s.identify(access.Account{Platform: slack.Platform, ID: id, Name: cmp.Or(m.UserName, m.Profile.Name, id)})
}

// messageText is the text of a message, with the names of the files that it
// shares.
func (s *Server) messageText(ctx context.Context, m message) string {
	lines := []string{s.displayText(ctx, m.Text)}
	for _, f := range m.Files {
		lines = append(lines, "shared "+cmp.Or(f.Name, f.Title, "a file"))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// parseTimestamp returns when a message was written, from the timestamp that is also
// its ID.
func parseTimestamp(ts string) time.Time {
	seconds, rest, _ := strings.Cut(ts, ".")
	sec, err := strconv.ParseInt(seconds, 10, 64)
	micro, wrong := strconv.ParseInt(rest, 10, 64)
	if err != nil || wrong != nil {
		return time.Time{}
	}
	return time.Unix(sec, micro*1000).UTC()
}
