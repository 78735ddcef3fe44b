package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"tocsin/bot"
)

// notExported is said wherever somebody could think otherwise.
const notExported = "Not in it: the tokens and the signing key (the files api-token, hook-token and signing-key; with Redis, they are there), and the configuration."

func exportCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "export [FILE|-]", Short: "Write everything the store holds into a file.", Args: cobra.MaximumNArgs(1),
		Long: `Write everything the store holds into a file, or to the standard output: a
backup, or the way into another store with tocsin import. Stop the server
first. The same store always gives the same file.

` + notExported + `
Copy these three files beside it, or those who have the tokens need new ones,
and links in mails that were sent stop working. The file holds what people wrote
and is readable to you alone: keep it so.`,
		Example: "  tocsin export backup.jsonl\n  tocsin export --data /var/lib/tocsin - | gzip > backup.jsonl.gz",
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "-"
			if len(args) == 1 {
				path = args[0]
			}
			return export(cmd, data, path)
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the store")
	return cmd
}

// export opens the store before the file: what cannot be read makes none.
func export(cmd *cobra.Command, data, path string) error {
	p, err := findPlace(data)
	if err == nil {
		err = p.exists()
	}
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	return p.with(ctx, newLog(cmd.ErrOrStderr()), func(s store) error {
		if err := imported(ctx, s, p.name); err != nil {
			return err
		}
		write, say := func() (tally, error) { return exportTo(ctx, s, path) }, cmd.OutOrStdout()
		if path == "-" {
			path, say = "the standard output", cmd.ErrOrStderr()
			write = func() (tally, error) { return writeExport(ctx, s, cmd.OutOrStdout()) }
		}
		done, err := write()
		if err != nil {
			return fmt.Errorf("export to %s: %w", path, err)
		}
		fmt.Fprintf(say, "Exported %s to %s.\n%s\n", done, path, notExported)
		return nil
	})
}

// exportTo writes a new file. What could not be finished is taken away again.
func exportTo(ctx context.Context, s store, path string) (tally, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return tally{}, errors.New("the file exists already; name another, or remove it first")
	} else if err != nil {
		return tally{}, err
	}
	done, err := writeExport(ctx, s, f)
	if err == nil {
		err = f.Sync() // a backup is on the disk when it is said to be there
	}
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return done, err
}

func writeExport(ctx context.Context, s bot.Archive, w io.Writer) (tally, error) {
	to, err := newExportWriter(w)
	if err != nil {
		return tally{}, err
	}
	for after := ""; ; {
		pieces, err := s.Export(ctx, after, 100)
		if err != nil {
			return to.tally, err
		}
		if len(pieces) == 0 {
			return to.tally, to.end()
		}
		for _, p := range pieces {
			if err := to.write(p); err != nil {
				return to.tally, err
			}
			after = p.Key
		}
	}
}
