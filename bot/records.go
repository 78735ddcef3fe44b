package bot

import (
	"cmp"
	"context"
	"fmt"
	"iter"
)

// EachRecord calls do with every record of a kind, in the order of their IDs.
func EachRecord(ctx context.Context, store Records, kind string, do func(Record)) error {
	const pageSize = 500
	for after := ""; ; {
		page, err := store.Records(ctx, kind, after, pageSize)
		if err != nil {
			return fmt.Errorf("read the records of kind %s: %w", kind, err)
		}
		for _, r := range page {
			do(r)
			after = r.ID
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// ListAll iterates over all incidents that a query selects, by descending number, and
// reads q.Limit of them at a time [200]. It ends after an error.
func ListAll(ctx context.Context, store Library, q Query) iter.Seq2[Loaded, error] {
	q.Limit = cmp.Or(q.Limit, 200)
	return iteratePages(q.Limit, func() ([]Loaded, error) { return store.List(ctx, q) }, func(l Loaded) { q.Before = l.Number })
}

// ListAllOpen iterates over all open incidents that a query selects, by need, and reads
// q.Limit of them at a time [200]. It ends after an error.
func ListAllOpen(ctx context.Context, store Library, q OpenQuery) iter.Seq2[Loaded, error] {
	q.Limit = cmp.Or(q.Limit, 200)
	return iteratePages(q.Limit, func() ([]Loaded, error) { return store.ListOpen(ctx, q) }, func(l Loaded) { q.After = Place{l.Need, l.Number} })
}

// iteratePages iterates over pages until one has fewer than size incidents. read reads the
// page after the incident that advance got last.
func iteratePages(size int, read func() ([]Loaded, error), advance func(Loaded)) iter.Seq2[Loaded, error] {
	return func(yield func(Loaded, error) bool) {
		for {
			page, err := read()
			if err != nil {
				yield(Loaded{}, fmt.Errorf("list incidents: %w", err))
				return
			}
			for _, l := range page {
				advance(l)
				if !yield(l, nil) {
					return
				}
			}
			if len(page) < size {
				return
			}
		}
	}
}
