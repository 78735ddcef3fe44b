package slack

import (
	"errors"
	"fmt"
	"net/url"

	"tocsin/bot/platform"
)

// Names of the environment variables that hold the secrets.
const (
	botToken      = "SLACK_BOT_TOKEN"
	appToken      = "SLACK_APP_TOKEN"
	signingSecret = "SLACK_SIGNING_SECRET"
	userToken     = "SLACK_USER_TOKEN"
	apiURL        = "SLACK_API_URL"
)

// Description describes Slack as a chat platform, but for how it is connected: that
// needs package inbound, whose Description is the whole.
func Description() platform.Description {
	return platform.Description{
		Name: Platform, Title: "Slack", FindsByEmail: true,
		Account: platform.ID{IsValid: isUserID, Noun: "user", Example: "U012AB3CD", Want: "a Slack user ID, such as U012AB3CD (in the person's Slack profile: Copy member ID)"},
		Group:   platform.ID{IsValid: isGroupID, Noun: "user group", Example: "S0123456", Want: "the ID of a Slack user group, such as S0123456, which is not its handle"},
		Room: platform.ID{
			IsValid: isChannel, Noun: "channel", Example: "#ops",
			Want: `# and its name in small letters, such as "room:slack:#ops", or its ID, such as "room:slack:C024BE7LR"`,
		},
		Secrets:     []string{botToken, appToken, signingSecret, userToken, apiURL},
		NewSettings: func() any { s := DefaultSettings(); return &s },
		Commands:    []platform.Command{printManifest()},
	}
}

// Connect returns the workspace that the secrets belong to. Nothing is asked of Slack
// yet. An error names the secret or the setting that is wrong, and what would be right.
func Connect(o platform.Options) (*Workspace, error) {
	c := Config{
		BotToken: o.Secret(botToken), AppToken: o.Secret(appToken), SigningSecret: o.Secret(signingSecret), UserToken: o.Secret(userToken),
		APIURL: o.Secret(apiURL), Mark: o.Mark, Store: o.Store, Now: o.Now, Log: o.Log,
	}
	if s, ok := o.Settings.(*Settings); ok {
		c.Settings = s.Normal()
	}
	if u, bad := url.Parse(c.APIURL); c.APIURL != "" && (bad != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return nil, fmt.Errorf("%s is not the address of a server; write one such as %s", apiURL, DefaultAPI)
	}
	return New(c)
}

// printManifest returns the command that prints the manifest of the app.
func printManifest() platform.Command {
	return platform.Command{
		Name: "manifest", Short: "Print the manifest from which Slack creates the app.",
		Long: `Print the manifest from which Slack creates the app: its commands, shortcuts,
events, and the scopes that it needs, each with its reason. Paste it at
https://api.slack.com/apps under “Create New App”, “From a manifest”.

With Socket Mode the server reaches Slack, and needs no address of its own. With
--url Slack reaches the server there, over https, and signs what it sends.`,
		Example: "  tocsin slack manifest\n  tocsin slack manifest --url https://tocsin.example.com --json",
		Flags: []platform.Flag{
			{Name: "socket", Switch: true, Usage: "Socket Mode, which is also what you get without --url"},
			{Name: "url", Usage: "signed requests: the https address at which Slack reaches the server"},
			{Name: "name", Default: "Tocsin", Usage: "name of the app"},
			{Name: "unarchive", Switch: true, Usage: "also ask for the user token that unarchives channels (SLACK_USER_TOKEN)"},
			{Name: "json", Switch: true, Usage: "JSON instead of YAML"},
		},
		Run: func(flags map[string]string) ([]byte, error) {
			app := App{URL: flags["url"], Name: flags["name"], Unarchive: flags["unarchive"] == "true"}
			if flags["socket"] == "true" && app.URL != "" {
				return nil, errors.New("an app has Socket Mode or an address, not both: choose --socket or --url")
			}
			if flags["json"] == "true" {
				return ManifestJSON(app)
			}
			return ManifestYAML(app)
		},
	}
}
