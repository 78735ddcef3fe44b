package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/adapters/config"
	"tocsin/adapters/discord"
	slackinbound "tocsin/adapters/slack/inbound"
	"tocsin/bot"
	"tocsin/bot/app"
	"tocsin/bot/platform"
)

// platforms returns the table of chat platforms, one line each.
func platforms() platform.Table {
	return platform.Table{
		slackinbound.Description(),
		discord.Description(),
	}
}

// connections are the platforms that are connected, in the order of the table.
type connections []connection

type connection struct {
	platform.Description
	platform.Platform
	inbound platform.Inbound
}

// connector connects platforms. Their secrets come from the environment.
type connector struct {
	table    platform.Table
	settings map[string]any
	mark     func() (string, error) // returns the mark of the installation; nil: it has none, and only looks
	store    platform.Store
	now      func() time.Time
	log      *slog.Logger
}

// connect connects the platforms whose secrets are in the environment.
func (c connector) connect() (connections, error) {
	mark := ""
	var all connections
	for _, d := range c.table {
		secrets, connected, err := secretsOf(d)
		if err != nil {
			return nil, err
		}
		if !connected {
			continue
		}
		if c.mark != nil && mark == "" {
			if mark, err = c.mark(); err != nil {
				return nil, err
			}
		}
		p, err := d.Connect(platform.Options{
			Settings: c.settings[d.Name], Secret: func(name string) string { return secrets[name] },
			Mark: mark, Store: c.store, Now: c.now, Log: c.log,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, connection{Description: d, Platform: p})
	}
	return all, nil
}

// secretsOf reads a platform's secrets. The platform is connected when the first is
// set. The others without the first are an error, except for an address.
func secretsOf(d platform.Description) (secrets map[string]string, connected bool, err error) {
	if d.Connect == nil || len(d.Secrets) == 0 {
		return nil, false, nil
	}
	secrets = map[string]string{}
	others := false
	for _, name := range d.Secrets {
		if secrets[name], err = config.ReadVariable(nil, name); err != nil {
			return nil, false, err
		}
		others = others || secrets[name] != "" && !strings.HasSuffix(name, "_URL")
	}
	connected = secrets[d.Secrets[0]] != ""
	if !connected && others {
		return nil, false, fmt.Errorf("%s is not set, and other secrets of %s are: set it too, or none of them", d.Secrets[0], d.Title)
	}
	return secrets, connected, nil
}

// chats returns the platforms on which incidents have rooms, by name.
func (c connections) chats() map[string]bot.Chat {
	all := map[string]bot.Chat{}
	for _, one := range c {
		all[one.Name] = one.Platform
	}
	return all
}

// withMembers returns the organization with the members of each platform's groups in its
// directory.
func (c connections) withMembers(o bot.Organization) bot.Organization {
	o.Directory.Platforms = slices.Clone(o.Directory.Platforms)
	for n, p := range o.Directory.Platforms {
		for _, one := range c {
			if one.Name == p.Name {
				o.Directory.Platforms[n].Members = one.Members
			}
		}
	}
	return o
}

// serve builds the receivers of the platforms and registers their HTTP routes.
func (c connections) serve(a *app.App, mux *http.ServeMux) {
	for n := range c {
		c[n].inbound = c[n].Inbound(platform.Application{
			Engine: a.Engine, Dispatcher: a.Dispatcher, Incidents: a.Incidents, Conversation: a.Conversation, Rooms: a.Rooms, Health: a.Health,
		})
		if h, ok := c[n].inbound.(interface{ Handler() http.Handler }); ok {
			mux.Handle("/"+c[n].Name+"/", h.Handler())
		}
	}
}

// configure gives the platforms their settings and the organization.
func (c connections) configure(settings map[string]any, org bot.Organization) {
	for _, one := range c {
		one.Configure(settings[one.Name], org)
	}
}

// platformCommands returns the subcommands of the platforms that have some.
func platformCommands(table platform.Table) []*cobra.Command {
	var all []*cobra.Command
	for _, d := range table {
		if len(d.Commands) == 0 {
			continue
		}
		cmd := &cobra.Command{Use: d.Name, Short: "Connect " + d.Title + ".", Args: cobra.NoArgs}
		for _, c := range d.Commands {
			cmd.AddCommand(platformCommand(c))
		}
		all = append(all, cmd)
	}
	return all
}

// platformCommand returns one subcommand of a platform.
func platformCommand(c platform.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: c.Name, Short: c.Short, Long: c.Long, Example: c.Example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags := map[string]string{}
			for _, f := range c.Flags {
				flags[f.Name] = cmd.Flags().Lookup(f.Name).Value.String()
			}
			out, err := c.Run(flags)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(out)
			return err
		},
	}
	for _, f := range c.Flags {
		if f.Switch {
			cmd.Flags().Bool(f.Name, false, f.Usage)
		} else {
			cmd.Flags().String(f.Name, f.Default, f.Usage)
		}
	}
	return cmd
}

// checkPlatforms checks the connection to each platform.
func (d *doctor) checkPlatforms(ctx context.Context, table platform.Table) {
	for _, p := range table {
		if p.Connect == nil {
			continue
		}
		if _, connected, err := secretsOf(p); err == nil && !connected {
			d.skip(p.Name, fmt.Sprintf("not connected: %s is not set; docs/%s.md says how to connect it", p.Secrets[0], p.Name))
			continue
		}
		found, err := connector{table: platform.Table{p}, settings: d.settings, store: noStore{}, now: time.Now, log: slog.New(slog.DiscardHandler)}.connect()
		if err != nil {
			d.fail(p.Name, err)
			continue
		}
		found.configure(d.settings, d.org)
		ask, cancel := context.WithTimeout(ctx, doctorTimeout)
		for _, one := range found {
			d.reportFindings(one.Name, one.Inspect(ask))
		}
		cancel()
	}
}

// noStore is the store of a connection that is only inspected: it is empty.
type noStore struct{}

// Get implements [bot.Records].
func (noStore) Get(context.Context, string, string) (bot.Record, error) {
	return bot.Record{}, bot.ErrNotFound
}

// Records implements [bot.Records].
func (noStore) Records(context.Context, string, string, int) ([]bot.Record, error) { return nil, nil }

// Commit implements [bot.Committer].
func (noStore) Commit(context.Context, bot.Commit) (bot.Receipt, error) {
	return bot.Receipt{}, errors.New("there is no store")
}

// secretsHelp returns the secrets of the platforms, for the help of serve.
func secretsHelp(table platform.Table) string {
	var lines []string
	for _, d := range table {
		if d.Connect != nil {
			lines = append(lines, fmt.Sprintf("%s connects %s; beside it %s (docs/%s.md)", d.Secrets[0], d.Title, strings.Join(d.Secrets[1:], ", "), d.Name))
		}
	}
	return strings.Join(lines, "\n")
}

// isPlatformSecret reports whether an environment variable is a platform's.
func isPlatformSecret(table platform.Table, name string) bool {
	return slices.ContainsFunc(table, func(d platform.Description) bool {
		return slices.Contains(d.Secrets, strings.TrimSuffix(name, "_FILE"))
	})
}
