package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"tocsin/bot"
)

// ListEnded implements [bot.Archive].
func (s *Store) ListEnded(ctx context.Context, q bot.EndedQuery) ([]string, error) {
	var all []string
	err := s.read(ctx, func(r *session) error {
		return r.each("SELECT number FROM incident INDEXED BY incident_ended WHERE NOT open AND archived = ? AND changed < ? ORDER BY changed, number LIMIT ?",
			func(row []driver.Value) (bool, error) {
				all = append(all, idOf(number(row[0])))
				return true, nil
			}, q.Archived, nanos(q.Before), int64(max(q.Limit, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("list what is over: %w", err)
	}
	return all, nil
}

// errMoved says that an incident changed while its compact form was made.
var errChanged = errors.New("changed meanwhile")

// Archive implements [bot.Archive]. The compact form is made beside the writer,
// which would else be held up by each large incident; it only looks whether
// the incident is still what was packed.
func (s *Store) Archive(ctx context.Context, incident string) (bool, error) {
	n, _ := parseID(incident)
	for {
		done, err := s.archive(ctx, n)
		switch {
		case errors.Is(err, errChanged):
			continue
		case err != nil:
			return false, fmt.Errorf("shelve %s: %w", incident, err)
		}
		return done, nil
	}
}

func (s *Store) archive(ctx context.Context, n int64) (bool, error) {
	var d *bot.ArchivedIncident
	err := s.readSnapshot(ctx, func(r *session) (err error) {
		d, err = readIncident(r, n)
		return err
	})
	if err != nil || d == nil || d.Open || len(d.Tasks) > 0 || !d.WakeAt.IsZero() { // the writer has the last word on the rest
		return false, err
	}
	packed, err := bot.Compact(*d)
	if err != nil {
		return false, err
	}
	done := false
	err = s.queue.submit(ctx, &request{size: len(packed), do: func(t *tx) (err error) {
		done, err = t.archive(*d, packed)
		return err
	}})
	return done, err
}

// shelve puts the compact form in the place of the rows that it was made of.
// An incident's rows only change with its version, its mail and its messages;
// those are compared themselves, since they may have been replaced.
func (t *tx) archive(d bot.ArchivedIncident, packed []byte) (bool, error) {
	n := int64(d.Number)
	h, err := t.endedRow(n)
	switch {
	case err != nil:
		return false, t.spoil(err)
	case h == nil:
		return false, nil
	case h.archived:
		return true, nil
	}
	all, err := readMessages(t.session, n)
	if err != nil {
		return false, t.spoil(err)
	}
	alike := slices.EqualFunc(all, d.Messages, func(a, b bot.StoredMessage) bool {
		return a.Key == b.Key && a.Seq == b.Seq && bytes.Equal(a.Body, b.Body)
	})
	if h.version != int64(d.Version) || h.readSeq != int64(d.ReadSeq) || h.readAt != nanos(d.ReadAt) || !alike {
		return false, errChanged
	}
	h.archived = true
	t.touch(h)
	return true, t.spoil(errors.Join(t.deleteRows(n), t.exec("INSERT INTO archive (number, body) VALUES (?, ?)", n, packed)))
}

// finished returns the head of an incident of which nothing is to come by
// itself: it is not open, its mail is read, and it owes nothing. Else nil.
func (t *tx) endedRow(n int64) (*incidentRow, error) {
	if err := t.flush(); err != nil { // what is kept back belongs to it
		return nil, err
	}
	h, err := t.incidentRow(n)
	if err != nil || h == nil || h.open || h.mailSeq > h.readSeq || h.wakeDue != 0 || h.due() != 0 {
		return nil, err
	}
	owed, err := t.one("SELECT 1 FROM task WHERE number = ? LIMIT 1", n)
	if err != nil || owed != nil {
		return nil, err
	}
	return h, nil
}

// unshelve brings an incident back from its compact form, for what is about to
// change it.
func (t *tx) restore(h *incidentRow) error {
	if h == nil || !h.archived {
		return nil
	}
	row, err := t.one("SELECT body FROM archive WHERE number = ?", h.number)
	if err == nil && row == nil {
		err = errors.New("its compact form is not there")
	}
	var d bot.ArchivedIncident
	if err == nil {
		d, err = bot.Expand(body(row[0]))
	}
	if err == nil {
		err = errors.Join(t.insertRows(d), t.exec("DELETE FROM archive WHERE number = ?", h.number))
	}
	if err != nil {
		return fmt.Errorf("take %s from the shelf: %w", idOf(h.number), err)
	}
	h.archived = false
	t.touch(h)
	return nil
}

// Forget implements [bot.Archive].
func (s *Store) Forget(ctx context.Context, incident string) (bool, error) {
	n, _ := parseID(incident)
	done := false
	err := s.queue.submit(ctx, &request{do: func(t *tx) (err error) {
		done, err = t.forgetIncident(n)
		return t.spoil(err)
	}})
	if err != nil {
		return false, fmt.Errorf("forget %s: %w", incident, err)
	}
	return done, nil
}

func (t *tx) forgetIncident(n int64) (bool, error) {
	h, err := t.endedRow(n)
	if err != nil {
		return false, err
	}
	if h == nil {
		h, err = t.incidentRow(n)
		return h == nil, err
	}
	fires, err := t.one("SELECT 1 FROM alert INDEXED BY alert_firing WHERE firing AND number = ? LIMIT 1", n)
	if err != nil || fires != nil {
		return false, err
	}
	t.changed = append(t.changed, n)
	if err := t.deleteIncident(n); err != nil {
		return false, err
	}
	for k, r := range t.alerts.all {
		if r.Incident == idOf(n) {
			t.alerts.drop(k)
		}
	}
	for k, g := range t.groups.all {
		if g.number == n {
			t.groups.drop(k)
		}
	}
	return true, errors.Join(t.forgetRecords(idOf(n)),
		t.exec("DELETE FROM alert INDEXED BY alert_resolved WHERE NOT firing AND number = ?", n),
		t.exec("DELETE FROM alert_group INDEXED BY alert_group_number WHERE number = ?", n))
}

// forgetRecords deletes the records that belong to an incident.
func (t *tx) forgetRecords(id string) error {
	from, below := bot.OwnedIDs(id)
	for _, kind := range bot.OwnedKinds() {
		err := t.exec(`DELETE FROM record WHERE kind = ?1 AND body = ?4
			AND id IN (SELECT substr(id, ?5) FROM record WHERE kind = ?1 AND id >= ?2 AND id < ?3)`, kind, from, below, []byte(id), int64(len(from))+1)
		if err == nil {
			err = t.exec("DELETE FROM record WHERE kind = ? AND id >= ? AND id < ?", kind, from, below)
		}
		if err != nil {
			return fmt.Errorf("forget records of kind %s: %w", kind, err)
		}
	}
	return nil
}

// dropIncident deletes an incident, whatever form it has, and what it owes.
func (t *tx) deleteIncident(n int64) error {
	t.rows.drop(n)
	return errors.Join(t.deleteRows(n),
		t.exec("DELETE FROM archive WHERE number = ?", n), t.exec("DELETE FROM task WHERE number = ?", n),
		t.exec("DELETE FROM lane WHERE number = ?", n), t.exec("DELETE FROM incident WHERE number = ?", n))
}
