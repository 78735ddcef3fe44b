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
	"tocsin/bot/app"
	"tocsin/bot/incidents"
	"tocsin/workflow"
)

// board is what is open now, read once for all browsers that look.
type board struct {
	store Watcher
	bot   *app.App
	mu    sync.Mutex // held by whoever reads
	last  atomic.Pointer[reading]
	feed  bot.Feed // of new readings
	once  sync.Once
}

// A reading is what was open at an instant, what needs somebody first.
type reading struct {
	at   time.Time
	open []workflow.Incident
}

// boardPause is the least time between two readings: a hundred browsers and a
// flood of alerts are then three readings a second.
const boardPause = 300 * time.Millisecond

// boardLimit is how many open incidents a browser is shown.
const boardLimit = 500

// read returns what is open, as of since or later, what needs somebody first.
func (b *board) read(ctx context.Context, since time.Time) ([]workflow.Incident, error) {
	if r := b.last.Load(); r != nil && !r.at.Before(since) {
		return r.open, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.last.Load(); r != nil {
		if !r.at.Before(since) {
			return r.open, nil // somebody read it while we waited
		}
		pause(ctx, boardPause-time.Since(r.at))
	}
	r := &reading{at: time.Now()}
	var err error
	if r.open, err = b.bot.Incidents.ListOpen(ctx, boardLimit); err != nil {
		return nil, err
	}
	incidents.SortByNeed(r.open)
	b.last.Store(r)
	return r.open, nil
}

// watch tells of every new reading until ctx ends. From the first call on, the
// board is read anew whenever something has changed, until closed.
func (b *board) watch(ctx context.Context, closed <-chan struct{}, log *slog.Logger) <-chan struct{} {
	mine := b.feed.Watch(ctx, "")
	b.once.Do(func() { //nolint:contextcheck // it outlives whoever asked first
		long, cancel := context.WithCancel(context.Background())
		changed := b.store.Watch(long, "") // before anybody has looked: nothing falls between
		go func() {
			defer cancel()
			b.follow(long, changed, closed, log)
		}()
	})
	return mine
}

// follow reads the board when something has changed and somebody looks. Those
// who look wait for nothing: they are told when there is something new.
func (b *board) follow(ctx context.Context, changed, closed <-chan struct{}, log *slog.Logger) {
	for {
		select {
		case <-closed:
			return
		case <-changed:
		}
		if !b.feed.HasWatchers() {
			continue // whoever comes next reads for themselves
		}
		for b.readAgain(ctx, log) != nil {
			select {
			case <-closed:
				return
			case <-time.After(time.Second):
			}
		}
		b.feed.Notify("board")
	}
}

// readAgain reads what is open now. A store that hangs is not waited for.
func (b *board) readAgain(ctx context.Context, log *slog.Logger) error {
	look, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := b.read(look, time.Now())
	if err != nil {
		log.Warn("the open incidents cannot be read for the browsers; trying again", "error", err.Error())
	}
	return err
}

// needs returns the incidents that page this reader and have no answer yet, the
// worst first.
func (s *server) needs(open []workflow.Incident, who access.Speaker) []*workflow.Incident {
	var mine []*workflow.Incident
	org := s.Bot.Organization()
	for n := range open { // hundreds of browsers look through hundreds of incidents: none is copied
		if access.NeedsAnswer(org, who, &open[n]) {
			mine = append(mine, &open[n])
		}
	}
	slices.SortStableFunc(mine, func(a, b *workflow.Incident) int { return cmp.Compare(a.Severity, b.Severity) })
	return mine
}
