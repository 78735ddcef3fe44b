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

// Pin copies a message of a room into the timeline as a pinned note. With text "" it
// copies the message that was recorded under the key.
func (d *Dispatcher) Pin(ctx context.Context, r Request, key string) (Reply, error) {
	if err := d.checkCanWork(ctx, r, "Writing to the timeline"); err != nil {
		return refusalReply(err)
	}
	if r.Text == "" {
		message, ok, err := d.conversation.Find(ctx, r.Room, key)
		if err != nil {
			return Reply{}, err
		}
		if !ok || message.Text == "" {
			return Reply{Text: "That message was not recorded, so it cannot be pinned to the timeline."}, nil
		}
		if r.Text = message.Text; cmp.Or(message.Person, message.Guest) != r.Speaker.ID() { // P1c: a name is no identity
			r.Text = message.Name + ": " + message.Text
		}
	}
	return d.changeIncident(ctx, incidentChange{incident: r.Room, command: workflow.AddNote{Text: r.Text, Pin: true, Key: key}}, r)
}

// Unpin removes the note that [Dispatcher.Pin] wrote.
func (d *Dispatcher) Unpin(ctx context.Context, r Request, key string) (Reply, error) {
	if err := d.checkCanWork(ctx, r, "Writing to the timeline"); err != nil {
		return refusalReply(err)
	}
	return d.changeIncident(ctx, incidentChange{incident: r.Room, command: workflow.RemoveNote{Key: key}}, r)
}

// checkCanWork refuses a speaker who may not work on the incident (P1: access is
// checked first). what names the action in the refusal.
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

// WriteMessage adds a message of a person to an incident's conversation. The message
// is durable when it returns. A repeated Operation adds nothing.
func (d *Dispatcher) WriteMessage(ctx context.Context, r Request) (Reply, error) {
	if err := d.checkCanWork(ctx, r, "Writing in the room"); err != nil {
		return refusalReply(err)
	}
	text, cut := workflow.CleanText(r.Text, workflow.MaxText)
	if text == "" {
		return Reply{Text: "Nothing was sent: the message is empty."}, nil
	}
	key := "message " + cmp.Or(r.Operation, rand.Text())
	m := bot.Message{At: d.engine.Now(), Person: r.Speaker.Person, Guest: r.Speaker.GuestID(), Name: card.ActorName(r.Speaker.Actor()), Text: text}
	if err := d.conversation.Append(ctx, r.Room, key, m); err != nil {
		return Reply{}, err
	}
	reply := Reply{OK: true, Incident: r.Room}
	if cut {
		reply.Text = "Your message was cut: a message has at most 4,000 characters."
	}
	if word, _, _ := strings.Cut(text, " "); len(text) < 200 {
		if _, ok := d.engine.Catalog().Find(commands.Fold(word)); ok {
			reply.Text = fmt.Sprintf("That was sent to the room as a message. To run the command, type `/%s`.", text)
		}
	}
	return reply, nil
}
