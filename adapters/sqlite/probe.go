package sqlite

import (
	"context"
	"errors"
	"strings"
	"time"
)

// probeTable holds the row of a probe while it is written, see CheckWrites. It was added to
// layout 4, as additions.sql was.
const probeTable = "CREATE TABLE probe (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"

// probeSize is the size of a probe in bytes: like an incident's, so that a disk with room
// for less counts as full.
const probeSize = 16 << 10

// CheckWrites returns why the store takes no writes, in words for an operator; nil when it
// does. It asks the latest write, or writes something itself when that is long ago. It
// waits until ctx ends.
func (s *Store) CheckWrites(ctx context.Context) error {
	return s.health.Check(ctx, time.Now(), func(ctx context.Context) error {
		body := strings.Repeat("x", probeSize)
		for _, statement := range []string{"REPLACE INTO probe (id, body) VALUES (1, ?)", "DELETE FROM probe WHERE body = ?"} {
			err := s.queue.submit(ctx, &request{do: func(t *tx) error { return t.fail(t.exec(statement, body)) }})
			if text := advice(err); text != "" {
				return errors.New(text)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// recordWrite records the result of a transaction, unless it has written nothing or has
// failed because of what it was to write.
func (w *writer) recordWrite(err error) {
	changed, failed := w.number("SELECT total_changes()")
	if text := advice(err); text != "" {
		w.health.RecordWrite(time.Now(), errors.New(text))
	} else if err == nil && failed == nil && changed != w.rowsChanged {
		w.health.RecordWrite(time.Now(), nil)
	}
	w.rowsChanged = changed
}
