package slack

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/dispatch"
)

// pushpin is 📌, by which people put a message into the timeline.
const pushpin = "pushpin"

// reaction pins a message when somebody puts a 📌 on it, and takes the pin back
// with the last one (docs.slack.dev/reference/events/reaction_added).
func (w *Workspace) reaction(e event) (task, error) {
	var r struct {
		Type string `json:"type"`
		User string `json:"user"`
		Name string `json:"reaction"`
		Item struct {
			Type    string `json:"type"`
			Channel string `json:"channel"`
			TS      string `json:"ts"`
		} `json:"item"`
	}
	if err := json.Unmarshal(e.Event, &r); err != nil {
		return task{}, fmt.Errorf("read a reaction: %w", err)
	}
	if r.Name != pushpin || r.Item.Type != "message" {
		return task{}, nil
	}
	m := message{Channel: r.Item.Channel, TS: r.Item.TS}
	return task{lane: m.Channel, do: func(ctx context.Context) answer {
		room, err := w.room(ctx, m.Channel)
		if err != nil || room == "" {
			return answer{failed: err}
		}
		request := dispatch.Request{Room: room, Speaker: w.speaker(ctx, r.User, r.User), Operation: operationOf(e.ID, "")}
		if r.Type == "reaction_removed" {
			return answer{failed: w.unpin(ctx, request, m)}
		}
		return w.pin(ctx, request, m, asker{key: "reply/" + request.Operation, user: r.User, channel: m.Channel})
	}}, nil
}

// pin puts a message into the timeline. One that was never heard is fetched.
// Whoever is not allowed to is told so, and nobody else.
func (w *Workspace) pin(ctx context.Context, r dispatch.Request, m message, from asker) answer {
	b := w.app
	reply, err := b.Dispatcher.Pin(ctx, r, m.key())
	if err == nil && !reply.OK {
		found, e := w.fetch(ctx, m)
		if e != nil && !bot.IsPermanent(e) {
			return answer{failed: e}
		}
		if found != nil && e == nil {
			if text := w.text(ctx, *found); text != "" {
				r.Text = w.author(ctx, *found).Name + ": " + text
				reply, err = b.Dispatcher.Pin(ctx, r, m.key())
			}
		}
	}
	if err != nil || reply.OK {
		return answer{failed: err}
	}
	return answer{after: func(ctx context.Context, _ bool) { w.tell(ctx, from, sayReply(reply.Text)) }}
}

// unpin takes a pin back when nobody's 📌 is left.
func (w *Workspace) unpin(ctx context.Context, r dispatch.Request, m message) error {
	var left slack.ReactedItem
	err := w.call(ctx, call{method: "reactions.get", wait: true}, func(ctx context.Context) (e error) {
		left, e = w.api.GetReactionsContext(ctx, slack.NewRefToMessage(m.Channel, m.TS), slack.GetReactionsParameters{Full: true})
		return e
	})
	if err != nil && !bot.IsPermanent(err) {
		return err
	}
	for _, reaction := range left.Reactions {
		if reaction.Name == pushpin && reaction.Count > 0 {
			return nil
		}
	}
	_, err = w.app.Dispatcher.Unpin(ctx, r, m.key())
	return err
}

// fetch reads one message again; nil when it is gone. One below another is no
// part of the channel's history
// (docs.slack.dev/reference/methods/conversations.replies).
func (w *Workspace) fetch(ctx context.Context, m message) (*message, error) {
	var found []slack.Message
	err := w.call(ctx, call{method: "conversations.history", wait: true}, func(ctx context.Context) error {
		r, e := w.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: m.Channel, Latest: m.TS, Oldest: m.TS, Inclusive: true, Limit: 1,
		})
		if e == nil {
			found = r.Messages
		}
		return e
	})
	if err == nil && len(found) == 0 {
		err = w.call(ctx, call{method: "conversations.replies", wait: true}, func(ctx context.Context) (e error) {
			found, _, _, e = w.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: m.Channel, Timestamp: m.TS, Latest: m.TS, Oldest: m.TS, Inclusive: true, Limit: 10, // the one above it is there in any case
			})
			return e
		})
	}
	if err != nil {
		return nil, err
	}
	for n := range found {
		if one := &found[n]; one.Timestamp == m.TS {
			m.User, m.Bot, m.UserName, m.Text = one.User, one.BotID, one.Username, one.Text
			if one.BotProfile != nil {
				m.Profile.Name = one.BotProfile.Name
			}
			return &m, nil
		}
	}
	return nil, nil //nolint:nilnil // it is gone
}
