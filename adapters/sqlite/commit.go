package sqlite

import (
	"context"
	"fmt"
	"slices"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// groupHold says which incident holds an alert group.
type groupHold struct {
	number int64
	always bool
	until  int64
}

// Commit implements [bot.Incidents].
func (s *Store) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	n := int64(workflow.NumberOf(c.Incident))
	if n == 0 && c.Incident != "" {
		return bot.Receipt{}, fmt.Errorf("commit %q: this is not the ID of an incident", c.Incident)
	}
	for _, t := range c.Tasks {
		if workflow.NumberOf(t.Owner) == 0 {
			return bot.Receipt{}, fmt.Errorf("commit %s: task %s belongs to %q, which is not the ID of an incident", c.Incident, t.ID, t.Owner)
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

// sizeOf returns about how many bytes a commit writes.
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

// commit checks everything before it writes. After the first write, every error fails
// the transaction.
func (t *tx) commit(c bot.Commit, n int64) (bot.Receipt, error) {
	if c.Operation != "" {
		row, err := t.queryRow("SELECT reply FROM operation WHERE id = ?", c.Operation)
		if err != nil {
			return bot.Receipt{}, t.fail(err)
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
	i, err := t.check(c, n)
	if err != nil {
		if c.Settle != nil {
			t.leases.unmarkSettling([]laneKey{laneOf(c.Settle.Task)})
		}
		return bot.Receipt{}, err
	}
	if c.Settle != nil {
		t.settled = append(t.settled, laneOf(c.Settle.Task))
		if err = t.settle(*c.Settle, held); err != nil {
			return bot.Receipt{}, t.fail(err)
		}
	}
	receipt := bot.Receipt{Version: c.Version, Reply: c.Reply}
	for _, r := range c.Records {
		if err = t.putRecord(r); err != nil {
			return bot.Receipt{}, t.fail(err)
		}
	}
	if n != 0 {
		if receipt.Version, err = t.write(c, n, i); err != nil {
			return bot.Receipt{}, t.fail(err)
		}
	}
	return receipt, t.fail(t.saveReply(c))
}

// check returns the row of the commit's incident (nil: there is none), or why the commit
// is refused.
func (t *tx) check(c bot.Commit, n int64) (*incidentRow, error) {
	i, err := t.incidentRow(n)
	if err != nil {
		return nil, t.fail(err)
	}
	if len(c.Messages)+len(c.EditedMessages) > 0 && i == nil && (n == 0 || c.Snapshot == nil) {
		return nil, bot.ErrNotFound // the incident neither exists nor is created by this commit
	}
	if dependsOnVersion(c) {
		version := int64(0)
		if i != nil {
			version = i.version
		}
		if version != int64(c.Version) {
			return nil, bot.ErrConflict
		}
	}
	if g := c.Group; g != nil {
		holder, err := t.group(g.Key)
		if err != nil {
			return nil, t.fail(err)
		}
		isHolder := holder.number == n
		switch {
		case g.Always && !isHolder && (holder.always || holder.until > nanos(c.At)):
			return nil, bot.ErrTaken
		case !g.Always && isHolder && i != nil && i.mailSeq > max(int64(c.ReadMail), i.readSeq):
			return nil, bot.ErrConflict
		}
	}
	for _, r := range c.Records {
		if r.Version == bot.AnyVersion {
			continue
		}
		row, err := t.queryRow("SELECT version FROM record WHERE kind = ? AND id = ?", r.Kind, r.ID)
		if err != nil {
			return nil, t.fail(err)
		}
		version := int64(0)
		if row != nil {
			version = number(row[0])
		}
		if version != int64(r.Version) {
			return nil, bot.ErrConflict
		}
	}
	return i, nil
}

// dependsOnVersion reports whether a commit depends on the version that was loaded. A
// commit that only settles a task does not.
func dependsOnVersion(c bot.Commit) bool {
	return c.Incident != "" && (c.Snapshot != nil || len(c.Events) > 0 || c.Settle != nil && c.Settle.ID == bot.WakeTask)
}

// write writes an incident's step and its messages, and returns its version.
func (t *tx) write(c bot.Commit, n int64, i *incidentRow) (int, error) {
	if len(c.Messages)+len(c.EditedMessages) > 0 || dependsOnVersion(c) {
		if err := t.restore(i); err != nil {
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
		if i == nil {
			return 0, nil
		}
		return int(i.version), nil
	}
	if i == nil {
		i = t.newIncidentRow(n)
	}
	t.touch(i)
	if c.Snapshot != nil || c.ReadMail > 0 {
		t.changed = append(t.changed, n)
	}
	if c.Snapshot != nil {
		if err := t.writeState(c, i); err != nil {
			return 0, err
		}
	}
	if c.ReadMail > 0 {
		i.readAt, i.mailDue = nanos(c.At), 0
		i.readSeq = min(max(i.readSeq, int64(c.ReadMail)), i.mailSeq)
		if i.mailSeq > i.readSeq {
			i.mailDue = nanos(c.At.Add(alerts.MailInterval))
		}
	}
	for _, task := range c.Tasks {
		if err := t.addTask(task); err != nil {
			return 0, err
		}
	}
	i.setWakeUp()
	return int(i.version), nil
}

// writeState writes the parts of a commit that only a commit with a snapshot has.
func (t *tx) writeState(c bot.Commit, i *incidentRow) error {
	i.version++
	i.open, i.wakeAt, i.changed = c.Open, nanos(c.WakeAt), nanos(c.At)
	i.setListing(c.Listing)
	if err := t.exec("INSERT OR REPLACE INTO state (number, body) VALUES (?, ?)", i.number, c.Snapshot); err != nil {
		return err
	}
	for _, e := range c.Events {
		if err := t.exec("INSERT INTO event (number, seq, body) VALUES (?, ?, ?)", i.number, int64(e.Seq), e.Body); err != nil {
			return fmt.Errorf("write event %d: %w", e.Seq, err)
		}
	}
	g := c.Group
	if g == nil {
		return nil
	}
	holder, err := t.group(g.Key)
	if err != nil || !g.Always && holder.number != i.number {
		return err
	}
	return t.putGroup(g.Key, groupHold{i.number, g.Always, nanos(g.Until)})
}

// addTask adds a task to the end of its lane; a task with a revision replaces all tasks
// of its lane. Positions are unique in an incident: the end of a lane need not be
// read, and a lease that names a position never means a later revision.
func (t *tx) addTask(task bot.Task) error {
	k := laneOf(task)
	i, err := t.incidentRow(k.number)
	if err == nil {
		err = t.restore(i)
	}
	if err != nil {
		return err
	}
	if i == nil {
		return fmt.Errorf("add task %s: %s: %w", task.ID, task.Owner, bot.ErrNotFound)
	}
	t.touch(i)
	i.taskSeq++
	if task.Rev > 0 {
		if err = t.exec("DELETE FROM task WHERE number = ? AND class = ? AND destination = ?", k.number, k.class, k.destination); err != nil {
			return fmt.Errorf("replace the tasks of its lane by task %s: %w", task.ID, err)
		}
	}
	err = t.exec("INSERT INTO task (number, class, destination, position, id, due, attempt, rev, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		k.number, k.class, k.destination, i.taskSeq, task.ID, nanos(task.Due), int64(task.Attempt), int64(task.Rev), task.Body)
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
	row, err := t.queryRow("SELECT number, always, until FROM alert_group WHERE key = ?", key)
	if err != nil || row == nil {
		return groupHold{}, err
	}
	g := groupHold{number(row[0]), number(row[1]) != 0, number(row[2])}
	t.groups.put(key, g)
	return g, nil
}

func (t *tx) putGroup(key string, g groupHold) error {
	if stored, ok := t.groups.get(key); ok && stored == g {
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

// saveReply stores the reply of an operation.
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
