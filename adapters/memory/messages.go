package memory

import (
	"context"
	"slices"

	"tocsin/bot"
)

// addMessages appends the messages whose keys the conversation does not have, and reports
// whether there were any.
func (i *incident) addMessages(all []bot.StoredMessage) (changed bool) {
	for _, m := range all {
		if slices.ContainsFunc(i.messages, func(old bot.StoredMessage) bool { return old.Key == m.Key }) {
			continue
		}
		m.Seq = len(i.messages) + 1
		i.messages = append(i.messages, m)
		changed = true
	}
	return changed
}

// editMessages replaces the bodies of messages that exist, and reports whether there were
// any.
func (i *incident) editMessages(all []bot.StoredMessage) (changed bool) {
	for _, m := range all {
		if n := slices.IndexFunc(i.messages, func(old bot.StoredMessage) bool { return old.Key == m.Key }); n >= 0 {
			i.messages[n].Body = m.Body
			changed = true
		}
	}
	return changed
}

// Watch implements [bot.Library].
func (s *Store) Watch(ctx context.Context, incident string) <-chan struct{} {
	return s.feed.Watch(ctx, incident)
}

// Messages implements [bot.Messages].
func (s *Store) Messages(_ context.Context, incident string, before, limit int) ([]bot.StoredMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.incidents[incident]
	if !ok {
		return nil, nil
	}
	to := len(i.messages) // the message with index n has Seq n+1
	if before != 0 {
		to = min(to, max(before-1, 0))
	}
	return slices.Clone(i.messages[max(to-max(limit, 0), 0):to]), nil
}
