// Package sqlite is the default store: a durable SQLite file that one process
// uses at a time.
//
// One goroutine writes. It takes the commits and alerts that are waiting, runs
// them in one transaction, and answers them once the transaction is synced to
// the disk, so that a hundred callers share one sync. Readers see every commit
// that has been answered, and never wait for the writer. Leases are in memory
// and end with the process.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"tocsin/bot"
)

// Config configures a store.
type Config struct {
	Path string       // of the file; its folder is created if it is missing
	Log  *slog.Logger // nil: nothing is logged
	// Existing refuses a file that is missing or holds nothing, because it was there before:
	// its loss must not look like a first start.
	Existing bool
}

// Validate reports a missing path.
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
	health  bot.WriteHealth
	writer  *session
	readers chan *session
	opened  int // number of readers
	lock    *os.File
	closing chan struct{} // closed when Close begins
	written chan struct{} // closed when the writer has ended
	once    sync.Once
}

var _ bot.Store = (*Store)(nil)

// ErrClosed is returned by a store after Close.
var ErrClosed = errors.New("the store is closed")

// readers is the number of connections for reading.
const readers = 4

// Open opens the file, or creates it, and locks it until Close. It refuses a file
// that another process has open, naming that process, and a file with the layout
// of another build; then nothing in the folder has changed, see checkLayout.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	lock, err := prepareFile(ctx, c.Path, c.Existing)
	if err != nil {
		return nil, err
	}
	s := &Store{
		queue: newQueue(), leases: newLeases(), classes: &classes{},
		readers: make(chan *session, readers), lock: lock,
		closing: make(chan struct{}), written: make(chan struct{}),
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

// prepareFile creates the folder and the file, readable only by their owner, takes
// the lock and checks the layout. It creates and writes nothing before the layout
// has been checked.
func prepareFile(ctx context.Context, path string, existing bool) (*os.File, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data folder %s (choose another with --data, or let this user write there): %w", dir, err)
	}
	// Without a lock file, such as in a copy of the folder, no process of ours has the
	// file open, and taking the lock would create one.
	if _, err := os.Stat(path + ".lock"); errors.Is(err, fs.ErrNotExist) {
		if err := checkLayout(ctx, path, existing); err != nil {
			return nil, err
		}
	}
	lock, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	if err = checkLayout(ctx, path, existing); err == nil {
		err = writeHolder(lock)
	}
	if err == nil {
		err = createFile(path)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// createFile creates the file, if it is missing: SQLite would create one that
// everyone can read.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("open the store (let this user write %s, or choose another folder with --data): %w", path, err)
	}
	return nil
}

// start opens the connections and prepares the writer.
func (s *Store) start(ctx context.Context, c Config) (*writer, error) {
	var err error
	if s.writer, err = connect(ctx, c.Path, "cache_size(-8192)"); err != nil {
		return nil, err
	}
	if err := createSchema(s.writer); err != nil {
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
	if err := w.reload(); err != nil {
		return nil, err
	}
	if err := w.listUnlisted(); err != nil {
		return nil, err
	}
	return w, nil
}

// Close closes the store. Changes that were accepted are written and answered first.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		s.queue.close()
		<-s.written
		err = s.release()
	})
	return err
}

// release closes what start opened, after running reads have ended.
func (s *Store) release() error {
	var all []error
	for range s.opened {
		all = append(all, (<-s.readers).close())
	}
	if s.writer != nil {
		all = append(all, s.writer.close()) // the last connection checkpoints the log into the file
	}
	return errors.Join(append(all, s.lock.Close())...)
}

// readSnapshot is read for several statements that must see the same state.
func (s *Store) readSnapshot(ctx context.Context, do func(*session) error) error {
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

// read runs do on a connection that sees every commit answered before the call.
func (s *Store) read(ctx context.Context, do func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	select {
	case r := <-s.readers:
		defer func() { s.readers <- r }()
		return explain(do(r))
	case <-s.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
