package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// ListEnded implements [bot.Archive].
func (s *Store) ListEnded(_ context.Context, q bot.EndedQuery) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*incident
	for _, i := range s.incidents {
		if !i.open && i.archived == q.Archived && i.changed.Before(q.Before) {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b *incident) int {
		return cmp.Or(a.changed.Compare(b.changed), cmp.Compare(a.Number, b.Number))
	})
	var ids []string
	for _, i := range all[:min(max(q.Limit, 0), len(all))] {
		ids = append(ids, i.ID)
	}
	return ids, nil
}

// addTask adds a task to the end of its lane; a task with a revision replaces all tasks
// of its lane.
func (s *Store) addTask(t bot.Task) {
	if i := s.incidents[t.Owner]; i != nil {
		i.archived = false
	}
	key := laneKey{t.Owner, t.Lane}
	if s.lanes[key] == nil {
		s.lanes[key] = &lane{}
	}
	if t.Rev > 0 {
		s.lanes[key].tasks = nil
	}
	s.lanes[key].tasks = append(s.lanes[key].tasks, t)
}

// isFinished reports whether an incident will not change by itself: it is not open, has
// no unread mail, and owes nothing.
func (s *Store) isFinished(i *incident) bool {
	if i.open || len(i.Mail) > 0 {
		return false
	}
	for key, l := range s.lanes {
		if key.owner == i.ID && len(l.tasks) > 0 {
			return false
		}
	}
	return true
}

// Archive implements [bot.Archive]. It only marks the incident: there is no compact form
// in memory.
func (s *Store) Archive(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.incidents[id]
	if i == nil || !s.isFinished(i) {
		return false, nil
	}
	i.archived = true
	return true, nil
}

// Forget implements [bot.Archive].
func (s *Store) Forget(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.incidents[id]
	switch {
	case i == nil:
		return true, nil
	case !s.isFinished(i):
		return false, nil
	}
	for _, r := range s.alerts {
		if r.Incident == id && r.Firing {
			return false, nil
		}
	}
	delete(s.incidents, id)
	maps.DeleteFunc(s.alerts, func(_ [2]string, r alerts.Row) bool { return r.Incident == id })
	maps.DeleteFunc(s.groups, func(_ string, g group) bool { return g.owner == id })
	maps.DeleteFunc(s.lanes, func(k laneKey, _ *lane) bool { return k.owner == id })
	s.forgetRecords(id)
	s.feed.Notify(id)
	return true, nil
}

// forgetRecords deletes the records that belong to an incident, see [bot.OwnedKinds].
func (s *Store) forgetRecords(id string) {
	for key := range s.records {
		name, ok := strings.CutPrefix(key[1], id+"/")
		if !ok || !slices.Contains(bot.OwnedKinds(), key[0]) {
			continue
		}
		delete(s.records, key)
		if other := [2]string{key[0], name}; string(s.records[other].Body) == id {
			delete(s.records, other)
		}
	}
}
