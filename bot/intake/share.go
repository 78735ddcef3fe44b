package intake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// The share of one integration (E10c: integrations share fairly).
const (
	// shareWindow and shareLimit are how many incidents the alerts of an integration may
	// wake before others: in each window, the first ones.
	shareWindow = 10 * time.Second
	shareLimit  = 100
	// maxUnread is how many incidents may be unread, about, before more alerts of the
	// integration wait.
	maxUnread = 2000
	// maxInFlight is how many alerts of one integration are stored at a time, so that
	// the alerts of another never wait for more than those.
	maxInFlight = 512
	// forgetUnread is when mail that stays unread no longer counts: if an incident cannot
	// be stepped, its integration must not be refused for ever.
	forgetUnread = 3 * maxLag
	// unreadPause is the time between two looks at whether mail has been read.
	unreadPause = 20 * time.Millisecond
)

// shares holds the share of each integration.
type shares struct {
	mu  sync.Mutex
	all map[string]*share
}

// of returns the share of an integration.
func (s *shares) of(integration string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*share{}
	}
	if s.all[integration] == nil {
		s.all[integration] = &share{enter: make(chan struct{}, 1), alerts: make(chan struct{}, maxInFlight), woken: map[string]bool{}}
	}
	return s.all[integration]
}

// share is what one integration has in work. It is kept for each process alone: replicas
// share the work of a store, and each of them bounds what it adds.
type share struct {
	enter  chan struct{} // held while places in alerts are taken, so that two deliveries do not wait for each other
	alerts chan struct{} // a place for each alert that is being stored

	mu     sync.Mutex
	window time.Time       // when it began
	woken  map[string]bool // incidents in this window, shareLimit of them at most
	probe  string          // an incident whose mail was not read when it was last looked at; "": none
	since  time.Time       // when that mail came
	unread int             // incidents that got mail since then
}

// acquire waits for the places of a batch. release must be called once it is stored.
func (s *share) acquire(ctx context.Context, count int) (release func(), err error) {
	taken := 0
	release = func() {
		for range taken {
			<-s.alerts
		}
	}
	select {
	case s.enter <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
	defer func() { <-s.enter }()
	for taken < count {
		select {
		case s.alerts <- struct{}{}:
			taken++
		case <-ctx.Done():
			release()
			return nil, fmt.Errorf("wait for a turn: %w", ctx.Err())
		}
	}
	return release, nil
}

// isFlood reports whether the integration has used up its share of the window.
func (s *share) isFlood(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.window); age < 0 || age >= shareWindow {
		s.window, s.woken = now, map[string]bool{}
	}
	return len(s.woken) >= shareLimit
}

// add counts the incidents that a batch woke. The least severe one is looked at later,
// because it is read last.
func (s *share) add(batch alerts.Batch, receipts []alerts.Receipt) {
	woken := map[string]bool{}
	last := -1
	for n, one := range receipts {
		if !one.Change.HasMail() || one.Incident == "" {
			continue
		}
		woken[one.Incident] = true
		if last < 0 || batch.Arrivals[last].Severity.IsWorseThan(batch.Arrivals[n].Severity) {
			last = n
		}
	}
	if last < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for incident := range woken {
		if len(s.woken) < shareLimit {
			s.woken[incident] = true
		}
	}
	s.unread += len(woken)
	if s.probe == "" {
		s.probe, s.since, s.unread = receipts[last].Incident, batch.At, len(woken)
	}
}

// waitUntilRead waits while too many incidents of an integration are unread. It returns
// bot.ErrOverload when the mail of one has been unread for too long (I2: overload is a
// 503).
func (r *Receiver) waitUntilRead(ctx context.Context, s *share) error {
	for range int(maxLag / unreadPause) {
		isLate, isFull := r.checkUnread(ctx, s)
		switch {
		case isLate:
			return bot.ErrOverload
		case !isFull:
			return nil
		}
		timer := time.NewTimer(unreadPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("wait until mail is read: %w", ctx.Err())
		}
	}
	return bot.ErrOverload
}

// checkUnread looks at the unread mail of an integration, if it is old or much.
func (r *Receiver) checkUnread(ctx context.Context, s *share) (isLate, isFull bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := r.engine.Now().Sub(s.since)
	isLate, isFull = age > maxLag, s.unread >= maxUnread
	if s.probe == "" || !isLate && !isFull {
		return false, false
	}
	if age > forgetUnread {
		s.probe, s.unread = "", 0
		return false, false
	}
	l, err := r.store.Load(ctx, s.probe)
	switch {
	case err != nil && !errors.Is(err, bot.ErrNotFound):
		return false, false // the store does not answer: storing the alerts fails as well
	case err == nil && len(l.Mail) > 0 && !l.Mail[0].At.After(s.since):
		return isLate, isFull
	}
	s.probe, s.unread = "", 0
	return false, false
}
