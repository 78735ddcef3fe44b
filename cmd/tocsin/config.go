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

// defaultConfig is read when it exists and no other file is named.
const defaultConfig = "tocsin.yaml"

// configPath is the file to read; "" for none.
func configPath(flag string) string {
	if flag != "" {
		return flag
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		return defaultConfig
	}
	return ""
}

// loaded is a configuration with the sections that adapters read themselves.
type loaded struct {
	*config.File
	email    email.Config
	settings map[string]any // of the platforms, by name; also where a section is not there
}

func loadConfig(table platform.Table, flag string) (loaded, error) {
	return loadWith(table, flag, os.Getenv)
}

func loadWith(table platform.Table, flag string, getenv func(string) string) (loaded, error) {
	l := loaded{settings: map[string]any{}}
	sections := map[string]any{"pagers.email": &l.email}
	for _, d := range table {
		if d.NewSettings != nil {
			l.settings[d.Name] = d.NewSettings()
			sections["chat."+d.Name] = l.settings[d.Name]
		}
	}
	var err error
	l.File, err = config.Load(configPath(flag), config.Options{
		Getenv: getenv, CheckRoute: alerts.Compile, Platforms: table, Sections: sections,
	})
	return l, err
}

func checkCommand(table platform.Table) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "check [FILE]", Short: "Validate the configuration: every fault with its place and what would be right.", Args: cobra.MaximumNArgs(1),
		Example: "  tocsin check --config tocsin.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				file = args[0]
			}
			path := configPath(file)
			l, err := loadConfig(table, file)
			if faults, is := errors.AsType[config.Faults](err); is {
				for _, f := range faults {
					fmt.Fprintln(cmd.ErrOrStderr(), f.Error())
				}
				return errSaid
			}
			if err != nil {
				return err
			}
			o := l.Organization
			if path == "" {
				path = "nothing is configured, which"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is fine. People: %d, teams: %d, services: %d, policies: %d, integrations: %d, routes: %d.\n",
				path, len(o.Directory.People), len(o.Directory.Teams), len(o.Services), len(o.Policies), len(o.Integrations), len(o.Routes))
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file [tocsin.yaml, when it exists]")
	return cmd
}
