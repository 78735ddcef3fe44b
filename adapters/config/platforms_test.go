package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/config"
	"tocsin/bot/directory"
	"tocsin/workflow"
)

// chatSection is an adapter's struct with defaults.
type chatSection struct {
	Announce     string        `yaml:"announce"`
	ArchiveAfter time.Duration `yaml:"archive_after"`
}

// onlyVariables returns options with only these variables set.
func onlyVariables(names ...string) config.Options {
	return config.Options{Platforms: platformTable(), Getenv: func(name string) string {
		if slices.Contains(names, name) {
			return "set"
		}
		return ""
	}}
}

// TestChatSection: a key that is missing keeps the default, and an empty
// quoted text replaces it.
func TestChatSection(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for text, want := range map[string]chatSection{
		"":                      {"#incidents", week},
		"chat:\n":               {"#incidents", week},
		"chat: { slack: {} }\n": {"#incidents", week},
		"chat: { slack: { announce: \"#ops\" } }\n":                  {"#ops", week},
		"chat: { slack: { announce: C024BE7LR } }\n":                 {"C024BE7LR", week},
		"chat: { slack: { announce: none, archive_after: 36h } }\n":  {"none", 36 * time.Hour},
		"chat: { slack: { announce: '', archive_after: never } }\n":  {"", 0},
		"chat: { slack: { announce: \"\", archive_after: 0 } }\n":    {"", 0},
		"chat:\n  slack:\n    archive_after: \"never\" # for ever\n": {"#incidents", 0},
	} {
		got := chatSection{"#incidents", week}
		o := onlyVariables()
		o.Sections = map[string]any{"chat.slack": &got}
		f := parse(t, text, o)
		if there := strings.Contains(text, "slack:"); got != want || f.Has("chat.slack") != there {
			t.Errorf("%q: got %+v, there %v", text, got, f.Has("chat.slack"))
		}
	}
}

func TestChatFaults(t *testing.T) {
	for text, want := range map[string]string{
		"chat: [slack]":                               `1:7: "chat" must be keys with values, such as "name: …", not a list`,
		"chat: { slcak: {} }":                         `1:9: "slcak" is not a key of "chat"; did you mean "slack"?`,
		"chat: { slack: yes }":                        `1:16: "chat.slack" must be keys with values, such as "name: …", not a single value`,
		"chat: { slack: { anounce: none } }":          `1:18: "anounce" is not a key of "chat.slack"; did you mean "announce"?`,
		"chat: { slack: { archive_after: 7 } }":       `1:33: "archive_after": "7" has no unit; write 7s, 7m, 7h or 7d`,
		"chat: { slack: { archive_after: forever } }": `1:33: "archive_after": "forever" is not a duration; write a whole number and its unit: 30s, 5m, 4h or 2d`,
		"chat:\n  slack:\n    announce: #ops\n":       `3:5: "announce" is empty; give it a value, in quotes when it begins with #, or remove it`,
	} {
		o := optionsWithSecrets()
		o.Sections = map[string]any{"chat.slack": &chatSection{Announce: "#incidents"}}
		if diff := cmp.Diff([]string{want}, parseFaults(text, o)); diff != "" {
			t.Errorf("%q: faults (-want +got):\n%s", text, diff)
		}
	}
}

// TestWhatNeedsSlack: what is reached through Slack is accepted once Slack is
// connected or has a section.
func TestWhatNeedsSlack(t *testing.T) {
	const how = "needs Slack: set SLACK_BOT_TOKEN, or SLACK_BOT_TOKEN_FILE to the path of a file that holds the token, or add the section chat.slack"
	for text, want := range map[string][]string{
		"people: [{ id: ana, access: admin, slack: U012AB3CD, notify: { high: [{ via: chat }] } }]\n": {`1:78: "via: chat" ` + how},
		"catch_all: \"room:slack:#ops\"\n":                                                                             {`1:12: "room:slack:#ops" ` + how},
		"policies: [{ id: a, steps: [{ notify: [\"room:slack:C024BE7LR\"] }] }]\n":                                     {`1:40: "room:slack:C024BE7LR" ` + how},
		"jobs: { audit-report: { to: \"room:slack:#ops\" } }\n":                                                        {`1:29: "room:slack:#ops" ` + how},
		"teams: [{ id: ops, slack: S0123456 }]\n":                                                                      {`1:27: a team whose members are those of a Slack user group ` + how},
		"people: [{ id: ana, access: admin }]\nteams: [{ id: ops, members: [ana], slack: S0123456 }]\n":                nil,
		"people: [{ id: ana, access: admin, slack: U012AB3CD }]\nseverities: { SEV1: { invite: [\"person:ana\"] } }\n": nil,
	} {
		if diff := cmp.Diff(want, parseFaults(text, onlyVariables("SLACK_APP_TOKEN"))); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", text, diff)
		}
		for name, got := range map[string][]string{
			"token":   parseFaults(text, onlyVariables("SLACK_BOT_TOKEN")),
			"file":    parseFaults(text, onlyVariables("SLACK_BOT_TOKEN_FILE")),
			"section": parseFaults(text+"chat: { slack: {} }\n", onlyVariables()),
		} {
			if len(got) > 0 {
				t.Errorf("%s, by %s: %q", text, name, got)
			}
		}
	}
	for want, o := range map[string]config.Options{"": onlyVariables("SLACK_APP_TOKEN"), "slack": onlyVariables("SLACK_BOT_TOKEN_FILE")} {
		got := ""
		for _, p := range parse(t, "", o).Organization.Directory.Platforms {
			got += p.Name
		}
		if got != want {
			t.Errorf("the platforms are %s, want %s", got, want)
		}
	}
}

func TestRoomsAndGroups(t *testing.T) {
	runBad(t, []badCase{
		{"rooms", `
chat: { slack: {} }
policies:
  - id: a
    steps:
      - { notify: ["room:slack:#ops", "room:slack:#Ops", "room:slack:ops", "room:slack:", "room:#ops", "room:teams:ops", "rom:slack:#ops"] }
catch_all: "room:slack:#störung"
`, []string{
			`5:39: "room:slack:#Ops": "#Ops" is not a channel of Slack; write # and its name in small letters, such as "room:slack:#ops", or its ID, such as "room:slack:C024BE7LR"`,
			`5:58: "room:slack:ops": "ops" is not a channel of Slack; write # and its name in small letters, such as "room:slack:#ops", or its ID, such as "room:slack:C024BE7LR"`,
			`5:76: "room:slack:": "" is not a channel of Slack; write # and its name in small letters, such as "room:slack:#ops", or its ID, such as "room:slack:C024BE7LR"`,
			`5:91: "room:#ops" does not name a platform; write room:PLATFORM:ROOM, such as "room:slack:#ops"`,
			`5:104: "room:teams:ops" does not name a platform; write room:PLATFORM:ROOM, such as "room:slack:#ops"`,
			`5:122: "rom:slack:#ops" is not a target; did you mean "room:slack:#ops"?`,
		}},
		{"groups", `
chat: { slack: {} }
teams:
  - { id: a, slack: S0123456 }
  - { id: b, slack: "@ops" }
  - { id: c, slack: S0123456 }
  - { id: d }
policies: [{ id: p, steps: [{ notify: ["team:a"] }, { notify: ["team:d"] }] }]
`, []string{
			`4:21: "slack": "@ops" is not the ID of a Slack user group, such as S0123456, which is not its handle`,
			`5:21: this Slack user group is already in line 3; use another one here`,
			`7:63: step 2 of the policy "p" pages no one: its teams and policies have no members; add a person`,
		}},
		{"chat", `
chat: { slack: {} }
people:
  - { id: ana, access: admin, notify: { high: [{ via: chat }, { via: slack }] } }
  - { id: ben, access: admin, slack: U012AB3CD, notify: { low: [{ via: chat, to: U012AB3CD }] } }
`, []string{
			`3:55: "via: chat" needs an account: give the person "slack", or an "email" by which the account is found`,
			`3:70: "via: slack" needs an account: give the person "slack", or an "email" by which the account is found`,
			`4:82: "via: chat" sends to the person's own account; remove "to"`,
		}},
		{"invited", `
people: [{ id: ana, access: admin }]
teams: [{ id: payments, members: [ana] }]
webhooks: [{ name: noc, url: "https://noc.example.com/x", secret_env: NOC_SECRET }]
severities:
  SEV1: { invite: ["team:payment", "person:ana", "person:ana", ana, "webhook:noc", log, "policy:default", "room:slack:#ops", [ana]] }
  SEV2: { invite: "person:ana" }
`, []string{
			`5:20: there is no team "payment"; did you mean "team:payments"?`,
			`5:50: "person:ana" is in "invite" twice; keep one`,
			`5:64: "ana" is not a target; did you mean "person:ana"?`,
			`5:69: "webhook:noc" cannot be invited into a room; "invite" can have person: and team: targets`,
			`5:84: "log" cannot be invited into a room; "invite" can have person: and team: targets`,
			`5:89: "policy:default" cannot be invited into a room; "invite" can have person: and team: targets`,
			`5:107: "room:slack:#ops" cannot be invited into a room; "invite" can have person: and team: targets`,
			`5:126: an entry of "invite" must be a single value, not a list`,
			`6:19: "invite" must be a list; begin each entry with "- ", or write [one, two]`,
		}},
	})
}

// TestChat: what the file says of platforms is in the organization.
func TestChat(t *testing.T) {
	o := parse(t, `
people: [{ id: ana, access: admin, email: ana@example.com, notify: { high: [{ via: chat }, { via: chat, after: 5m }] } }]
teams: [{ id: ops, slack: S0123456, lead: ana }]
policies: [{ id: a, steps: [{ notify: ["team:ops", "room:slack:#ops"] }] }]
severities: { SEV2: { invite: ["team:ops", "person:ana"] } }
jobs: { overdue-updates: { to: "room:slack:C024BE7LR" } }
`, onlyVariables("SLACK_BOT_TOKEN")).Organization
	if diff := cmp.Diff([]directory.Method{{Via: "chat"}, {Via: "chat", After: 5 * time.Minute}}, o.Directory.People[0].High); diff != "" {
		t.Errorf("methods: %s", diff)
	}
	if diff := cmp.Diff([]directory.Team{{ID: "ops", Name: "ops", Groups: map[string]string{"slack": "S0123456"}, Lead: "ana"}}, o.Directory.Teams); diff != "" {
		t.Errorf("teams: %s", diff)
	}
	if diff := cmp.Diff([]workflow.Target{"team:ops", "room:slack:#ops"}, o.Policies[0].Steps[0].Notify); diff != "" {
		t.Errorf("policy: %s", diff)
	}
	if diff := cmp.Diff([]workflow.Target{"team:ops", "person:ana"}, o.Severities["SEV2"].Invite); diff != "" {
		t.Errorf("invited: %s", diff)
	}
	if job := o.Jobs[3]; !job.Enabled || !cmp.Equal(job.To, []workflow.Target{"room:slack:C024BE7LR"}) {
		t.Errorf("job: %+v", job)
	}
}
