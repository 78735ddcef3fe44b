package redis_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/redis"
	"tocsin/adapters/redis/redistest"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// inParallel calls do with the numbers below total, atATime at a time.
func inParallel(t *testing.T, total, atATime int, do func(n int) error) {
	t.Helper()
	var wg sync.WaitGroup
	next := make(chan int)
	failed := make(chan error, atATime)
	for range atATime {
		wg.Go(func() {
			for n := range next {
				if err := do(n); err != nil {
					select {
					case failed <- fmt.Errorf("%d: %w", n, err):
					default:
					}
				}
			}
		})
	}
	for n := range total {
		next <- n
	}
	close(next)
	wg.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}

// usage is the number of keys of a server and the size of their data.
type usage struct{ keys, bytes int }

func measureUsage(t *testing.T, server *redistest.Server) usage {
	t.Helper()
	keys, err := server.Do("DBSIZE")
	if err != nil {
		t.Fatal(err)
	}
	info, err := server.Do("INFO", "memory")
	if err != nil {
		t.Fatal(err)
	}
	var u usage
	if _, err = fmt.Sscan(fmt.Sprint(keys), &u.keys); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(fmt.Sprint(info), "used_memory_dataset:")
	if _, err = fmt.Sscan(rest, &u.bytes); err != nil {
		t.Fatal(err)
	}
	return u
}

// runIncident takes one incident through everything that stores data: an alert opens
// it, a page is owed, a message is added, the alert resolves, it is closed.
func runIncident(ctx context.Context, s *redis.Store, n int) error {
	key := fmt.Sprint("alert ", n)
	b := batchOf(key)
	b.Arrivals[0].Alert.Description = strings.Repeat("It is down. ", 20)
	taken, err := s.Take(ctx, b)
	if err != nil {
		return err
	}
	id := taken[0].Incident
	text := strings.Repeat(`{"kind":"declared","title":"Checkout is down"},`, 30)
	c := step(id, 0)
	c.ReadMail, c.Snapshot, c.Events[0].Body = 1, []byte(text+text), []byte(text)
	c.Group = &bot.GroupHold{Key: b.Arrivals[0].Group, Always: true}
	c.Messages = []bot.StoredMessage{{Key: "1", Body: []byte(text)}}
	c.Operation, c.Reply = "op "+key, []byte("declared")
	if _, err = s.Commit(ctx, c); err != nil {
		return err
	}
	b.Arrivals[0].Alert.State = "resolved"
	if _, err = s.Take(ctx, b); err != nil {
		return err
	}
	c = step(id, 1)
	c.At = c.At.Add(time.Duration(n) * time.Millisecond)
	c.ReadMail, c.Snapshot, c.Events[0].Body, c.Tasks, c.Open, c.WakeAt = 2, []byte(text+text), []byte(text), nil, false, time.Time{}
	c.Group = &bot.GroupHold{Key: b.Arrivals[0].Group}
	if _, err = s.Commit(ctx, c); err != nil {
		return err
	}
	_, err = settleSome(ctx, s)
	return err
}

// settleSome settles some of the owed tasks.
func settleSome(ctx context.Context, s *redis.Store) (many int, err error) {
	leases, err := s.Claim(ctx, bot.Claim{At: bottest.Epoch, For: time.Hour, Limit: 4, Classes: bot.Classes{To: workflow.ClassPage}})
	for _, l := range leases {
		if err == nil {
			_, err = s.Commit(ctx, bot.Commit{At: bottest.Epoch, Incident: l.Owner, Settle: &l})
		}
	}
	return len(leases), err
}

// settleAll settles all owed tasks.
func settleAll(ctx context.Context, s *redis.Store) error {
	for {
		if n, err := settleSome(ctx, s); n == 0 || err != nil {
			return err
		}
	}
}
