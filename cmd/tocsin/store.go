package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tocsin/adapters/config"
	"tocsin/adapters/redis"
	"tocsin/adapters/sqlite"
	"tocsin/bot"
)

// store is the store of everything that the bot keeps.
type store interface {
	bot.Store
	inspected
	Close() error
	// Now returns the time that all replicas share.
	Now() time.Time
	// Secret returns the secret that is stored under a name. It stores fresh
	// when there is none.
	Secret(ctx context.Context, name, fresh string) (string, error)
	// Rebuild derives the agenda from the incidents again, and returns a line
	// for each repair.
	Rebuild(ctx context.Context, at time.Time) ([]string, error)
}

// inspected is a store that says how it is.
type inspected interface {
	// Inspect asks the store for its version and its settings.
	Inspect(ctx context.Context) (redis.Report, error)
	// CheckWrites returns why the store takes no writes, in words that
	// everyone may read; nil when it does. It waits until ctx ends.
	CheckWrites(ctx context.Context) error
}

// location says where the store is: Redis if REDIS_URL is set, else a file in
// the data folder. No other file of this package knows which stores there are.
type location struct {
	data string
	url  string // of Redis, with its password; "" for SQLite
	name string // for people, without the password
	// fresh: an import writes a new file beside the secrets of an earlier one.
	fresh bool
}

// findLocation returns the location of the store.
func findLocation(data string) (location, error) {
	l := location{data: data, name: filepath.Join(data, "tocsin.db")}
	var err error
	if l.url, err = config.ReadVariable(nil, redisVariable); err != nil || l.url == "" {
		return l, err
	}
	l.name, err = redis.Name(l.url)
	return l, err
}

// open opens the store, and creates it when there is none.
func (l location) open(ctx context.Context, log *slog.Logger) (store, error) {
	if l.url != "" {
		s, err := redis.Open(ctx, redis.Config{URL: l.url, Log: log, Now: clockWithChaos(time.Now)})
		if err != nil {
			return nil, err
		}
		return withChaos(redisStore{s, l.data}), nil
	}
	key := filepath.Join(l.data, signingFile) // is made after the file
	_, missing := os.Stat(key)
	s, err := sqlite.Open(ctx, sqlite.Config{Path: l.name, Log: log, Existing: missing == nil && !l.fresh})
	if errors.Is(err, sqlite.ErrEmpty) {
		err = fmt.Errorf("%w, while the secrets of an earlier run (%s) are still there: bring the file back, or restore a backup with `tocsin import`; to begin anew without its incidents, remove %s", err, key, key)
	}
	if err != nil {
		return nil, err
	}
	return withChaos(sqliteStore{s, l.data}), nil
}

// withStore opens the store, calls do, and closes it.
func (l location) withStore(ctx context.Context, log *slog.Logger, do func(store) error) error {
	s, err := l.open(ctx, log)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// checkExists returns an error when there is no file to open, because a
// command that only reads must not create one.
func (l location) checkExists() error {
	if l.url != "" {
		return nil
	}
	if _, err := os.Stat(l.name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the file %s does not exist: give the server's data folder with --data, or set REDIS_URL", l.name)
	}
	return nil
}

// importHint says what to do when the store of an import is not empty.
func (l location) importHint() string {
	if l.url != "" {
		return "import into another namespace, with REDIS_URL=…?namespace=NAME"
	}
	return "import into a new folder with --data DIR, or move this file away first"
}

// dataName returns the name of the data folder, or of the Redis server.
func (l location) dataName() string {
	if l.url != "" {
		return l.name
	}
	return l.data
}

// tokensName says where the tokens are stored that are not set in the
// environment.
func (l location) tokensName() string {
	if l.url != "" {
		return "in " + l.name
	}
	return fmt.Sprintf("in %s and %s", filepath.Join(l.data, apiTokenFile), filepath.Join(l.data, hookTokenFile))
}

// redisStore is Redis. The first replica stores the secrets of its data folder
// there, so that a move from SQLite to Redis keeps them.
type redisStore struct {
	*redis.Store
	data string
}

// Secret implements store.
func (s redisStore) Secret(ctx context.Context, name, fresh string) (string, error) {
	if v, err := config.ReadSecretFile(filepath.Join(s.data, name)); err == nil {
		fresh = v
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return s.Store.Secret(ctx, name, fresh)
}

// sqliteStore is the SQLite file, with the secrets as files in the data
// folder.
type sqliteStore struct {
	*sqlite.Store
	data string
}

// Now implements store. One process has one clock.
func (sqliteStore) Now() time.Time { return time.Now() }

// Secret implements store. The file has the mode 0600.
func (f sqliteStore) Secret(_ context.Context, name, fresh string) (string, error) {
	path := filepath.Join(f.data, name)
	if v, err := config.ReadSecretFile(path); !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	if err := os.WriteFile(path, []byte(fresh+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("store a secret: %w", err)
	}
	return fresh, nil
}

// Inspect implements store. There is nothing to warn of: each commit is on the
// disk when it returns.
func (f sqliteStore) Inspect(context.Context) (redis.Report, error) {
	return redis.Report{Version: "SQLite, synced at every commit", Mode: "one process"}, nil
}

// Rebuild implements store. It audits every incident that owes something.
func (f sqliteStore) Rebuild(ctx context.Context, at time.Time) ([]string, error) {
	var repaired []string
	for after := 0; ; {
		m, err := f.Repair(ctx, bot.RepairQuery{At: at, After: after, Limit: 500})
		if err != nil {
			return nil, err
		}
		repaired = append(repaired, m.Repaired...)
		if after = m.Next; after == 0 {
			return repaired, nil
		}
	}
}
