// Package redis is the store for many replicas: Redis 7 or 8, or Valkey; a
// single server, one with Sentinel, or a Cluster.
//
// Every change is one Lua script (lua/*.lua), atomic on the server: it checks
// first and writes last, takes time as an argument, and is answered once the
// server has synced it (appendfsync always). Changes that come together share
// a batch. Alerts are judged in this process, by the same code as in every
// store, on rows that the script then finds unchanged, or asks to read again.
//
// All keys of a namespace carry one tag, {tocsin} unless REDIS_URL says
// otherwise, so that a script may touch any of them in a Cluster too. What
// keys there are, how large they grow and when they end stands in
// KEYS.md.
package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
)

// Config says where Redis is.
type Config struct {
	URL string           // see [address]; it may hold a password
	Log *slog.Logger     // nil: silent
	Now func() time.Time // this machine's clock, right or wrong; nil: time.Now
}

// Validate reports what is wrong.
func (c Config) Validate() error {
	_, err := parseAddress(c.URL)
	return err
}

// Store is a [bot.Store] in Redis. Use [Open]. Any number of processes may
// have the same namespace open.
type Store struct {
	client    goredis.UniversalClient
	address   address
	keys      keys
	scripts   scripts
	log       *slog.Logger
	origin    string // this process, for others
	clock     clock
	feed      bot.Feed
	commits   *pipeline
	takes     *pipeline
	batches   *batches
	revisions uint32        // of alerts, that batches has given
	ended     chan struct{} // closed when Close begins

	stop    context.CancelFunc
	running sync.WaitGroup
	once    sync.Once

	exporting sync.Mutex
	names     map[string][]string // of what is being exported, by section
}

// Open connects, makes or checks the namespace, and measures the server's
// clock. It fails within seconds when the server does not answer.
func Open(ctx context.Context, c Config) (*Store, error) {
	a, err := parseAddress(c.URL)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Store{address: a, keys: newKeys(a.namespace), log: c.Log, origin: newOrigin(), ended: make(chan struct{})}
	s.clock.local = c.Now
	if s.scripts, err = loadScripts(); err != nil {
		return nil, fmt.Errorf("read the scripts: %w", err)
	}
	quiet()
	s.client = goredis.NewUniversalClient(&a.options)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if err := s.begin(ctx, background); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("open Redis at %s: %w", a.shown, err), s.client.Close())
	}
	return s, nil
}

// openFor is how long Open waits for a server that does not answer.
const openFor = 5 * time.Second

// begin checks what is there, and starts what runs beside.
func (s *Store) begin(ctx, background context.Context) error {
	first, cancel := context.WithTimeout(ctx, openFor)
	defer cancel()
	if _, err := s.Inspect(first); err != nil {
		return err
	}
	if err := s.settle(first); err != nil {
		return err
	}
	if err := s.clock.measure(first, s.node); err != nil {
		return explain(err)
	}
	for _, script := range s.scripts.list() {
		if err := script.Load(first, s.client).Err(); err != nil {
			return explain(err)
		}
	}
	if err := s.listen(first, background); err != nil {
		return explain(err)
	}
	s.running.Go(func() { s.clock.keep(background, s.node, s.log) })
	working := context.WithoutCancel(ctx) // until Close has had every answer
	s.commits, s.takes = s.newPipeline(working, "c"), s.newPipeline(working, "t")
	s.batches = newBatches(working, s)
	return nil
}

func newOrigin() string {
	raw := make([]byte, 8)
	rand.Read(raw) // it never fails (crypto/rand)
	return hex.EncodeToString(raw)
}

// Close ends the store. What was sent is answered first.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.ended)
		<-s.batches.over
		<-s.commits.over
		<-s.takes.over
		s.stop()
		s.running.Wait()
		err = s.client.Close()
	})
	return err
}

// readTries is how often a read is tried: it changes nothing, and the first
// try may have met a connection that the server has closed.
const readTries = 3

// read runs do, again when the connection broke.
func (s *Store) read(ctx context.Context, do func() error) error {
	select {
	case <-s.ended:
		return ErrClosed
	default:
	}
	var err error
	for range readTries {
		if err = do(); err == nil || errors.Is(err, goredis.Nil) || !passing(err) || ctx.Err() != nil {
			break
		}
	}
	switch {
	case err == nil, errors.Is(err, goredis.Nil):
		return nil
	case errors.Is(err, bot.ErrNotFound):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case passing(err):
		return unavailable(err)
	}
	return explain(err)
}
