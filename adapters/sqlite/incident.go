package sqlite

import (
	"database/sql/driver"

	"tocsin/bot"
	"tocsin/workflow"
)

// readIncident reads everything of one incident; nil when it does not exist. The caller
// must have begun a transaction, so that all rows are of the same state.
func readIncident(r *session, n int64) (*bot.ArchivedIncident, error) {
	row, err := r.queryRow(`SELECT i.version, i.open, i.previous, i.changed, i.wake_at, i.read_seq, i.read_at, s.body, a.body
		FROM incident i LEFT JOIN state s ON s.number = i.number LEFT JOIN archive a ON a.number = i.number WHERE i.number = ?`, n)
	if err != nil || row == nil {
		return nil, err
	}
	if compact := body(row[8]); compact != nil {
		var d bot.ArchivedIncident
		d, err = bot.Expand(compact)
		return &d, err
	}
	d := &bot.ArchivedIncident{
		Number: int(n), Version: int(number(row[0])), Open: number(row[1]) != 0, Previous: optionalID(number(row[2])), Changed: instant(number(row[3])),
		WakeAt: instant(number(row[4])), ReadSeq: int(number(row[5])), ReadAt: instant(number(row[6])), Body: body(row[7]),
	}
	err = r.each("SELECT seq, body FROM event WHERE number = ? ORDER BY seq", func(row []driver.Value) (bool, error) {
		d.Events = append(d.Events, bot.StoredEvent{Seq: int(number(row[0])), Body: body(row[1])})
		return true, nil
	}, n)
	if err != nil {
		return nil, err
	}
	err = r.each("SELECT seq, body FROM mail WHERE number = ? ORDER BY seq", func(row []driver.Value) (bool, error) {
		d.Mail = append(d.Mail, bot.StoredMail{Seq: int(number(row[0])), Body: body(row[1])})
		return true, nil
	}, n)
	if err != nil {
		return nil, err
	}
	if d.Messages, err = readMessages(r, n); err != nil {
		return nil, err
	}
	return d, r.each("SELECT class, destination, id, due, attempt, rev, body FROM task WHERE number = ? ORDER BY class, destination, position",
		func(row []driver.Value) (bool, error) {
			d.Tasks = append(d.Tasks, bot.Task{
				ID: text(row[2]), Owner: optionalID(n), Lane: workflow.Lane{Class: workflow.Class(number(row[0])), Destination: text(row[1])},
				Due: instant(number(row[3])), Attempt: int(number(row[4])), Rev: int(number(row[5])), Body: body(row[6]),
			})
			return true, nil
		}, n)
}

// insertRows inserts the rows that an archived incident does not have.
func (t *tx) insertRows(d bot.ArchivedIncident) error {
	n := int64(d.Number)
	if err := t.exec("INSERT INTO state (number, body) VALUES (?, ?)", n, d.Body); err != nil {
		return err
	}
	for _, e := range d.Events {
		if err := t.exec("INSERT INTO event (number, seq, body) VALUES (?, ?, ?)", n, int64(e.Seq), e.Body); err != nil {
			return err
		}
	}
	for _, m := range d.Mail {
		if err := t.exec("INSERT INTO mail (number, seq, body) VALUES (?, ?, ?)", n, int64(m.Seq), m.Body); err != nil {
			return err
		}
	}
	for _, m := range d.Messages {
		if err := t.exec("INSERT INTO message (number, seq, key, body) VALUES (?, ?, ?, ?)", n, int64(m.Seq), m.Key, m.Body); err != nil {
			return err
		}
	}
	return nil
}

// deleteRows deletes the rows that insertRows inserts.
func (t *tx) deleteRows(n int64) error {
	for _, text := range []string{
		"DELETE FROM state WHERE number = ?", "DELETE FROM event WHERE number = ?", "DELETE FROM mail WHERE number = ?", "DELETE FROM message WHERE number = ?",
	} {
		if err := t.exec(text, n); err != nil {
			return err
		}
	}
	return nil
}
