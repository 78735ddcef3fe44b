package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tocsin/adapters/config"
	"tocsin/adapters/email"
	"tocsin/bot/alerts"
	"tocsin/bot/platform"
)

// defaultConfig is the configuration file that is read when it exists and
// --config is not given.
const defaultConfig = "tocsin.yaml"

// configPath returns the configuration file; "" when there is none.
func configPath(flag string) string {
	if flag != "" {
		return flag
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		return defaultConfig
	}
	return ""
}

// loadedConfig is a configuration with the settings of the adapters.
type loadedConfig struct {
	*config.File
	email    email.Config
	settings map[string]any // of the platforms, by name; the defaults where there is no section
}

// loadConfig reads the configuration, and the secrets that it names.
func loadConfig(table platform.Table, flag string) (loadedConfig, error) {
	return loadConfigFrom(table, flag, nil)
}

// loadConfigFrom reads the configuration with another environment.
func loadConfigFrom(table platform.Table, flag string, getenv func(string) string) (loadedConfig, error) {
	l := loadedConfig{settings: map[string]any{}, email: email.Config{Timeouts: email.DefaultTimeouts()}}
	sections := map[string]any{"pagers.email": &l.email}
	for _, d := range table {
		if d.NewSettings != nil {
			l.settings[d.Name] = d.NewSettings()
			sections["chat."+d.Name] = l.settings[d.Name]
		}
	}
	var err error
	l.File, err = config.Load(configPath(flag), config.Options{
		Getenv: getenv, CheckRoute: alerts.Compile, Sources: sources(), Platforms: table, Sections: sections,
	})
	if err == nil {
		l.email.URL = l.Organization.URL
	}
	return l, err
}

func newCheckCommand(table platform.Table) *cobra.Command {
	var file string
	var c client
	var compare bool
	cmd := &cobra.Command{
		Use: "check [FILE]", Short: "Check the configuration: print each fault with its line and how to fix it.",
		Long: `Check the configuration: print each fault with its line and how to fix it, and a
warning for each person that escalation would page and cannot reach, and for each
route that lowers critical alerts. Secrets in the environment are checked too, and
not shown. The exit code is 1 after a fault, not after a warning.

Running incidents keep the policy and promises that they were declared with. With
--against-running it lists those for which this configuration has others, and the
command that applies them. It reads the store, or asks the server that uses it.`, Args: cobra.MaximumNArgs(1),
		Example: "  tocsin check --config tocsin.yaml\n  tocsin check --config tocsin.yaml --against-running --data /var/lib/tocsin",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				file = args[0]
			}
			path := configPath(file)
			l, err := loadConfig(table, file)
			wrong := checkEnvironment(table)
			if faults, ok := errors.AsType[config.Faults](err); ok {
				for _, f := range faults {
					fmt.Fprintln(cmd.ErrOrStderr(), f.Error())
				}
				if wrong != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), wrong)
				}
				return errReported
			}
			if all := errors.Join(err, wrong); all != nil {
				return all
			}
			o := l.Organization
			if path == "" {
				path = "The built-in configuration"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is valid. People: %d, teams: %d, services: %d, policies: %d, integrations: %d, routes: %d.\n",
				path, len(o.Directory.People), len(o.Directory.Teams), len(o.Services), len(o.Policies), len(o.Integrations), len(o.Routes))
			if l.Has("pagers.email") {
				fmt.Fprintf(cmd.OutOrStdout(), "E-mail: Tocsin introduces itself to %s (EHLO) as %s.\n", l.email.Host, l.email.DescribeHello())
			}
			for _, w := range o.Warnings() {
				fmt.Fprintln(cmd.OutOrStdout(), "warning: "+w)
			}
			if compare {
				return checkAgainstRunning(cmd.Context(), cmd.OutOrStdout(), c, &o)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file [tocsin.yaml if it exists]")
	cmd.Flags().BoolVar(&compare, "against-running", false, "list the open incidents whose policy or promises it would change")
	c.addFlags(cmd)
	return cmd
}
