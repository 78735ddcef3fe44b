package redis

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// clock is the clock that all replicas share: that of this machine, corrected by its
// offset from the server's. Replicas compare each other's leases and deadlines, so
// these must be of one clock; scripts never read the server's clock themselves.
type clock struct {
	local  func() time.Time
	offset atomic.Int64
}

// measureEvery is the interval between two measurements.
const measureEvery = 30 * time.Second

// bigOffset is the offset from which operators are warned: logs and mails have the
// time of the machine's own clock.
const bigOffset = 2 * time.Second

// measure reads the server's time several times and uses the quickest answer: the
// error is at most half of its round trip.
func (c *clock) measure(ctx context.Context, node func(context.Context) (goredis.UniversalClient, error)) error {
	client, err := node(ctx)
	if err != nil {
		return err
	}
	best := time.Duration(-1)
	var offset time.Duration
	for range 5 {
		before := c.local()
		remote, err := client.Time(ctx).Result()
		if err != nil {
			return err
		}
		trip := c.local().Sub(before)
		if best < 0 || trip < best {
			best, offset = trip, remote.Sub(before.Add(trip/2))
		}
	}
	if was := time.Duration(c.offset.Load()); (offset - was).Abs() > best/2 { // else the stored offset is as good
		c.offset.Store(int64(offset))
	}
	return nil
}

func (c *clock) now() time.Time { return c.local().Add(time.Duration(c.offset.Load())) }

// keepMeasuring measures periodically: clocks drift and are set, and after a failover
// the server is another one.
func (c *clock) keepMeasuring(ctx context.Context, node func(context.Context) (goredis.UniversalClient, error), log *slog.Logger) {
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

// Now returns the time of the clock that all replicas share.
func (s *Store) Now() time.Time { return s.clock.now() }

// Offset returns how far the server's clock is ahead of this machine's.
func (s *Store) Offset() time.Duration { return time.Duration(s.clock.offset.Load()) }
