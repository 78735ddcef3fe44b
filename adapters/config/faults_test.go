package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/config"
	"tocsin/bot/alerts"
)

// optionsWithSecrets returns the options of most tests: every variable is set but those of
// Slack, whose token would connect it.
func optionsWithSecrets() config.Options {
	return config.Options{Platforms: platformTable(), Sources: alerts.Sources{{Type: "alertmanager"}}, Getenv: func(name string) string {
		if strings.HasSuffix(name, "_FILE") || strings.HasPrefix(name, "SLACK_") {
			return ""
		}
		if strings.HasSuffix(name, "_URL") {
			return "https://watch.example.com/secret"
		}
		return "secret-of-the-test-" + strings.ToLower(name)
	}}
}

// parseFaults returns the faults of a text without the file's name.
func parseFaults(text string, o config.Options) []string {
	_, faults := config.Parse("t.yaml", []byte(text), o)
	var all []string
	for _, f := range faults {
		all = append(all, strings.TrimPrefix(f.Error(), "t.yaml:"))
	}
	return all
}

type badCase struct {
	name, text string
	want       []string
}

func runBad(t *testing.T, cases []badCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parseFaults(strings.TrimPrefix(c.text, "\n"), optionsWithSecrets())); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultFormat(t *testing.T) {
	_, faults := config.Parse("tocsin.yaml", []byte("people:\n  - id: ana\n    acess: admin\n"), config.Options{Platforms: platformTable()})
	if len(faults) == 0 || faults[0].Error() != `tocsin.yaml:3:5: "acess" is not a key of a person; did you mean "access"?` {
		t.Errorf("got %v", faults)
	}
}

func TestSyntax(t *testing.T) {
	runBad(t, []badCase{
		{"unclosed", "people: [1\nteams: 2\n", []string{"2:6: a comma is missing before this, or the bracket that was opened in line 1 is not closed"}},
		{"open quote", "organization: \"a\nurl: b\n", []string{"3:1: the quote that was opened in line 1 is not closed"}},
		{"bell", "organization: a\ab\n", []string{"1:16: an invisible control character; remove it"}},
		{"tab", "people:\n\t- id: ana\n", []string{"2:1: a tab at the beginning; indent with spaces"}},
		{"at sign", "organization: @ana\n", []string{"1:15: a value cannot begin with @; put it in quotes"}},
		{"colon", "organization: a: b\n", []string{"1:16: a second colon in one entry; put a value that has a colon in quotes, or begin a new line"}},
		{"anchor", "organization: *s3cret\n", []string{"1:15: a value that begins with * is an alias, and no anchor above has this name; if it is text, put it in quotes"}},
		{"indent", "teams:\n   - id: a\n  - id: b\n", []string{"3:3: the indentation does not match the lines above; indent the entries of a list or a mapping equally"}},
		{"two documents", "organization: a\n---\norganization: b\n", []string{"2:1: a second document begins here; keep one, and remove the line ---"}},
		{"latin-1", "# ä\norganization: Mü\xfcller\n", []string{"2:17: this is not text in UTF-8; save the file as UTF-8"}},
		{"merge", "people:\n  - &a { id: ana, access: admin }\n  - { <<: *a, id: ben }\n", []string{`3:7: "<<" is not supported; write the keys out, or name a whole value with &name and repeat it with *name`}},
		{"list at the top", "- a\n", []string{`1:1: the configuration must be keys with values, such as "name: …", not a list`}},
		{"twice", "organization: a\norganization: b\n", []string{`2:1: "organization" is written twice, first in line 1; keep one`}},
		{"key that is not a word", "? [a]\n: b\n", []string{"1:3: a key of the configuration must be a word, not a list"}},
		{"tag", "organization: !env NAME\n", []string{`1:15: "organization" has the tag "!env", which is not supported; remove it`}},
		{"cycle", "people: &a [*a]\n", []string{"1:9: this is nested more than 20 levels deep; the configuration needs fewer"}},
	})
}

func TestShapes(t *testing.T) {
	runBad(t, []badCase{
		{"unknown", "foo: 1\n", []string{`1:1: "foo" is not a key of the configuration; its keys are catch_all, categories, chat, deadman, default_access, default_policy, fallback_policy, integrations, jobs, organization, pagers, people, policies, priority, retention, routes, rules, services, severities, teams, timezone, tokens, url, verification, webhooks`}},
		{"typing errors", "organizatoin: a\npolcies: []\n", []string{
			`1:1: "organizatoin" is not a key of the configuration; did you mean "organization"?`,
			`2:1: "polcies" is not a key of the configuration; did you mean "policies"?`,
		}},
		{"not a list", "people: { ana: {} }\n", []string{`1:9: "people" must be a list; begin each entry with "- ", or write [one, two]`}},
		{"not a mapping", "people: [ana]\nrules: 5m\n", []string{
			`1:10: a person must be keys with values, such as "name: …", not a single value`,
			`2:8: "rules" must be keys with values, such as "name: …", not a single value`,
		}},
		{"not a value", "organization: [a]\n", []string{`1:15: "organization" must be a single value, not a list`}},
		{"empty entry", "categories:\n  - software\n  -\n", []string{`3:4: an entry of "categories" is empty; give it a value or remove it`}},
		{"too long", "organization: " + strings.Repeat("x", 81) + "\n", []string{`1:15: "organization" is longer than 80 characters; shorten it`}},
		{"zone", "timezone: Berlin\n", []string{`1:11: "timezone": there is no time zone "Berlin"; write one such as Europe/Berlin, America/New_York or UTC`}},
		{"local zone", "timezone: Local\n", []string{`1:11: "timezone": there is no time zone "Local"; write one such as Europe/Berlin, America/New_York or UTC`}},
		{"url with path", "url: https://example.com/tocsin?x=1\n", []string{`1:6: "url" must be the scheme and the host only: write "https://example.com"`}},
		{"url without scheme", "url: example.com\n", []string{`1:6: "url" must be a whole URL, such as https://wiki.example.com/checkout`}},
		{"url to listen on", "url: \"http://0.0.0.0:8080\"\n", []string{`1:6: "url": 0.0.0.0 is an address to listen on, which cannot be opened; write the address that people open, such as https://tocsin.example.com`}},
		{"url to listen on, IPv6", "url: \"http://[::]:8080\"\n", []string{`1:6: "url": :: is an address to listen on, which cannot be opened; write the address that people open, such as https://tocsin.example.com`}},
		{"url with password", "url: https://a:b@example.com\n", []string{`1:6: "url" has a name or a password before the @; secrets must not be in this file`}},
		{"severity", "severities: { sev1: {}, SEV2: { urgency: medium, update: 1 } }\n", []string{
			`1:15: "sev1" is not a key of "severities"; did you mean "SEV1"?`,
			`1:42: "urgency" must be high or low, not "medium"`,
			`1:58: "update": "1" has no unit; write 1s, 1m, 1h or 1d`,
		}},
		{"matrix", "priority: { high: { high: SEV9, urgent: SEV1 }, hihg: {} }\n", []string{
			`1:27: "high" must be SEV1, SEV2, SEV3, SEV4 or SEV5, not "SEV9"; did you mean "SEV1"?`,
			`1:33: "urgent" is not a key of an impact of "priority"; its keys are high, low, medium`,
			`1:49: "hihg" is not a key of "priority"; did you mean "high"?`,
		}},
		{"rules", "rules: { reopen_window: -5m, stale_after: 0s, remind_every: 15 minutes }\n", []string{
			`1:25: "reopen_window": "-5m" is negative; write 5m`,
			`1:43: "stale_after" must be at least 1s, not "0s"; leave it out for the default`,
			`1:61: "remind_every": "15 minutes" is not a duration; write 15m`,
		}},
		{"checklist", "verification: [" + strings.Repeat("a, ", 20) + "b]\n", []string{`1:76: "verification" can have at most 20 entries; remove this one and those after it`}},
	})
}

func TestPolicies(t *testing.T) {
	var crowd strings.Builder
	crowd.WriteString("people:\n")
	var ids []string
	for n := range 41 {
		id := fmt.Sprintf("p%d", n)
		fmt.Fprintf(&crowd, "  - { id: %s, access: responder }\n", id)
		ids = append(ids, id)
	}
	fmt.Fprintf(&crowd, "teams: [{ id: all, members: [%s] }]\npolicies: [{ id: a, steps: [{ notify: [\"team:all\"] }] }]\n", strings.Join(ids, ", "))
	runBad(t, []badCase{
		{"targets", `
people: [{ id: ana }]
teams: [{ id: payments, members: [ana] }]
policies:
  - id: a
    steps:
      - { notify: [ana, "persn:ana", "team:payment", "policy:b", nobody, "person:"], wait: 0s, round_robin: perhaps }
      - { notify: "person:ana" }
      - {}
      - { notify: [] }
    repeat: often
    fallback: c
catch_all: payments
`, []string{
			`6:20: "ana" is not a target; did you mean "person:ana"?`,
			`6:25: "persn:ana" is not a target; did you mean "person:ana"?`,
			`6:38: there is no team "payment"; did you mean "team:payments"?`,
			`6:54: there is no policy "b"; use a, or add it under "policies"`,
			`6:66: "nobody" is not a target; write person:NAME, team:NAME, policy:NAME, webhook:NAME, room:slack:#ops or log`,
			`6:74: there is no person ""; use ana, or add it under "people"`,
			`6:92: "wait" must be at least 1s, not "0s"; leave it out for the default`,
			`6:109: "round_robin" must be true or false, not "perhaps"`,
			`7:19: "notify" must be a list; begin each entry with "- ", or write [one, two]`,
			`8:9: a step needs "notify", the targets that it pages, such as ["person:ana"]`,
			`9:9: a step needs "notify", the targets that it pages, such as ["person:ana"]`,
			`10:13: "repeat" must be a whole number from 0 to 100, not "often"`,
			`11:15: there is no policy "c"; use a, or add it under "policies"`,
			`12:12: "payments" is not a target; did you mean "team:payments"?`,
		}},
		{"nobody", `
teams: [{ id: empty }]
policies:
  - { id: a, steps: [{ notify: ["team:empty", "policy:a"] }] }
  - { id: b, steps: [{ notify: ["policy:a"] }, { notify: [log] }] }
  - { id: c }
default_policy: a
`, []string{
			`3:32: step 1 of the policy "a" pages no one: its teams and policies have no members; add a person`,
			`4:32: step 1 of the policy "b" pages no one: its teams and policies have no members; add a person`,
			`5:5: a policy needs "steps", such as [{ notify: ["person:ana"], wait: 5m }]`,
		}},
		{"crowd", crowd.String(), []string{
			`44:39: step 1 of the policy "a" pages more than 40 people, the maximum of one step; name fewer, or split it into several steps`,
		}},
		{"which", "policies: [{ id: a, steps: [{ notify: [log] }] }, { id: b, steps: [{ notify: [log] }] }]\n", []string{
			`1:1: several policies need "default_policy", the one for services without a policy of their own: a or b`,
		}},
	})
}

func TestIntegrations(t *testing.T) {
	runBad(t, []badCase{
		{"integrations", `
integrations:
  - { name: prometheus }
  - { name: prometheus, type: alertmanger, token_env: A, token_envs: [B] }
  - { name: mine, type: carrier-pigeon, token_envs: [A, B, C], severities: { Urgent: SEV1, urgent: SEV2, page: critical } }
  - { name: other, type: alertmanager, token: hunter2, token_envs: ONE }
`, []string{
			`2:5: an integration needs "type", such as alertmanager`,
			`3:13: the integration "prometheus" is already in line 2; rename or remove one of them`,
			`3:31: "type" must be alertmanager, not "alertmanger"; did you mean "alertmanager"?`,
			`3:70: "token_env" and "token_envs" cannot be used together; keep one`,
			`4:25: "type" must be alertmanager, not "carrier-pigeon"`,
			`4:60: "token_envs" can have at most two, the old and the new one; remove the oldest`,
			`4:92: "urgent" is written twice, since case does not matter; keep one`,
			`4:112: the severity of "page" must be SEV1, SEV2, SEV3, SEV4 or SEV5, not "critical"`,
			`5:40: "token" is not a key of an integration; secrets must not be in this file: use "token_env" with the name of an environment variable`,
			`5:68: "token_envs" must be a list; begin each entry with "- ", or write [one, two]`,
		}},
		{"routes", `
routes:
  - { do: ignore }
  - { match: "true", do: ignore, service: a, group: [job] }
  - { match: "true", do: page, severty: SEV1 }
services: [{ id: a }]
`, []string{
			`2:5: a route needs "match", such as 'labels.job == "checkout"'`,
			`3:34: a route that ignores alerts cannot have "service"; remove it, or remove "do: ignore"`,
			`3:46: a route that ignores alerts cannot have "group"; remove it, or remove "do: ignore"`,
			`4:26: "do" must be ignore, not "page"`,
			`4:32: "severty" is not a key of a route; did you mean "severity"?`,
		}},
		{"tokens and webhooks", `
tokens:
  - { name: a, token_env: SAME, access: admin }
  - { name: b, token_env: SAME, access: admin }
  - {}
  - { name: operator, token_env: OTHER, access: admin }
webhooks:
  - { name: noc, url: "ftp://noc.example.com/hunter2" }
`, []string{
			`3:27: this token is already in line 2; use another one here`,
			`4:5: a token needs "access", such as responder`,
			`4:5: a token needs "name", such as ci`,
			`4:5: a token needs "token_env", such as CI_TOKEN`,
			`5:13: "name": "operator" is the name of TOCSIN_API_TOKEN; use another name`,
			`7:5: a webhook needs "secret_env", such as NOC_SECRET, whose value signs its pages`,
			`7:23: "url" must be a whole URL, such as https://wiki.example.com/checkout`,
		}},
		{"pagers", "pagers: { emial: {}, email: hunter2 }\n", []string{
			`1:11: "emial" is not a key of "pagers"; did you mean "email"?`,
			`1:29: "pagers.email" must be keys with values, such as "name: …", not a single value`,
		}},
	})
}

// TestFutureKeys: what a later version supports is refused by name, since
// ignoring it would silently drop what it promises.
func TestFutureKeys(t *testing.T) {
	const people = "people: [{ id: ana, access: admin }]\n"
	for _, c := range []struct{ text, want string }{
		{"schedules: [{ id: primary }]", "2:1: schedules is not supported yet: on-call schedules come in a later version; use person: or team: targets"},
		{"calendars: [{ id: business-hours }]", "2:1: calendars is not supported yet: business hours come in a later version; remove it, and every hour counts"},
		{"bridge: https://meet.example.com/x", "2:1: bridge is not supported yet: links to join a call come in a later version; remove it"},
		{"chat: { mirror: all }", "2:9: mirror is not supported yet: mirroring messages between platforms comes in a later version; remove it"},
		{"chat: { discord: { rooms: channel } }", "2:9: discord is not supported yet: Discord comes in a later version; remove it"},
		{"audiences: []", "2:1: audiences is not supported yet: updates for audiences come in a later version; remove it"},
		{"jobs: { handover: {} }", "2:9: handover is not supported yet: the hand-over comes with on-call schedules, in a later version; remove it"},
		{"jobs: { weekly-digest: {} }", "2:9: weekly-digest is not supported yet: the digest comes in a later version; remove it"},
		{"jobs: { audit-report: { to: \"room:discord:ops\" } }", "2:29: \"room:discord:ops\" is not supported yet: Discord comes in a later version; use a target such as \"room:slack:#ops\""},
		{"severities: { SEV1: { mitigate: 1h } }", "2:23: mitigate is not supported yet: this deadline comes in a later version; remove it"},
		{"severities: { SEV1: { resolve: 4h } }", "2:23: resolve is not supported yet: this deadline comes in a later version; remove it"},
		{"severities: { SEV1: { calendar: always } }", "2:23: calendar is not supported yet: business hours come in a later version; remove it, and every hour counts"},
		{"severities: { SEV1: { ack_timeout: 30m } }", "2:23: ack_timeout is not supported yet: asking the acknowledger again comes in a later version; remove it"},
		{"severities: { SEV1: { room: now } }", "2:23: room is not supported yet: rooms open at once; remove it"},
		{"severities: { SEV1: { update: \"cron: 0 9 * * 1-5\" } }", "2:31: update: cron is not supported yet: updates at fixed times come in a later version; write a duration such as 4h"},
		{"services: [{ id: a, public: true }]", "2:21: public is not supported yet: the status page comes in a later version; remove it"},
		{"teams: [{ id: a, schedule: primary }]", "2:18: schedule is not supported yet: on-call schedules come in a later version; the members are paged"},
		{"rules: { hold: 60s }", "2:10: hold is not supported yet: waiting before the first page comes in a later version; remove it, and pages go out at once"},
		{"rules: { storm: 30 }", "2:10: storm is not supported yet: storm incidents come in a later version; remove it"},
		{"rules: { rooms_per_minute: 10 }", "2:10: rooms_per_minute is not supported yet: limiting how fast rooms open comes in a later version; remove it"},
		{"integrations: [{ name: g, type: grafana }]", "2:33: type: grafana is not supported yet: this source comes in a later version; use alertmanager"},
		{"integrations: [{ name: g, type: alertmanager, secret_env: X }]", "2:47: secret_env is not supported yet: signatures come in a later version; use token_env"},
		{"pagers: { twilio: {} }", "2:11: twilio is not supported yet: text messages and calls come in a later version; use email or a webhook"},
		{"pagers: { pagerduty: {} }", "2:11: pagerduty is not supported yet: it comes in a later version; use email or a webhook"},
		{"pagers: { ntfy: {} }", "2:11: ntfy is not supported yet: push messages come in a later version; use email or a webhook"},
		{"catch_all: \"room:discord:incidents\"", "2:12: \"room:discord:incidents\" is not supported yet: Discord comes in a later version; use a target such as \"room:slack:#ops\""},
		{"catch_all: \"schedule:primary\"", "2:12: \"schedule:primary\" is not supported yet: on-call schedules come in a later version; use person: or team: targets"},
		{"catch_all: \"role:commander\"", "2:12: \"role:commander\" is not supported yet: paging a role comes in a later version; use person: or team: targets"},
	} {
		if diff := cmp.Diff([]string{c.want}, parseFaults(people+c.text+"\n", optionsWithSecrets())); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", c.text, diff)
		}
	}
	for via, what := range map[string]string{"discord": "messages on Discord", "sms": "text messages", "voice": "calls"} {
		text := "people: [{ id: ana, access: admin, notify: { high: [{ via: " + via + ", to: \"+351900000001\" }] } }]\n"
		want := "1:60: via: " + via + " is not supported yet: " + what + " come in a later version; use chat, slack, email, webhook or log"
		if diff := cmp.Diff([]string{want}, parseFaults(text, optionsWithSecrets())); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", via, diff)
		}
	}
}

func TestFaultsAreSortedAndCapped(t *testing.T) {
	var text strings.Builder
	for n := range 60 {
		fmt.Fprintf(&text, "unknown%d: 1\n", n)
	}
	_, faults := config.Parse("t.yaml", []byte(text.String()), config.Options{Platforms: platformTable()})
	if len(faults) != 50 {
		t.Fatalf("got %d faults", len(faults))
	}
	for n, f := range faults {
		if f.Line != n+1 {
			t.Errorf("fault %d is of line %d", n, f.Line)
		}
	}
	if got := faults[49].Message; got != "11 more faults from here on; fix those above first" {
		t.Errorf("the last says %q", got)
	}
	_, faults = config.Parse("t.yaml", []byte(strings.Repeat("unknown", 1)+": 1\n"+"people: ["+strings.Repeat("1, ", 5000)+"]\n"), config.Options{Platforms: platformTable()})
	if got := faults[49].Message; len(faults) != 50 || got != "many more faults from here on; fix those above first" {
		t.Errorf("of very many the last says %q", got)
	}
}

func TestRoutesAreChecked(t *testing.T) {
	o := optionsWithSecrets()
	var seen []alerts.Route
	o.CheckRoute = func(r alerts.Route) error {
		seen = append(seen, r)
		if r.Match == "bad" {
			return errors.New("unknown name bad (1:1)\n | bad\n | ^")
		}
		return alerts.Compile(r)
	}
	got := parseFaults(`routes:
  - { match: 'labels.job == "a"', severity: SEV1, group: [job] }
  - match: bad
  - { match: "labels.job", severity: 'labels.severity' }
  - { match: "true", severity: SEV9 }
`, o)
	want := []string{
		"3:5: unknown name bad (1:1)",
		`4:14: match: its result is text, not true or false: compare it with something; for example: labels.job == "checkout"`,
		`5:32: severity: there is no value called SEV9; the severities are SEV1, the worst, to SEV5 (character 1); for example: labels.severity == "page" ? SEV1 : SEV3`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	first := alerts.Route{Match: `labels.job == "a"`, Severity: "SEV1", Group: []string{"job"}, Line: 2}
	if diff := cmp.Diff(first, seen[0]); diff != "" || seen[3].Line != 5 {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

// TestBombs: small files that would become large ones are refused at no cost.
func TestBombs(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'l'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	for name, text := range map[string]string{
		"with its aliases replaced":       bomb,
		"nested more than 20 levels deep": strings.Repeat("[", 500) + strings.Repeat("]", 500),
		"nested too deep":                 strings.Repeat("[", 100_000),
		"larger than 4 MiB":               strings.Repeat("#", 4<<20+1),
	} {
		if got := parseFaults(text, optionsWithSecrets()); len(got) != 1 || !strings.Contains(got[0], name) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
