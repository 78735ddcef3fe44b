package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tocsin/bot"
)

// List implements [bot.Library].
func (s *Store) List(_ context.Context, q bot.Query) ([]bot.Loaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bot.Loaded
	for _, i := range s.incidents {
		if (i.open || !q.Open) && (!i.open || !q.Ended) && (q.Before == 0 || i.Number < q.Before) {
			all = append(all, i.Loaded)
		}
	}
	slices.SortFunc(all, func(a, b bot.Loaded) int { return cmp.Compare(b.Number, a.Number) })
	return all[:min(q.Limit, len(all))], nil
}

// ListOpen implements [bot.Library].
func (s *Store) ListOpen(_ context.Context, q bot.OpenQuery) ([]bot.Loaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bot.Loaded
	for _, i := range s.incidents {
		l := i.Loaded
		l.Need, l.Mail = i.listing.Need, nil
		if i.isListed(q.Tag) && comparePlaces(l, bot.Loaded{Need: q.After.Need, Number: q.After.Number}) > 0 {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, comparePlaces)
	return all[:min(max(q.Limit, 0), len(all))], nil
}

// comparePlaces compares incidents by need, then by number.
func comparePlaces(a, b bot.Loaded) int {
	return cmp.Or(cmp.Compare(a.Need, b.Need), cmp.Compare(a.Number, b.Number))
}

// isListed reports whether an incident is listed under a tag; "" is the list of all.
func (i *incident) isListed(tag string) bool {
	return i.open && (tag == "" || slices.Contains(i.listing.Tags, tag))
}

// CountOpen implements [bot.Library].
func (s *Store) CountOpen(_ context.Context, tag string) (bot.OpenCounts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var c bot.OpenCounts
	for _, i := range s.incidents {
		if i.isListed(tag) {
			c.Add(i.listing.Need)
		}
	}
	return c, nil
}

// History implements [bot.Library].
func (s *Store) History(_ context.Context, id string, after, limit int) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.incidents[id]
	if !ok {
		return nil, fmt.Errorf("read the history of %s: %w", id, bot.ErrNotFound)
	}
	var all [][]byte
	for _, e := range i.events {
		if e.Seq > after && len(all) < limit {
			all = append(all, e.Body)
		}
	}
	return all, nil
}

// Get implements [bot.Records].
func (s *Store) Get(_ context.Context, kind, id string) (bot.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[[2]string{kind, id}]
	if !ok {
		return bot.Record{}, fmt.Errorf("get %s %s: %w", kind, id, bot.ErrNotFound)
	}
	return r, nil
}

// Records implements [bot.Records].
func (s *Store) Records(_ context.Context, kind, after string, limit int) ([]bot.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bot.Record
	for _, r := range s.records {
		if r.Kind == kind && r.ID > after {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b bot.Record) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(limit, len(all))], nil
}
