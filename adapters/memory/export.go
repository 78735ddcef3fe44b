package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Export implements [bot.Archive]. Mail that was read is not stored and so not exported.
func (s *Store) Export(_ context.Context, after string, limit int) ([]bot.ArchiveItem, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bot.ReadSections(after, limit, []bot.Section{
		{Name: "counter", Read: func(string, int) ([]bot.ArchiveItem, error) { return []bot.ArchiveItem{{Counter: new(s.number)}}, nil }},
		{Name: "record", Read: s.exportRecords},
		{Name: "incident", Read: s.exportIncidents},
		{Name: "group", Read: s.exportGroups},
		{Name: "alert", Read: s.exportAlerts},
		{Name: "operation", Read: s.exportOperations},
	})
}

// comparePairs compares pairs of names, and splitKey splits a key into such a pair.
func comparePairs(a, b [2]string) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
}

func splitKey(key, separator string) [2]string {
	first, second, _ := strings.Cut(key, separator)
	return [2]string{first, second}
}

// page returns items for at most limit entries of a map, in order, whose keys come after
// a key.
func page[K comparable, V any](m map[K]V, after K, limit int, compare func(a, b K) int, convert func(K, V) (bot.ArchiveItem, error)) ([]bot.ArchiveItem, error) {
	var keys []K
	for k := range m {
		if compare(k, after) > 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	var all []bot.ArchiveItem
	for _, k := range keys[:min(max(limit, 0), len(keys))] {
		item, err := convert(k, m[k])
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

func (s *Store) exportRecords(after string, limit int) ([]bot.ArchiveItem, error) {
	return page(s.records, splitKey(after, "/"), limit, comparePairs, func(_ [2]string, r bot.Record) (bot.ArchiveItem, error) {
		return bot.ArchiveItem{Record: &r}, nil
	})
}

func (s *Store) exportIncidents(after string, limit int) ([]bot.ArchiveItem, error) {
	byNumber := map[int]*incident{}
	for _, i := range s.incidents {
		byNumber[i.Number] = i
	}
	from, err := strconv.Atoi(cmp.Or(after, "0"))
	if err != nil {
		return nil, fmt.Errorf("read the incident number %q: %w", after, err)
	}
	return page(byNumber, from, limit, cmp.Compare[int], func(_ int, i *incident) (bot.ArchiveItem, error) {
		d, err := s.archivedIncident(i)
		return bot.ArchiveItem{Incident: &d}, err
	})
}

func (s *Store) archivedIncident(i *incident) (bot.ArchivedIncident, error) {
	d := bot.ArchivedIncident{
		Number: i.Number, Version: i.Version, Open: i.open, Previous: i.Previous, Changed: i.changed.UTC(), WakeAt: i.wakeAt.UTC(),
		ReadSeq: i.readSeq, ReadAt: i.readAt.UTC(), Body: i.Snapshot, Events: slices.Clone(i.events), Messages: slices.Clone(i.messages),
	}
	if i.Version == 0 {
		d.Body = i.Stub
	}
	for _, m := range i.Mail {
		body, err := json.Marshal(m)
		if err != nil {
			return d, fmt.Errorf("encode mail %d of %s: %w", m.Seq, i.ID, err)
		}
		d.Mail = append(d.Mail, bot.StoredMail{Seq: m.Seq, Body: body})
	}
	var lanes []workflow.Lane
	for key := range s.lanes {
		if key.owner == i.ID && key.lane != wakeLane {
			lanes = append(lanes, key.lane)
		}
	}
	slices.SortFunc(lanes, func(a, b workflow.Lane) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Destination, b.Destination))
	})
	for _, l := range lanes {
		for _, t := range s.lanes[laneKey{i.ID, l}].tasks {
			t.Due = t.Due.UTC()
			d.Tasks = append(d.Tasks, t)
		}
	}
	return d, nil
}

func (s *Store) exportGroups(after string, limit int) ([]bot.ArchiveItem, error) {
	return page(s.groups, after, limit, cmp.Compare[string], func(key string, g group) (bot.ArchiveItem, error) {
		return bot.ArchiveItem{Group: &bot.ArchivedGroup{Key: key, Owner: g.owner, Always: g.always, HoldUntil: g.until.UTC()}}, nil
	})
}

func (s *Store) exportAlerts(after string, limit int) ([]bot.ArchiveItem, error) {
	return page(s.alerts, splitKey(after, "\x00"), limit, comparePairs, func(key [2]string, r alerts.Row) (bot.ArchiveItem, error) {
		r.EventAt, r.AppliedAt, r.SeenAt = r.EventAt.UTC(), r.AppliedAt.UTC(), r.SeenAt.UTC()
		return bot.ArchiveItem{Alert: &bot.ArchivedAlert{Integration: key[0], Key: key[1], Row: r}}, nil
	})
}

func (s *Store) exportOperations(after string, limit int) ([]bot.ArchiveItem, error) {
	return page(s.replies, after, limit, cmp.Compare[string], func(id string, r reply) (bot.ArchiveItem, error) {
		return bot.ArchiveItem{Operation: &bot.ArchivedOperation{ID: id, At: r.at.UTC(), Reply: r.body}}, nil
	})
}
