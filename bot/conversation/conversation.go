// Package conversation keeps what people say about an incident, in the browser
// and on the platforms: recorded once, with its edits, and read by those who work
// on the incident.
package conversation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/incidents"
	"tocsin/workflow"
)

// Store is where conversations are kept.
type Store interface {
	bot.Messages
	bot.Committer
}

// Recorder records and reads conversations.
type Recorder struct {
	engine    *bot.Engine
	store     Store
	incidents *incidents.Reader
}

// New makes a recorder.
func New(engine *bot.Engine, store Store, reader *incidents.Reader) *Recorder {
	return &Recorder{engine: engine, store: store, incidents: reader}
}

// Append adds a message to an incident's conversation, once for its key. It is
// durable when Append returns. The error is permanent when the incident does not
// exist.
func (r *Recorder) Append(ctx context.Context, incident, key string, m bot.Message) error {
	stored, err := m.Encode(key)
	if err != nil {
		return err
	}
	return r.commit(ctx, bot.Commit{At: m.At, Incident: incident, Messages: []bot.StoredMessage{stored}})
}

func (r *Recorder) commit(ctx context.Context, c bot.Commit) error {
	_, err := r.store.Commit(ctx, c)
	if errors.Is(err, bot.ErrNotFound) {
		return bot.Permanent(err)
	}
	return err
}

// PlatformMessage is a message in a room on a platform: new, edited or deleted.
// Key is stable for the message.
type PlatformMessage struct {
	Incident string
	Key      string
	At       time.Time
	By       access.Speaker
	Text     string
	Via      string // the platform, as shown
	Edited   bool
	Deleted  bool
}

// RecordMessage keeps a message from a platform in the incident's conversation:
// once for its key, with its edits. The error is permanent when the incident does
// not exist.
func (r *Recorder) RecordMessage(ctx context.Context, p PlatformMessage) error {
	text, _ := workflow.CleanText(p.Text, workflow.MaxText)
	if p.Deleted {
		text = ""
	}
	m := bot.Message{
		At: p.At, Person: p.By.Person, Name: card.ActorName(p.By.Actor()), Text: text, Via: p.Via, Edited: p.Edited, Deleted: p.Deleted,
	}
	stored, err := m.Encode(p.Key)
	if err != nil {
		return err
	}
	c := bot.Commit{At: r.engine.Now(), Incident: p.Incident, Messages: []bot.StoredMessage{stored}}
	if p.Edited || p.Deleted {
		if c, err = r.replace(ctx, c, m); err != nil {
			return err
		}
	}
	return r.commit(ctx, c)
}

// replace puts an edited message in the place of what it was; its author and its
// time stay as they are. An edit of a message that was never recorded is recorded
// as it is now.
func (r *Recorder) replace(ctx context.Context, c bot.Commit, m bot.Message) (bot.Commit, error) {
	key := c.Messages[0].Key
	was, found, err := r.Find(ctx, c.Incident, key)
	if err != nil {
		return c, err
	}
	if !found {
		if m.Deleted {
			c.Messages = nil
		}
		return c, nil
	}
	was.Text, was.Edited, was.Deleted = m.Text, m.Edited, m.Deleted
	stored, err := was.Encode(key)
	c.Messages, c.EditedMessages = nil, []bot.StoredMessage{stored}
	return c, err
}

// searchPage is how many messages are read at a time to find one.
const searchPage = 500

// Find returns the message of a conversation with a key, looking at the newest
// first.
func (r *Recorder) Find(ctx context.Context, incident, key string) (m bot.Message, found bool, err error) {
	for before := 0; ; {
		page, err := r.store.Messages(ctx, incident, before, searchPage)
		if err != nil {
			return bot.Message{}, false, fmt.Errorf("read the conversation of %s: %w", incident, err)
		}
		for _, one := range page {
			if one.Key == key {
				var m bot.Message
				err = json.Unmarshal(one.Body, &m)
				return m, err == nil, err
			}
		}
		if len(page) < searchPage {
			return bot.Message{}, false, nil
		}
		before = page[0].Seq
	}
}

// List returns the newest messages of an incident with Seq < before (0: of all),
// oldest first. A speaker who does not work on it reads none (see
// [access.Speaker.CanWorkOn]).
func (r *Recorder) List(ctx context.Context, id string, s access.Speaker, before, limit int) ([]bot.Message, error) {
	i, err := r.incidents.Get(ctx, id, s)
	if err != nil || !s.CanWorkOn(&i) {
		return nil, err
	}
	page, err := r.store.Messages(ctx, id, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read the conversation of %s: %w", id, err)
	}
	all := make([]bot.Message, 0, len(page))
	for _, one := range page {
		m := bot.Message{Key: one.Key, Seq: one.Seq}
		if err := json.Unmarshal(one.Body, &m); err != nil {
			return nil, fmt.Errorf("read message %d of %s: %w", one.Seq, id, err)
		}
		all = append(all, m)
	}
	return all, nil
}
