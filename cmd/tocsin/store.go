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

	"tocsin/adapters/redis"
	"tocsin/adapters/sqlite"
	"tocsin/bot"
)

// store is what the program keeps everything in, until it is closed.
type store interface {
	bot.Store
	Close() error
	// Now is the time of all who share the store.
	Now() time.Time
	// Secret returns what is kept under a name, and keeps fresh when there is
	// nothing yet.
	Secret(ctx context.Context, name, fresh string) (string, error)
	// Inspect asks the store how it keeps data.
	Inspect(ctx context.Context) (redis.Report, error)
	// Rebuild writes the agenda's index again from what is owed.
	Rebuild(ctx context.Context, at time.Time) ([]string, error)
}

// place is where everything is kept: Redis, when REDIS_URL is set, else a file
// in the data folder. This file is the one that knows which kinds there are.
type place struct {
	data string
	url  string // of Redis; it may hold a password
	name string // for people
}

func findPlace(data string) (place, error) {
	p := place{data: data, name: filepath.Join(data, "tocsin.db")}
	var err error
	if p.url, err = fromEnvironment("REDIS_URL"); err != nil || p.url == "" {
		return p, err
	}
	p.name, err = redis.Name(p.url)
	return p, err
}

// open opens the store, and makes it where there is none yet.
func (p place) open(ctx context.Context, log *slog.Logger) (store, error) {
	if p.url != "" {
		s, err := redis.Open(ctx, redis.Config{URL: p.url, Log: log, Now: shakenClock(time.Now)})
		if err != nil {
			return nil, err
		}
		return shaken(shared{s, p.data}), nil
	}
	s, err := sqlite.Open(ctx, sqlite.Config{Path: p.name, Log: log})
	if err != nil {
		return nil, err
	}
	return shaken(file{s, p.data}), nil
}

// with opens the store for one thing to do, and closes it.
func (p place) with(ctx context.Context, log *slog.Logger, do func(store) error) error {
	s, err := p.open(ctx, log)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// exists reports that there is no file to open: looking makes none.
func (p place) exists() error {
	if p.url != "" {
		return nil
	}
	if _, err := os.Stat(p.name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: name the server's data folder with --data, or set REDIS_URL", p.name)
	}
	return nil
}

// elsewhere is what to do when a store is not empty.
func (p place) elsewhere() string {
	if p.url != "" {
		return "import into another namespace (REDIS_URL=…?namespace=NAME)"
	}
	return "import into a new folder with --data DIR, or move this store away first"
}

// folder is the place, as one says it to somebody who has just begun.
func (p place) folder() string {
	if p.url != "" {
		return p.name
	}
	return p.data
}

// secrets says where tokens are that nobody has set.
func (p place) secrets() string {
	if p.url != "" {
		return "in " + p.name
	}
	return fmt.Sprintf("in %s and %s", filepath.Join(p.data, apiTokenFile), filepath.Join(p.data, hookTokenFile))
}

// shared is Redis, whose first replica brings the secrets of the data folder
// along, if there are any: whoever moves there keeps them.
type shared struct {
	*redis.Store
	data string
}

// Secret implements store.
func (s shared) Secret(ctx context.Context, name, fresh string) (string, error) {
	if v, err := readSecretFile(filepath.Join(s.data, name)); err == nil {
		fresh = v
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return s.Store.Secret(ctx, name, fresh)
}

// file is the embedded store with what lies beside it in the data folder.
type file struct {
	*sqlite.Store
	data string
}

// Now implements store: one process, one clock.
func (file) Now() time.Time { return time.Now() }

// Secret implements store: a file of mode 0600.
func (f file) Secret(_ context.Context, name, fresh string) (string, error) {
	path := filepath.Join(f.data, name)
	if v, err := readSecretFile(path); !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	if err := os.WriteFile(path, []byte(fresh+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	return fresh, nil
}

// Inspect implements store: every answer is on the disk.
func (f file) Inspect(context.Context) (redis.Report, error) {
	return redis.Report{Version: "SQLite, synced at every commit", Mode: "one process"}, nil
}

// Rebuild implements store: the audit looks at every incident that owes
// anything.
func (f file) Rebuild(ctx context.Context, at time.Time) ([]string, error) {
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
