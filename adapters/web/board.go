package web

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/roster"
	"tocsin/workflow"
)

// board is what is open now, read once for all browsers that look.
type board struct {
	bot  *bot.Bot
	mu   sync.Mutex
	at   time.Time // when it was read last
	open []workflow.Incident
}

// boardPause is the least time between two readings: a hundred browsers and a
// flood of alerts are then four readings a second.
const boardPause = 250 * time.Millisecond

// boardLimit is how many open incidents a browser is shown.
const boardLimit = 500

// read returns what is open, as of since or later, what needs somebody first.
func (b *board) read(ctx context.Context, since time.Time) ([]workflow.Incident, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.Before(since) {
		return b.open, nil
	}
	if wait := boardPause - time.Since(b.at); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
	at := time.Now()
	open, err := b.bot.OpenIncidents(ctx, boardLimit)
	if err != nil {
		return nil, err
	}
	bot.SortByNeed(open)
	b.open, b.at = open, at
	return open, nil
}

// needs returns the incidents that page this reader and have no answer yet, the
// worst first.
// Where nobody is configured, everybody is paged through the log, and whoever
// looks is one of them.
func needs(open []workflow.Incident, who bot.Speaker, nobody bool) []workflow.Incident {
	mine := slices.DeleteFunc(slices.Clone(open), func(i workflow.Incident) bool {
		called := asked(i, who.Person) || nobody && who.Access >= roster.Responder && rings(i)
		return !called || !who.Sees(i)
	})
	slices.SortStableFunc(mine, func(a, b workflow.Incident) int { return cmp.Compare(a.Severity, b.Severity) })
	return mine
}

// rings reports whether somebody is paged through the log and has not answered.
func rings(i workflow.Incident) bool {
	return !i.Acknowledged() && slices.ContainsFunc(i.Paging.Pages, func(p workflow.PageState) bool {
		return (p.Purpose == workflow.ToAnswer || p.Purpose == workflow.ToRescue) && pending(p) && strings.HasPrefix(p.Via, "log")
	})
}

// asked reports whether a person is paged and has not answered: to answer
// while nobody has, or to join whoever has.
func asked(i workflow.Incident, person string) bool {
	return person != "" && slices.ContainsFunc(i.Paging.Pages, func(p workflow.PageState) bool {
		return p.To == person && pending(p) && (p.Purpose == workflow.ToJoin || !i.Acknowledged() && p.Purpose != workflow.ToKnow)
	})
}

// pending reports a page that is on its way or has arrived, and was not
// answered.
func pending(p workflow.PageState) bool {
	return p.State.Live() && p.State != workflow.Planned || p.State == workflow.Arrived && p.Why == ""
}
