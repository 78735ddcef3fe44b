package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// tx is one transaction. It collects changes of incident rows in memory until flush,
// so that many alerts for one incident write its row once.
type tx struct {
	*writer
	dirty   []*incidentRow
	settled []laneKey
	changed []int64 // incidents whose watchers are to be notified
	now     int64   // the latest instant of an operation
	broken  error   // why the transaction must be rolled back
}

// incidentRow is the row of an incident in the table incident.
type incidentRow struct {
	incidentColumns
	was        incidentColumns // as stored in the file
	exists     bool            // the file has the row
	dirty      bool
	unsentMail *workflow.Mail // mail that this transaction has collected
}

type incidentColumns struct {
	number, version              int64
	open                         bool
	previous, wakeAt             int64
	mailSeq, readSeq             int64
	readAt, mailDue              int64
	wakeRev, wakeSetFor, wakeDue int64
	wakeAttempt, taskSeq         int64
	changed                      int64
	archived                     bool
	listing                      string // see additions.sql
	listingVersion               int64
}

// keepReplies is how long operations are kept.
const keepReplies = 25 * time.Hour

// fail marks the transaction as to be rolled back, if err is not nil.
func (t *tx) fail(err error) error {
	if err != nil && t.broken == nil {
		t.broken = err
	}
	return err
}

// isRolledBack reports whether a transaction was rolled back before its commit.
func isRolledBack(err error) bool {
	_, ok := errors.AsType[*rolledBackError](err)
	return ok
}

// optionalID returns the ID of an incident, or "" for the number 0.
func optionalID(n int64) string {
	if n == 0 {
		return ""
	}
	return workflow.ID(int(n))
}

// incidentRow returns the row of an incident, or nil.
func (t *tx) incidentRow(n int64) (*incidentRow, error) {
	if i, ok := t.rows.get(n); ok {
		return i, nil
	}
	row, err := t.queryRow(`SELECT version, open, previous, wake_at, mail_seq, read_seq, read_at, mail_due,
		wake_rev, wake_set_for, wake_due, wake_attempt, task_seq, changed, archived, listing, listing_version FROM incident WHERE number = ?`, n)
	if err != nil || row == nil {
		return nil, err
	}
	c := incidentColumns{
		number: n, version: number(row[0]), open: number(row[1]) != 0, previous: number(row[2]), wakeAt: number(row[3]),
		mailSeq: number(row[4]), readSeq: number(row[5]), readAt: number(row[6]), mailDue: number(row[7]),
		wakeRev: number(row[8]), wakeSetFor: number(row[9]), wakeDue: number(row[10]), wakeAttempt: number(row[11]), taskSeq: number(row[12]),
		changed: number(row[13]), archived: number(row[14]) != 0, listing: text(row[15]), listingVersion: number(row[16]),
	}
	i := &incidentRow{incidentColumns: c, was: c, exists: true}
	t.rows.put(n, i)
	return i, nil
}

// newIncidentRow adds the row of a new incident.
func (t *tx) newIncidentRow(n int64) *incidentRow {
	i := &incidentRow{incidentColumns: incidentColumns{number: n}}
	t.rows.put(n, i)
	t.last = max(t.last, n)
	return i
}

// touch marks a row, so that flush writes it.
func (t *tx) touch(i *incidentRow) {
	if !i.dirty {
		i.dirty = true
		t.dirty = append(t.dirty, i)
	}
}

// setWakeUp sets the standing wake-up: the earlier of the incident's own deadline and
// its unread mail.
func (i *incidentRow) setWakeUp() {
	due := i.due()
	switch {
	case due == 0:
		i.wakeDue, i.wakeAttempt = 0, 0
	case i.wakeDue != due || i.wakeSetFor != due:
		i.wakeRev++
		i.wakeSetFor, i.wakeDue, i.wakeAttempt = due, due, 0
	}
}

// due returns when the standing wake-up should be due; 0: never.
func (c *incidentColumns) due() int64 {
	if c.mailDue != 0 && (c.wakeAt == 0 || c.mailDue < c.wakeAt) {
		return c.mailDue
	}
	return c.wakeAt
}

// flush writes the changes that the transaction has collected.
func (t *tx) flush() error {
	for _, i := range t.dirty {
		if err := t.flushIncidentRow(i); err != nil {
			return err
		}
		i.was, i.exists, i.dirty, i.unsentMail = i.incidentColumns, true, false, nil
	}
	t.dirty = t.dirty[:0]
	if t.last != t.stored {
		if err := t.exec("UPDATE counter SET value = ? WHERE name = 'incident'", t.last); err != nil {
			return err
		}
		t.stored = t.last
	}
	return t.deleteOldOperations()
}

func (t *tx) flushIncidentRow(i *incidentRow) error {
	if i.unsentMail != nil {
		b, err := json.Marshal(i.unsentMail)
		if err != nil {
			return fmt.Errorf("write mail for %s: %w", optionalID(i.number), err)
		}
		if err := t.exec("INSERT INTO mail (number, seq, body) VALUES (?, ?, ?)", i.number, i.mailSeq, b); err != nil {
			return err
		}
	}
	if err := t.flushWakeUp(i); err != nil {
		return err
	}
	if err := t.flushListing(i); err != nil {
		return err
	}
	c := i.incidentColumns
	if !i.exists {
		return t.exec(`INSERT INTO incident (version, open, previous, wake_at, mail_seq, read_seq, read_at, mail_due,
			wake_rev, wake_set_for, wake_due, wake_attempt, task_seq, changed, archived, listing, listing_version, number)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.version, c.open, c.previous, c.wakeAt, c.mailSeq, c.readSeq, c.readAt, c.mailDue,
			c.wakeRev, c.wakeSetFor, c.wakeDue, c.wakeAttempt, c.taskSeq, c.changed, c.archived, c.listing, c.listingVersion, c.number)
	}
	// An UPDATE rewrites the index of every column it names, changed or not.
	if c.open != i.was.open {
		if err := t.exec("UPDATE incident SET open = ? WHERE number = ?", c.open, c.number); err != nil {
			return err
		}
	}
	if c.changed != i.was.changed || c.archived != i.was.archived {
		if err := t.exec("UPDATE incident SET changed = ?, archived = ? WHERE number = ?", c.changed, c.archived, c.number); err != nil {
			return err
		}
	}
	return t.exec(`UPDATE incident SET version = ?, wake_at = ?, mail_seq = ?, read_seq = ?, read_at = ?, mail_due = ?,
		wake_rev = ?, wake_set_for = ?, wake_due = ?, wake_attempt = ?, task_seq = ?, listing = ?, listing_version = ? WHERE number = ?`,
		c.version, c.wakeAt, c.mailSeq, c.readSeq, c.readAt, c.mailDue,
		c.wakeRev, c.wakeSetFor, c.wakeDue, c.wakeAttempt, c.taskSeq, c.listing, c.listingVersion, c.number)
}

// flushWakeUp writes the lane of the standing wake-up.
func (t *tx) flushWakeUp(i *incidentRow) error {
	lane := wakeLane(i.number)
	switch {
	case i.wakeDue == i.was.wakeDue:
		return nil
	case i.wakeDue == 0:
		return t.dropLane(lane)
	case i.was.wakeDue == 0:
		return t.addLane(lane, i.wakeDue)
	}
	return t.moveLane(lane, i.wakeDue)
}

// addLane adds a lane to the agenda, unless the agenda has it.
func (t *tx) addLane(k laneKey, due int64) error {
	t.classes.add(k.class)
	return t.exec("INSERT INTO lane (number, class, destination, due) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", k.number, k.class, k.destination, due)
}

// putLane adds a lane to the agenda or changes its due time.
func (t *tx) putLane(k laneKey, due int64) error {
	t.classes.add(k.class)
	return t.exec("INSERT INTO lane (number, class, destination, due) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET due = excluded.due",
		k.number, k.class, k.destination, due)
}

func (t *tx) moveLane(k laneKey, due int64) error {
	return t.exec("UPDATE lane SET due = ? WHERE number = ? AND class = ? AND destination = ?", due, k.number, k.class, k.destination)
}

func (t *tx) dropLane(k laneKey) error {
	return t.exec("DELETE FROM lane WHERE number = ? AND class = ? AND destination = ?", k.number, k.class, k.destination)
}

// deleteOldOperations deletes operations that are too old, a limited number at a time.
func (t *tx) deleteOldOperations() error {
	until := t.now - int64(keepReplies)
	if t.now == 0 || t.oldest == 0 || t.oldest >= until {
		return nil
	}
	if err := t.exec("DELETE FROM operation WHERE id IN (SELECT id FROM operation WHERE at < ? ORDER BY at LIMIT 200)", until); err != nil {
		return err
	}
	return t.reloadOldest()
}

// wakeLane returns the lane of an incident's standing wake-up.
func wakeLane(n int64) laneKey {
	return laneKey{n, int64(workflow.ClassWake), bot.WakeTask}
}
