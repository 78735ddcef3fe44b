package dispatch

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// Pin copies a message of a room into the timeline, and keeps it in view; with
// text "", the message that was overheard under the key.
func (d *Dispatcher) Pin(ctx context.Context, r Request, key string) (Reply, error) {
	if err := d.checkCanWork(ctx, r, "Writing to the timeline"); err != nil {
		return refusalReply(err)
	}
	if r.Text == "" {
		was, found, err := d.conversation.Find(ctx, r.Room, key)
		if err != nil {
			return Reply{}, err
		}
		if !found || was.Text == "" {
			return Reply{Text: "That message is not known here, so it cannot be pinned to the timeline."}, nil
		}
		if r.Text = was.Text; was.Name != card.ActorName(r.Speaker.Actor()) {
			r.Text = was.Name + ": " + was.Text
		}
	}
	return d.changeIncident(ctx, incidentChange{incident: r.Room, command: workflow.AddNote{Text: r.Text, Pin: true, Key: key}}, r)
}

// Unpin takes back what [Dispatcher.Pin] has copied.
func (d *Dispatcher) Unpin(ctx context.Context, r Request, key string) (Reply, error) {
	if err := d.checkCanWork(ctx, r, "Writing to the timeline"); err != nil {
		return refusalReply(err)
	}
	return d.changeIncident(ctx, incidentChange{incident: r.Room, command: workflow.RemoveNote{Key: key}}, r)
}

// checkWorks refuses a speaker who does not work on the incident (rule P1).
func (d *Dispatcher) checkCanWork(ctx context.Context, r Request, what string) error {
	i, err := d.incidents.Get(ctx, r.Room, r.Speaker)
	if err != nil {
		return err
	}
	if !r.Speaker.CanWorkOn(&i) {
		return &workflow.Refusal{
			Message: fmt.Sprintf("%s needs the access %q; yours is %q.", what, commands.Responder, r.Speaker.Access),
			Hint:    "Ask an administrator.",
		}
	}
	return nil
}

// Say adds a message of a person to an incident's conversation. When it returns,
// the message is durable; the same Operation is one message.
func (d *Dispatcher) WriteMessage(ctx context.Context, r Request) (Reply, error) {
	text, cut := workflow.CleanText(r.Text, workflow.MaxText)
	if text == "" {
		return Reply{Text: "Nothing was said: the message is empty."}, nil
	}
	if err := d.checkCanWork(ctx, r, "Talking in the room"); err != nil {
		return refusalReply(err)
	}
	key := "said " + cmp.Or(r.Operation, rand.Text())
	m := bot.Message{At: d.engine.Now(), Person: r.Speaker.Person, Name: card.ActorName(r.Speaker.Actor()), Text: text}
	if err := d.conversation.Append(ctx, r.Room, key, m); err != nil {
		return Reply{}, err
	}
	reply := Reply{OK: true, Incident: r.Room}
	if cut {
		reply.Text = "It was cut: messages hold 4,000 characters."
	}
	if word, _, _ := strings.Cut(text, " "); len(text) < 200 {
		if _, ok := d.engine.Catalog().Find(strings.ToLower(word)); ok {
			reply.Text = fmt.Sprintf("That was said to the room. If you meant the command: `/%s`.", text)
		}
	}
	return reply, nil
}
