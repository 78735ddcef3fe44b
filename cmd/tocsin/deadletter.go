package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"tocsin/bot/intake"
	"tocsin/workflow"
)

func newDeadletterCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{Use: "deadletter", Short: "Show, replay or discard deliveries of alerts that could not be read."}
	c.addFlags(cmd)
	list := func(cmd *cobra.Command) ([]intake.DeadLetter, error) {
		var answer struct {
			DeadLetters []intake.DeadLetter `json:"deadletters"`
		}
		err := c.call(cmd.Context(), http.MethodGet, "/api/v1/deadletters", nil, &answer)
		return answer.DeadLetters, err
	}
	each := func(use, short, method, suffix, done string) *cobra.Command {
		return &cobra.Command{
			Use: use + " [ID…]", Short: short,
			RunE: func(cmd *cobra.Command, ids []string) error {
				if len(ids) == 0 {
					letters, err := list(cmd)
					if err != nil {
						return err
					}
					for _, l := range letters {
						ids = append(ids, l.ID)
					}
				}
				var failed error
				for _, id := range ids {
					if err := c.call(cmd.Context(), method, "/api/v1/deadletters/"+url.PathEscape(id)+suffix, nil, nil); err != nil {
						fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", id, err)
						failed = errReported
						continue
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", id, done)
				}
				return failed
			},
		}
	}
	discard := each("discard", "Remove dead letters that need no replay.", http.MethodDelete, "", "discarded")
	discard.Args = cobra.MinimumNArgs(1)
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Show the deliveries that could not be read, and why.", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				letters, err := list(cmd)
				if err != nil {
					return err
				}
				if len(letters) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "No dead letters: every delivery could be read.")
				}
				for _, l := range letters {
					reason, _ := workflow.CleanLine(l.Reason, 200)
					fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %d bytes  %s\n", l.ID, l.Integration, l.Size, reason)
				}
				return nil
			},
		},
		each("replay", "Read dead letters again: those with these IDs, or all.", http.MethodPost, "/replay", "replayed"),
		discard,
	)
	return cmd
}
