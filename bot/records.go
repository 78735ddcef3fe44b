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
	return func(yield func(Loaded, error) bool) {
		for {
			page, err := store.List(ctx, q)
			if err != nil {
				yield(Loaded{}, fmt.Errorf("list incidents: %w", err))
				return
			}
			for _, l := range page {
				if q.Before = l.Number; !yield(l, nil) {
					return
				}
			}
			if len(page) < q.Limit {
				return
			}
		}
	}
}
