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
	dirty   []*head
	settled []laneKey
	changed []int64 // incidents that watchers are to be told of
	now     int64   // the latest instant of an operation
	broken  error   // why it must be rolled back
}

// head is the small part of an incident.
type head struct {
	columns
	was    columns // as it is in the file
	exists bool    // in the file
	dirty  bool
	letter *workflow.Mail // mail that the transaction has added up
}

type columns struct {
	number, version            int64
	open                       bool
	follows, wakeAt            int64
	mailSeq, readSeq           int64
	readAt, mailDue            int64
	wakeRev, wakeWhen, wakeDue int64
	wakeAttempt, taskSeq       int64
	changed                    int64
	shelved                    bool
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
func (t *tx) head(n int64) (*head, error) {
	if h, ok := t.heads.get(n); ok {
		return h, nil
	}
	row, err := t.one(`SELECT version, open, follows, wake_at, mail_seq, read_seq, read_at, mail_due,
		wake_rev, wake_when, wake_due, wake_attempt, task_seq, changed, shelved FROM incident WHERE number = ?`, n)
	if err != nil || row == nil {
		return nil, err
	}
	c := columns{
		number: n, version: number(row[0]), open: number(row[1]) != 0, follows: number(row[2]), wakeAt: number(row[3]),
		mailSeq: number(row[4]), readSeq: number(row[5]), readAt: number(row[6]), mailDue: number(row[7]),
		wakeRev: number(row[8]), wakeWhen: number(row[9]), wakeDue: number(row[10]), wakeAttempt: number(row[11]), taskSeq: number(row[12]),
		changed: number(row[13]), shelved: number(row[14]) != 0,
	}
	h := &head{columns: c, was: c, exists: true}
	t.heads.put(n, h)
	return h, nil
}

// newHead begins an incident.
func (t *tx) newHead(n int64) *head {
	h := &head{columns: columns{number: n}}
	t.heads.put(n, h)
	t.last = max(t.last, n)
	return h
}

// touch has flush write a head.
func (t *tx) touch(h *head) {
	if !h.dirty {
		h.dirty = true
		t.dirty = append(t.dirty, h)
	}
}

// wake rewrites the standing wake-up: the earlier of the incident's own
// deadline and of its unread mail.
func (h *head) wake() {
	due := h.due()
	switch {
	case due == 0:
		h.wakeDue, h.wakeAttempt = 0, 0
	case h.wakeDue != due || h.wakeWhen != due:
		h.wakeRev++
		h.wakeWhen, h.wakeDue, h.wakeAttempt = due, due, 0
	}
}

// due is when the standing wake-up should be due; 0: never.
func (c *columns) due() int64 {
	if c.mailDue != 0 && (c.wakeAt == 0 || c.mailDue < c.wakeAt) {
		return c.mailDue
	}
	return c.wakeAt
}

// flush writes what the transaction kept back.
func (t *tx) flush() error {
	for _, h := range t.dirty {
		if err := t.flushHead(h); err != nil {
			return err
		}
		h.was, h.exists, h.dirty, h.letter = h.columns, true, false, nil
	}
	t.dirty = t.dirty[:0]
	if t.last != t.stored {
		if err := t.exec("UPDATE counter SET value = ? WHERE name = 'incident'", t.last); err != nil {
			return err
		}
		t.stored = t.last
	}
	return t.forget()
}

func (t *tx) flushHead(h *head) error {
	if h.letter != nil {
		b, err := json.Marshal(h.letter)
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
	c := h.columns
	if !h.exists {
		return t.exec(`INSERT INTO incident (version, open, follows, wake_at, mail_seq, read_seq, read_at, mail_due,
			wake_rev, wake_when, wake_due, wake_attempt, task_seq, changed, shelved, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.version, c.open, c.follows, c.wakeAt, c.mailSeq, c.readSeq, c.readAt, c.mailDue,
			c.wakeRev, c.wakeWhen, c.wakeDue, c.wakeAttempt, c.taskSeq, c.changed, c.shelved, c.number)
	}
	// Naming an indexed column rewrites its index, changed or not.
	if c.open != h.was.open {
		if err := t.exec("UPDATE incident SET open = ? WHERE number = ?", c.open, c.number); err != nil {
			return err
		}
	}
	if c.changed != h.was.changed || c.shelved != h.was.shelved {
		if err := t.exec("UPDATE incident SET changed = ?, shelved = ? WHERE number = ?", c.changed, c.shelved, c.number); err != nil {
			return err
		}
	}
	return t.exec(`UPDATE incident SET version = ?, wake_at = ?, mail_seq = ?, read_seq = ?, read_at = ?, mail_due = ?,
		wake_rev = ?, wake_when = ?, wake_due = ?, wake_attempt = ?, task_seq = ? WHERE number = ?`,
		c.version, c.wakeAt, c.mailSeq, c.readSeq, c.readAt, c.mailDue,
		c.wakeRev, c.wakeWhen, c.wakeDue, c.wakeAttempt, c.taskSeq, c.number)
}

// flushWake writes the lane of the standing wake-up.
func (t *tx) flushWake(h *head) error {
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
func (t *tx) forget() error {
	until := t.now - int64(keepReplies)
	if t.now == 0 || t.oldest == 0 || t.oldest >= until {
		return nil
	}
	if err := t.exec("DELETE FROM op WHERE id IN (SELECT id FROM op WHERE at < ? ORDER BY at LIMIT 200)", until); err != nil {
		return err
	}
	return t.recallOldest()
}

// wakeLane is the lane of an incident's standing wake-up.
func wakeLane(n int64) laneKey {
	return laneKey{n, int64(workflow.ClassWake), bot.WakeTask}
}
