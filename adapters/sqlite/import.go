package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Import implements [bot.Archive].
func (s *Store) Import(ctx context.Context, items []bot.ArchiveItem) error {
	for _, p := range items {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("import %q: %w", p.Key, err)
		}
	}
	return s.queue.submit(ctx, &request{do: func(t *tx) error {
		for _, p := range items {
			if err := t.importItem(p); err != nil {
				return t.fail(fmt.Errorf("import %q: %w", p.Key, err))
			}
		}
		return nil
	}})
}

func (t *tx) importItem(p bot.ArchiveItem) error {
	switch {
	case p.Counter != nil:
		t.last = max(t.last, int64(*p.Counter))
	case p.Record != nil:
		r := p.Record
		return t.exec("INSERT OR REPLACE INTO record (kind, id, version, body) VALUES (?, ?, ?, ?)", r.Kind, r.ID, int64(r.Version), r.Body)
	case p.Incident != nil:
		return t.importIncident(*p.Incident)
	case p.Group != nil:
		n := int64(workflow.NumberOf(p.Group.Owner))
		return t.putGroup(p.Group.Key, groupHold{n, p.Group.Always, nanos(p.Group.HoldUntil)})
	case p.Alert != nil:
		r := p.Alert.Row
		r.Integration, r.Key = p.Alert.Integration, p.Alert.Key
		return (&alertsTx{tx: t}).PutRow(r)
	case p.Operation != nil:
		at := nanos(p.Operation.At)
		if t.oldest == 0 || at < t.oldest {
			t.oldest = at
		}
		return t.exec("INSERT OR REPLACE INTO operation (id, at, reply) VALUES (?, ?, ?)", p.Operation.ID, at, p.Operation.Reply)
	}
	return nil
}

// importIncident writes an incident, in place of one with the same number, and sets its
// wake-up.
func (t *tx) importIncident(d bot.ArchivedIncident) error {
	if err := t.flush(); err != nil { // nothing of the old incident may be written later
		return err
	}
	n := int64(d.Number)
	if err := t.deleteIncident(n); err != nil {
		return err
	}
	i := t.newIncidentRow(n)
	t.touch(i)
	i.version, i.open, i.changed, i.wakeAt = int64(d.Version), d.Open, nanos(d.Changed), nanos(d.WakeAt)
	i.setListing(bot.ListingOf(d))
	i.readSeq, i.readAt = int64(d.ReadSeq), nanos(d.ReadAt)
	i.previous = int64(workflow.NumberOf(d.Previous))
	i.mailSeq = i.readSeq
	for _, m := range d.Mail {
		if m.Seq <= d.ReadSeq {
			continue
		}
		i.mailSeq = int64(m.Seq)
		if i.mailDue == 0 {
			var mail workflow.Mail
			if err := json.Unmarshal(m.Body, &mail); err != nil {
				return fmt.Errorf("decode mail %d: %w", m.Seq, err)
			}
			i.mailDue = nanos(alerts.MailDue(d.ReadAt, mail.At, 0))
		}
	}
	i.setWakeUp()
	t.changed = append(t.changed, n)
	if err := t.insertRows(d); err != nil {
		return err
	}
	for _, task := range d.Tasks {
		if err := t.addTask(task); err != nil {
			return err
		}
	}
	return nil
}
