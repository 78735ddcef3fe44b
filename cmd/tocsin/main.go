// Command tocsin is the incident bot: one binary that serves, and the command
// line that talks to it.
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

// errSaid ends the program with exit code 1 when everything has been said.
var errSaid = errors.New("said already")

// run is the whole program, with the chat platforms of a table. It returns the exit
// code.
func run(table platform.Table, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "tocsin",
		Short: "An incident bot: alerts and commands become incidents that page until somebody answers.",
		Long: `Tocsin turns alerts and commands into incidents, pages the right person until
somebody answers, and writes down what happened.

Start with: tocsin serve`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(serveCommand(table), checkCommand(table), simulateCommand(table), runCommand(), incidentCommand(), loginCommand(), deadletterCommand(), jobsCommand(), doctorCommand(table), rebuildCommand(), exportCommand(), importCommand(), versionCommand())
	root.AddCommand(platformCommands(table)...)
	err := root.ExecuteContext(context.Background())
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSaid):
		return 1
	}
	fmt.Fprintln(stderr, "tocsin: "+err.Error())
	return 1
}
