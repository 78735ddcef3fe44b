package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Import implements [bot.Archive]. It decodes everything before it writes.
func (s *Store) Import(_ context.Context, items []bot.ArchiveItem) error {
	mail := make([][]workflow.Mail, len(items))
	for n, p := range items {
		err := p.Validate()
		if err == nil && p.Incident != nil {
			mail[n], err = unreadMail(p.Incident)
		}
		if err != nil {
			return fmt.Errorf("import %q: %w", p.Key, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, p := range items {
		switch {
		case p.Counter != nil:
			s.number = max(s.number, *p.Counter)
		case p.Record != nil:
			s.records[[2]string{p.Record.Kind, p.Record.ID}] = *p.Record
		case p.Incident != nil:
			s.putIncident(*p.Incident, mail[n])
		case p.Group != nil:
			s.groups[p.Group.Key] = group{owner: p.Group.Owner, always: p.Group.Always, until: p.Group.HoldUntil}
		case p.Alert != nil:
			r := p.Alert.Row
			r.Integration, r.Key = p.Alert.Integration, p.Alert.Key
			s.alerts[[2]string{r.Integration, r.Key}] = r
		case p.Operation != nil:
			s.replies[p.Operation.ID] = reply{at: p.Operation.At, body: p.Operation.Reply}
		}
	}
	return nil
}

// unreadMail decodes the unread mail of an incident.
func unreadMail(d *bot.ArchivedIncident) ([]workflow.Mail, error) {
	var all []workflow.Mail
	for _, stored := range d.Mail {
		if stored.Seq <= d.ReadSeq {
			continue
		}
		m := workflow.Mail{Seq: stored.Seq}
		if err := json.Unmarshal(stored.Body, &m); err != nil {
			return nil, fmt.Errorf("decode mail %d: %w", stored.Seq, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// putIncident writes an incident, in place of one with the same number.
func (s *Store) putIncident(d bot.ArchivedIncident, mail []workflow.Mail) {
	id := workflow.ID(d.Number)
	i := &incident{
		Loaded: bot.Loaded{ID: id, Number: d.Number, Version: d.Version, Previous: d.Previous, Mail: mail},
		open:   d.Open, listing: bot.ListingOf(d), changed: d.Changed, events: d.Events, messages: d.Messages, wakeAt: d.WakeAt,
		mailSeq: d.ReadSeq, readSeq: d.ReadSeq, readAt: d.ReadAt,
	}
	if d.Version == 0 {
		i.Stub = d.Body
	} else {
		i.Snapshot = d.Body
	}
	if len(mail) > 0 {
		i.mailSeq, i.mailDue = mail[len(mail)-1].Seq, alerts.MailDue(d.ReadAt, mail[0].At, 0)
	}
	s.incidents[id], s.number = i, max(s.number, d.Number)
	maps.DeleteFunc(s.lanes, func(k laneKey, _ *lane) bool { return k.owner == id })
	for _, t := range d.Tasks {
		s.addTask(t)
	}
	s.setWakeUp(i)
	s.feed.Notify(id)
}
