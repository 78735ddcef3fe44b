package main

import "github.com/spf13/cobra"

// loginCommand prints a sign-in link: the word `web`, said by whoever has the
// token.
func loginCommand() *cobra.Command {
	var c client
	var as string
	cmd := &cobra.Command{
		Use: "login", Short: "Print a link that signs a browser in.", Args: cobra.NoArgs,
		Long: `Print a link that signs a browser in. It works once, within 15 minutes; the
session lasts 12 hours.

The link is for whoever the token acts for; an administrator's token may name
somebody else with --as. With neither, whoever opens it says who they are.

tocsin run "web sessions" lists who is signed in, tocsin run "web revoke ID"
ends a session.`,
		Example: "  tocsin login\n  tocsin login --as ana",
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.say(cmd, "web", "", as) },
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&as, "as", "", "sign this person in; needs an administrator's token")
	return cmd
}
