package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"tocsin/bot"
	"tocsin/workflow"
)

// ListEnded implements [bot.Archive].
func (s *Store) ListEnded(ctx context.Context, q bot.EndedQuery) ([]string, error) {
	var all []string
	err := s.read(ctx, func(r *session) error {
		return r.each("SELECT number FROM incident INDEXED BY incident_ended WHERE NOT open AND archived = ? AND changed < ? ORDER BY changed, number LIMIT ?",
			func(row []driver.Value) (bool, error) {
				all = append(all, optionalID(number(row[0])))
				return true, nil
			}, q.Archived, nanos(q.Before), int64(max(q.Limit, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("list ended incidents: %w", err)
	}
	return all, nil
}

// errChanged says that an incident has changed since its compact form was made.
var errChanged = errors.New("changed meanwhile")

// Archive implements [bot.Archive]. The compact form is made outside the writer, which
// a large incident would delay; the writer only checks that the incident has not
// changed since.
func (s *Store) Archive(ctx context.Context, incident string) (bool, error) {
	n := int64(workflow.NumberOf(incident))
	for {
		done, err := s.archive(ctx, n)
		switch {
		case errors.Is(err, errChanged):
			continue
		case err != nil:
			return false, fmt.Errorf("archive %s: %w", incident, err)
		}
		return done, nil
	}
}

// archive tries once to archive an incident; errChanged asks for another try.
func (s *Store) archive(ctx context.Context, n int64) (bool, error) {
	var d *bot.ArchivedIncident
	err := s.readSnapshot(ctx, func(r *session) (err error) {
		d, err = readIncident(r, n)
		return err
	})
	if err != nil || d == nil || d.Open || len(d.Tasks) > 0 || !d.WakeAt.IsZero() { // the writer checks the rest
		return false, err
	}
	compact, err := bot.Compact(*d)
	if err != nil {
		return false, err
	}
	done := false
	err = s.queue.submit(ctx, &request{size: len(compact), do: func(t *tx) (err error) {
		done, err = t.archive(*d, compact)
		return err
	}})
	return done, err
}

// archive replaces the rows of an incident by the compact form that was made of them.
// Rows change only with the version, the mail and the messages of the incident;
// messages are compared themselves, because they may have been edited.
func (t *tx) archive(d bot.ArchivedIncident, compact []byte) (bool, error) {
	n := int64(d.Number)
	i, err := t.endedRow(n)
	switch {
	case err != nil:
		return false, t.fail(err)
	case i == nil:
		return false, nil
	case i.archived:
		return true, nil
	}
	all, err := readMessages(t.session, n)
	if err != nil {
		return false, t.fail(err)
	}
	sameMessages := slices.EqualFunc(all, d.Messages, func(a, b bot.StoredMessage) bool {
		return a.Key == b.Key && a.Seq == b.Seq && bytes.Equal(a.Body, b.Body)
	})
	if i.version != int64(d.Version) || i.readSeq != int64(d.ReadSeq) || i.readAt != nanos(d.ReadAt) || !sameMessages {
		return false, errChanged
	}
	i.archived = true
	t.touch(i)
	return true, t.fail(errors.Join(t.deleteRows(n), t.exec("INSERT INTO archive (number, body) VALUES (?, ?)", n, compact)))
}

// endedRow returns the row of an incident that will not change by itself: it is not
// open, has no unread mail, and owes nothing. Otherwise it returns nil.
func (t *tx) endedRow(n int64) (*incidentRow, error) {
	if err := t.flush(); err != nil { // collected changes count too
		return nil, err
	}
	i, err := t.incidentRow(n)
	if err != nil || i == nil || i.open || i.mailSeq > i.readSeq || i.wakeDue != 0 || i.due() != 0 {
		return nil, err
	}
	owed, err := t.queryRow("SELECT 1 FROM task WHERE number = ? LIMIT 1", n)
	if err != nil || owed != nil {
		return nil, err
	}
	return i, nil
}

// restore restores an archived incident from its compact form, before it is changed.
func (t *tx) restore(i *incidentRow) error {
	if i == nil || !i.archived {
		return nil
	}
	row, err := t.queryRow("SELECT body FROM archive WHERE number = ?", i.number)
	if err == nil && row == nil {
		err = errors.New("its compact form is missing")
	}
	var d bot.ArchivedIncident
	if err == nil {
		d, err = bot.Expand(body(row[0]))
	}
	if err == nil {
		err = errors.Join(t.insertRows(d), t.exec("DELETE FROM archive WHERE number = ?", i.number))
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", optionalID(i.number), err)
	}
	i.archived = false
	t.touch(i)
	return nil
}

// Forget implements [bot.Archive].
func (s *Store) Forget(ctx context.Context, incident string) (bool, error) {
	n := int64(workflow.NumberOf(incident))
	done := false
	err := s.queue.submit(ctx, &request{do: func(t *tx) (err error) {
		done, err = t.forgetIncident(n)
		return t.fail(err)
	}})
	if err != nil {
		return false, fmt.Errorf("forget %s: %w", incident, err)
	}
	return done, nil
}

func (t *tx) forgetIncident(n int64) (bool, error) {
	i, err := t.endedRow(n)
	if err != nil {
		return false, err
	}
	if i == nil {
		i, err = t.incidentRow(n)
		return i == nil, err
	}
	firing, err := t.queryRow("SELECT 1 FROM alert INDEXED BY alert_firing WHERE firing AND number = ? LIMIT 1", n)
	if err != nil || firing != nil {
		return false, err
	}
	t.changed = append(t.changed, n)
	if err := t.deleteIncident(n); err != nil {
		return false, err
	}
	for k, r := range t.alerts.all {
		if r.Incident == optionalID(n) {
			t.alerts.drop(k)
		}
	}
	for k, g := range t.groups.all {
		if g.number == n {
			t.groups.drop(k)
		}
	}
	return true, errors.Join(t.forgetRecords(optionalID(n)),
		t.exec("DELETE FROM alert INDEXED BY alert_resolved WHERE NOT firing AND number = ?", n),
		t.exec("DELETE FROM alert_group INDEXED BY alert_group_number WHERE number = ?", n))
}

// forgetRecords deletes the records that belong to an incident, see [bot.OwnedKinds].
func (t *tx) forgetRecords(id string) error {
	from, below := bot.OwnedIDs(id)
	for _, kind := range bot.OwnedKinds() {
		err := t.exec(`DELETE FROM record WHERE kind = ?1 AND body = ?4
			AND id IN (SELECT substr(id, ?5) FROM record WHERE kind = ?1 AND id >= ?2 AND id < ?3)`, kind, from, below, []byte(id), int64(len(from))+1)
		if err == nil {
			err = t.exec("DELETE FROM record WHERE kind = ? AND id >= ? AND id < ?", kind, from, below)
		}
		if err != nil {
			return fmt.Errorf("delete records of kind %s: %w", kind, err)
		}
	}
	return nil
}

// deleteIncident deletes an incident, archived or not, and its tasks.
func (t *tx) deleteIncident(n int64) error {
	i, err := t.incidentRow(n)
	if err == nil && i != nil {
		i.listing = ""
		err = t.flushListing(i)
	}
	t.rows.drop(n)
	return errors.Join(err, t.deleteRows(n),
		t.exec("DELETE FROM archive WHERE number = ?", n), t.exec("DELETE FROM task WHERE number = ?", n),
		t.exec("DELETE FROM lane WHERE number = ?", n), t.exec("DELETE FROM incident WHERE number = ?", n))
}
