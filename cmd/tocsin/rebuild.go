package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newRebuildCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "rebuild", Short: "Derive the agenda from the incidents again.", Args: cobra.NoArgs,
		Long: `Compare the lists of incidents and the agenda with every incident, and repair the
differences. The server does this every minute for open incidents; run this
command after data was lost. With Redis it can run while servers are running.`,
		Example: "  REDIS_URL=redis://redis:6379 tocsin rebuild",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := findLocation(data)
			if err == nil {
				err = p.checkExists()
			}
			if err != nil {
				return err
			}
			return p.withStore(cmd.Context(), newLog(cmd.ErrOrStderr()), func(s store) error {
				repaired, err := s.Rebuild(cmd.Context(), s.Now())
				for _, line := range repaired {
					fmt.Fprintln(cmd.OutOrStdout(), line)
				}
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %s.\n", p.name, formatCount(len(repaired), "repair"))
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the store")
	return cmd
}
