// Command tocsin is the incident bot: the server and its command line in one
// binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // slim images have no time zones of their own

	"github.com/spf13/cobra"

	"tocsin/bot/platform"
)

func main() { os.Exit(run(platforms(), os.Args[1:], os.Stdout, os.Stderr)) }

// errReported ends the program with exit code 1 without another message: the
// command has printed what is wrong.
var errReported = errors.New("reported already")

// run runs the command line and returns the exit code.
func run(table platform.Table, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "tocsin",
		Short: "An incident bot: alerts and commands become incidents that page until someone acknowledges.",
		Long: `Tocsin turns alerts and commands into incidents, pages the right person until
someone acknowledges, and records what happened.

Start with: tocsin serve`,
		Version: formatVersion(), SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(newServeCommand(table), newCheckCommand(table), newSimulateCommand(table), newRunCommand(), newIncidentCommand(), newLoginCommand(), newDeadletterCommand(), newJobsCommand(), newDoctorCommand(table), newRebuildCommand(), newExportCommand(), newImportCommand(), newVersionCommand())
	root.AddCommand(platformCommands(table)...)
	err := root.ExecuteContext(context.Background())
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		return 1
	}
	fmt.Fprintln(stderr, "tocsin: "+err.Error())
	return 1
}
