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

// notExported says what an export does not contain.
const notExported = "Not included: the configuration, and the tokens and the signing key (the files api-token, hook-token and signing-key, or in Redis)."

func newExportCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "export [FILE|-]", Short: "Write everything that the store holds into a file.", Args: cobra.MaximumNArgs(1),
		Long: `Write everything that the store holds into a file, or to the standard output: as
a backup, or to move to another store with tocsin import. Stop the server first.
The same store always gives the same file.

` + notExported + `
Copy these three files too. Without them every client needs a new token, and the
links in mails that were sent stop working. The export holds what people wrote, so
only you can read the file.`,
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

// export opens the store before it creates the file, so that a store that
// cannot be opened leaves no file.
func export(cmd *cobra.Command, data, path string) error {
	p, err := findLocation(data)
	if err == nil {
		err = p.checkExists()
	}
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	return p.withStore(ctx, newLog(cmd.ErrOrStderr()), func(s store) error {
		if err := checkImportFinished(ctx, s, p.name); err != nil {
			return err
		}
		write, report := func() (tally, error) { return exportTo(ctx, s, path) }, cmd.OutOrStdout()
		if path == "-" {
			path, report = "the standard output", cmd.ErrOrStderr()
			write = func() (tally, error) { return writeExport(ctx, s, cmd.OutOrStdout()) }
		}
		done, err := write()
		if err != nil {
			return fmt.Errorf("export to %s: %w", path, err)
		}
		fmt.Fprintf(report, "Exported %s to %s.\n%s\n", done, path, notExported)
		return nil
	})
}

// exportTo writes a new file, and removes it again after an error.
func exportTo(ctx context.Context, s store, path string) (tally, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return tally{}, errors.New("the file exists; name another, or remove it first")
	} else if err != nil {
		return tally{}, err
	}
	done, err := writeExport(ctx, s, f)
	if err == nil {
		err = f.Sync() // the backup must be on the disk when the command reports success
	}
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return done, err
}

// writeExport writes everything that the store holds.
func writeExport(ctx context.Context, s bot.Archive, w io.Writer) (tally, error) {
	to, err := newExportWriter(w)
	if err != nil {
		return tally{}, err
	}
	for after := ""; ; {
		items, err := s.Export(ctx, after, 100)
		if err != nil {
			return to.tally, err
		}
		if len(items) == 0 {
			return to.tally, to.writeLastLine()
		}
		for _, p := range items {
			if err := to.write(p); err != nil {
				return to.tally, err
			}
			after = p.Key
		}
	}
}
