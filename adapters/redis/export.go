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
	"tocsin/workflow"
)

// byLane orders tasks as an [bot.ArchivedIncident] has them. The sort must be stable:
// tasks of one lane keep their order.
func byLane(a, b bot.Task) int {
	return cmp.Or(cmp.Compare(a.Lane.Class, b.Lane.Class), cmp.Compare(a.Lane.Destination, b.Lane.Destination))
}

// decodeLane decodes "CLASS|DESTINATION".
func decodeLane(name string) (workflow.Class, string, error) {
	class, destination, _ := strings.Cut(name, "|")
	number, err := strconv.Atoi(class)
	if err != nil {
		return 0, "", fmt.Errorf("lane %s is damaged: %w", name, err)
	}
	return workflow.Class(number), destination, nil
}

// decodeMail decodes a piece of mail.
func decodeMail(m bot.StoredMail) (workflow.Mail, error) {
	mail := workflow.Mail{Seq: m.Seq}
	if err := json.Unmarshal(m.Body, &mail); err != nil {
		return mail, fmt.Errorf("decode mail %d: %w", m.Seq, err)
	}
	return mail, nil
}

// decodeMailbox decodes the mail of an incident: the mail that was read, each
// "SEQ\nBODY", and the unread mail in the fields of the incident's hash.
func decodeMailbox(fields map[string]string, read []string) ([]bot.StoredMail, error) {
	var all []bot.StoredMail
	for _, text := range read {
		seq, body, _ := strings.Cut(text, "\n")
		n, err := strconv.Atoi(seq)
		if err != nil {
			return nil, fmt.Errorf("mail is damaged: %w", err)
		}
		all = append(all, bot.StoredMail{Seq: n, Body: []byte(body)})
	}
	for name, body := range fields {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, fieldMail)); err == nil && strings.HasPrefix(name, fieldMail) {
			all = append(all, bot.StoredMail{Seq: n, Body: []byte(body)})
		}
	}
	slices.SortFunc(all, func(a, b bot.StoredMail) int { return a.Seq - b.Seq })
	return all, nil
}

// Export implements [bot.Archive].
func (s *Store) Export(ctx context.Context, after string, limit int) ([]bot.ArchiveItem, error) {
	e := &export{Store: s, ctx: ctx}
	return bot.ReadSections(after, limit, []bot.Section{
		{Name: "counter", Read: e.counter},
		{Name: "record", Read: e.records},
		{Name: "incident", Read: e.incidents},
		{Name: "group", Read: e.groups},
		{Name: "alert", Read: e.alerts},
		{Name: "operation", Read: e.operations},
	})
}

// export is one call of Export.
type export struct {
	*Store
	ctx context.Context //nolint:containedctx // it lives as long as the call
}

func (e *export) counter(string, int) ([]bot.ArchiveItem, error) {
	n, err := e.count()
	return []bot.ArchiveItem{{Counter: &n}}, err
}

// count returns the last incident number that was given out.
func (e *export) count() (n int, err error) {
	err = e.read(e.ctx, func() (err error) {
		n, err = e.client.Get(e.ctx, e.keys.of(keyLastNumber)).Int()
		return err
	})
	return n, err
}

func (e *export) records(after string, limit int) ([]bot.ArchiveItem, error) {
	from, id, _ := strings.Cut(after, "/")
	var kinds []string
	err := e.read(e.ctx, func() (err error) {
		kinds, err = e.client.SMembers(e.ctx, e.keys.of(keyRecordKinds)).Result()
		return err
	})
	slices.Sort(kinds)
	var all []bot.ArchiveItem
	for _, kind := range kinds {
		if kind < from || err != nil || len(all) >= limit {
			continue
		}
		start := "-"
		if kind == from {
			start = "(" + id
		}
		var some []bot.Record
		some, err = e.recordsFrom(e.ctx, kind, start, limit-len(all))
		for _, r := range some {
			all = append(all, bot.ArchiveItem{Record: &r})
		}
	}
	return all, err
}

func (e *export) incidents(after string, limit int) ([]bot.ArchiveItem, error) {
	var numbers []string
	err := e.read(e.ctx, func() (err error) {
		by := &goredis.ZRangeBy{Min: "(" + cmp.Or(after, "0"), Max: "+inf", Count: int64(limit)}
		numbers, err = e.client.ZRangeByScore(e.ctx, e.keys.of(keyAll), by).Result()
		return err
	})
	var all []bot.ArchiveItem
	for k := 0; k < len(numbers) && err == nil; k++ {
		var n int
		if n, err = strconv.Atoi(numbers[k]); err != nil {
			break
		}
		var d *bot.ArchivedIncident
		if d, _, err = e.readIncident(e.ctx, n); d != nil {
			all = append(all, bot.ArchiveItem{Incident: d})
		}
	}
	return all, err
}

// page returns at most limit names of a section that come after a name. The names
// are collected once, at the beginning of the section: nothing may write to the
// store during an export.
func (e *export) page(section, after string, limit int, find func() ([]string, error)) ([]string, error) {
	e.exporting.Lock()
	defer e.exporting.Unlock()
	if after == "" || e.names[section] == nil {
		names, err := find()
		if err != nil {
			return nil, err
		}
		slices.Sort(names)
		if e.names == nil {
			e.Store.names = map[string][]string{}
		}
		e.Store.names[section] = slices.Compact(names)
	}
	names := e.Store.names[section]
	from, found := slices.BinarySearch(names, after)
	if found {
		from++
	}
	return names[from:min(from+max(limit, 0), len(names))], nil
}

// readKeys reads a page of the keys whose names begin with a prefix.
func (e *export) readKeys(section, prefix, after string, limit int) (names []string, texts []any, err error) {
	names, err = e.page(section, after, limit, func() ([]string, error) {
		var all []string
		failed := e.scan(e.ctx, prefix+"*", func(name string) { all = append(all, name[len(prefix):]) })
		return all, failed
	})
	if err != nil || len(names) == 0 {
		return nil, nil, err
	}
	keys := make([]string, 0, len(names))
	for _, name := range names {
		keys = append(keys, prefix+name)
	}
	err = e.read(e.ctx, func() (err error) {
		texts, err = e.client.MGet(e.ctx, keys...).Result()
		return err
	})
	return names, texts, err
}

func (e *export) groups(after string, limit int) ([]bot.ArchiveItem, error) {
	names, texts, err := e.readKeys("group", e.keys.group(""), after, limit)
	var all []bot.ArchiveItem
	for k, name := range names {
		text, _ := texts[k].(string)
		g := decodeGroup(text)
		if g.owner == 0 {
			continue
		}
		all = append(all, bot.ArchiveItem{Group: &bot.ArchivedGroup{
			Key: name, Owner: workflow.ID(g.owner), Always: text[0] == '1', HoldUntil: instant(text[1 : 1+len(noInstant)]),
		}})
	}
	return all, err
}

func (e *export) alerts(after string, limit int) ([]bot.ArchiveItem, error) {
	names, texts, err := e.readKeys("alert", e.keys.alert(""), after, limit)
	var all []bot.ArchiveItem
	for k := 0; k < len(names) && err == nil; k++ {
		text, _ := texts[k].(string)
		var a alertState
		if a, err = decodeAlert(names[k], text); a.row != nil {
			all = append(all, bot.ArchiveItem{Alert: &bot.ArchivedAlert{Integration: a.row.Integration, Key: a.row.Key, Row: *a.row}})
		}
	}
	return all, err
}

func (e *export) operations(after string, limit int) ([]bot.ArchiveItem, error) {
	at := map[string]string{}
	err := e.read(e.ctx, func() error {
		all, err := e.client.LRange(e.ctx, e.keys.of(keyOperationsByAge), 0, -1).Result()
		for _, text := range all {
			at[text[len(noInstant):]] = text[:len(noInstant)]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	names, err := e.page("operation", after, limit, func() (all []string, err error) {
		err = e.read(e.ctx, func() (err error) {
			all, err = e.client.HKeys(e.ctx, e.keys.of(keyOperations)).Result()
			return err
		})
		return all, err
	})
	if err != nil || len(names) == 0 {
		return nil, err
	}
	var replies []any
	err = e.read(e.ctx, func() (err error) {
		replies, err = e.client.HMGet(e.ctx, e.keys.of(keyOperations), names...).Result()
		return err
	})
	var all []bot.ArchiveItem
	for k, id := range names {
		if err == nil {
			text, _ := replies[k].(string)
			all = append(all, bot.ArchiveItem{Operation: &bot.ArchivedOperation{ID: id, At: instant(at[id]), Reply: bytesOf(text)}})
		}
	}
	return all, err
}
