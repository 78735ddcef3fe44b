// Package redis is the store for many replicas: Redis 7 or 8, or Valkey; a
// single server, one with Sentinel, or a Cluster.
//
// Every change is one Lua script (lua/*.lua), atomic on the server: it checks
// everything before it writes, takes the time as an argument, and is answered once
// the server has synced it (appendfsync always). Concurrent changes share a batch.
// What an alert changes is decided in this process, by the same code as for every
// store; the script then writes only if the values that were read are unchanged.
//
// All keys of a namespace begin with one tag, {tocsin} unless REDIS_URL names
// another, so that a script may use any of them in a Cluster too. KEYS.md lists the
// keys with their size and their end.
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

// Config configures a store.
type Config struct {
	URL string           // see [address]; it may contain a password
	Log *slog.Logger     // nil: nothing is logged
	Now func() time.Time // this machine's clock, right or wrong; nil: time.Now
}

// Validate reports what is wrong with the URL.
func (c Config) Validate() error {
	_, err := parseAddress(c.URL)
	return err
}

// Store is a [bot.Store] in Redis. Use [Open]. Any number of processes may use the
// same namespace.
type Store struct {
	client    goredis.UniversalClient
	address   address
	keys      keys
	scripts   scripts
	log       *slog.Logger
	origin    string // identifies this process in the feed
	clock     clock
	feed      bot.Feed
	health    bot.WriteHealth
	commits   *pipeline
	takes     *pipeline
	takeQueue *takeQueue
	revisions uint32        // how many revisions of alerts takeQueue has given
	closing   chan struct{} // closed when Close begins

	stop    context.CancelFunc
	running sync.WaitGroup
	once    sync.Once

	exporting sync.Mutex
	names     map[string][]string // of the items of a running export, by section
}

// Open connects to Redis, creates or checks the namespace, and measures the server's
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
	s := &Store{address: a, keys: newKeys(a.namespace), log: c.Log, origin: newOrigin(), closing: make(chan struct{})}
	s.clock.local = c.Now
	if s.scripts, err = loadScripts(); err != nil {
		return nil, fmt.Errorf("read the scripts: %w", err)
	}
	disableLogging()
	s.client = goredis.NewUniversalClient(&a.options)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if err := s.start(ctx, background); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("open Redis at %s: %w", a.shown, err), s.client.Close())
	}
	if err := s.listUnlisted(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open Redis at %s: %w", a.shown, err), s.Close())
	}
	return s, nil
}

// openTimeout is how long Open waits for a server that does not answer.
const openTimeout = 5 * time.Second

// start checks the server and the namespace, and starts the background goroutines.
func (s *Store) start(ctx, background context.Context) error {
	first, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if _, err := s.Inspect(first); err != nil {
		return err
	}
	if err := s.checkNamespace(first); err != nil {
		return err
	}
	if err := s.clock.measure(first, s.node); err != nil {
		return explain(err)
	}
	for _, script := range s.scripts.all() {
		if err := script.Load(first, s.client).Err(); err != nil {
			return explain(err)
		}
	}
	if err := s.subscribeFeed(first, background); err != nil {
		return explain(err)
	}
	s.running.Go(func() { s.clock.keepMeasuring(background, s.node, s.log) })
	working := context.WithoutCancel(ctx) // until Close has had every answer
	s.commits, s.takes = s.newPipeline(working, "c"), s.newPipeline(working, "t")
	s.takeQueue = newTakeQueue(working, s)
	return nil
}

func newOrigin() string {
	raw := make([]byte, 8)
	rand.Read(raw) // never fails, see crypto/rand
	return hex.EncodeToString(raw)
}

// Close closes the store. Calls that were sent are answered first.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		<-s.takeQueue.closed
		<-s.commits.closed
		<-s.takes.closed
		s.stop()
		s.running.Wait()
		err = s.client.Close()
	})
	return err
}

// readTries is how often a read is tried: the first try may have used a connection
// that the server has closed.
const readTries = 3

// read runs do, which changes nothing, and runs it again after a transient error.
func (s *Store) read(ctx context.Context, do func() error) error {
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	var err error
	for range readTries {
		if err = do(); err == nil || errors.Is(err, goredis.Nil) || !isTransient(err) || ctx.Err() != nil {
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
	case isTransient(err):
		return unavailable(err)
	}
	return explain(err)
}
