package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/adapters/config"
	"tocsin/adapters/console"
	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// doctorTimeout is how long each service may take to answer.
const doctorTimeout = 10 * time.Second

func newDoctorCommand(table platform.Table) *cobra.Command {
	var file, data string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check the configuration and every connected service.", Args: cobra.NoArgs,
		Long: `Check the configuration, the store and its durability, the clock, the mail server,
and each chat platform: its tokens, scopes, announcement channel, and how it
delivers commands. It sends no page, and changes nothing but for a test write
that it takes back.

Each check prints one line: ok, skip (it was not checked), warn (it needs
attention), or FAIL (it does not work). After a FAIL the exit code is 1.`,
		Example: "  tocsin doctor --config tocsin.yaml\n  REDIS_URL=redis://redis:6379 tocsin doctor",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{out: cmd.OutOrStdout(), log: newLog(cmd.ErrOrStderr())}
			d.checkConfiguration(cmd.Context(), table, file)
			d.checkPlatforms(cmd.Context(), table)
			d.checkStore(cmd.Context(), data)
			if d.failed {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file [tocsin.yaml if it exists]")
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the store")
	return cmd
}

// doctor prints the state of each service on a line of its own.
type doctor struct {
	out      io.Writer
	log      *slog.Logger
	settings map[string]any // of the platforms, by name
	org      bot.Organization
	failed   bool
}

func (d *doctor) ok(what, text string)   { fmt.Fprintf(d.out, "ok    %s: %s\n", what, text) }
func (d *doctor) skip(what, text string) { fmt.Fprintf(d.out, "skip  %s: %s\n", what, text) }
func (d *doctor) warn(what, text string) { fmt.Fprintf(d.out, "warn  %s: %s\n", what, text) }

func (d *doctor) fail(what string, err error) {
	fmt.Fprintf(d.out, "FAIL  %s: %s\n", what, strings.ReplaceAll(err.Error(), "\n", "\n      "))
	d.failed = true
}

// checkConfiguration checks the configuration, and each pager that has a
// check.
func (d *doctor) checkConfiguration(ctx context.Context, table platform.Table, file string) {
	l, err := loadConfig(table, file)
	d.settings = l.settings
	if err != nil {
		d.fail("configuration", formatConfigError(err))
		return
	}
	d.org = l.Organization
	if wrong := checkEnvironment(nil); wrong != nil {
		d.fail("environment", wrong)
	}
	path := configPath(file)
	if path == "" {
		d.warn("configuration", "there is none: everyone has the access responder, and pages go to the log")
	} else {
		d.ok("configuration", path)
	}
	for _, w := range l.Organization.Warnings() {
		d.warn("configuration", w)
	}
	if at, bad := config.ReadVariable(nil, redisVariable); bad == nil && at != "" && l.Organization.URL == "" {
		d.warn("configuration", "url is not set, so links lead to the replica that made them; set it to the address of the load balancer, such as https://tocsin.example.com")
	}
	allPagers, err := newPagers(l, time.Now, console.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		d.fail("configuration", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(allPagers)) {
		if inspected, ok := allPagers[name].(interface {
			Inspect(ctx context.Context) []platform.Finding
		}); ok {
			d.reportFindings(name, inspected.Inspect(ctx)) // within limits of its own
		}
	}
}

// reportFindings reports what a service has found.
func (d *doctor) reportFindings(name string, all []platform.Finding) {
	for _, f := range all {
		text := strings.TrimSuffix(f.Text+"; "+f.Do, "; ")
		switch f.Grade {
		case platform.Fine:
			d.ok(name, text)
		case platform.Limited:
			d.warn(name, text)
		case platform.Broken:
			d.fail(name, errors.New(text))
		}
	}
}

// checkStore inspects the store and its agenda.
func (d *doctor) checkStore(ctx context.Context, data string) {
	p, err := findLocation(data)
	if err == nil {
		err = p.checkExists()
	}
	if err != nil {
		d.fail("store", err)
		return
	}
	ask, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	err = p.withStore(ask, slog.New(slog.DiscardHandler), func(s store) error {
		report, failed := s.Inspect(ask)
		if failed != nil {
			return failed
		}
		counts, failed := s.CountOpen(ask, "")
		if failed != nil {
			return failed
		}
		d.ok("store", fmt.Sprintf("%s: %s, %s; %s open", p.name, report.Version, report.Mode, formatCount(counts.Open, "incident")))
		for _, w := range report.Warnings {
			d.warn("store", w.String())
		}
		if failed = s.CheckWrites(ask); failed != nil {
			d.fail("store", fmt.Errorf("it takes no writes: %w", failed))
		}
		due, failed := s.NextDue(ask, bot.Classes{To: workflow.ClassPage})
		if failed == nil {
			failed = checkImportFinished(ask, s, p.name)
		}
		if late := s.Now().Sub(due); failed == nil && !due.IsZero() && late > time.Minute {
			d.warn("agenda", fmt.Sprintf("a page is %s late: is a server running? If one is, run `tocsin rebuild%s`", workflow.FormatDuration(late), clientFlags("", data)))
		}
		return failed
	})
	if errors.Is(err, sqlite.ErrInUse) {
		if err = checkFolderWrites(data); err != nil {
			d.fail("store", err)
			return
		}
		d.skip("store", p.name+": a running server uses it; its /readyz says more")
		return
	}
	if err != nil {
		d.fail("store", err)
	}
}

// checkFolderWrites writes a file into the data folder and removes it, as its disk may be
// full while a server uses the store.
func checkFolderWrites(data string) error {
	f, err := os.CreateTemp(data, "doctor-*")
	if err == nil {
		_, err = f.Write(make([]byte, 64<<10))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return fmt.Errorf("the data folder takes no writes (free some space, or let this user write there): %w", err)
	}
	return nil
}
