package jobs

import (
	"context"
	"fmt"
	"strings"

	"tocsin/bot"
)

// archivePage is how many incidents are listed at a time.
const archivePage = 200

// archive moves incidents that have ended into the compact form, and deletes those that
// ended long ago, as [bot.Retention] says. An incident with pending tasks stays until
// the next time.
func archive(ctx context.Context, c HandlerConfig) (Result, error) {
	store := c.Archive
	retention, now := c.Engine.Organization().Retention, c.Engine.Now()
	var deleted, archived, stayed int
	var err error
	if retention.DeleteAfter > 0 {
		for _, compact := range []bool{true, false} {
			n, left, e := sweep(ctx, bot.EndedQuery{Before: now.Add(-retention.DeleteAfter), Archived: compact}, store.ListEnded, store.Forget)
			deleted, stayed, err = deleted+n, stayed+left, e
			if err != nil {
				break
			}
		}
	}
	if err == nil && retention.ArchiveAfter > 0 {
		var left int
		archived, left, err = sweep(ctx, bot.EndedQuery{Before: now.Add(-retention.ArchiveAfter)}, store.ListEnded, store.Archive)
		stayed = max(stayed, left)
	}
	var counts []string
	for _, part := range []struct {
		n    int
		text string
	}{{archived, "archived %d"}, {deleted, "deleted %d"}, {stayed, "left %d with pending tasks"}} {
		if part.n > 0 {
			counts = append(counts, fmt.Sprintf(part.text, part.n))
		}
	}
	note := strings.Join(counts, ", ")
	if err != nil && note != "" {
		return Result{}, fmt.Errorf("%s, and then: %w", note, err)
	}
	return Result{Note: note, Quiet: archived+deleted == 0}, err
}

// sweep calls do for every ended incident that list returns, oldest first, and counts
// those for which it returned true (done) and false (stayed). Incidents that stayed are
// listed again, so each call of list asks for as many more.
func sweep(
	ctx context.Context, q bot.EndedQuery,
	list func(context.Context, bot.EndedQuery) ([]string, error), do func(context.Context, string) (bool, error),
) (done, stayed int, err error) {
	seen := map[string]bool{}
	for {
		q.Limit = archivePage + stayed
		ids, err := list(ctx, q)
		if err != nil {
			return done, stayed, err
		}
		fresh := 0
		for _, id := range ids {
			if seen[id] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return done, stayed, err
			}
			seen[id] = true
			fresh++
			ok, err := do(ctx, id)
			switch {
			case err != nil:
				return done, stayed, err
			case ok:
				done++
			default:
				stayed++
			}
		}
		if fresh == 0 || len(ids) < q.Limit {
			return done, stayed, nil
		}
	}
}
