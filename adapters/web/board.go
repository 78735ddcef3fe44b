package web

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/incidents"
	"tocsin/workflow"
)

// board is the list of open incidents, read from the store once for all browsers.
type board struct {
	store     Watcher
	incidents IncidentReader
	mu        sync.Mutex // held while the store is read
	last      atomic.Pointer[snapshot]
	feed      bot.Feed // of new snapshots
	once      sync.Once
}

// snapshot is the open incidents at an instant, in the order of
// [incidents.SortByNeed].
type snapshot struct {
	at   time.Time
	open []workflow.Incident
}

// boardInterval is the minimum time between two reads of the store: a hundred
// browsers and a flood of alerts then cause three reads a second.
const boardInterval = 300 * time.Millisecond

// maxBoard is the maximum number of open incidents on the board.
const maxBoard = 500

// read returns the open incidents as of since or later, in the order of
// [incidents.SortByNeed].
func (b *board) read(ctx context.Context, since time.Time) ([]workflow.Incident, error) {
	if r := b.last.Load(); r != nil && !r.at.Before(since) {
		return r.open, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.last.Load(); r != nil {
		if !r.at.Before(since) {
			return r.open, nil // another request has read it meanwhile
		}
		pause(ctx, boardInterval-time.Since(r.at))
	}
	r := &snapshot{at: time.Now()}
	var err error
	if r.open, err = b.incidents.ListOpen(ctx, maxBoard); err != nil {
		return nil, err
	}
	incidents.SortByNeed(r.open)
	b.last.Store(r)
	return r.open, nil
}

// watch returns a channel that receives after each new snapshot until ctx ends.
// The first call starts a goroutine that reads the board whenever an incident
// has changed; it ends when closed is closed.
func (b *board) watch(ctx context.Context, closed <-chan struct{}, log *slog.Logger) <-chan struct{} {
	mine := b.feed.Watch(ctx, "")
	b.once.Do(func() { //nolint:contextcheck // the goroutine outlives the first request
		long, cancel := context.WithCancel(context.Background())
		changed := b.store.Watch(long, "") // before the first read, so that no change is missed
		go func() {
			defer cancel()
			b.follow(long, changed, closed, log)
		}()
	})
	return mine
}

// follow reads the board when an incident has changed and a browser watches, and
// then notifies the browsers. It tries again every second while the store fails.
func (b *board) follow(ctx context.Context, changed, closed <-chan struct{}, log *slog.Logger) {
	for {
		select {
		case <-closed:
			return
		case <-changed:
		}
		if !b.feed.HasWatchers() {
			continue // the next browser reads the board itself
		}
		for b.refresh(ctx, log) != nil {
			select {
			case <-closed:
				return
			case <-time.After(time.Second):
			}
		}
		b.feed.Notify("board")
	}
}

// refresh reads the board now. It fails when the store does not answer in time.
func (b *board) refresh(ctx context.Context, log *slog.Logger) error {
	look, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := b.read(look, time.Now())
	if err != nil {
		log.Warn("the open incidents cannot be read for live pages; trying again", "error", err.Error())
	}
	return err
}

// awaitingAnswer returns the open incidents that page the reader and that they
// have not answered, most severe first.
func (s *Server) awaitingAnswer(open []workflow.Incident, who access.Speaker) []*workflow.Incident {
	var mine []*workflow.Incident
	org := s.Engine.Organization()
	for n := range open { // by index: for hundreds of browsers, copying hundreds of incidents is slow
		if access.NeedsAnswer(org, who, &open[n]) {
			mine = append(mine, &open[n])
		}
	}
	slices.SortStableFunc(mine, func(a, b *workflow.Incident) int { return cmp.Compare(a.Severity, b.Severity) })
	return mine
}
