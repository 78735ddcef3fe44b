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

// everyPart are the keys of an incident in the order in which scripts take
// them.
func (s *Store) everyPart(n int64) []string {
	return s.keys.parts(n, partHead, partEvents, partMail, partTalk, partSaid, partTasks, partAlerts, partFiring)
}

// ListEnded implements [bot.Archive].
func (s *Store) ListEnded(ctx context.Context, q bot.EndedQuery) ([]string, error) {
	set := s.keys.of("over")
	if q.Archived {
		set = s.keys.of("shelf")
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
		return nil, fmt.Errorf("list what is over: %w", err)
	}
	for n := range numbers {
		numbers[n] = "INC-" + numbers[n]
	}
	return numbers, nil
}

// Archive implements [bot.Archive].
func (s *Store) Archive(ctx context.Context, incident string) (bool, error) {
	n, _ := parseID(incident)
	d, shelved, err := s.dossier(ctx, n)
	if err != nil || d == nil {
		return false, err
	}
	if shelved != "" {
		return true, nil
	}
	if d.Open || len(d.Tasks) > 0 || len(d.Mail) > 0 && d.Mail[len(d.Mail)-1].Seq > d.ReadSeq {
		return false, nil
	}
	packed, err := bot.Compact(*d)
	if err != nil {
		return false, err
	}
	a := &arguments{}
	a.add(n, d.Version, talkSum(d.Messages), lastMail(*d), packed)
	said, err := s.ask(ctx, "shelve "+incident, &call{script: s.scripts.shelve, keys: s.everyPart(n)[:7], args: a.all, size: a.size})
	return said == "ok", err
}

// ask runs a script that answers one word.
func (s *Store) ask(ctx context.Context, what string, c *call) (string, error) {
	reply, err := s.commits.do(ctx, c)
	if err == nil {
		var said []string
		if said, err = words(reply); err == nil {
			return said[0], nil
		}
	}
	return "", fmt.Errorf("%s: %w", what, err)
}

// unshelve brings an incident back out of its compact form. It is no error
// when somebody else was faster.
func (s *Store) unshelve(ctx context.Context, n int64) error {
	d, shelved, err := s.dossier(ctx, n)
	if err != nil || shelved == "" {
		return err
	}
	c, err := s.restoreCall(*d, shelved)
	if err != nil {
		return err
	}
	_, err = s.ask(ctx, "bring back "+idOf(n), c)
	return err
}

// lastMail is the number of the last mail that came.
func lastMail(d bot.ArchivedIncident) int {
	last := d.ReadSeq
	if k := len(d.Mail); k > 0 {
		last = max(last, d.Mail[k-1].Seq)
	}
	return last
}

// restoreCall is the call of restore.lua. shelved is the compact form that d
// was made of, if any.
func (s *Store) restoreCall(d bot.ArchivedIncident, shelved string) (*call, error) {
	n := int64(d.Number)
	next, due := "", ""
	if !d.ReadAt.IsZero() {
		next = nanos(d.ReadAt.Add(alerts.MailInterval))
	}
	for _, m := range d.Mail {
		if m.Seq > d.ReadSeq {
			first, err := mailOf(m)
			if err != nil {
				return nil, err
			}
			due = nanos(alerts.MailDue(d.ReadAt, first.At))
			break
		}
	}
	a := &arguments{}
	a.add(n, shelved, d.Version, d.Open, d.Previous, nanos(d.Changed), nanos(d.WakeAt), lastMail(d), d.ReadSeq, next, due, d.Body)
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
		if !knownClass(t.Lane.Class) {
			return nil, fmt.Errorf("task %s is of class %d, which is not known here", t.ID, t.Lane.Class)
		}
		a.add(int(t.Lane.Class), t.Lane.Destination, packTask(t))
	}
	return &call{script: s.scripts.restore, keys: s.everyPart(n)[:6], args: a.all, size: a.size}, nil
}

// forgetTries bounds how often an incident is looked at again because it got
// more alerts meanwhile.
const forgetTries = 3

// Forget implements [bot.Archive].
func (s *Store) Forget(ctx context.Context, incident string) (bool, error) {
	n, _ := parseID(incident)
	for range forgetTries {
		var ids []string
		var group string
		var values []any
		err := s.read(ctx, func() error {
			batch := s.client.Pipeline()
			members, head := batch.SMembers(ctx, s.keys.incident(n, partAlerts)), batch.HGet(ctx, s.keys.incident(n, partHead), "g")
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
		keys := append(s.everyPart(n), group)
		for _, id := range ids {
			keys = append(keys, s.keys.alert(id))
		}
		for _, kind := range bot.OwnedKinds() {
			keys = append(keys, s.keys.records(kind), s.keys.recordIDs(kind))
		}
		from, below := bot.OwnedIDs(incident)
		a := &arguments{}
		a.add(s.keys.of("feed"), s.origin, n, "["+from, "("+below, len(bot.OwnedKinds()), len(ids))
		for k, id := range ids {
			text, _ := values[k].(string)
			var alert alertState
			if alert, err = alertOf(id, text); err != nil {
				return false, fmt.Errorf("forget %s: %w", incident, err)
			}
			a.add(alert.revision, alert.was == incident)
		}
		said, err := s.ask(ctx, "forget "+incident, &call{script: s.scripts.forget, keys: keys, args: a.all, size: a.size + 60*len(ids)})
		switch {
		case err != nil:
			return false, err
		case said == "ok":
			s.changed(n)
			return true, nil
		case said == "gone":
			return true, nil
		}
	}
	return false, nil
}

// whole is everything that stands in an incident's keys.
type whole struct {
	head, tasks        map[string]string
	events, mail, talk []string
}

// dossier reads everything of an incident; nil when it is not there. shelved
// is its compact form, when it was in that.
func (s *Store) dossier(ctx context.Context, n int64) (d *bot.ArchivedIncident, shelved string, err error) {
	var w whole
	err = s.read(ctx, func() error {
		batch := s.client.TxPipeline()
		p := s.everyPart(n)
		head, tasks := batch.HGetAll(ctx, p[0]), batch.HGetAll(ctx, p[5])
		events, mail, talk := batch.LRange(ctx, p[1], 0, -1), batch.LRange(ctx, p[2], 0, -1), batch.LRange(ctx, p[3], 0, -1)
		_, failed := batch.Exec(ctx)
		w = whole{head.Val(), tasks.Val(), events.Val(), mail.Val(), talk.Val()}
		return failed
	})
	if err == nil && len(w.head) > 0 {
		if packed := w.head["z"]; packed != "" {
			var out bot.ArchivedIncident
			out, err = bot.Expand([]byte(packed))
			d, shelved = &out, packed
		} else {
			d, err = w.dossier(n)
		}
	}
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", idOf(n), err)
	}
	return d, shelved, nil
}

// dossier puts together what was read.
func (w whole) dossier(n int64) (*bot.ArchivedIncident, error) {
	d := &bot.ArchivedIncident{
		Number: int(n), Open: w.head["o"] == "1", Previous: w.head["f"], Changed: instant(w.head["ch"]), WakeAt: instant(w.head["wa"]),
		Body: bytesOf(w.head["b"]),
	}
	var err error
	if d.Version, err = strconv.Atoi(w.head["v"]); err != nil {
		return nil, fmt.Errorf("its version is damaged: %w", err)
	}
	if d.ReadSeq, err = strconv.Atoi(w.head["rs"]); err != nil {
		return nil, fmt.Errorf("its mailbox is damaged: %w", err)
	}
	if next := instant(w.head["rn"]); !next.IsZero() {
		d.ReadAt = next.Add(-alerts.MailInterval)
	}
	for k, text := range w.events {
		d.Events = append(d.Events, bot.StoredEvent{Seq: k + 1, Body: []byte(text)})
	}
	if d.Mail, err = mailbox(w.head, w.mail); err != nil {
		return nil, err
	}
	for _, text := range w.talk {
		var m bot.StoredMessage
		if m, err = saidOf(text); err != nil {
			return nil, err
		}
		d.Messages = append(d.Messages, m)
	}
	d.Tasks, err = tasksOf(n, w.tasks)
	return d, err
}

// tasksOf reads the hash of tasks that common.lua describes.
func tasksOf(n int64, fields map[string]string) ([]bot.Task, error) {
	var all []bot.Task
	for name, both := range fields {
		if name[0] != 'L' {
			continue
		}
		class, destination, err := laneName(name[1:])
		if err != nil {
			return nil, err
		}
		var first, last int
		if _, err := fmt.Sscanf(both, "%d %d", &first, &last); err != nil {
			return nil, fmt.Errorf("lane %s is damaged: %w", name, err)
		}
		for k := first; k <= last; k++ {
			t, err := unpackTask(fields["T"+name[1:]+"|"+strconv.Itoa(k)], n, workflow.Lane{Class: class, Destination: destination})
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, byLane)
	return all, nil
}
