package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"tocsin/adapters/redis"
	"tocsin/bot"
)

// health is what the store said of itself last.
type health struct {
	mu     sync.Mutex
	at     time.Time
	report redis.Report
}

// inspectEvery is between two looks at the store's settings.
const inspectEvery = time.Minute

// trust looks at the store before anything is promised: whether an import into
// it is unfinished, whether it keeps what it has answered, and its secrets.
func (s *server) trust(ctx context.Context) error {
	if err := imported(ctx, s.store, s.place.name); err != nil {
		return err
	}
	report, err := s.store.Inspect(ctx)
	if err != nil {
		return fmt.Errorf("look at %s: %w", s.place.name, err)
	}
	s.health.at, s.health.report = time.Now(), report
	for _, w := range report.Warnings {
		s.log.Warn("the store may lose what it has answered", "store", s.place.name, "setting", w.Setting, "why", w.Why)
	}
	if s.flags.durable && len(report.Warnings) > 0 {
		return fmt.Errorf("%s may lose what it has answered, and --require-durable forbids that:%s", s.place.name, bullets(report.Warnings))
	}
	s.secret, err = readSecrets(ctx, s.store)
	return err
}

func bullets(all []redis.Warning) string {
	var b strings.Builder
	for _, w := range all {
		b.WriteString("\n  " + w.String())
	}
	return b.String()
}

// ready says why the bot cannot work, if so, and what should be seen to.
func (s *server) ready() (detail []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err = s.store.NextDue(ctx, bot.Classes{}); err != nil {
		return nil, fmt.Errorf("the store does not answer: %w", err)
	}
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) > inspectEvery {
		if h.report, err = s.store.Inspect(ctx); err != nil {
			return nil, err
		}
		h.at = time.Now()
	}
	detail = append(detail, "store: "+h.report.Version) // not where: everybody may read it
	for _, w := range h.report.Warnings {
		detail = append(detail, "warning: "+w.String())
	}
	return detail, nil
}
