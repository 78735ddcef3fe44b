package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// doctorFor is how long each service may take to answer.
const doctorFor = 10 * time.Second

func doctorCommand(table platform.Table) *cobra.Command {
	var file, data string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Ask the real services whether they are well.", Args: cobra.NoArgs,
		Long: `Ask the real services whether they are well: the configuration, the store and
how it keeps data, the clock, the mail server, and each chat platform: tokens,
scopes, the channel of announcements, and how its commands come. It sends no page
and changes nothing.

A line each: ok, warn (see to it), FAIL (it does not work). With a FAIL the exit
code is 1.`,
		Example: "  tocsin doctor --config tocsin.yaml\n  REDIS_URL=redis://redis:6379 tocsin doctor",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{out: cmd.OutOrStdout(), log: newLog(cmd.ErrOrStderr())}
			d.configuration(cmd.Context(), table, file)
			d.platforms(cmd.Context(), table)
			d.store(cmd.Context(), data)
			if d.failed {
				return errSaid
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file [tocsin.yaml, when it exists]")
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the store")
	return cmd
}

// doctor says how everything is, a line each.
type doctor struct {
	out      io.Writer
	log      *slog.Logger
	settings map[string]any // of the platforms, from the configuration
	failed   bool
}

func (d *doctor) ok(what, text string)   { fmt.Fprintf(d.out, "ok    %s: %s\n", what, text) }
func (d *doctor) warn(what, text string) { fmt.Fprintf(d.out, "warn  %s: %s\n", what, text) }

func (d *doctor) fail(what string, err error) {
	fmt.Fprintf(d.out, "FAIL  %s: %s\n", what, strings.ReplaceAll(err.Error(), "\n", "\n      "))
	d.failed = true
}

// configuration reads the file, and asks the media that can be asked.
func (d *doctor) configuration(ctx context.Context, table platform.Table, file string) {
	l, err := loadConfig(table, file)
	d.settings = l.settings
	if err != nil {
		d.fail("configuration", badConfig(err))
		return
	}
	path := configPath(file)
	if path == "" {
		d.warn("configuration", "there is none: whoever comes may respond, and pages go to the log")
	} else {
		d.ok("configuration", path)
	}
	if at, bad := fromEnvironment("REDIS_URL"); bad == nil && at != "" && l.Organization.URL == "" {
		d.warn("configuration", "url is not set: links lead to the server that made them; set it to the address in front of all of them")
	}
	media, err := pagers(l, func() []bot.Webhook { return l.Organization.Webhooks }, time.Now, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		d.fail("configuration", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(media)) {
		c, can := media[name].(interface {
			Check(ctx context.Context) error
		})
		if !can {
			continue
		}
		ask, cancel := context.WithTimeout(ctx, doctorFor)
		if err := c.Check(ask); err != nil {
			d.fail(name, err)
		} else {
			d.ok(name, "it answers, and accepts the login; nothing was sent")
		}
		cancel()
	}
}

// store looks at where everything is kept.
func (d *doctor) store(ctx context.Context, data string) {
	p, err := findPlace(data)
	if err == nil {
		err = p.exists()
	}
	if err != nil {
		d.fail("store", err)
		return
	}
	ask, cancel := context.WithTimeout(ctx, doctorFor)
	defer cancel()
	err = p.with(ask, slog.New(slog.DiscardHandler), func(s store) error {
		report, failed := s.Inspect(ask)
		if failed != nil {
			return failed
		}
		open, failed := s.List(ask, bot.Query{Open: true, Limit: 1000})
		if failed != nil {
			return failed
		}
		d.ok("store", fmt.Sprintf("%s: %s, %s; %s open", p.name, report.Version, report.Mode, many(len(open), "incident")))
		for _, w := range report.Warnings {
			d.warn("store", w.String())
		}
		due, failed := s.NextDue(ask, bot.Classes{To: workflow.ClassPage})
		if failed == nil {
			failed = imported(ask, s, p.name)
		}
		if late := s.Now().Sub(due); failed == nil && !due.IsZero() && late > time.Minute {
			d.warn("agenda", fmt.Sprintf("a page is %s late: is a server running? `tocsin rebuild` looks for what was lost", late.Round(time.Second)))
		}
		return failed
	})
	if errors.Is(err, sqlite.ErrInUse) {
		d.ok("store", p.name+": a server is running on it; its /readyz tells more")
		return
	}
	if err != nil {
		d.fail("store", err)
	}
}

func rebuildCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "rebuild", Short: "Write the agenda again from what incidents owe.", Args: cobra.NoArgs,
		Long: `Look at every incident, and write the lists of incidents and the agenda again
where they do not say what is owed. The server does the same every minute for
what is open; this is for what was lost, and finds all of it. With Redis it may
run beside the servers.`,
		Example: "  REDIS_URL=redis://redis:6379 tocsin rebuild",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := findPlace(data)
			if err == nil {
				err = p.exists()
			}
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), newLog(cmd.ErrOrStderr()), func(s store) error {
				repaired, err := s.Rebuild(cmd.Context(), s.Now())
				for _, line := range repaired {
					fmt.Fprintln(cmd.OutOrStdout(), line)
				}
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %s.\n", p.name, many(len(repaired), "repair"))
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the store")
	return cmd
}
