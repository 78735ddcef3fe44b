package redis

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// Watch implements [bot.Library]. Changes of this process are told before they
// are answered; those of others come through a channel of the server's.
func (s *Store) Watch(ctx context.Context, incident string) <-chan struct{} {
	return s.feed.Watch(ctx, incident)
}

// changed tells this process's watchers.
func (s *Store) changed(n int64) { s.feed.Notify(idOf(n)) }

// hearFor is how long the channel may be silent before the server is asked
// whether it is there; half as long again, and the connection is taken for
// dead.
const hearFor = 4 * time.Second

// listen hears what other replicas have changed. What is published while
// nobody is connected is lost, so whoever watches is told after every new
// connection: they read what is true.
func (s *Store) listen(first, background context.Context) error {
	sub := s.client.Subscribe(first, s.keys.of("feed"))
	if _, err := sub.Receive(first); err != nil {
		_ = sub.Close()
		return err
	}
	s.running.Go(func() {
		for {
			s.hear(background, sub)
			_ = sub.Close()
			if background.Err() != nil {
				return
			}
			wait(background, time.Second/5)
			sub = s.client.Subscribe(background, s.keys.of("feed"))
		}
	})
	return nil
}

// hear receives until the connection is dead.
func (s *Store) hear(ctx context.Context, sub *goredis.PubSub) {
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer stop()
	for asked := false; ctx.Err() == nil; {
		patience := hearFor
		if asked {
			patience /= 2
		}
		message, err := sub.ReceiveTimeout(ctx, patience)
		silent, is := errors.AsType[net.Error](err)
		switch {
		case err == nil:
			asked = false
		case is && silent.Timeout() && !asked && sub.Ping(ctx) == nil:
			asked = true
		default:
			return
		}
		switch m := message.(type) {
		case *goredis.Message:
			s.heard(m.Payload)
		case *goredis.Subscription:
			s.feed.NotifyAll()
		}
	}
}

// heard reads "origin number".
func (s *Store) heard(payload string) {
	origin, number, _ := strings.Cut(payload, " ")
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && origin != s.origin {
		s.changed(n)
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// quiet keeps the library from writing to standard error: every failure comes
// back as an error, and is told once.
func quiet() { logging.Disable() }
