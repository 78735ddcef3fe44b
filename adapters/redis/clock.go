package redis

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// clock is the time that all replicas share: this machine's, corrected by how
// far it is from the server's. Leases and deadlines of several replicas are
// compared with each other, so they must be of one clock; the server itself
// never reads it.
type clock struct {
	local  func() time.Time
	offset atomic.Int64
}

// measureEvery is between two measurements.
const measureEvery = 30 * time.Second

// bigOffset is an offset that a person should hear of: logs and mails are
// stamped with the machine's own clock.
const bigOffset = 2 * time.Second

// measure asks the server for its time, and believes the quickest answer of
// some: half of its round trip is the error at most.
func (c *clock) measure(ctx context.Context, node func(context.Context) (goredis.UniversalClient, error)) error {
	client, err := node(ctx)
	if err != nil {
		return err
	}
	best := time.Duration(-1)
	var offset time.Duration
	for range 5 {
		before := c.local()
		there, err := client.Time(ctx).Result()
		if err != nil {
			return err
		}
		trip := c.local().Sub(before)
		if best < 0 || trip < best {
			best, offset = trip, there.Sub(before.Add(trip/2))
		}
	}
	if was := time.Duration(c.offset.Load()); (offset - was).Abs() > best/2 { // else it is as true as before
		c.offset.Store(int64(offset))
	}
	return nil
}

func (c *clock) now() time.Time { return c.local().Add(time.Duration(c.offset.Load())) }

// keep measures again and again: clocks drift, are set, and the server may be
// another after a failover.
func (c *clock) keep(ctx context.Context, node func(context.Context) (goredis.UniversalClient, error), log *slog.Logger) {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		was := c.offset.Load()
		if err := c.measure(ctx, node); err != nil {
			log.Debug("the clock of Redis could not be read", "error", err.Error())
			continue
		}
		if moved := time.Duration(c.offset.Load() - was); moved.Abs() > bigOffset {
			log.Warn("this machine's clock and that of Redis have moved apart", "by", moved.Round(time.Millisecond).String())
		}
	}
}

// Now returns the time that all replicas share.
func (s *Store) Now() time.Time { return s.clock.now() }

// Offset is how far the server's clock is ahead of this machine's.
func (s *Store) Offset() time.Duration { return time.Duration(s.clock.offset.Load()) }
