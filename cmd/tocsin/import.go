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

func importCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "import FILE|-", Short: "Fill a new store from an export.", Args: cobra.ExactArgs(1),
		Long: `Fill a new store from a file that tocsin export wrote, or from the standard
input. The store must be empty. The file is read whole before anything is
written; an import that was interrupted is finished by running it again with the
same file, and until then the store is not served.

` + notExported + `
Copy these three files into the new data folder before tocsin serve, or new ones
are made.`,
		Example: "  tocsin import --data new-data backup.jsonl\n  gunzip < backup.jsonl.gz | tocsin import --data new-data -",
		RunE:    func(cmd *cobra.Command, args []string) error { return importFrom(cmd, data, args[0]) },
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the new store")
	return cmd
}

// importFrom reads a file twice: whether it is whole is known only at its end,
// and by then nothing may have been written.
func importFrom(cmd *cobra.Command, data, path string) error {
	f, name, err := importFile(cmd.InOrStdin(), path)
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
	p, err := findPlace(data)
	if err != nil {
		return err
	}
	return p.with(ctx, newLog(cmd.ErrOrStderr()), func(s store) error {
		done, err := importInto(ctx, s, exported{name: name, from: f, sum: hex.EncodeToString(sum.Sum(nil))}, p)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Imported %s into %s.\n%s\n", done, p.name, notExported)
		return nil
	})
}

// importFile opens what is to be imported. The standard input is kept in a
// file first, which is gone as soon as it is closed.
func importFile(stdin io.Reader, path string) (f *os.File, name string, err error) {
	if path != "-" {
		f, err = os.Open(path)
		return f, path, err
	}
	f, err = os.CreateTemp("", "tocsin-import-*")
	if err != nil {
		return nil, "", fmt.Errorf("keep the standard input: %w", err)
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = io.Copy(f, stdin)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("keep the standard input: %w", err), f.Close())
	}
	return f, "the standard input", nil
}

// exported is a file that was found whole.
type exported struct {
	name string
	from io.Reader
	sum  string // of its bytes
}

// A store that is being filled holds this record until it is full. It names
// the file, since another one would make a mixture.
const (
	kindImport = "import"
	unfinished = "unfinished"
)

// imported reports that a store is not whole.
func imported(ctx context.Context, s bot.Records, name string) error {
	switch _, err := s.Get(ctx, kindImport, unfinished); {
	case errors.Is(err, bot.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("an import into %s was interrupted: run `tocsin import` again with the same file, or remove the store and begin anew", name)
}

// The bounds of one call of Import.
const (
	importPieces = 200
	importBytes  = 4 << 20
)

// importInto fills a store that is empty, or that the same file had begun to
// fill: what is written twice is the same.
func importInto(ctx context.Context, s bot.Store, e exported, p place) (tally, error) {
	if err := mayImport(ctx, s, e, p); err != nil {
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
		if batch, size = append(batch, p), size+bytes; len(batch) < importPieces && size < importBytes {
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
		return done, fmt.Errorf("%w\nThe import is not finished: run it again with the same file", err)
	}
	return done, nil
}

// mayImport refuses a store in which there is something else.
func mayImport(ctx context.Context, s bot.Store, e exported, p place) error {
	mark, err := s.Get(ctx, kindImport, unfinished)
	switch {
	case err == nil && bytes.Equal(mark.Body, []byte(e.sum)):
		return nil
	case err == nil:
		return fmt.Errorf("an import of another file into %s was interrupted: run it again with that file, or remove the store and begin anew", p.name)
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
			return fmt.Errorf("%s is not empty, it has %s: %s", p.name, many(count, "incident"), p.elsewhere())
		}
		count, before = count+len(page), page[len(page)-1].Number
	}
}
