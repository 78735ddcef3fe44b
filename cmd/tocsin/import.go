package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tocsin/bot"
)

func newImportCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "import FILE|-", Short: "Fill a new store from an export.", Args: cobra.ExactArgs(1),
		Long: `Fill a new store from a file that tocsin export wrote, or from the standard
input. The store must be empty. The file is checked completely before anything is
written. After an interrupted import, run it again with the same file: until it is
finished, tocsin serve does not use the store.

` + notExported + `
Copy these three files into the new data folder before tocsin serve, which makes
new ones if they are missing.`,
		Example: "  tocsin import --data new-data backup.jsonl\n  gunzip < backup.jsonl.gz | tocsin import --data new-data -",
		RunE:    func(cmd *cobra.Command, args []string) error { return importFrom(cmd, data, args[0]) },
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the new store")
	return cmd
}

// importFrom reads the file twice: nothing may be written before the end of
// the file shows that it is complete.
func importFrom(cmd *cobra.Command, data, path string) error {
	f, name, err := openImport(cmd.InOrStdin(), path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	_, err = readExport(name, io.TeeReader(f, sum), func(bot.ArchiveItem, int) error { return nil })
	if err != nil {
		return err
	}
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s again: %w", name, err)
	}
	ctx := cmd.Context()
	p, err := findLocation(data)
	if err != nil {
		return err
	}
	p.fresh = true
	return p.withStore(ctx, newLog(cmd.ErrOrStderr()), func(s store) error {
		done, err := importInto(ctx, s, exportFile{name: name, from: f, sum: hex.EncodeToString(sum.Sum(nil))}, p)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Imported %s into %s.\n%s\n", done, p.name, notExported)
		return nil
	})
}

// openImport opens the file of an import. The standard input is copied to a
// temporary file, which is deleted at once and gone when it is closed.
func openImport(stdin io.Reader, path string) (f *os.File, name string, err error) {
	if path != "-" {
		f, err = os.Open(path)
		return f, path, err
	}
	f, err = os.CreateTemp("", "tocsin-import-*")
	if err != nil {
		return nil, "", fmt.Errorf("copy the standard input to a temporary file: %w", err)
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = io.Copy(f, stdin)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("copy the standard input to a temporary file: %w", err), f.Close())
	}
	return f, "the standard input", nil
}

// exportFile is an export that was found complete.
type exportFile struct {
	name string
	from io.Reader
	sum  string // SHA-256 of its bytes, in hexadecimal
}

// The record of an unfinished import, which the store has until everything is
// imported. It has the hash of the file, since another file would mix the data.
const (
	kindImport = "import"
	unfinished = "unfinished"
)

// checkImportFinished returns an error when an import into the store was
// interrupted.
func checkImportFinished(ctx context.Context, s bot.Records, name string) error {
	switch _, err := s.Get(ctx, kindImport, unfinished); {
	case errors.Is(err, bot.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("an import into %s was interrupted: run `tocsin import` again with the same file, or remove the store and start again", name)
}

// The limits of one call of Import.
const (
	maxImportItems = 200
	maxImportBytes = 4 << 20
)

// importInto fills a store that is empty, or that an interrupted import of the
// same file has begun to fill: importing an item again changes nothing.
func importInto(ctx context.Context, s bot.Store, e exportFile, p location) (tally, error) {
	if err := checkImportable(ctx, s, e, p); err != nil {
		return tally{}, err
	}
	mark := bot.Record{Kind: kindImport, ID: unfinished, Version: 1, Body: []byte(e.sum)}
	batch, size := []bot.ArchiveItem{{Key: "record/" + kindImport + "/" + unfinished, Record: &mark}}, 0
	write := func() error {
		err := s.Import(ctx, batch)
		batch, size = batch[:0], 0
		return err
	}
	done, err := readExport(e.name, e.from, func(p bot.ArchiveItem, bytes int) error {
		if batch, size = append(batch, p), size+bytes; len(batch) < maxImportItems && size < maxImportBytes {
			return nil
		}
		return write()
	})
	if err == nil {
		err = write()
	}
	if err == nil {
		_, err = s.Commit(ctx, bot.Commit{At: time.Now(), Records: []bot.RecordChange{{Kind: kindImport, ID: unfinished, Version: bot.AnyVersion}}})
	}
	if err != nil {
		return done, fmt.Errorf("%w\nThe import is not finished: run `tocsin import` again with the same file", err)
	}
	return done, nil
}

// checkImportable returns an error when the store has data that is not from
// this file.
func checkImportable(ctx context.Context, s bot.Store, e exportFile, p location) error {
	mark, err := s.Get(ctx, kindImport, unfinished)
	switch {
	case err == nil && bytes.Equal(mark.Body, []byte(e.sum)):
		return nil
	case err == nil:
		return fmt.Errorf("an import of another file into %s was interrupted: run `tocsin import` again with that file, or remove the store and start again", p.name)
	case !errors.Is(err, bot.ErrNotFound):
		return err
	}
	first, err := s.Export(ctx, "", 2)
	if err != nil || len(first) == 1 && first[0].Counter != nil && *first[0].Counter == 0 {
		return err
	}
	count := 0
	for before := 0; ; {
		page, err := s.List(ctx, bot.Query{Before: before, Limit: 200})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return fmt.Errorf("%s is not empty (it has %s): %s", p.name, formatCount(count, "incident"), p.importHint())
		}
		count, before = count+len(page), page[len(page)-1].Number
	}
}
