package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
)

// store is what the program keeps everything in, until it is closed.
type store interface {
	bot.Store
	Close() error
}

// openStore opens the store that this process works on, and makes it where
// there is none yet. This file is the one place that knows which kind it is.
func openStore(ctx context.Context, data string, log *slog.Logger) (store, error) {
	s, err := sqlite.Open(ctx, sqlite.Config{Path: storeName(data), Log: log})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// withStore opens the store for one thing to do, and closes it.
func withStore(ctx context.Context, data string, log *slog.Logger, do func(store) error) error {
	s, err := openStore(ctx, data, log)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// storeName is what a person calls that store.
func storeName(data string) string { return filepath.Join(data, "tocsin.db") }

// findStore reports that there is no store to open: looking makes none.
func findStore(data string) error {
	if _, err := os.Stat(storeName(data)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: name the server's data folder with --data", storeName(data))
	}
	return nil
}
