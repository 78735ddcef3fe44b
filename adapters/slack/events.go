package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/conversation"
)

// event is the wrapper of every event
// (docs.slack.dev/apis/events-api, "Callback field").
type event struct {
	Type      string          `json:"type"`
	Challenge string          `json:"challenge"`
	ID        string          `json:"event_id"`
	App       string          `json:"api_app_id"`
	Event     json.RawMessage `json:"event"`
	Authorize []struct {
		User string `json:"user_id"`
		Bot  bool   `json:"is_bot"`
	} `json:"authorizations"`
	retry int
}

// message is a message in an event, or in what an event is about
// (docs.slack.dev/reference/events/message).
type message struct {
	Type     string `json:"type"`
	Subtype  string `json:"subtype"`
	Channel  string `json:"channel"`
	Place    string `json:"channel_type"`
	User     string `json:"user"`
	UserName string `json:"username"`
	Bot      string `json:"bot_id"`
	App      string `json:"app_id"`
	Text     string `json:"text"`
	TS       string `json:"ts"`
	Thread   string `json:"thread_ts"`
	Profile  struct {
		Name string `json:"name"`
	} `json:"bot_profile"`
	Edited *struct{} `json:"edited"`
	Files  []struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	} `json:"files"`
	Reactions []reaction `json:"reactions"`
}

type reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
}

// key names a message for ever.
func (m message) key() string { return Platform + ":" + m.Channel + ":" + m.TS }

// event answers what has happened in the workspace.
func (w *Workspace) event(d delivery) (task, error) {
	e := event{retry: d.retry}
	if err := json.Unmarshal(d.body, &e); err != nil {
		return task{}, fmt.Errorf("read an event: %w", err)
	}
	if e.Type == "url_verification" { // docs.slack.dev/reference/events/url_verification
		return task{do: func(context.Context) answer { return answer{now: map[string]string{"challenge": e.Challenge}} }}, nil
	}
	var of struct {
		Type string `json:"type"`
	}
	if len(e.Event) == 0 {
		return task{}, nil // of the app, not of the workspace
	}
	if err := json.Unmarshal(e.Event, &of); err != nil {
		return task{}, fmt.Errorf("read an event: %w", err)
	}
	var t task
	var err error
	switch of.Type {
	case "message":
		t, err = w.message(e)
	case "app_mention":
		t, err = w.mention(e)
	case "reaction_added", "reaction_removed":
		t, err = w.reaction(e)
	case "app_home_opened":
		t, err = w.home(e)
	}
	t.key = operationOf(e.ID, "")
	return t, err
}

// isOurs reports whether we have written a message ourselves.
func (w *Workspace) isOurs(e event, m message) bool {
	if m.App != "" && m.App == e.App {
		return true
	}
	for _, a := range e.Authorize {
		if a.Bot && a.User == m.User && m.User != "" {
			return true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.self != nil && (m.User != "" && m.User == w.self.User || m.Bot != "" && m.Bot == w.self.Bot)
}

// message hears what is said, and takes what is said to us alone for commands.
func (w *Workspace) message(e event) (task, error) {
	var m struct {
		message
		Now     message `json:"message"`
		Before  message `json:"previous_message"`
		Deleted string  `json:"deleted_ts"`
	}
	if err := json.Unmarshal(e.Event, &m); err != nil {
		return task{}, fmt.Errorf("read a message: %w", err)
	}
	heard, changed, deleted := m.message, false, false
	switch m.Subtype {
	case "", "file_share", "thread_broadcast", "me_message", "bot_message":
	case "message_changed": // docs.slack.dev/reference/events/message/message_changed
		deleted = m.Now.Subtype == "tombstone" // with answers below it
		heard, changed = m.Now, !deleted
		if m.Now.Text == m.Before.Text && !deleted { // a preview was added, or an answer below it
			return task{}, nil
		}
	case "message_deleted": // docs.slack.dev/reference/events/message/message_deleted
		heard, deleted = m.Before, true
		heard.TS = cmp.Or(m.Deleted, heard.TS)
	default: // written by Slack itself
		return task{}, nil
	}
	heard.Channel = m.Channel
	if w.isOurs(e, heard) || heard.TS == "" {
		return task{}, nil
	}
	if m.Place == "im" || strings.HasPrefix(m.Channel, "D") {
		if changed || deleted || heard.Bot != "" || heard.User == "" {
			return task{}, nil
		}
		return w.spoken(e, heard, heard.Text), nil
	}
	return task{lane: m.Channel, do: func(ctx context.Context) answer {
		return answer{failed: w.hear(ctx, heard, changed, deleted)}
	}}, nil
}

// hear keeps what was said in a room in its incident's conversation.
func (w *Workspace) hear(ctx context.Context, m message, changed, deleted bool) error {
	incident, err := w.room(ctx, m.Channel)
	if err != nil || incident == "" {
		return err
	}
	u := conversation.PlatformMessage{Incident: incident, Key: m.key(), At: timeOf(m.TS), Via: "Slack", Edited: changed, Deleted: deleted}
	if !deleted { // else it stays with whom it was
		u.By, u.Text = w.author(ctx, m), w.text(ctx, m)
	}
	if u.Text == "" && !deleted {
		return nil
	}
	err = w.cfg.Bot().Conversation.RecordMessage(ctx, u)
	if bot.IsPermanent(err) { // the incident is forgotten
		w.cfg.Log.InfoContext(ctx, "what is said in a room is not kept any more", "incident", incident, "error", err.Error())
		return nil
	}
	return err
}

// author is who wrote a message: somebody, or another app under its name.
func (w *Workspace) author(ctx context.Context, m message) access.Speaker {
	if m.User != "" && m.Bot == "" {
		return w.speaker(ctx, m.User, m.User)
	}
	id := cmp.Or(m.Bot, m.User)
	return w.identify(access.Account{Platform: Platform, ID: id, Name: firstOf(m.UserName, m.Profile.Name, id)})
}

// text is what a message says and shares.
func (w *Workspace) text(ctx context.Context, m message) string {
	lines := []string{w.read(ctx, m.Text)}
	for _, f := range m.Files {
		lines = append(lines, "shared "+firstOf(f.Name, f.Title, "a file"))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// timeOf is when a message was written: its name begins with it.
func timeOf(ts string) time.Time {
	seconds, rest, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	micro, wrong := strconv.ParseInt(rest, 10, 64)
	if err != nil || wrong != nil {
		return time.Time{}
	}
	return time.Unix(s, micro*1000).UTC()
}
