package sqlite

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Create creates a file and runs statements on it.
func Create(ctx context.Context, path string, statements ...string) error {
	lock, err := prepareFile(ctx, path, false)
	if err != nil {
		return err
	}
	s, err := connect(ctx, path)
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	for n := 0; n < len(statements) && err == nil; n++ {
		err = s.exec(statements[n])
	}
	return errors.Join(err, s.close(), lock.Close())
}

// Exec runs a statement on the writer's connection, as a request of its own: for pragmas
// and damage.
func (s *Store) Exec(ctx context.Context, statement string) error {
	return s.queue.submit(ctx, &request{do: func(t *tx) error { return t.fail(t.exec(statement)) }})
}

// Hold keeps the writer busy until the returned function is called, so that the requests
// that arrive until then share one transaction.
func (s *Store) Hold() (release func()) {
	began, end := make(chan struct{}), make(chan struct{})
	var once sync.Once // it runs again if the transaction is rolled back
	hold := func(*tx) error {
		once.Do(func() { close(began) })
		<-end
		return nil
	}
	go s.queue.submit(context.Background(), &request{do: hold}) //nolint:errcheck // it cannot fail
	<-began
	return func() { close(end) }
}

// ForgetWrites makes CheckWrites write something itself.
func (s *Store) ForgetWrites() { s.health.RecordWrite(time.Time{}, nil) }

// Waiting returns how many requests wait for the writer.
func (s *Store) Waiting() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.commits) + len(s.queue.takes)
}

// Count returns how many rows tables have together.
func (s *Store) Count(ctx context.Context, tables ...string) (int, error) {
	all := 0
	err := s.read(ctx, func(r *session) error {
		for _, t := range tables {
			row, err := r.queryRow("SELECT count(*) FROM " + t)
			if err != nil {
				return err
			}
			all += int(number(row[0]))
		}
		return nil
	})
	return all, err
}
