package slack

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// connectWith connects with a changed configuration, as another process does.
func (h *testApp) connectWith(change func(*Config)) *Workspace {
	h.t.Helper()
	c := h.Workspace.cfg
	change(&c)
	w, err := New(c)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

// inspect returns a report as lines, as the doctor shows them. The clock is right unless
// the case says otherwise.
func inspect(t *testing.T, o slacktest.Options, change func(*slacktest.Server, *Config)) (report string, s *slacktest.Server) {
	t.Helper()
	h := newTestApp(t, o)
	w := h.connectWith(func(c *Config) {
		c.Now = time.Now
		change(h.slack, c)
	})
	var lines strings.Builder
	for _, f := range w.Inspect(t.Context()) {
		lines.WriteString([]string{"ok ", "warn ", "FAIL "}[f.Grade] + f.Text)
		if f.Do != "" {
			lines.WriteString(" → " + f.Do)
		}
		if (f.Grade == platform.Fine) != (f.Do == "") {
			t.Errorf("what is not fine says what to do, and nothing else does: %+v", f)
		}
		lines.WriteString("\n")
	}
	for _, secret := range []string{h.slack.BotToken, h.slack.AppToken, h.slack.UserToken, h.slack.SigningSecret, "ticket="} {
		if strings.Contains(lines.String()+h.log.String(), secret) {
			t.Errorf("it tells a secret:\n%s%s", &lines, h.log)
		}
	}
	for _, c := range h.slack.Calls("") {
		switch c.Method {
		case "auth.test", "conversations.list", "conversations.info", "apps.connections.open":
		default:
			t.Errorf("it called %s", c.Method)
		}
	}
	return lines.String(), h.slack
}

func TestInspectWell(t *testing.T) {
	got, _ := inspect(t, slacktest.Options{Scopes: names(Scopes()), UserScopes: names(UserScopes())}, func(s *slacktest.Server, c *Config) {
		s.AddChannel(slacktest.Channel{Name: "incidents", Members: []string{s.BotUser}})
		c.AppToken, c.UserToken = s.AppToken, s.UserToken
	})
	want := `ok the token is valid: the app is in Tocsin Test, https://tocsin-test.slack.com/
ok the clock agrees with Slack's
ok it has all 19 scopes that it needs
ok incidents are announced in #incidents
ok SLACK_USER_TOKEN, which unarchives channels, is valid
ok signed requests are taken at /slack/commands, /slack/interactions and /slack/events
ok Socket Mode opens
`
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestInspectIll(t *testing.T) {
	all := names(Scopes())
	nothing := func(*slacktest.Server, *Config) {}
	without := func(names ...string) []string {
		var left []string
		for _, s := range all {
			if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+s+" ") {
				left = append(left, s)
			}
		}
		return left
	}
	for name, c := range map[string]struct {
		scopes []string
		change func(*slacktest.Server, *Config)
		want   []string
		not    string
	}{
		"scopes": {
			scopes: append(without("pins:write", "chat:write"), "files:read"), change: nothing,
			want: []string{
				"warn the scope pins:write is missing: cards are not pinned → add it under “OAuth & Permissions” of the app, and install the app again\n",
				"FAIL the scope chat:write is missing: nothing is written on Slack at all → ",
				"warn it has scopes that it does not use: files:read → ",
			},
			not: "it has all",
		},
		"no channels:read": {
			scopes: without("channels:read"), change: nothing,
			want: []string{"warn the scope channels:read is missing: nothing is announced"}, not: "#incidents is",
		},
		"no groups:read": {
			scopes: without("groups:read"), change: nothing, want: []string{"ok #incidents is made with the first announcement"},
		},
		"token": {
			change: func(s *slacktest.Server, _ *Config) { s.RevokeToken("bot") },
			want:   []string{"FAIL token_revoked: SLACK_BOT_TOKEN is not valid any more; install the app again → copy the “Bot User OAuth Token” of the app again\nok signed"},
		},
		"Slack is down": {
			change: func(s *slacktest.Server, _ *Config) { s.SetDown(true) },
			want:   []string{"FAIL slack auth.test: ", " → see whether http://127.0.0.1:"},
		},
		"app token": {
			change: func(s *slacktest.Server, c *Config) {
				c.AppToken = s.AppToken
				s.RevokeToken("app")
			},
			want: []string{"FAIL Socket Mode does not open: token_revoked → turn Socket Mode on in the app, and copy an app-level token"},
		},
		"no way in": {
			change: func(_ *slacktest.Server, c *Config) { c.SigningSecret = "" },
			want:   []string{"FAIL commands, buttons and events cannot come: neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set → set SLACK_APP_TOKEN"},
		},
		"user token": {
			change: func(s *slacktest.Server, c *Config) {
				c.UserToken = s.UserToken
				s.RevokeToken("user")
			},
			want: []string{"warn SLACK_USER_TOKEN, which unarchives channels, is not valid: token_revoked → "},
		},
		"clock a minute ahead": {
			change: func(_ *slacktest.Server, c *Config) { c.Now = clockAhead(time.Minute) },
			want:   []string{"warn the clock is 1 min ahead of Slack's; beyond 5 min signed requests are refused → let the machine take its time from NTP"},
		},
		"clock behind": {
			change: func(_ *slacktest.Server, c *Config) { c.Now = clockAhead(-10 * time.Minute) },
			want:   []string{"FAIL the clock is 10 min behind Slack's: signed requests are refused → "},
		},
		"clock behind, no signatures": {
			change: func(s *slacktest.Server, c *Config) {
				c.Now, c.SigningSecret, c.AppToken = clockAhead(-10*time.Minute), "", s.AppToken
			},
			want: []string{"warn the clock is 10 min behind Slack's; beyond 5 min"},
		},
		"not yet in the channel": {
			change: func(s *slacktest.Server, _ *Config) { s.AddChannel(slacktest.Channel{Name: "incidents"}) },
			want:   []string{"ok #incidents is there; the app joins it with the first announcement"},
		},
		"archived channel": {
			change: func(s *slacktest.Server, _ *Config) {
				s.AddChannel(slacktest.Channel{Name: "incidents", Archived: true})
			},
			want: []string{"FAIL #incidents, in which incidents are to be announced, is archived → unarchive it, or name another"},
		},
		"a channel's ID": {
			change: func(_ *slacktest.Server, c *Config) { c.Announce = "C0123456789" },
			want:   []string{"FAIL the app sees no channel C0123456789, in which incidents are to be announced → invite the app"},
		},
		"a known ID": {
			change: func(s *slacktest.Server, c *Config) {
				c.Announce = s.AddChannel(slacktest.Channel{Name: "ops", Members: []string{s.BotUser}})
			},
			want: []string{"ok incidents are announced in C"},
		},
		"not announced": {
			change: func(_ *slacktest.Server, c *Config) { c.Announce = "" },
			want:   []string{"ok incidents are not announced in a channel"},
		},
		"Slack hiccups": {
			change: func(s *slacktest.Server, _ *Config) { s.Fail("conversations.list", slacktest.Fault{Status: 500}) },
			want:   []string{"warn the channel #incidents could not be searched for: ", " → run this again"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := slacktest.Options{Scopes: all}
			if c.scopes != nil {
				o.Scopes = c.scopes
			}
			got, _ := inspect(t, o, c.change)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("it does not say %q:\n%s", want, got)
				}
			}
			if c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("it says %q:\n%s", c.not, got)
			}
		})
	}
}

// TestInspectPagedChannels: each channel that is paged is checked, and those that cannot be
// paged are named with what to do (E7: never silent until a person answers).
func TestInspectPagedChannels(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	org := bottest.SampleOrganization()
	org.CatchAll = "room:slack:#catch-all"
	org.Policies = []workflow.Policy{{ID: "a", Steps: []workflow.PolicyStep{{Notify: []workflow.Target{
		"room:slack:#ops", "room:slack:old", "room:slack:#gone", "room:slack:C0123456789", "room:slack:#incidents", "person:ana",
	}}}}}
	org.Jobs = []bot.Job{{Name: "audit-report", To: []workflow.Target{"room:slack:#ops", "room:slack:#public"}}}
	h.slack.AddChannel(slacktest.Channel{Name: "catch-all", Private: true})
	h.slack.AddChannel(slacktest.Channel{Name: "ops", Members: []string{h.slack.BotUser}})
	h.slack.AddChannel(slacktest.Channel{Name: "old", Archived: true})
	h.slack.AddChannel(slacktest.Channel{Name: "public"})
	h.Configure(nil, org)
	var lines []string
	for _, f := range h.Inspect(t.Context()) {
		lines = append(lines, []string{"ok ", "warn ", "FAIL "}[f.Grade]+f.Text+" → "+f.Do)
	}
	got := strings.Join(lines, "\n")
	for _, want := range []string{
		"FAIL the app sees no channel #catch-all, which is paged → create it, or invite the app into it with /invite if it is private",
		"ok #ops can be paged", "FAIL the channel #old, which is paged, is archived → unarchive it", "FAIL the app sees no channel #gone, which is paged",
		"FAIL the app sees no channel C0123456789, which is paged", "ok #public, which is paged, is there; the app joins it with the first page",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("it does not say once %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "no channel #incidents") {
		t.Errorf("the channel of announcements is made with the first one:\n%s", got)
	}
}

// clockAhead returns a clock that is ahead.
func clockAhead(d time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(d) }
}
