package web

import (
	"context"
	"log/slog"
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

// snapshot is the open incidents at an instant: the first of them by need, how many there
// are, and, once a reader has asked, those that wait for a person.
type snapshot struct {
	at     time.Time
	open   []workflow.Incident // at most maxBoard
	census incidents.Census

	mu       sync.Mutex
	awaiting map[string][]workflow.Incident // by the filter's person; "" for everyone
}

// boardInterval is the minimum time between two reads of the store: a hundred
// browsers and a flood of alerts then cause three reads a second.
const boardInterval = 300 * time.Millisecond

// maxBoard is the maximum number of open incidents on the board. Further ones are read
// from the store by those who look at them.
const maxBoard = 500

// read returns the open incidents as of since or later, by need.
func (b *board) read(ctx context.Context, since time.Time) (*snapshot, error) {
	if r := b.last.Load(); r != nil && !r.at.Before(since) {
		return r, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.last.Load(); r != nil {
		if !r.at.Before(since) {
			return r, nil // another request has read it meanwhile
		}
		pause(ctx, boardInterval-time.Since(r.at))
	}
	r := &snapshot{at: time.Now(), awaiting: map[string][]workflow.Incident{}}
	var err error
	if r.open, err = b.incidents.ListOpen(ctx, maxBoard); err != nil {
		return nil, err
	}
	if r.census, err = b.incidents.Census(ctx); err != nil {
		return nil, err
	}
	b.last.Store(r)
	return r, nil
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
// have not answered, at most limit, by need, however many others are open. They are read
// once for each person and snapshot of the board.
func (s *Server) awaitingAnswer(ctx context.Context, board *snapshot, who access.Speaker, limit int) ([]workflow.Incident, error) {
	filter := incidents.Filter{Awaiting: who.Person, Limit: limit}
	if org := s.Engine.Organization(); access.AnswersForAll(org, who) {
		filter = incidents.Filter{Paging: true, Limit: limit}
	} else if who.Person == "" {
		return nil, nil
	}
	board.mu.Lock()
	defer board.mu.Unlock()
	if mine, ok := board.awaiting[filter.Awaiting]; ok {
		return mine, nil
	}
	mine, _, err := s.Incidents.List(ctx, who, filter)
	if err == nil {
		board.awaiting[filter.Awaiting] = mine
	}
	return mine, err
}
