package slack

import (
	"context"

	"github.com/slack-go/slack"
)

// FetchMessage reads one message of a channel; nil when it is gone. A reply in a
// thread is not part of the channel's history, and is read from its thread
// (docs.slack.dev/reference/methods/conversations.replies).
func (a *API) FetchMessage(ctx context.Context, channel, ts string) (*slack.Message, error) {
	var found []slack.Message
	err := a.call(ctx, call{method: "conversations.history", wait: true}, func(ctx context.Context) error {
		r, e := a.bot.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Latest: ts, Oldest: ts, Inclusive: true, Limit: 1,
		})
		if e == nil {
			found = r.Messages
		}
		return e
	})
	if err == nil && len(found) == 0 {
		err = a.call(ctx, call{method: "conversations.replies", wait: true}, func(ctx context.Context) (e error) {
			found, _, _, e = a.bot.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: ts, Latest: ts, Oldest: ts, Inclusive: true, Limit: 10, // the thread's first message is always among them
			})
			return e
		})
	}
	if err != nil {
		return nil, err
	}
	for n := range found {
		if found[n].Timestamp == ts {
			return &found[n], nil
		}
	}
	return nil, nil //nolint:nilnil // it is gone
}

// Reactions returns how many users have put each reaction on a message, by the
// reaction's name.
func (a *API) Reactions(ctx context.Context, channel, ts string) (map[string]int, error) {
	var item slack.ReactedItem
	err := a.call(ctx, call{method: "reactions.get", wait: true}, func(ctx context.Context) (e error) {
		item, e = a.bot.GetReactionsContext(ctx, slack.NewRefToMessage(channel, ts), slack.GetReactionsParameters{Full: true})
		return e
	})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, r := range item.Reactions {
		counts[r.Name] += r.Count
	}
	return counts, nil
}
