package jobs

import (
	"context"
	"fmt"
	"strings"

	"tocsin/bot"
)

// archiveSlice is how many incidents are asked for at a time.
const archivePage = 200

// archive moves what is over into its compact form, and deletes what has been
// over for long enough. What still owes something stays for the next time.
func archive(ctx context.Context, p HandlerConfig) (Result, error) {
	keep := p.Archive
	keeping, now := p.Engine.Organization().Retention, p.Engine.Now()
	var gone, shelved, stayed int
	var err error
	if keeping.DeleteAfter > 0 {
		for _, compact := range []bool{true, false} {
			n, left, e := sweep(ctx, bot.EndedQuery{Before: now.Add(-keeping.DeleteAfter), Archived: compact}, keep.ListEnded, keep.Forget)
			gone, stayed, err = gone+n, stayed+left, e
			if err != nil {
				break
			}
		}
	}
	if err == nil && keeping.ArchiveAfter > 0 {
		var left int
		shelved, left, err = sweep(ctx, bot.EndedQuery{Before: now.Add(-keeping.ArchiveAfter)}, keep.ListEnded, keep.Archive)
		stayed = max(stayed, left)
	}
	var said []string
	for _, part := range []struct {
		n    int
		what string
	}{{shelved, "shelved %d"}, {gone, "deleted %d"}, {stayed, "%d stayed: they still owe something"}} {
		if part.n > 0 {
			said = append(said, fmt.Sprintf(part.what, part.n))
		}
	}
	note := strings.Join(said, ", ")
	if err != nil && note != "" {
		return Result{}, fmt.Errorf("%s, and then: %w", note, err)
	}
	return Result{Note: note, Quiet: shelved+gone == 0}, err
}

// sweep does something to every incident that is over, oldest first. Those that
// stay are found again and again: it asks for so many more.
func sweep(
	ctx context.Context, q bot.EndedQuery,
	over func(context.Context, bot.EndedQuery) ([]string, error), do func(context.Context, string) (bool, error),
) (done, stayed int, err error) {
	seen := map[string]bool{}
	for {
		q.Limit = archivePage + stayed
		ids, err := over(ctx, q)
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
