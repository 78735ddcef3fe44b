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
		if (i.open || !q.Open) && (q.Before == 0 || i.Number < q.Before) {
			all = append(all, i.Loaded)
		}
	}
	slices.SortFunc(all, func(a, b bot.Loaded) int { return cmp.Compare(b.Number, a.Number) })
	return all[:min(q.Limit, len(all))], nil
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
