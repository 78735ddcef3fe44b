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

// health is the last report of the store about its settings.
type health struct {
	mu     sync.Mutex
	at     time.Time
	report redis.Report
}

// inspectInterval is the time between two inspections of the store.
const inspectInterval = time.Minute

// checkStore inspects the store before the server accepts anything: whether an
// import into it is unfinished, and whether it keeps the writes that it
// confirms. It also reads the secrets.
func (s *server) checkStore(ctx context.Context) error {
	if err := checkImportFinished(ctx, s.store, s.location.name); err != nil {
		return err
	}
	report, err := s.store.Inspect(ctx)
	if err != nil {
		return fmt.Errorf("inspect %s: %w", s.location.name, err)
	}
	s.health.at, s.health.report = time.Now(), report
	for _, w := range report.Warnings {
		s.log.Warn("the store may lose writes that it has confirmed", "store", s.location.name, "setting", w.Setting, "why", w.Why)
	}
	if s.flags.durable && len(report.Warnings) > 0 {
		return fmt.Errorf("%s may lose writes that it has confirmed, and --require-durable does not allow that; change these settings:%s", s.location.name, formatWarnings(report.Warnings))
	}
	s.secret, err = readSecrets(ctx, s.store)
	return err
}

// formatWarnings puts each warning on a line of its own.
func formatWarnings(all []redis.Warning) string {
	var b strings.Builder
	for _, w := range all {
		b.WriteString("\n  " + w.String())
	}
	return b.String()
}

// checkReady returns an error when the store does not answer or takes no writes,
// else lines about its state. Everyone can read both at /readyz.
func (s *server) checkReady() (detail []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err = s.store.NextDue(ctx, bot.Classes{}); err != nil {
		return nil, fmt.Errorf("the store does not answer: %w", err)
	}
	if err = s.store.CheckWrites(ctx); err != nil {
		return nil, fmt.Errorf("the store takes no writes: %w", err)
	}
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) > inspectInterval {
		if h.report, err = s.store.Inspect(ctx); err != nil {
			return nil, err
		}
		h.at = time.Now()
	}
	detail = append(detail, "store: "+h.report.Version) // without the address: everyone can read it
	for _, w := range h.report.Warnings {
		detail = append(detail, "warning: "+w.String())
	}
	return detail, nil
}
