package main

import "github.com/spf13/cobra"

// newLoginCommand prints a sign-in link: it runs the command `web` with the
// API token.
func newLoginCommand() *cobra.Command {
	var c client
	var as string
	cmd := &cobra.Command{
		Use: "login", Short: "Print a link that signs a browser in.", Args: cobra.NoArgs,
		Long: `Print a link that signs a browser in. It works once, within 15 minutes; the
session lasts 12 hours.

The link signs in the person that the token acts for, or with an administrator's
token the one that --as names. With neither, the person who opens it chooses who
they are.

tocsin run "web sessions" lists the sessions, tocsin run "web revoke ID" ends one.`,
		Example: "  tocsin login\n  tocsin login --as ana",
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.runCommand(cmd, "web", "", as) },
	}
	c.addFlags(cmd)
	cmd.Flags().StringVar(&as, "as", "", "sign this person in; needs an administrator's token")
	return cmd
}
