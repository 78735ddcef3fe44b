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

	"tocsin/workflow"
)

// Watch implements [bot.Library]. Changes of this process are reported before they
// are answered; changes of other replicas come through a channel of the server.
func (s *Store) Watch(ctx context.Context, incident string) <-chan struct{} {
	return s.feed.Watch(ctx, incident)
}

// notifyWatchers notifies the watchers in this process.
func (s *Store) notifyWatchers(n int) { s.feed.Notify(workflow.ID(n)) }

// feedTimeout is how long the channel may be silent before the server is pinged. If
// nothing comes for half of that after the ping, the connection is replaced.
const feedTimeout = 4 * time.Second

// subscribeFeed receives the changes of other replicas. What is published while this
// process is not connected is lost, so all watchers are notified after every new
// connection, and read again.
func (s *Store) subscribeFeed(first, background context.Context) error {
	sub := s.client.Subscribe(first, s.keys.of(keyFeed))
	if _, err := sub.Receive(first); err != nil {
		_ = sub.Close()
		return err
	}
	s.running.Go(func() {
		for {
			s.receiveFeed(background, sub)
			_ = sub.Close()
			if background.Err() != nil {
				return
			}
			wait(background, time.Second/5)
			sub = s.client.Subscribe(background, s.keys.of(keyFeed))
		}
	})
	return nil
}

// receiveFeed receives changes until the connection fails.
func (s *Store) receiveFeed(ctx context.Context, sub *goredis.PubSub) {
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer stop()
	for pinged := false; ctx.Err() == nil; {
		timeout := feedTimeout
		if pinged {
			timeout /= 2
		}
		message, err := sub.ReceiveTimeout(ctx, timeout)
		netErr, ok := errors.AsType[net.Error](err)
		switch {
		case err == nil:
			pinged = false
		case ok && netErr.Timeout() && !pinged && sub.Ping(ctx) == nil:
			pinged = true
		default:
			return
		}
		switch m := message.(type) {
		case *goredis.Message:
			s.handleFeed(m.Payload)
		case *goredis.Subscription:
			s.feed.NotifyAll()
		}
	}
}

// handleFeed handles a message of the channel: "ORIGIN NUMBER".
func (s *Store) handleFeed(payload string) {
	origin, number, _ := strings.Cut(payload, " ")
	if n, err := strconv.Atoi(number); err == nil && origin != s.origin {
		s.notifyWatchers(n)
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

// disableLogging keeps the library from writing to standard error: every failure is
// returned as an error and logged once by the caller.
func disableLogging() { logging.Disable() }
