package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// Remark is one message of an incident's conversation, as people read it.
type Remark struct {
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
	// Tocsin's own: it is about the events from Event to Through. 0: somebody
	// said it.
	Event   int `json:"event,omitempty"`
	Through int `json:"through,omitempty"`
}

// Say puts a message of a person into an incident's conversation. When it
// returns, the message is durable; the same Operation is one message.
func (b *Bot) Say(ctx context.Context, r Request) (Reply, error) {
	text, cut := workflow.CleanText(r.Text, workflow.MaxText)
	if text == "" {
		return Reply{Text: "Nothing was said: the message is empty."}, nil
	}
	i, err := b.Incident(ctx, r.Room, r.Speaker)
	if err != nil {
		return refused(err)
	}
	if !r.Speaker.Works(&i) {
		return Reply{Text: fmt.Sprintf("Talking in the room needs the access %q; yours is %q. Ask an administrator.", commands.Responder, r.Speaker.Access)}, nil
	}
	said := Remark{At: b.Now(), Person: r.Speaker.Person, Name: card.By(r.Speaker.actor()), Text: text}
	if err := b.keep(ctx, r.Room, "said "+or(r.Operation, newSecret()), said); err != nil {
		return Reply{}, err
	}
	reply := Reply{OK: true, Incident: r.Room}
	if cut {
		reply.Text = "It was cut: messages hold 4,000 characters."
	}
	if first, _, _ := strings.Cut(text, " "); len(text) < 200 {
		if _, is := b.catalog.Find(strings.ToLower(first)); is {
			reply.Text = fmt.Sprintf("That was said to the room. If you meant the command: `/%s`.", text)
		}
	}
	return reply, nil
}

// KeepPost puts one of Tocsin's own messages into the conversation, once for
// its key.
func (b *Bot) KeepPost(ctx context.Context, p RoomPost) error {
	return b.keep(ctx, p.Incident, p.Key, remarkOf(b.Now(), p.Message, p.Event, p.Through))
}

// saidOf is a post into a conversation of our own, about events that have just
// happened.
func (b *Bot) saidOf(key string, d workflow.Post, events []workflow.Event) (Said, error) {
	through := max(d.Seq, d.Through)
	told := slices.DeleteFunc(slices.Clone(events), func(e workflow.Event) bool { return e.Seq < d.Seq || e.Seq > through })
	return remarkOf(b.Now(), card.Post(told, b.view(Speaker{})), d.Seq, through).said(key)
}

func remarkOf(at time.Time, m card.Message, event, through int) Remark {
	return Remark{At: at, Name: m.Title, Text: m.Text, Event: event, Through: through}
}

func (r Remark) said(key string) (Said, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return Said{}, fmt.Errorf("keep a message: %w", err)
	}
	return Said{Key: key, Body: body}, nil
}

func (b *Bot) keep(ctx context.Context, incident, key string, r Remark) error {
	said, err := r.said(key)
	if err != nil {
		return err
	}
	_, err = b.cfg.Store.Commit(ctx, Commit{At: r.At, Incident: incident, Said: []Said{said}})
	if errors.Is(err, ErrNotFound) {
		return Permanent(err)
	}
	return err
}

// Conversation returns the newest messages of an incident with Seq < before
// (0: of all), oldest first. Whoever does not work on it reads none (see
// [Speaker.Works]).
func (b *Bot) Conversation(ctx context.Context, id string, s Speaker, before, limit int) ([]Remark, error) {
	i, err := b.Incident(ctx, id, s)
	if err != nil || !s.Works(&i) {
		return nil, err
	}
	said, err := b.cfg.Store.Talk(ctx, id, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read the conversation of %s: %w", id, err)
	}
	all := make([]Remark, 0, len(said))
	for _, one := range said {
		r := Remark{Key: one.Key, Seq: one.Seq}
		if err := json.Unmarshal(one.Body, &r); err != nil {
			return nil, fmt.Errorf("read message %d of %s: %w", one.Seq, id, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// Complete returns how a line may go on, best first.
func (b *Bot) Complete(ctx context.Context, r Request) []commands.Completion {
	return b.catalog.Complete(r.Text, b.context(ctx, r), r.Speaker.Access)
}

// maxChoices is how many open incidents are offered to be chosen from.
const maxChoices = 100

// Choices returns what a speaker may choose from for a kind of field: people,
// whoever can be paged, services, open incidents. What cannot be read is not
// offered.
func (b *Bot) Choices(ctx context.Context, kind commands.FieldKind, s Speaker) []commands.Choice {
	org := b.Organization()
	var all []commands.Choice
	switch kind {
	case commands.Person, commands.Target:
		for _, p := range org.Directory.People {
			all = append(all, commands.Choice{Value: "@" + p.ID, Label: or(p.Name, p.ID)})
		}
		if kind == commands.Person {
			break
		}
		for _, t := range org.Directory.Teams {
			all = append(all, commands.Choice{Value: "team:" + t.ID, Label: or(t.Name, t.ID) + " (team)"})
		}
		for _, p := range org.Policies {
			all = append(all, commands.Choice{Value: "policy:" + p.ID, Label: p.ID + " (policy)"})
		}
		for _, name := range org.Directory.Webhooks {
			all = append(all, commands.Choice{Value: "webhook:" + name, Label: name + " (webhook)"})
		}
	case commands.Service:
		for _, s := range org.Services {
			all = append(all, commands.Choice{Value: s.ID, Label: or(s.Name, s.ID)})
		}
	case commands.Incident:
		open, err := b.OpenIncidents(ctx, maxChoices)
		if err != nil {
			b.cfg.Log.WarnContext(ctx, "the open incidents cannot be offered", "error", err.Error())
		}
		SortByNeed(open)
		for n := range open {
			if s.Sees(&open[n]) {
				all = append(all, commands.Choice{Value: open[n].ID, Label: open[n].ID + " · " + open[n].Title})
			}
		}
	case commands.Line, commands.Text, commands.Choose, commands.Duration, commands.Check: // the language knows them itself
	}
	return all
}
