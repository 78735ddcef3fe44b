package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"tocsin/bot"
	"tocsin/workflow"
)

// Watch implements [bot.Library].
func (s *Store) Watch(ctx context.Context, incident string) <-chan struct{} {
	return s.feed.Watch(ctx, incident)
}

// notifyWatchers notifies the watchers of the incidents that a committed transaction has
// changed.
func (w *writer) notifyWatchers(changed []int64) {
	if !w.feed.HasWatchers() {
		return
	}
	slices.Sort(changed)
	changed = slices.Compact(changed)
	ids := make([]string, 0, len(changed))
	for _, n := range changed {
		ids = append(ids, optionalID(n))
	}
	w.feed.Notify(ids...)
}

// addMessages appends the messages to a conversation whose keys it does not have.
func (t *tx) addMessages(n int64, all []bot.StoredMessage) error {
	for _, m := range all {
		row, err := t.queryRow(`INSERT INTO message (number, seq, key, body) VALUES (?1, 1 + (SELECT coalesce(max(seq), 0) FROM message WHERE number = ?1), ?2, ?3)
			ON CONFLICT (number, key) DO NOTHING RETURNING seq`, n, m.Key, m.Body)
		if err != nil {
			return fmt.Errorf("write message %s: %w", m.Key, err)
		}
		if row != nil {
			t.changed = append(t.changed, n)
		}
	}
	return nil
}

// editMessages replaces the bodies of messages that exist.
func (t *tx) editMessages(n int64, all []bot.StoredMessage) error {
	for _, m := range all {
		row, err := t.queryRow("UPDATE message SET body = ? WHERE number = ? AND key = ? RETURNING seq", m.Body, n, m.Key)
		if err != nil {
			return fmt.Errorf("edit message %s: %w", m.Key, err)
		}
		if row != nil {
			t.changed = append(t.changed, n)
		}
	}
	return nil
}

// scanMessage converts the columns key, seq and body.
func scanMessage(row []driver.Value) bot.StoredMessage {
	return bot.StoredMessage{Key: text(row[0]), Seq: int(number(row[1])), Body: body(row[2])}
}

// readMessages reads the conversation of an incident that is not archived.
func readMessages(r *session, n int64) (all []bot.StoredMessage, err error) {
	err = r.each("SELECT key, seq, body FROM message WHERE number = ? ORDER BY seq", func(row []driver.Value) (bool, error) {
		all = append(all, scanMessage(row))
		return true, nil
	}, n)
	return all, err
}

// Messages implements [bot.Messages].
func (s *Store) Messages(ctx context.Context, incident string, before, limit int) ([]bot.StoredMessage, error) {
	n := int64(workflow.NumberOf(incident))
	below := int64(before)
	if before == 0 {
		below = 1<<63 - 1
	}
	var all []bot.StoredMessage
	err := s.readSnapshot(ctx, func(r *session) error {
		err := r.each("SELECT key, seq, body FROM message WHERE number = ? AND seq < ? ORDER BY seq DESC LIMIT ?", func(row []driver.Value) (bool, error) {
			all = append(all, scanMessage(row))
			return true, ctx.Err()
		}, n, below, int64(max(limit, 0)))
		if err != nil || len(all) > 0 {
			return err
		}
		d, err := readArchived(r, n)
		for _, m := range slices.Backward(d.Messages) {
			if int64(m.Seq) < below && len(all) < limit {
				all = append(all, m)
			}
		}
		if errors.Is(err, bot.ErrNotFound) {
			return nil // no incident, no messages
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the messages of %s: %w", incident, err)
	}
	slices.Reverse(all)
	return all, nil
}
