package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Load implements [bot.Incidents]. The incident and its unread mail are one hash, so
// that they are read at the same instant.
func (s *Store) Load(ctx context.Context, id string) (bot.Loaded, error) {
	n := workflow.NumberOf(id)
	var fields map[string]string
	err := s.read(ctx, func() (err error) {
		fields, err = s.client.HGetAll(ctx, s.keys.incident(n, partIncident)).Result()
		return err
	})
	l := bot.Loaded{ID: id, Number: n}
	if err == nil {
		err = load(&l, fields)
	}
	if err != nil {
		return bot.Loaded{}, fmt.Errorf("load %s: %w", id, err)
	}
	return l, nil
}

// load decodes an incident's hash.
func load(l *bot.Loaded, fields map[string]string) error {
	version, err := strconv.Atoi(fields[fieldVersion])
	if err != nil {
		return bot.ErrNotFound
	}
	if err := loadBody(l, version, fields[fieldPrevious], fields[fieldBody], fields[fieldCompact]); err != nil {
		return err
	}
	for name, text := range fields {
		seq, err := strconv.Atoi(strings.TrimPrefix(name, fieldMail))
		if err != nil || !strings.HasPrefix(name, fieldMail) {
			continue
		}
		m := workflow.Mail{Seq: seq}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return fmt.Errorf("decode mail %d: %w", seq, err)
		}
		l.Mail = append(l.Mail, m)
	}
	slices.SortFunc(l.Mail, func(a, b workflow.Mail) int { return a.Seq - b.Seq })
	return nil
}

// loadBody sets the snapshot or the stub. An archived incident has it in its compact
// form.
func loadBody(l *bot.Loaded, version int, previous, body, compact string) error {
	l.Version, l.Previous = version, previous
	text := []byte(body)
	if compact != "" {
		var err error
		if text, err = bot.ExpandSnapshot([]byte(compact)); err != nil {
			return err
		}
	}
	if version == 0 {
		l.Stub = text
	} else {
		l.Snapshot = text
	}
	return nil
}

// Reply implements [bot.Incidents].
func (s *Store) Reply(ctx context.Context, operation string) ([]byte, error) {
	reply, found := "", false
	err := s.read(ctx, func() error {
		all, err := s.client.HMGet(ctx, s.keys.of(keyOperations), operation).Result()
		if err == nil {
			reply, found = all[0].(string)
		}
		return err
	})
	if err == nil && !found {
		err = bot.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find the reply of %s: %w", operation, err)
	}
	return bytesOf(reply), nil
}

// List implements [bot.Library]. Only Load returns mail.
func (s *Store) List(ctx context.Context, q bot.Query) ([]bot.Loaded, error) {
	set, before := keyAll, "+inf"
	if q.Open {
		set = keyOpen
	}
	if q.Before != 0 {
		before = "(" + strconv.Itoa(q.Before)
	}
	if q.Limit <= 0 {
		return nil, nil
	}
	var all []bot.Loaded
	for len(all) < q.Limit { // a number whose incident does not exist must not end a list
		var some []bot.Loaded
		var numbers []string
		err := s.read(ctx, func() (err error) {
			if q.Ended {
				numbers, err = s.endedBefore(ctx, before, q.Limit-len(all))
			} else {
				numbers, err = s.numbersBefore(ctx, set, before, q.Limit-len(all))
			}
			if err == nil && len(numbers) > 0 {
				some, err = s.loadMany(ctx, numbers, q.Open)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list incidents: %w", err)
		}
		if len(numbers) == 0 {
			break
		}
		all = append(all, some...)
		before = "(" + numbers[len(numbers)-1]
	}
	return all, nil
}

// numbersBefore returns the next numbers of a list, newest first.
func (s *Store) numbersBefore(ctx context.Context, set, before string, count int) ([]string, error) {
	return s.client.ZRevRangeByScore(ctx, s.keys.of(set), &goredis.ZRangeBy{Min: "(" + mark, Max: before, Count: int64(count)}).Result()
}

// endedBefore returns the numbers of the next incidents that are not open, newest first.
func (s *Store) endedBefore(ctx context.Context, before string, count int) ([]string, error) {
	var ended []string
	for len(ended) < count {
		numbers, err := s.numbersBefore(ctx, keyAll, before, listStep)
		if err != nil || len(numbers) == 0 {
			return ended, err
		}
		batch := s.client.Pipeline()
		states := make([]*goredis.StringCmd, 0, len(numbers))
		for _, number := range numbers {
			states = append(states, batch.HGet(ctx, s.keys.of("i:"+number), fieldOpen))
		}
		if _, err = batch.Exec(ctx); err != nil && ignoreNil(err) != nil {
			return nil, err
		}
		for n, open := range states {
			if open.Val() != "1" {
				ended = append(ended, numbers[n])
			}
		}
		before = "(" + numbers[len(numbers)-1]
	}
	return ended[:count], nil
}

// loadMany reads incidents in one batch, and leaves out those that do not exist, or are not
// open if only open ones are wanted.
func (s *Store) loadMany(ctx context.Context, numbers []string, open bool) ([]bot.Loaded, error) {
	batch := s.client.Pipeline()
	bodies := make([]*goredis.SliceCmd, 0, len(numbers))
	for _, number := range numbers {
		bodies = append(bodies, batch.HMGet(ctx, s.keys.of("i:"+number), fieldVersion, fieldPrevious, fieldBody, fieldCompact, fieldOpen))
	}
	if _, err := batch.Exec(ctx); err != nil {
		return nil, err
	}
	all := make([]bot.Loaded, 0, len(numbers))
	for n, cmd := range bodies {
		var texts [5]string
		for k, v := range cmd.Val() {
			texts[k], _ = v.(string)
		}
		number, err := strconv.Atoi(numbers[n])
		if err != nil {
			return nil, fmt.Errorf("read number %q: %w", numbers[n], err)
		}
		version, err := strconv.Atoi(texts[0])
		if err != nil || open && texts[4] != "1" {
			continue
		}
		l := bot.Loaded{ID: workflow.ID(number), Number: number}
		if err := loadBody(&l, version, texts[1], texts[2], texts[3]); err != nil {
			return nil, fmt.Errorf("read %s: %w", l.ID, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// History implements [bot.Library].
func (s *Store) History(ctx context.Context, id string, after, limit int) ([][]byte, error) {
	n := workflow.NumberOf(id)
	if after, limit = max(after, 0), max(limit, 0); limit == 0 {
		return nil, nil
	}
	var texts []string
	var fields []any
	err := s.read(ctx, func() error {
		batch := s.client.TxPipeline()
		small := batch.HMGet(ctx, s.keys.incident(n, partIncident), fieldVersion, fieldCompact)
		events := batch.LRange(ctx, s.keys.incident(n, partEvents), int64(after), int64(after)+int64(limit)-1)
		_, err := batch.Exec(ctx)
		texts, fields = events.Val(), small.Val()
		return err
	})
	if err == nil && (len(fields) < 2 || fields[0] == nil) {
		err = bot.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", id, err)
	}
	if compact, ok := fields[1].(string); ok {
		d, err := bot.Expand([]byte(compact))
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", id, err)
		}
		for _, e := range d.Events[min(after, len(d.Events)):min(after+limit, len(d.Events))] {
			texts = append(texts, string(e.Body))
		}
	}
	all := make([][]byte, 0, len(texts))
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all, nil
}

// Firing implements [bot.Intake].
func (s *Store) Firing(ctx context.Context, incident, after string, limit int) ([]alerts.Row, error) {
	n := workflow.NumberOf(incident)
	if limit <= 0 {
		return nil, nil
	}
	from := "-"
	if after != "" {
		from = "(" + after
	}
	var ids []string
	var values []any
	err := s.read(ctx, func() (err error) {
		ids, err = s.client.ZRangeByLex(ctx, s.keys.incident(n, partFiring), &goredis.ZRangeBy{Min: from, Max: "+", Count: int64(limit)}).Result()
		if err != nil || len(ids) == 0 {
			return err
		}
		keys := make([]string, 0, len(ids))
		for _, id := range ids {
			keys = append(keys, s.keys.alert(id))
		}
		values, err = s.client.MGet(ctx, keys...).Result()
		return err
	})
	var all []alerts.Row
	for k := 0; k < len(ids) && err == nil; k++ {
		text, _ := values[k].(string)
		var a alertState
		if a, err = decodeAlert(ids[k], text); a.row != nil && a.row.Firing && a.row.Incident == incident {
			all = append(all, *a.row)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list the firing alerts of %s: %w", incident, err)
	}
	return all, nil
}

// Get implements [bot.Records].
func (s *Store) Get(ctx context.Context, kind, id string) (bot.Record, error) {
	all, err := s.recordsOf(ctx, kind, []string{id})
	if err == nil && len(all) == 0 {
		err = bot.ErrNotFound
	}
	if err != nil {
		return bot.Record{}, fmt.Errorf("get %s %s: %w", kind, id, err)
	}
	return all[0], nil
}

// Records implements [bot.Records].
func (s *Store) Records(ctx context.Context, kind, after string, limit int) ([]bot.Record, error) {
	return s.recordsFrom(ctx, kind, "("+after, limit)
}

// recordsFrom is Records from a bound as ZRANGEBYLEX takes it.
func (s *Store) recordsFrom(ctx context.Context, kind, from string, limit int) ([]bot.Record, error) {
	if limit <= 0 {
		return nil, nil
	}
	var ids []string
	err := s.read(ctx, func() (err error) {
		ids, err = s.client.ZRangeByLex(ctx, s.keys.recordIDs(kind), &goredis.ZRangeBy{Min: from, Max: "+", Count: int64(limit)}).Result()
		return err
	})
	var all []bot.Record
	if err == nil && len(ids) > 0 {
		all, err = s.recordsOf(ctx, kind, ids)
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", kind, err)
	}
	return all, nil
}

// recordsOf reads records of one kind, and leaves out those that do not exist.
func (s *Store) recordsOf(ctx context.Context, kind string, ids []string) ([]bot.Record, error) {
	var values []any
	err := s.read(ctx, func() (err error) {
		values, err = s.client.HMGet(ctx, s.keys.records(kind), ids...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []bot.Record
	for n, v := range values {
		text, ok := v.(string)
		if !ok {
			continue
		}
		version, body, _ := strings.Cut(text, "\n")
		number, err := strconv.Atoi(version)
		if err != nil {
			return nil, fmt.Errorf("decode record %s: it is damaged: %w", ids[n], err)
		}
		all = append(all, bot.Record{Kind: kind, ID: ids[n], Version: number, Body: []byte(body)})
	}
	slices.SortFunc(all, func(a, b bot.Record) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}
