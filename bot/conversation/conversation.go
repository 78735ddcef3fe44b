// Package conversation records and lists the messages that people write about an
// incident, in the browser and in rooms on chat platforms. Each message is stored once
// under its key, with its edits. Only people who work on the incident read them.
//
// It does not post to platforms: package rooms does. Begin reading at
// [Recorder.RecordMessage].
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

// Store is the part of the store that a recorder uses.
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

// New returns a recorder.
func New(engine *bot.Engine, store Store, reader *incidents.Reader) *Recorder {
	return &Recorder{engine: engine, store: store, incidents: reader}
}

// Append stores a message in an incident's conversation, once per key. The message is
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

// PlatformMessage is a message in a room on a chat platform: new, edited or deleted.
// Key is the same for every version of the message.
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

// RecordMessage stores a message from a platform in the incident's conversation: once
// per key, an edit in the place of the former text. The error is permanent when the
// incident does not exist.
func (r *Recorder) RecordMessage(ctx context.Context, p PlatformMessage) error {
	text, _ := workflow.CleanText(p.Text, workflow.MaxText)
	if p.Deleted {
		text = ""
	}
	m := bot.Message{
		At: p.At, Person: p.By.Person, Guest: p.By.GuestID(), Name: card.ActorName(p.By.Actor()), Text: text, Via: p.Via, Edited: p.Edited, Deleted: p.Deleted,
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

// replace turns the commit of an edited message into one that replaces the stored
// message. Author and time stay as they are. An edit of a message that was never
// stored is stored as a new message. What is deleted stays deleted: an edit that comes
// late does not bring the words back.
func (r *Recorder) replace(ctx context.Context, c bot.Commit, m bot.Message) (bot.Commit, error) {
	key := c.Messages[0].Key
	stored, ok, err := r.Find(ctx, c.Incident, key)
	if err != nil {
		return c, err
	}
	switch {
	case !ok && m.Deleted:
		return bury(c, m)
	case !ok:
		return c, nil
	case stored.Deleted && !m.Deleted:
		c.Messages = nil
		return c, nil
	}
	stored.Text, stored.Edited, stored.Deleted = m.Text, m.Edited, m.Deleted
	encoded, err := stored.Encode(key)
	c.Messages, c.EditedMessages = nil, []bot.StoredMessage{encoded}
	return c, err
}

// bury returns the commit of a message that is deleted before it has come: its platform
// delivers events in any order, and to any replica. The tombstone takes the message's key,
// so that the message is not stored when it comes; should it be stored at this moment, it
// is replaced.
func bury(c bot.Commit, m bot.Message) (bot.Commit, error) {
	tombstone, err := bot.Message{At: m.At, Via: m.Via, Deleted: true}.Encode(c.Messages[0].Key)
	c.Messages, c.EditedMessages = []bot.StoredMessage{tombstone}, []bot.StoredMessage{tombstone}
	return c, err
}

// isTombstone reports whether a message was deleted before it came: nothing is known of it
// that a reader could be shown.
func isTombstone(m bot.Message) bool { return m.Deleted && m.Name == "" }

// searchPage is how many messages [Recorder.Find] reads at a time.
const searchPage = 500

// Find returns the message of a conversation with a key. It searches from the newest
// message back.
func (r *Recorder) Find(ctx context.Context, incident, key string) (m bot.Message, ok bool, err error) {
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

// List returns the newest messages of an incident with Seq < before (0: the newest of
// all), oldest first. It returns none to a speaker who may not work on the incident
// ([access.Speaker.CanWorkOn]).
func (r *Recorder) List(ctx context.Context, id string, s access.Speaker, before, limit int) ([]bot.Message, error) {
	i, err := r.incidents.Get(ctx, id, s)
	if err != nil || !s.CanWorkOn(&i) {
		return nil, err
	}
	for {
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
			if !isTombstone(m) {
				all = append(all, m)
			}
		}
		if len(all) > 0 || len(page) < limit || limit <= 0 { // else an empty page would look like the end
			return all, nil
		}
		before = page[0].Seq
	}
}
