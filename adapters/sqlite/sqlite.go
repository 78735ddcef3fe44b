// Package sqlite is the default store: one file, durable, one process.
//
// One goroutine writes. It takes whatever commits and alerts are waiting, runs
// them in one transaction, and answers them once that is synced to the disk,
// so that a hundred callers share one sync. Readers see every commit that has
// been answered, and never wait for the writer. Leases are in memory and end
// with the process.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"tocsin/bot"
)

// Config says where the file is.
type Config struct {
	Path string       // of the file; its folder is made when it is missing
	Log  *slog.Logger // nil: silent
}

// Validate reports what is missing.
func (c Config) Validate() error {
	if c.Path == "" {
		return errors.New("open the store: no path is given")
	}
	return nil
}

// Store is a [bot.Store] in a file. Use [Open].
type Store struct {
	queue   *queue
	leases  *leases
	classes *classes
	feed    bot.Feed
	writer  *session
	readers chan *session
	opened  int // of the readers
	lock    *os.File
	ended   chan struct{} // closed when Close begins
	written chan struct{} // closed when the writer has ended
	once    sync.Once
}

var _ bot.Store = (*Store)(nil)

// ErrClosed is what a store answers after Close.
var ErrClosed = errors.New("the store is closed")

// readers is how many may read at once.
const readers = 4

// Open opens the file, makes or migrates it where that is needed, and holds it
// until Close: a second process is refused, and told who has it.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	lock, err := prepareFile(c.Path)
	if err != nil {
		return nil, err
	}
	s := &Store{
		queue: newQueue(), leases: newLeases(), classes: &classes{},
		readers: make(chan *session, readers), lock: lock,
		ended: make(chan struct{}), written: make(chan struct{}),
	}
	w, err := s.start(ctx, c)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", c.Path, explain(err)), s.release())
	}
	go func() {
		defer close(s.written)
		w.serve()
	}()
	return s, nil
}

// prepareFile makes the folder and the file, readable to their owner alone,
// and takes the lock.
func prepareFile(path string) (*os.File, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder %s (choose another with --data, or let this user write there): %w", dir, err)
	}
	lock, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	// SQLite would make it readable to all.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		err = fmt.Errorf("open the store (let this user write %s, or choose another folder with --data): %w", path, err)
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// start opens the connections and makes the writer ready.
func (s *Store) start(ctx context.Context, c Config) (*writer, error) {
	var err error
	if s.writer, err = connect(ctx, c.Path, "cache_size(-8192)"); err != nil {
		return nil, err
	}
	if err := migrate(s.writer); err != nil {
		return nil, err
	}
	for range readers {
		r, err := connect(ctx, c.Path, "cache_size(-2048)", "query_only(1)")
		if err != nil {
			return nil, err
		}
		s.readers <- r
		s.opened++
	}
	if err := s.classes.load(s.writer); err != nil {
		return nil, err
	}
	w := newWriter(s, c.Log)
	if err := w.recall(); err != nil {
		return nil, err
	}
	return w, nil
}

// Close ends the store. What was accepted is written and answered first.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.ended)
		s.queue.close()
		<-s.written
		err = s.release()
	})
	return err
}

// release closes what start opened. Reads under way are waited for.
func (s *Store) release() error {
	var all []error
	for range s.opened {
		all = append(all, (<-s.readers).close())
	}
	if s.writer != nil {
		all = append(all, s.writer.close()) // the last one moves the log into the file
	}
	return errors.Join(append(all, s.lock.Close())...)
}

// readAtOnce is read for several statements, all of which see the same instant.
func (s *Store) readAtOnce(ctx context.Context, do func(*session) error) error {
	return s.read(ctx, func(r *session) error {
		if err := r.exec("BEGIN"); err != nil {
			return err
		}
		err := do(r)
		if e := r.exec("COMMIT"); err == nil {
			err = e
		}
		return err
	})
}

// read runs do on a connection that sees every commit answered so far.
func (s *Store) read(ctx context.Context, do func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.ended:
		return ErrClosed
	default:
	}
	select {
	case r := <-s.readers:
		defer func() { s.readers <- r }()
		return explain(do(r))
	case <-s.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
