package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Load implements [bot.Incidents]. One statement reads the incident and its mail, so
// that both are of the same state.
func (s *Store) Load(ctx context.Context, id string) (bot.Loaded, error) {
	n := int64(workflow.NumberOf(id))
	found := false
	var l bot.Loaded
	err := s.read(ctx, func(r *session) error {
		return r.each(`SELECT 0, i.version, i.previous, s.body, a.body FROM incident i
				LEFT JOIN state s ON s.number = i.number LEFT JOIN archive a ON a.number = i.number WHERE i.number = ?1
			UNION ALL SELECT m.seq, 0, 0, m.body, NULL FROM mail m WHERE m.number = ?1 AND m.seq > (SELECT read_seq FROM incident WHERE number = ?1)`,
			func(row []driver.Value) (bool, error) {
				seq := number(row[0])
				if seq == 0 {
					found = true
					mail := l.Mail
					var err error
					l, err = scanLoaded(n, row[1:])
					l.Mail = mail
					return true, err
				}
				m := workflow.Mail{Seq: int(seq)}
				err := json.Unmarshal(body(row[3]), &m)
				l.Mail = append(l.Mail, m)
				return true, err
			}, n)
	})
	if err == nil && !found {
		err = bot.ErrNotFound
	}
	if err != nil {
		return bot.Loaded{}, fmt.Errorf("load %s: %w", id, err)
	}
	slices.SortFunc(l.Mail, func(a, b workflow.Mail) int { return a.Seq - b.Seq })
	return l, nil
}

// scanLoaded converts the columns version, previous, body and the compact form.
func scanLoaded(n int64, row []driver.Value) (bot.Loaded, error) {
	l := bot.Loaded{ID: optionalID(n), Number: int(n), Version: int(number(row[0])), Previous: optionalID(number(row[1]))}
	state := body(row[2])
	if compact := body(row[3]); compact != nil {
		var err error
		if state, err = bot.ExpandSnapshot(compact); err != nil {
			return l, fmt.Errorf("read %s: %w", l.ID, err)
		}
	}
	if l.Version == 0 {
		l.Stub = state
	} else {
		l.Snapshot = state
	}
	return l, nil
}

// Reply implements [bot.Incidents].
func (s *Store) Reply(ctx context.Context, operation string) ([]byte, error) {
	var reply []byte
	err := s.read(ctx, func(r *session) error {
		row, err := r.queryRow("SELECT reply FROM operation WHERE id = ?", operation)
		switch {
		case err != nil:
			return err
		case row == nil:
			return bot.ErrNotFound
		}
		reply = body(row[0])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find the reply of %s: %w", operation, err)
	}
	return reply, nil
}

// List implements [bot.Library]. Only Load returns mail.
func (s *Store) List(ctx context.Context, q bot.Query) ([]bot.Loaded, error) {
	before := int64(q.Before)
	if before == 0 {
		before = 1<<63 - 1
	}
	const columns = "SELECT i.number, i.version, i.previous, s.body, a.body FROM incident i "
	const rest = "LEFT JOIN state s ON s.number = i.number LEFT JOIN archive a ON a.number = i.number WHERE i.number < ? "
	query := columns + rest + "ORDER BY i.number DESC LIMIT ?"
	switch {
	case q.Open:
		query = columns + "INDEXED BY incident_open " + rest + "AND i.open ORDER BY i.number DESC LIMIT ?"
	case q.Ended:
		query = columns + rest + "AND NOT i.open ORDER BY i.number DESC LIMIT ?"
	}
	var all []bot.Loaded
	err := s.read(ctx, func(r *session) error {
		return r.each(query, func(row []driver.Value) (bool, error) {
			l, err := scanLoaded(number(row[0]), row[1:])
			all = append(all, l)
			if err == nil {
				err = ctx.Err()
			}
			return true, err
		}, before, int64(max(q.Limit, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return all, nil
}

// History implements [bot.Library].
func (s *Store) History(ctx context.Context, id string, after, limit int) ([][]byte, error) {
	n := int64(workflow.NumberOf(id))
	var all [][]byte
	err := s.readSnapshot(ctx, func(r *session) error {
		err := r.each("SELECT body FROM event WHERE number = ? AND seq > ? ORDER BY seq LIMIT ?", func(row []driver.Value) (bool, error) {
			all = append(all, body(row[0]))
			return true, ctx.Err()
		}, n, int64(after), int64(max(limit, 0)))
		if err != nil || len(all) > 0 {
			return err
		}
		d, err := readArchived(r, n)
		for _, e := range d.Events {
			if e.Seq > after && len(all) < limit {
				all = append(all, e.Body)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", id, err)
	}
	return all, nil
}

// readArchived reads the compact form of an incident. The result is empty when the
// incident is not archived, and ErrNotFound when it does not exist.
func readArchived(r *session, n int64) (bot.ArchivedIncident, error) {
	row, err := r.queryRow("SELECT a.body FROM incident i LEFT JOIN archive a ON a.number = i.number WHERE i.number = ?", n)
	switch {
	case err != nil:
		return bot.ArchivedIncident{}, err
	case row == nil:
		return bot.ArchivedIncident{}, bot.ErrNotFound
	case row[0] == nil:
		return bot.ArchivedIncident{}, nil
	}
	return bot.Expand(body(row[0]))
}

// Firing implements [bot.Intake].
func (s *Store) Firing(ctx context.Context, incident, after string, limit int) ([]alerts.Row, error) {
	n := int64(workflow.NumberOf(incident))
	integration, key, _ := strings.Cut(after, "\x00")
	var all []alerts.Row
	err := s.read(ctx, func(r *session) error {
		return r.each("SELECT "+alertColumns+` FROM alert INDEXED BY alert_firing
			WHERE firing AND number = ? AND (integration, key) > (?, ?) ORDER BY integration, key LIMIT ?`, func(row []driver.Value) (bool, error) {
			alert, err := scanAlert(row)
			all = append(all, alert)
			return true, err
		}, n, integration, key, int64(max(limit, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("list the firing alerts of %s: %w", incident, err)
	}
	return all, nil
}

// Get implements [bot.Records].
func (s *Store) Get(ctx context.Context, kind, id string) (bot.Record, error) {
	var rec bot.Record
	err := s.read(ctx, func(r *session) error {
		row, err := r.queryRow("SELECT version, body FROM record WHERE kind = ? AND id = ?", kind, id)
		switch {
		case err != nil:
			return err
		case row == nil:
			return bot.ErrNotFound
		}
		rec = scanRecord(kind, id, row)
		return nil
	})
	if err != nil {
		return bot.Record{}, fmt.Errorf("get %s %s: %w", kind, id, err)
	}
	return rec, nil
}

// scanRecord converts the columns version and body. An empty body must not become nil,
// which would mean that there is no record.
func scanRecord(kind, id string, row []driver.Value) bot.Record {
	b := body(row[1])
	if b == nil {
		b = []byte{}
	}
	return bot.Record{Kind: kind, ID: id, Version: int(number(row[0])), Body: b}
}

// Records implements [bot.Records].
func (s *Store) Records(ctx context.Context, kind, after string, limit int) ([]bot.Record, error) {
	var all []bot.Record
	err := s.read(ctx, func(r *session) error {
		return r.each("SELECT id, version, body FROM record WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", func(row []driver.Value) (bool, error) {
			all = append(all, scanRecord(kind, text(row[0]), row[1:]))
			return true, ctx.Err()
		}, kind, after, int64(max(limit, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", kind, err)
	}
	return all, nil
}
