package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/adapters/config"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/directory"
	"tocsin/bot/platform"
	"tocsin/bot/timetable"
	"tocsin/commands"
	"tocsin/workflow"
)

// compareOptions are the options with which organizations are compared.
func compareOptions() cmp.Option {
	return cmp.Options{
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }), cmpopts.IgnoreUnexported(bot.Organization{}),
	}
}

// platformTable are platforms as the configuration sees them.
func platformTable() platform.Table {
	id := func(pattern, noun, example, want string) platform.ID {
		return platform.ID{IsValid: regexp.MustCompile(pattern).MatchString, Noun: noun, Example: example, Want: want}
	}
	connect := func(platform.Options) (platform.Platform, error) { return nil, errors.New("not in this test") }
	return platform.Table{
		{
			Name: "slack", Title: "Slack", FindsByEmail: true, Secrets: []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}, Connect: connect,
			Account: id("^[UW][A-Z0-9]{4,}$", "user", "U012AB3CD", "a Slack user ID, such as U012AB3CD (in the person's Slack profile: Copy member ID)"),
			Group:   id("^S[A-Z0-9]{4,}$", "user group", "S0123456", "the ID of a Slack user group, such as S0123456, which is not its handle"),
			Room:    id("^(#[\\p{Ll}0-9_-]+|[CG][A-Z0-9]{4,})$", "channel", "#ops", `# and its name in small letters, such as "room:slack:#ops", or its ID, such as "room:slack:C024BE7LR"`),
		},
		{
			Name: "discord", Title: "Discord",
			Account: id("^[0-9]{15,20}$", "user", "80351110224678912", `a Discord user ID, such as "80351110224678912" (in developer mode: Copy User ID)`),
		},
	}
}

func parse(t *testing.T, text string, o config.Options) *config.File {
	t.Helper()
	o.Platforms = platformTable()
	f, faults := config.Parse("t.yaml", []byte(strings.TrimPrefix(text, "\n")), o)
	if len(faults) > 0 {
		t.Fatalf("faults:\n%v", faults)
	}
	return f
}

// mailSection stands for an adapter's own struct.
type mailSection struct {
	Host        string        `yaml:"host"`
	Port        int           `yaml:"port"`
	From        string        `yaml:"from"`
	Username    string        `yaml:"username"`
	PasswordEnv string        `yaml:"password_env"`
	Timeout     time.Duration `yaml:"timeout"`
	Verify      bool          `yaml:"verify"`
	CC          []string      `yaml:"cc,omitempty"`
	EHLO        string        `yaml:"ehlo"`
	Timeouts    waitSection   `yaml:"timeouts"`

	Password string `yaml:"-"`
	Internal func()
}

// Validate returns two errors, one that begins with its key.
func (s *mailSection) Validate() error {
	var faults []error
	if s.Host == "" {
		faults = append(faults, errors.New("there is no host"))
	}
	if s.Port > 65535 {
		faults = append(faults, errors.New("port: there is no such port"))
	}
	return errors.Join(faults...)
}

// waitSection stands for a struct within an adapter's struct.
type waitSection struct {
	Connect    time.Duration `yaml:"connect"`
	Greeting   time.Duration `yaml:"greeting"`
	Command    time.Duration `yaml:"command"`
	Data       time.Duration `yaml:"data"`
	Transfer   time.Duration `yaml:"transfer"`
	Acceptance time.Duration `yaml:"acceptance"`
}

// Validate returns an error that begins with its key.
func (s waitSection) Validate() error {
	if s.Greeting > time.Hour {
		return errors.New("greeting is too long")
	}
	return nil
}

const exampleFile = "../../tocsin.example.yaml"

// TestExample reads the example of the project: what it configures is the
// golden data.
func TestExample(t *testing.T) {
	var mail mailSection
	var rooms chatSection
	asked := map[string]bool{}
	f, err := config.Load(exampleFile, config.Options{
		Platforms: platformTable(),
		Getenv: func(name string) string {
			asked[name] = true
			if name == "DEADMAN_URL" {
				return "https://watch.example.com/secret"
			}
			return "secret-of-" + name
		},
		Sections: map[string]any{"pagers.email": &mail, "chat.slack": &rooms}, CheckRoute: alerts.Compile,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"PROMETHEUS_HOOK_TOKEN": true, "CI_TOKEN": true, "SMTP_PASSWORD": true, "NOC_SECRET": true, "DEADMAN_URL": true}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(exampleOrganization(t), f.Organization, compareOptions()); diff != "" {
		t.Errorf("organization (-want +got):\n%s", diff)
	}
	if mail.Host != "smtp.example.com" || mail.Port != 587 || mail.Password != "secret-of-SMTP_PASSWORD" || mail.PasswordEnv != "SMTP_PASSWORD" ||
		mail.EHLO != "tocsin.example.com" || mail.Timeouts.Connect != 30*time.Second || mail.Timeouts.Acceptance != 10*time.Minute {
		t.Errorf("pagers.email is %+v", mail)
	}
	if want := (chatSection{Announce: "#incidents", ArchiveAfter: 7 * 24 * time.Hour}); rooms != want {
		t.Errorf("chat.slack is %+v", rooms)
	}
}

func exampleOrganization(t *testing.T) bot.Organization {
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	timetabled := func(spec string) timetable.Schedule {
		s, err := timetable.Parse(spec, zone("Europe/Berlin"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return bot.Organization{
		Name: "Example Shop", Zone: zone("Europe/Berlin"), URL: "https://tocsin.example.com",
		Directory: directory.Directory{
			People: []directory.Person{
				{
					ID: "ana", Name: "Ana Silva", Email: "ana@example.com", Department: "Payments", Zone: zone("Europe/Lisbon"),
					Accounts: map[string]string{"slack": "U012AB3CD", "discord": "80351110224678912"}, Access: commands.Commander,
					High: []directory.Method{{Via: "chat"}, {Via: "email", After: 2 * time.Minute}, {Via: "webhook", To: "noc", After: 3 * time.Minute}},
					Low:  []directory.Method{{Via: "email", To: "ana+later@example.com"}},
				},
				{ID: "ben", Name: "Ben Okafor", Email: "ben@example.com", Access: commands.Responder},
			},
			Teams: []directory.Team{
				{ID: "payments", Name: "Payments", Members: []string{"ana", "ben"}, Lead: "ana"},
				{ID: "database", Name: "Database", Groups: map[string]string{"slack": "S0123456"}},
			},
			Webhooks:  []string{"noc"},
			Pagers:    []string{"log", "email", "webhook"},
			Platforms: []directory.Platform{{Name: "slack", Title: "Slack", FindsByEmail: true}},
		},
		Services: []bot.Service{
			{
				ID: "checkout", Name: "Checkout", Team: "payments", Category: "software", Policy: "payments",
				DependsOn: []string{"database"}, Runbook: "https://wiki.example.com/checkout",
			},
			{ID: "database", Name: "Database", Team: "database", Category: "software"},
		},
		Categories: []string{"hardware", "software", "network", "security", "service-interruption"},
		Severities: map[string]workflow.SeverityPlan{
			"SEV1": {
				Name: "Critical", Definition: "Customers cannot buy", Urgency: workflow.High, Acknowledge: 5 * time.Minute, Update: 30 * time.Minute,
				Invite: []workflow.Target{"team:payments", "person:ben"},
			},
			"SEV2": {Name: "Major", Definition: "Many customers are hindered", Urgency: workflow.High, Acknowledge: 15 * time.Minute, Update: time.Hour},
			"SEV3": {Name: "Moderate", Urgency: workflow.Low, Acknowledge: time.Hour, Update: 4 * time.Hour},
			"SEV4": {Name: "Minor", Urgency: workflow.Low},
			"SEV5": {Name: "Low", Urgency: workflow.Low},
		},
		Matrix: workflow.DefaultMatrix(),
		Policies: []workflow.Policy{
			{ID: "payments", Repeat: 3, Fallback: "everyone", Steps: []workflow.PolicyStep{
				{Notify: []workflow.Target{"person:ana"}, Wait: 5 * time.Minute},
				{Notify: []workflow.Target{"team:payments"}, Wait: 10 * time.Minute, RoundRobin: true},
				{Notify: []workflow.Target{"team:payments", "webhook:noc"}, Wait: 15 * time.Minute},
			}},
			{ID: "everyone", Repeat: 3, Steps: []workflow.PolicyStep{
				{Notify: []workflow.Target{"person:ana", "person:ben"}, Wait: 15 * time.Minute},
			}},
		},
		Policy: "everyone", Fallback: "everyone", CatchAll: "room:slack:#ops",
		Checklist:     []string{"Customers can buy again", "The alert is quiet for a good reason"},
		Rules:         workflow.Rules{}.OrDefault(),
		DefaultAccess: commands.Guest,
		Tokens:        []bot.Token{{Name: "ci", Secret: "secret-of-CI_TOKEN", Access: commands.Responder, As: "ana"}},
		Integrations: []bot.Integration{{
			Name: "prometheus", Type: "alertmanager", Tokens: []string{"secret-of-PROMETHEUS_HOOK_TOKEN"}, Owner: "payments",
			Severities: map[string]workflow.Severity{"urgent": workflow.SEV1, "ticket": workflow.SEV4},
		}},
		Routes: []alerts.Route{
			{Match: `labels.severity == "info"`, Ignore: true, Line: exampleLine(t, `"info"`)},
			{Match: `labels.job == "checkout"`, Service: "checkout", Group: []string{"alertname", "cluster"}, Line: exampleLine(t, `"checkout"`)},
			{Match: `labels.team == "batch"`, Severity: "severity == SEV1 ? SEV2 : severity", Group: []string{"alertname", "job"}, Line: exampleLine(t, `"batch"`)},
		},
		Webhooks: []bot.Webhook{{Name: "noc", URL: "https://noc.example.com/tocsin", Secret: "secret-of-NOC_SECRET"}},
		Jobs: []bot.Job{
			{Name: "archive", Schedule: timetabled("17 * * * *"), Missed: bot.RunLate, Enabled: true},
			{Name: "audit-report", Schedule: timetabled("0 9 * * *"), Missed: bot.RunLate, Enabled: true, To: []workflow.Target{"team:payments", "room:slack:#ops"}},
			{Name: "deadman", Schedule: timetabled("@every 1m"), Missed: bot.Skip, Enabled: true},
			{Name: "overdue-updates", Schedule: timetabled("@every 15m"), Missed: bot.Skip, Enabled: true, To: []workflow.Target{"person:ana"}},
		},
		Retention: bot.Retention{ArchiveAfter: 24 * time.Hour, DeleteAfter: 400 * 24 * time.Hour},
		Deadman:   "https://watch.example.com/secret",
	}
}

// exampleLine returns the line of the example that contains a text.
func exampleLine(t *testing.T, part string) int {
	raw, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(raw), part)
	if !found {
		t.Fatalf("the example does not hold %s", part)
	}
	return strings.Count(before, "\n") + 1
}

// TestNothingConfigured: without a configuration the bot has all that it
// needs.
func TestNothingConfigured(t *testing.T) {
	want := bot.Default()
	want.Directory.Pagers, want.URL = []string{"log"}, "" // the server sets its own address
	for _, text := range []string{"", "# nothing\n", "---\n", "{}\n", "people:\nteams:\nseverities:\n"} {
		if diff := cmp.Diff(want, parse(t, text, optionsWithSecrets()).Organization, compareOptions()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	f, err := config.Load("", config.Options{Platforms: platformTable()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.Organization, compareOptions()); diff != "" {
		t.Errorf("without a file (-want +got):\n%s", diff)
	}
	if f.Has("pagers.email") {
		t.Error("there is a section")
	}
}

func TestLoadErrors(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "missing.yaml"), config.Options{Platforms: platformTable()})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "tocsin.yaml")
	if err = os.WriteFile(path, []byte("a: 1\nb: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = config.Load(path, config.Options{Platforms: platformTable()})
	faults, ok := errors.AsType[config.Faults](err)
	if !ok || len(faults) != 2 || faults[1].File != path || faults[1].Line != 2 || faults[1].Column != 1 {
		t.Errorf("got %#v", err)
	}
}

// TestDefaultsWithPeople: the defaults when only people are configured.
func TestDefaultsWithPeople(t *testing.T) {
	f := parse(t, `
people:
  - { id: ana, access: admin }
  - { id: ben, access: stakeholder }
  - { id: eve, access: responder }
  - { id: fay }
`, optionsWithSecrets())
	o := f.Organization
	want := []workflow.Policy{{ID: "default", Repeat: 3, Steps: []workflow.PolicyStep{{
		Notify: []workflow.Target{"person:ana", "person:eve"}, Wait: 5 * time.Minute,
	}}}}
	if diff := cmp.Diff(want, o.Policies); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	if o.Policy != "default" || o.DefaultAccess != commands.Guest || o.CatchAll != "log" {
		t.Errorf("policy %s, access %s, catch-all %s", o.Policy, o.DefaultAccess, o.CatchAll)
	}
	if fay := o.Directory.People[3]; fay.Access != commands.Guest || fay.Name != "fay" {
		t.Errorf("fay is %+v", fay)
	}
	o = parse(t, "default_access: responder\npeople: [{ id: fay }]\n", optionsWithSecrets()).Organization
	if o.DefaultAccess != commands.Responder || o.Directory.People[0].Access != commands.Responder {
		t.Errorf("access %s, fay's %s", o.DefaultAccess, o.Directory.People[0].Access)
	}
}

// TestDefaultPolicyIsBounded: the default policy pages no more people than a
// step may.
func TestDefaultPolicyIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("people:\n")
	for n := range 60 {
		fmt.Fprintf(&text, "  - { id: p%d, access: responder }\n", n)
	}
	o := parse(t, text.String(), optionsWithSecrets()).Organization
	if n := len(o.Policies[0].Steps[0].Notify); n != 40 {
		t.Errorf("it pages %d", n)
	}
}

func TestSmallDefaults(t *testing.T) {
	o := parse(t, `
categories: [storage]
services: [{ id: db, category: database }]
policies:
  - { id: a, steps: [{ notify: [log] }], repeat: 0, fallback: b }
  - { id: b, steps: [{ notify: ["policy:a"] }], fallback: a }
  - { id: default, steps: [{ notify: [log], wait: 1h30m }] }
priority: { high: { low: SEV1 } }
rules: { remind_every: 2s }
url: HTTPS://tocsin.example.com/
`, optionsWithSecrets()).Organization
	if diff := cmp.Diff([]string{"storage", "database"}, o.Categories); diff != "" {
		t.Errorf("categories: %s", diff)
	}
	a, d := o.Policies[0], o.Policies[2]
	if a.Repeat != 0 || a.Steps[0].Wait != 5*time.Minute || d.Repeat != 3 || d.Steps[0].Wait != 90*time.Minute || o.Policy != "default" {
		t.Errorf("policies are %+v, default %s", o.Policies, o.Policy)
	}
	if o.Matrix[workflow.High][workflow.Low] != workflow.SEV1 || o.Matrix[workflow.Low][workflow.Low] != workflow.SEV5 {
		t.Errorf("matrix is %v", o.Matrix)
	}
	if o.Rules.RemindEvery != 2*time.Second || o.Rules.ReopenWindow != 15*time.Minute || o.URL != "https://tocsin.example.com" {
		t.Errorf("rules are %v, url %s", o.Rules, o.URL)
	}
	o = parse(t, "policies: [{ id: only, steps: [{ notify: [log] }] }]\n", optionsWithSecrets()).Organization
	if o.Policy != "only" {
		t.Errorf("the only policy is not the default one but %s", o.Policy)
	}
}

// TestAliases: an alias repeats a whole value, any number of times.
func TestAliases(t *testing.T) {
	o := parse(t, `
policies:
  - { id: a, steps: &steps [{ notify: [log], wait: 1m }] }
  - { id: b, steps: *steps }
default_policy: a
`, optionsWithSecrets()).Organization
	if diff := cmp.Diff(o.Policies[0].Steps, o.Policies[1].Steps); diff != "" {
		t.Errorf("steps differ: %s", diff)
	}
}
