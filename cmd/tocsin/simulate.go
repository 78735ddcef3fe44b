package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/card"
	"tocsin/bot/intake"
	"tocsin/bot/platform"
	"tocsin/commands"
)

func newSimulateCommand(table platform.Table) *cobra.Command {
	var file, integration, at string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "simulate --integration NAME FILE", Short: "Show what a payload would do, step by step. Changes nothing.",
		Long: `Show what a payload would do, step by step, if no incident were open and no one
acknowledged: the alerts, the routes that were tried, the incident, and who would
be paged when. FILE is the body that the sender posts; - is the standard input.`,
		Example: "  tocsin simulate --integration alertmanager payload.json\n  tocsin simulate --config tocsin.yaml --integration prometheus --at 2026-03-29T02:30:00+01:00 payload.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := loadConfigFrom(table, file, getenvOrPlaceholder(table))
			if err != nil {
				return formatConfigError(err)
			}
			when := time.Now()
			if at != "" {
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return fmt.Errorf("--at %s is not a time; write one such as 2026-03-29T02:30:00Z", at)
				}
			}
			sim, err := simulate(l.Organization, integration, args[0], when.UTC())
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(sim)
			}
			printSimulation(cmd.OutOrStdout(), sim, l.Organization.Zone)
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file [tocsin.yaml if it exists]")
	cmd.Flags().StringVar(&integration, "integration", "", "name of the integration that receives it [the only one]")
	cmd.Flags().StringVar(&at, "at", "", "time at which it is received [now]")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// getenvOrPlaceholder returns a placeholder for a variable that is not set,
// since a simulation needs no secrets. It is an address, because some secrets
// are. The secrets of platforms have none: a platform is connected when its
// secret is set.
func getenvOrPlaceholder(table platform.Table) func(name string) string {
	return func(name string) string {
		if isPlatformSecret(table, name) {
			return os.Getenv(name)
		}
		return cmp.Or(os.Getenv(name), "https://not-set.invalid")
	}
}

// simulate decodes the payload in the file at path, and simulates its alerts.
func simulate(o bot.Organization, name, path string, at time.Time) (intake.Simulation, error) {
	if name == "" && len(o.Integrations) == 1 {
		name = o.Integrations[0].Name
	}
	integration, ok := o.Integration(name)
	if !ok {
		names := make([]string, 0, len(o.Integrations))
		for _, i := range o.Integrations {
			names = append(names, i.Name)
		}
		slices.Sort(names)
		hint := "there are: " + strings.Join(names, ", ")
		if near := commands.Nearest(name, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		if name == "" {
			return intake.Simulation{}, fmt.Errorf("--integration is missing: it says which integration receives the payload; %s", hint)
		}
		return intake.Simulation{}, fmt.Errorf("no integration is called %s; %s", name, hint)
	}
	raw, err := readPayload(path)
	if err != nil {
		return intake.Simulation{}, err
	}
	source, ok := sources().Find(integration.Type)
	if !ok {
		return intake.Simulation{}, fmt.Errorf("the integration %s has the type %s, which no source supports", name, integration.Type)
	}
	all, err := source.Decode(alerts.Request{Method: http.MethodPost, Body: raw})
	if err != nil {
		return intake.Simulation{}, fmt.Errorf("%s cannot be read as %s: %w", path, integration.Type, err)
	}
	return intake.Simulate(o, name, all, at)
}

// readPayload reads a file, or the standard input for "-".
func readPayload(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(os.Stdin, 8<<20))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the payload: %w", err)
	}
	return raw, nil
}

// printSimulation prints a simulation for people.
func printSimulation(w io.Writer, sim intake.Simulation, zone *time.Location) {
	for _, a := range sim.Alerts {
		fmt.Fprintf(w, "%s %s (%s): %s", a.State, a.Title, a.Severity, a.Change)
		if a.Incident != "" {
			fmt.Fprintf(w, ", %s", a.Incident)
		}
		fmt.Fprintln(w)
		for _, line := range a.Trace {
			fmt.Fprintf(w, "    %s\n", line)
		}
		if a.Unmapped != "" {
			fmt.Fprintf(w, "    severity %q is not mapped: it pages as high urgency\n", a.Unmapped)
		}
	}
	for _, i := range sim.Incidents {
		fmt.Fprintf(w, "\n%s %s %s, policy %s\n", i.ID, i.Severity, i.Title, i.Policy)
		for _, s := range i.Steps {
			fmt.Fprintf(w, "    %s  %s\n", card.FormatTimestamp(s.At, zone), s.Text)
		}
	}
	if len(sim.Incidents) == 0 {
		fmt.Fprintln(w, "\nNo incident, and no one is paged.")
	}
}
