package sqlite

import (
	"context"
	"fmt"
	"slices"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// hold is who answers for an alert group.
type groupHold struct {
	number int64
	always bool
	until  int64
}

// Commit implements [bot.Incidents].
func (s *Store) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	n, is := parseID(c.Incident)
	if !is && c.Incident != "" {
		return bot.Receipt{}, fmt.Errorf("commit %q: this is no incident's ID", c.Incident)
	}
	for _, t := range c.Tasks {
		if _, is := parseID(t.Owner); !is {
			return bot.Receipt{}, fmt.Errorf("commit %s: task %s belongs to %q, which is no incident's ID", c.Incident, t.ID, t.Owner)
		}
	}
	var receipt bot.Receipt
	err := s.queue.submit(ctx, &request{size: sizeOf(c), do: func(t *tx) (err error) {
		receipt, err = t.commit(c, n)
		return err
	}})
	if err != nil {
		return bot.Receipt{}, fmt.Errorf("commit %s: %w", c.Incident, err)
	}
	return receipt, nil
}

// sizeOf is about how many bytes a commit writes.
func sizeOf(c bot.Commit) int {
	size := 500 + len(c.Snapshot) + len(c.Reply)
	for _, e := range c.Events {
		size += len(e.Body)
	}
	for _, t := range c.Tasks {
		size += len(t.Body)
	}
	for _, r := range c.Records {
		size += len(r.Body)
	}
	for _, m := range slices.Concat(c.Messages, c.EditedMessages) {
		size += len(m.Key) + len(m.Body)
	}
	return size
}

// commit checks everything and then writes everything. From the first write
// on, every error spoils the transaction.
func (t *tx) commit(c bot.Commit, n int64) (bot.Receipt, error) {
	if c.Operation != "" {
		row, err := t.one("SELECT reply FROM operation WHERE id = ?", c.Operation)
		if err != nil {
			return bot.Receipt{}, t.spoil(err)
		}
		if row != nil {
			return bot.Receipt{Repeated: true, Reply: body(row[0])}, nil
		}
	}
	var held lease
	if c.Settle != nil {
		var ok bool
		if held, ok = t.leases.markSettling(laneOf(c.Settle.Task), c.Settle.Token); !ok {
			return bot.Receipt{}, bot.ErrLeaseLost
		}
	}
	h, err := t.check(c, n)
	if err != nil {
		if c.Settle != nil {
			t.leases.unmarkSettling([]laneKey{laneOf(c.Settle.Task)})
		}
		return bot.Receipt{}, err
	}
	if c.Settle != nil {
		t.settled = append(t.settled, laneOf(c.Settle.Task))
		if err = t.settle(*c.Settle, held); err != nil {
			return bot.Receipt{}, t.spoil(err)
		}
	}
	receipt := bot.Receipt{Version: c.Version, Reply: c.Reply}
	for _, r := range c.Records {
		if err = t.putRecord(r); err != nil {
			return bot.Receipt{}, t.spoil(err)
		}
	}
	if n != 0 {
		if receipt.Version, err = t.write(c, n, h); err != nil {
			return bot.Receipt{}, t.spoil(err)
		}
	}
	return receipt, t.spoil(t.saveReply(c))
}

// check returns the incident's head, if it has one.
func (t *tx) check(c bot.Commit, n int64) (*incidentRow, error) {
	h, err := t.incidentRow(n)
	if err != nil {
		return nil, t.spoil(err)
	}
	if len(c.Messages)+len(c.EditedMessages) > 0 && h == nil && (n == 0 || c.Snapshot == nil) {
		return nil, bot.ErrNotFound // what it is said in is neither there nor made by this commit
	}
	if dependsOnVersion(c) {
		version := int64(0)
		if h != nil {
			version = h.version
		}
		if version != int64(c.Version) {
			return nil, bot.ErrConflict
		}
	}
	if g := c.Group; g != nil {
		now, err := t.group(g.Key)
		if err != nil {
			return nil, t.spoil(err)
		}
		mine := now.number == n
		switch {
		case g.Always && !mine && (now.always || now.until > nanos(c.At)):
			return nil, bot.ErrTaken
		case !g.Always && mine && h != nil && h.mailSeq > max(int64(c.ReadMail), h.readSeq):
			return nil, bot.ErrConflict
		}
	}
	for _, r := range c.Records {
		if r.Version == bot.AnyVersion {
			continue
		}
		row, err := t.one("SELECT version FROM record WHERE kind = ? AND id = ?", r.Kind, r.ID)
		if err != nil {
			return nil, t.spoil(err)
		}
		version := int64(0)
		if row != nil {
			version = number(row[0])
		}
		if version != int64(r.Version) {
			return nil, bot.ErrConflict
		}
	}
	return h, nil
}

// based reports whether a commit depends on the version it was loaded at. One
// that only settles a task does not.
func dependsOnVersion(c bot.Commit) bool {
	return c.Incident != "" && (c.Snapshot != nil || len(c.Events) > 0 || c.Settle != nil && c.Settle.ID == bot.WakeTask)
}

// write writes an incident's step and what was said in it, and returns its
// version.
func (t *tx) write(c bot.Commit, n int64, h *incidentRow) (int, error) {
	if len(c.Messages)+len(c.EditedMessages) > 0 || dependsOnVersion(c) {
		if err := t.restore(h); err != nil {
			return 0, err
		}
	}
	if err := t.addMessages(n, c.Messages); err != nil {
		return 0, err
	}
	if err := t.editMessages(n, c.EditedMessages); err != nil {
		return 0, err
	}
	if !dependsOnVersion(c) {
		if h == nil {
			return 0, nil
		}
		return int(h.version), nil
	}
	if h == nil {
		h = t.newIncidentRow(n)
	}
	t.touch(h)
	if c.Snapshot != nil || c.ReadMail > 0 {
		t.changed = append(t.changed, n)
	}
	if c.Snapshot != nil {
		if err := t.writeState(c, h); err != nil {
			return 0, err
		}
	}
	if c.ReadMail > 0 {
		h.readAt, h.mailDue = nanos(c.At), 0
		h.readSeq = min(max(h.readSeq, int64(c.ReadMail)), h.mailSeq)
		if h.mailSeq > h.readSeq {
			h.mailDue = nanos(c.At.Add(alerts.MailInterval))
		}
	}
	for _, task := range c.Tasks {
		if err := t.addTask(task); err != nil {
			return 0, err
		}
	}
	h.wake()
	return int(h.version), nil
}

// writeState writes what only a commit with a snapshot changes.
func (t *tx) writeState(c bot.Commit, h *incidentRow) error {
	h.version++
	h.open, h.wakeAt, h.changed = c.Open, nanos(c.WakeAt), nanos(c.At)
	if err := t.exec("INSERT OR REPLACE INTO state (number, body) VALUES (?, ?)", h.number, c.Snapshot); err != nil {
		return err
	}
	for _, e := range c.Events {
		if err := t.exec("INSERT INTO event (number, seq, body) VALUES (?, ?, ?)", h.number, int64(e.Seq), e.Body); err != nil {
			return fmt.Errorf("write event %d: %w", e.Seq, err)
		}
	}
	g := c.Group
	if g == nil {
		return nil
	}
	now, err := t.group(g.Key)
	if err != nil || !g.Always && now.number != h.number {
		return err
	}
	return t.putGroup(g.Key, groupHold{h.number, g.Always, nanos(g.Until)})
}

// addTask puts a task at the end of its lane; one with a revision takes the
// place of all that the lane holds. Positions count per incident: a lane needs
// no look to know where it ends, and a lease that names one never means a later
// revision.
func (t *tx) addTask(task bot.Task) error {
	k := laneOf(task)
	h, err := t.incidentRow(k.number)
	if err == nil {
		err = t.restore(h)
	}
	if err != nil {
		return err
	}
	if h == nil {
		return fmt.Errorf("add task %s: %s: %w", task.ID, task.Owner, bot.ErrNotFound)
	}
	t.touch(h)
	h.taskSeq++
	if task.Rev > 0 {
		if err = t.exec("DELETE FROM task WHERE number = ? AND class = ? AND destination = ?", k.number, k.class, k.destination); err != nil {
			return fmt.Errorf("replace by task %s: %w", task.ID, err)
		}
	}
	err = t.exec("INSERT INTO task (number, class, destination, position, id, due, attempt, rev, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		k.number, k.class, k.destination, h.taskSeq, task.ID, nanos(task.Due), int64(task.Attempt), int64(task.Rev), task.Body)
	if err != nil {
		return fmt.Errorf("add task %s: %w", task.ID, err)
	}
	if task.Rev > 0 {
		return t.putLane(k, nanos(task.Due))
	}
	return t.addLane(k, nanos(task.Due))
}

func (t *tx) group(key string) (groupHold, error) {
	if g, ok := t.groups.get(key); ok {
		return g, nil
	}
	row, err := t.one("SELECT number, always, until FROM alert_group WHERE key = ?", key)
	if err != nil || row == nil {
		return groupHold{}, err
	}
	g := groupHold{number(row[0]), number(row[1]) != 0, number(row[2])}
	t.groups.put(key, g)
	return g, nil
}

func (t *tx) putGroup(key string, g groupHold) error {
	if now, ok := t.groups.get(key); ok && now == g {
		return nil
	}
	t.groups.put(key, g)
	return t.exec(`INSERT INTO alert_group (key, number, always, until) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET number = excluded.number, always = excluded.always, until = excluded.until`, key, g.number, g.always, g.until)
}

func (t *tx) putRecord(r bot.RecordChange) error {
	if r.Body == nil {
		return t.exec("DELETE FROM record WHERE kind = ? AND id = ?", r.Kind, r.ID)
	}
	return t.exec("INSERT INTO record (kind, id, version, body) VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE SET version = version + 1, body = excluded.body",
		r.Kind, r.ID, r.Body)
}

// remember keeps the reply of an operation.
func (t *tx) saveReply(c bot.Commit) error {
	if c.Operation == "" {
		return nil
	}
	at := nanos(c.At)
	t.now = max(t.now, at)
	if t.oldest == 0 || at < t.oldest {
		t.oldest = at
	}
	return t.exec("INSERT INTO operation (id, at, reply) VALUES (?, ?, ?)", c.Operation, at, c.Reply)
}

// Reserve implements [bot.Incidents].
func (s *Store) Reserve(ctx context.Context) (int, error) {
	n := int64(0)
	err := s.queue.submit(ctx, &request{do: func(t *tx) error {
		t.last++
		n = t.last
		return nil
	}})
	if err != nil {
		return 0, fmt.Errorf("reserve a number: %w", err)
	}
	return int(n), nil
}
