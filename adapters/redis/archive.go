package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// allParts returns all keys of an incident, in the order in which scripts take
// them.
func (s *Store) allParts(n int) []string {
	return s.keys.parts(n, partIncident, partEvents, partMail, partMessages, partMessageIndex, partTasks, partAlerts, partFiring)
}

// ListEnded implements [bot.Archive].
func (s *Store) ListEnded(ctx context.Context, q bot.EndedQuery) ([]string, error) {
	set := s.keys.of(keyEnded)
	if q.Archived {
		set = s.keys.of(keyArchived)
	}
	if q.Limit <= 0 {
		return nil, nil
	}
	var numbers []string
	err := s.read(ctx, func() (err error) {
		by := &goredis.ZRangeBy{Min: "(" + mark, Max: "(" + score(q.Before), Count: int64(q.Limit)}
		numbers, err = s.client.ZRangeByScore(ctx, set, by).Result()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list ended incidents: %w", err)
	}
	ids := make([]string, 0, len(numbers))
	for _, text := range numbers {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("list ended incidents: %w", err)
		}
		ids = append(ids, workflow.ID(n))
	}
	return ids, nil
}

// Archive implements [bot.Archive].
func (s *Store) Archive(ctx context.Context, incident string) (bool, error) {
	n := workflow.NumberOf(incident)
	d, compact, err := s.readIncident(ctx, n)
	if err != nil || d == nil {
		return false, err
	}
	if compact != "" {
		return true, nil
	}
	if d.Open || len(d.Tasks) > 0 || len(d.Mail) > 0 && d.Mail[len(d.Mail)-1].Seq > d.ReadSeq {
		return false, nil
	}
	body, err := bot.Compact(*d)
	if err != nil {
		return false, err
	}
	a := &arguments{}
	a.add(n, d.Version, messageSum(d.Messages), lastMail(*d), body)
	result, err := s.callScript(ctx, "archive "+incident, &call{script: s.scripts.archive, keys: s.allParts(n)[:7], args: a.all, size: a.size})
	return result == "ok", err
}

// callScript runs a script that answers one word, and returns it.
func (s *Store) callScript(ctx context.Context, what string, c *call) (string, error) {
	reply, err := s.commits.do(ctx, c)
	if err == nil {
		var values []string
		if values, err = stringList(reply); err == nil {
			return values[0], nil
		}
	}
	return "", fmt.Errorf("%s: %w", what, err)
}

// restore restores an archived incident from its compact form. Another replica may
// do so at the same time: the script then refuses, and the incident is restored.
func (s *Store) restore(ctx context.Context, n int) error {
	d, compact, err := s.readIncident(ctx, n)
	if err != nil || compact == "" {
		return err
	}
	c, err := s.restoreCall(*d, compact)
	if err != nil {
		return err
	}
	_, err = s.callScript(ctx, "restore "+workflow.ID(n), c)
	return err
}

// lastMail returns the number of the last mail that arrived.
func lastMail(d bot.ArchivedIncident) int {
	last := d.ReadSeq
	if k := len(d.Mail); k > 0 {
		last = max(last, d.Mail[k-1].Seq)
	}
	return last
}

// restoreCall returns the call of restore.lua. compact is the compact form that d
// was decoded from, or "".
func (s *Store) restoreCall(d bot.ArchivedIncident, compact string) (*call, error) {
	n := d.Number
	next, due := "", ""
	if !d.ReadAt.IsZero() {
		next = nanos(d.ReadAt.Add(alerts.MailInterval))
	}
	for _, m := range d.Mail {
		if m.Seq > d.ReadSeq {
			first, err := decodeMail(m)
			if err != nil {
				return nil, err
			}
			due = nanos(alerts.MailDue(d.ReadAt, first.At, 0))
			break
		}
	}
	a := &arguments{}
	a.add(n, compact, d.Version, d.Open, d.Previous, nanos(d.Changed), nanos(d.WakeAt), lastMail(d), d.ReadSeq, next, due, d.Body, listingOf(d))
	a.add(len(d.Events))
	for _, e := range d.Events {
		a.add(e.Body)
	}
	a.add(len(d.Mail))
	for _, m := range d.Mail {
		a.add(m.Seq, m.Seq <= d.ReadSeq, m.Body)
	}
	a.add(len(d.Messages))
	for _, m := range d.Messages {
		a.add(m.Key, m.Body)
	}
	a.add(len(d.Tasks))
	for _, t := range d.Tasks {
		if !isKnownClass(t.Lane.Class) {
			return nil, fmt.Errorf("task %s has the class %d, which this build does not know", t.ID, t.Lane.Class)
		}
		a.add(int(t.Lane.Class), t.Lane.Destination, encodeTask(t))
	}
	return &call{script: s.scripts.restore, keys: s.allParts(n)[:6], args: a.all, size: a.size}, nil
}

// forgetTries is how often Forget reads an incident again because it has changed.
const forgetTries = 3

// Forget implements [bot.Archive].
func (s *Store) Forget(ctx context.Context, incident string) (bool, error) {
	n := workflow.NumberOf(incident)
	for range forgetTries {
		var ids []string
		var group string
		var values []any
		err := s.read(ctx, func() error {
			batch := s.client.Pipeline()
			members, head := batch.SMembers(ctx, s.keys.incident(n, partAlerts)), batch.HGet(ctx, s.keys.incident(n, partIncident), fieldGroup)
			_, failed := batch.Exec(ctx)
			ids, group = members.Val(), head.Val()
			if failed = ignoreNil(failed); failed != nil || len(ids) == 0 {
				return failed
			}
			keys := make([]string, 0, len(ids))
			for _, id := range ids {
				keys = append(keys, s.keys.alert(id))
			}
			values, failed = s.client.MGet(ctx, keys...).Result()
			return failed
		})
		if err != nil {
			return false, fmt.Errorf("forget %s: %w", incident, err)
		}
		if group == "" {
			group = s.keys.group("")
		}
		keys := append(s.allParts(n), group)
		for _, id := range ids {
			keys = append(keys, s.keys.alert(id))
		}
		for _, kind := range bot.OwnedKinds() {
			keys = append(keys, s.keys.records(kind), s.keys.recordIDs(kind))
		}
		from, below := bot.OwnedIDs(incident)
		a := &arguments{}
		a.add(s.keys.of(keyFeed), s.origin, n, "["+from, "("+below, len(bot.OwnedKinds()), len(ids))
		for k, id := range ids {
			text, _ := values[k].(string)
			var alert alertState
			if alert, err = decodeAlert(id, text); err != nil {
				return false, fmt.Errorf("forget %s: %w", incident, err)
			}
			a.add(alert.revision, alert.incident == incident)
		}
		result, err := s.callScript(ctx, "forget "+incident, &call{script: s.scripts.forget, keys: keys, args: a.all, size: a.size + 60*len(ids)})
		switch {
		case err != nil:
			return false, err
		case result == "ok":
			s.notifyWatchers(n)
			return true, nil
		case result == "not_found":
			return true, nil
		}
	}
	return false, nil
}

// storedIncident is the content of an incident's keys.
type storedIncident struct {
	fields, tasks          map[string]string
	events, mail, messages []string
}

// readIncident reads everything of an incident; nil when it does not exist.
// compact is its compact form when it is archived.
func (s *Store) readIncident(ctx context.Context, n int) (d *bot.ArchivedIncident, compact string, err error) {
	var i storedIncident
	err = s.read(ctx, func() error {
		batch := s.client.TxPipeline()
		p := s.allParts(n)
		fields, tasks := batch.HGetAll(ctx, p[0]), batch.HGetAll(ctx, p[5])
		events, mail, messages := batch.LRange(ctx, p[1], 0, -1), batch.LRange(ctx, p[2], 0, -1), batch.LRange(ctx, p[3], 0, -1)
		_, failed := batch.Exec(ctx)
		i = storedIncident{fields.Val(), tasks.Val(), events.Val(), mail.Val(), messages.Val()}
		return failed
	})
	if err == nil && len(i.fields) > 0 {
		if compact = i.fields[fieldCompact]; compact != "" {
			var expanded bot.ArchivedIncident
			expanded, err = bot.Expand([]byte(compact))
			d = &expanded
		} else {
			d, err = i.decode(n)
		}
	}
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", workflow.ID(n), err)
	}
	return d, compact, nil
}

// decode decodes an incident that is not archived.
func (i storedIncident) decode(n int) (*bot.ArchivedIncident, error) {
	d := &bot.ArchivedIncident{
		Number: n, Open: i.fields[fieldOpen] == "1", Previous: i.fields[fieldPrevious], Changed: instant(i.fields[fieldChanged]),
		WakeAt: instant(i.fields[fieldWakeAt]), Body: bytesOf(i.fields[fieldBody]),
	}
	var err error
	if d.Version, err = strconv.Atoi(i.fields[fieldVersion]); err != nil {
		return nil, fmt.Errorf("its version is damaged: %w", err)
	}
	if d.ReadSeq, err = strconv.Atoi(i.fields[fieldReadSeq]); err != nil {
		return nil, fmt.Errorf("its mailbox is damaged: %w", err)
	}
	if next := instant(i.fields[fieldNextRead]); !next.IsZero() {
		d.ReadAt = next.Add(-alerts.MailInterval)
	}
	for k, text := range i.events {
		d.Events = append(d.Events, bot.StoredEvent{Seq: k + 1, Body: []byte(text)})
	}
	if d.Mail, err = decodeMailbox(i.fields, i.mail); err != nil {
		return nil, err
	}
	for _, text := range i.messages {
		var m bot.StoredMessage
		if m, err = decodeMessage(text); err != nil {
			return nil, err
		}
		d.Messages = append(d.Messages, m)
	}
	d.Tasks, err = decodeTasks(n, i.tasks)
	return d, err
}

// decodeTasks decodes the hash of tasks that common.lua describes.
func decodeTasks(n int, fields map[string]string) ([]bot.Task, error) {
	var all []bot.Task
	for name, both := range fields {
		if name[0] != 'L' {
			continue
		}
		class, destination, err := decodeLane(name[1:])
		if err != nil {
			return nil, err
		}
		var first, last int
		if _, err := fmt.Sscanf(both, "%d %d", &first, &last); err != nil {
			return nil, fmt.Errorf("lane %s is damaged: %w", name, err)
		}
		for k := first; k <= last; k++ {
			t, err := decodeTask(fields["T"+name[1:]+"|"+strconv.Itoa(k)], n, workflow.Lane{Class: class, Destination: destination})
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, byLane)
	return all, nil
}
