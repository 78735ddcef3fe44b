package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/adapters/slack"
	"tocsin/bot/app"
)

// slackConfig reads from the environment what Slack is reached with. It reports
// whether Slack is connected at all: it is when there is a bot token. What the
// environment does not say is for the caller to add.
func slackConfig(s slack.Settings) (c slack.Config, connected bool, err error) {
	c.Settings = s
	for _, v := range []struct {
		name string
		into *string
	}{
		{"SLACK_BOT_TOKEN", &c.BotToken},
		{"SLACK_APP_TOKEN", &c.AppToken},
		{"SLACK_SIGNING_SECRET", &c.SigningSecret},
		{"SLACK_USER_TOKEN", &c.UserToken},
		{"SLACK_API_URL", &c.APIURL},
	} {
		if *v.into, err = fromEnvironment(v.name); err != nil {
			return c, false, fmt.Errorf("%s: %w", v.name, err)
		}
	}
	if c.BotToken == "" {
		if c.AppToken != "" || c.SigningSecret != "" || c.UserToken != "" {
			return c, false, errors.New("SLACK_BOT_TOKEN is not set, and other secrets of Slack are: set it too, or none of them")
		}
		return c, false, nil
	}
	if u, bad := url.Parse(c.APIURL); c.APIURL != "" && (bad != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return c, false, fmt.Errorf("SLACK_API_URL is no address of a server; write one such as %s", slack.DefaultAPI)
	}
	return c, true, nil
}

// connectSlack makes the workspace that the environment names; nil when it names
// none. sign is the installation's own secret: its channels are known by it.
func connectSlack(l loaded, sign []byte, with slack.Config) (*slack.Workspace, error) {
	c, connected, err := slackConfig(l.slack)
	if !connected || err != nil {
		return nil, err
	}
	c.Bot, c.Store, c.Now, c.Log = with.Bot, with.Store, with.Now, with.Log
	mark := sha256.Sum256(append([]byte("rooms of "), sign...))
	c.Mark = hex.EncodeToString(mark[:4])
	return slack.New(c)
}

func slackCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "slack", Short: "Connect Slack.", Args: cobra.NoArgs}
	cmd.AddCommand(slackManifestCommand())
	return cmd
}

func slackManifestCommand() *cobra.Command {
	var config slack.App
	var socket, asJSON bool
	cmd := &cobra.Command{
		Use: "manifest", Short: "Print the manifest from which Slack makes the app.", Args: cobra.NoArgs,
		Long: `Print the manifest from which Slack makes the app: its commands, shortcuts,
events, and the scopes that it needs, each with its reason. Paste it at
https://api.slack.com/apps under “Create New App”, “From a manifest”.

With Socket Mode the server reaches Slack, and needs no address of its own. With
--url Slack reaches the server there, over https, and signs what it sends.`,
		Example: "  tocsin slack manifest\n  tocsin slack manifest --url https://tocsin.example.com --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if socket && config.URL != "" {
				return errors.New("an app has Socket Mode or an address, not both: choose --socket or --url")
			}
			write := slack.ManifestYAML
			if asJSON {
				write = slack.ManifestJSON
			}
			raw, err := write(config)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(raw)
			return err
		},
	}
	cmd.Flags().BoolVar(&socket, "socket", false, "Socket Mode, which is also what you get without --url")
	cmd.Flags().StringVar(&config.URL, "url", "", "signed requests: the https address at which Slack reaches the server")
	cmd.Flags().StringVar(&config.Name, "name", "Tocsin", "name of the app")
	cmd.Flags().BoolVar(&config.Unarchive, "unarchive", false, "also ask for the user token that brings archived channels back (SLACK_USER_TOKEN)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON instead of YAML")
	return cmd
}

// slack asks Slack how the app is there.
func (d *doctor) slack(ctx context.Context) {
	cfg, connected, err := slackConfig(d.rooms)
	if err == nil && !connected {
		d.ok("slack", "it is not connected: SLACK_BOT_TOKEN is not set; `tocsin slack manifest` begins, and the README goes on")
		return
	}
	var w *slack.Workspace
	if err == nil {
		cfg.Bot, cfg.Now, cfg.Log = func() *app.App { return nil }, time.Now, slog.New(slog.DiscardHandler)
		w, err = slack.New(cfg)
	}
	if err != nil {
		d.fail("slack", err)
		return
	}
	ask, cancel := context.WithTimeout(ctx, doctorFor)
	defer cancel()
	for _, f := range w.Inspect(ask) {
		text := strings.TrimSuffix(f.Text+"; "+f.Do, "; ")
		switch f.Grade {
		case slack.Fine:
			d.ok("slack", text)
		case slack.Limited:
			d.warn("slack", text)
		case slack.Broken:
			d.fail("slack", errors.New(text))
		}
	}
}
