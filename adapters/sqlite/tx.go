package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// tx is one transaction. What it changes of incidents is kept in memory until
// flush: many alerts for one incident write its row once.
type tx struct {
	*writer
	dirty   []*incidentRow
	settled []laneKey
	changed []int64 // incidents that watchers are to be told of
	now     int64   // the latest instant of an operation
	broken  error   // why it must be rolled back
}

// head is the small part of an incident.
type incidentRow struct {
	incidentColumns
	was        incidentColumns // as it is in the file
	exists     bool            // in the file
	dirty      bool
	unsentMail *workflow.Mail // mail that the transaction has added up
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
}

// keepReplies is for how long an operation is remembered.
const keepReplies = 25 * time.Hour

// spoil marks the transaction as one that must be rolled back.
func (t *tx) spoil(err error) error {
	if err != nil && t.broken == nil {
		t.broken = err
	}
	return err
}

func isSpoiled(err error) bool {
	_, is := errors.AsType[*spoiledError](err)
	return is
}

// parseID reads an incident's ID.
func parseID(id string) (int64, bool) {
	digits, is := strings.CutPrefix(id, "INC-")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, is && err == nil && n > 0 && digits[0] != '0' && digits[0] != '+'
}

// idOf writes an incident's ID; 0 is "".
func idOf(n int64) string {
	if n == 0 {
		return ""
	}
	return "INC-" + strconv.FormatInt(n, 10)
}

// head returns an incident's head, or nil.
func (t *tx) incidentRow(n int64) (*incidentRow, error) {
	if h, ok := t.rows.get(n); ok {
		return h, nil
	}
	row, err := t.one(`SELECT version, open, previous, wake_at, mail_seq, read_seq, read_at, mail_due,
		wake_rev, wake_set_for, wake_due, wake_attempt, task_seq, changed, archived FROM incident WHERE number = ?`, n)
	if err != nil || row == nil {
		return nil, err
	}
	c := incidentColumns{
		number: n, version: number(row[0]), open: number(row[1]) != 0, previous: number(row[2]), wakeAt: number(row[3]),
		mailSeq: number(row[4]), readSeq: number(row[5]), readAt: number(row[6]), mailDue: number(row[7]),
		wakeRev: number(row[8]), wakeSetFor: number(row[9]), wakeDue: number(row[10]), wakeAttempt: number(row[11]), taskSeq: number(row[12]),
		changed: number(row[13]), archived: number(row[14]) != 0,
	}
	h := &incidentRow{incidentColumns: c, was: c, exists: true}
	t.rows.put(n, h)
	return h, nil
}

// newHead begins an incident.
func (t *tx) newIncidentRow(n int64) *incidentRow {
	h := &incidentRow{incidentColumns: incidentColumns{number: n}}
	t.rows.put(n, h)
	t.last = max(t.last, n)
	return h
}

// touch has flush write a head.
func (t *tx) touch(h *incidentRow) {
	if !h.dirty {
		h.dirty = true
		t.dirty = append(t.dirty, h)
	}
}

// wake rewrites the standing wake-up: the earlier of the incident's own
// deadline and of its unread mail.
func (h *incidentRow) wake() {
	due := h.due()
	switch {
	case due == 0:
		h.wakeDue, h.wakeAttempt = 0, 0
	case h.wakeDue != due || h.wakeSetFor != due:
		h.wakeRev++
		h.wakeSetFor, h.wakeDue, h.wakeAttempt = due, due, 0
	}
}

// due is when the standing wake-up should be due; 0: never.
func (c *incidentColumns) due() int64 {
	if c.mailDue != 0 && (c.wakeAt == 0 || c.mailDue < c.wakeAt) {
		return c.mailDue
	}
	return c.wakeAt
}

// flush writes what the transaction kept back.
func (t *tx) flush() error {
	for _, h := range t.dirty {
		if err := t.flushIncidentRow(h); err != nil {
			return err
		}
		h.was, h.exists, h.dirty, h.unsentMail = h.incidentColumns, true, false, nil
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

func (t *tx) flushIncidentRow(h *incidentRow) error {
	if h.unsentMail != nil {
		b, err := json.Marshal(h.unsentMail)
		if err != nil {
			return fmt.Errorf("write mail for %s: %w", idOf(h.number), err)
		}
		if err := t.exec("INSERT INTO mail (number, seq, body) VALUES (?, ?, ?)", h.number, h.mailSeq, b); err != nil {
			return err
		}
	}
	if err := t.flushWake(h); err != nil {
		return err
	}
	c := h.incidentColumns
	if !h.exists {
		return t.exec(`INSERT INTO incident (version, open, previous, wake_at, mail_seq, read_seq, read_at, mail_due,
			wake_rev, wake_set_for, wake_due, wake_attempt, task_seq, changed, archived, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.version, c.open, c.previous, c.wakeAt, c.mailSeq, c.readSeq, c.readAt, c.mailDue,
			c.wakeRev, c.wakeSetFor, c.wakeDue, c.wakeAttempt, c.taskSeq, c.changed, c.archived, c.number)
	}
	// Naming an indexed column rewrites its index, changed or not.
	if c.open != h.was.open {
		if err := t.exec("UPDATE incident SET open = ? WHERE number = ?", c.open, c.number); err != nil {
			return err
		}
	}
	if c.changed != h.was.changed || c.archived != h.was.archived {
		if err := t.exec("UPDATE incident SET changed = ?, archived = ? WHERE number = ?", c.changed, c.archived, c.number); err != nil {
			return err
		}
	}
	return t.exec(`UPDATE incident SET version = ?, wake_at = ?, mail_seq = ?, read_seq = ?, read_at = ?, mail_due = ?,
		wake_rev = ?, wake_set_for = ?, wake_due = ?, wake_attempt = ?, task_seq = ? WHERE number = ?`,
		c.version, c.wakeAt, c.mailSeq, c.readSeq, c.readAt, c.mailDue,
		c.wakeRev, c.wakeSetFor, c.wakeDue, c.wakeAttempt, c.taskSeq, c.number)
}

// flushWake writes the lane of the standing wake-up.
func (t *tx) flushWake(h *incidentRow) error {
	lane := wakeLane(h.number)
	switch {
	case h.wakeDue == h.was.wakeDue:
		return nil
	case h.wakeDue == 0:
		return t.dropLane(lane)
	case h.was.wakeDue == 0:
		return t.addLane(lane, h.wakeDue)
	}
	return t.moveLane(lane, h.wakeDue)
}

// addLane puts a lane into the agenda, unless it is there.
func (t *tx) addLane(k laneKey, due int64) error {
	t.classes.add(k.class)
	return t.exec("INSERT INTO lane (number, class, destination, due) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", k.number, k.class, k.destination, due)
}

// putLane puts a lane into the agenda, or moves it there.
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

// forget deletes operations that are too old, some at a time.
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

// wakeLane is the lane of an incident's standing wake-up.
func wakeLane(n int64) laneKey {
	return laneKey{n, int64(workflow.ClassWake), bot.WakeTask}
}
