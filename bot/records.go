package bot

import (
	"context"
	"fmt"
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
