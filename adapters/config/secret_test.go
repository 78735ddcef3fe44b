package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/config"
)

// A struct within the struct of an adapter keeps the values that are not
// configured, and its faults have their positions.
func TestSectionGroup(t *testing.T) {
	got := mailSection{Host: "smtp.example.com", Timeouts: waitSection{Connect: time.Second, Data: time.Minute}}
	o := optionsWithSecrets()
	o.Sections = map[string]any{"pagers.email": &got}
	parse(t, "pagers:\n  email:\n    timeouts: { greeting: 1m30s, data: never }\n", o)
	if want := (waitSection{Connect: time.Second, Greeting: 90 * time.Second}); got.Timeouts != want {
		t.Errorf("got %+v", got.Timeouts)
	}
	for text, want := range map[string]string{
		"{ gretting: 1m }":           `2:24: "gretting" is not a key of "pagers.email.timeouts"; did you mean "greeting"?`,
		"{ greeting: 2h }":           `2:34: pagers.email.timeouts: greeting is too long`,
		"{ greeting: soon }":         `2:34: "greeting": "soon" is not a duration; write a whole number and its unit: 30s, 5m, 4h or 2d`,
		"{ greeting: [1m] }":         `2:34: "greeting" must be a single value, not a list`,
		"5m":                         `2:22: "pagers.email.timeouts" must be keys with values, such as "name: …", not a single value`,
		"{ data: 5m, greeting: 60 }": `2:44: "greeting": "60" has no unit; write 60s, 60m, 60h or 60d`,
	} {
		o.Sections = map[string]any{"pagers.email": &mailSection{Host: "smtp.example.com"}}
		if diff := cmp.Diff([]string{want}, parseFaults("pagers:\n  email: { timeouts: "+text+" }\n", o)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestRotation(t *testing.T) {
	o := parse(t, "integrations: [{ name: a, type: alertmanager, token_envs: [NEW, OLD] }, { name: b, type: alertmanager }]\n", optionsWithSecrets()).Organization
	if diff := cmp.Diff([]string{"secret-of-the-test-new", "secret-of-the-test-old"}, o.Integrations[0].Tokens); diff != "" {
		t.Errorf("tokens: %s", diff)
	}
	if len(o.Integrations[1].Tokens) != 0 {
		t.Errorf("b has tokens of its own: %v", o.Integrations[1].Tokens)
	}
}

func TestSection(t *testing.T) {
	const text = `
pagers:
  email: { host: smtp.example.com, port: 25, timeout: 1m, verify: true, cc: [a@example.com], password_env: SMTP }
`
	read := func(into any) (*config.File, error) {
		o := optionsWithSecrets()
		o.Sections = map[string]any{"pagers.email": into}
		f, faults := config.Parse("t.yaml", []byte(strings.TrimPrefix(text, "\n")), o)
		if len(faults) > 0 {
			return nil, faults
		}
		return f, nil
	}
	got := mailSection{From: "kept@example.com"}
	f, err := read(&got)
	if err != nil || !f.Has("pagers.email") || f.Has("pagers.pigeon") {
		t.Fatalf("section: %v", err)
	}
	want := mailSection{
		Host: "smtp.example.com", Port: 25, From: "kept@example.com", Timeout: time.Minute, Verify: true,
		CC: []string{"a@example.com"}, PasswordEnv: "SMTP", Password: "secret-of-the-test-smtp",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("section (-want +got):\n%s", diff)
	}
	var strict struct {
		Hots string `yaml:"hots"`
		Port string `yaml:"port"`
	}
	_, err = read(&strict)
	if err == nil || !strings.HasPrefix(err.Error(), `t.yaml:2:12: "host" is not a key of "pagers.email"; did you mean "hots"?`) {
		t.Errorf("strict: %v", err)
	}
	if _, err = read(strict); err == nil {
		t.Error("a struct that cannot be filled was")
	}
}

// TestSectionsAreReadWithTheFile: the faults of an adapter's section are
// reported with all others.
func TestSectionsAreReadWithTheFile(t *testing.T) {
	o := optionsWithSecrets()
	o.Sections = map[string]any{"pagers.email": &mailSection{}}
	got := parseFaults("url: x\npagers:\n  email: { port: 99999, timeout: 5 }\nfoo: 1\n", o)
	if len(got) != 3 || got[1] != `3:34: "timeout": "5" has no unit; write 5s, 5m, 5h or 5d` {
		t.Errorf("got %q", got)
	}
	got = parseFaults("pagers:\n  email: { port: 99999 }\n", o)
	want := []string{"2:10: pagers.email: there is no host", "2:18: pagers.email: port: there is no such port"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("validated (-want +got):\n%s", diff)
	}
}

func TestSecretFromFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := map[string]string{
		"GOOD_FILE": write("good", "\ufeffhunter2-hunter2-hunter2\r\n"), "EMPTY_FILE": write("empty", "\n"), "LARGE_FILE": write("large", strings.Repeat("x", 70_000)),
		"MISSING_FILE": filepath.Join(dir, "hunter2"), "BOTH": "value-of-the-variable", "BOTH_FILE": write("both", "file"),
	}
	o := config.Options{Platforms: platformTable(), Getenv: func(name string) string { return env[name] }}
	tokens := parse(t, "tokens: [{ name: a, token_env: GOOD, access: guest }, { name: b, token_env: BOTH, access: guest }]\n", o).Organization.Tokens
	if tokens[0].Secret != "hunter2-hunter2-hunter2" || tokens[1].Secret != "value-of-the-variable" {
		t.Errorf("secrets are %q and %q", tokens[0].Secret, tokens[1].Secret)
	}
	got := parseFaults(`integrations:
  - { name: a, type: alertmanager, token_env: EMPTY }
  - { name: b, type: alertmanager, token_env: LARGE }
  - { name: c, type: alertmanager, token_env: MISSING }
  - { name: d, type: alertmanager, token_env: UNSET }
  - { name: e, type: alertmanager, token_env: hunter2 }
pagers: { email: { password_env: UNSET } }
`, o)
	want := []string{
		"2:47: the file that EMPTY_FILE names is empty; write the secret into it",
		"3:47: the file that LARGE_FILE names cannot be read: it is larger than 64 KiB",
		"4:47: the file that MISSING_FILE names cannot be read: no such file or directory",
		"5:47: the environment variable UNSET is not set; set it, or set UNSET_FILE to the path of a file that holds the secret",
		`6:47: "token_env" must be the name of an environment variable in capitals, such as SMTP_PASSWORD; the secret itself must not be in this file`,
		"7:34: the environment variable UNSET is not set; set it, or set UNSET_FILE to the path of a file that holds the secret",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// TestSecretsAreNeverShown: no fault repeats a secret, wherever it is in the
// file (P4: secrets are never shown).
func TestSecretsAreNeverShown(t *testing.T) {
	const secret = "hunter2-hunter2-hunter2"
	getenv := func(name string) string {
		if name == "BAD_FILE" {
			return "/nowhere/" + secret
		}
		if name == "BAD" {
			return ""
		}
		return secret
	}
	var faults []string
	for _, text := range []string{
		"tokens: [{ name: a, token_env: A, access: guest }, { name: b, token_env: B, access: guest }]",
		"tokens: [{ name: a, token_env: hunter2-hunter2-hunter2, access: guest }]",
		"tokens: [{ name: a, token_env: BAD, access: guest }]",
		"tokens: [{ name: a, token: hunter2-hunter2-hunter2 }]",
		"webhooks: [{ name: a, url: \"https://a:hunter2-hunter2-hunter2@example.com\", secret_env: A }]",
		"webhooks: [{ name: a, url: \"example.com/hunter2-hunter2-hunter2\", secret_env: A }]",
		"webhooks: [{ name: a, url: \"https://example.com:hunter2-hunter2-hunter2/\", secret_env: A }]",
		"url: \"https://example.com:hunter2-hunter2-hunter2/\"",
		"url: \"https://a:hunter2-hunter2-hunter2@example.com/\"",
		"pagers: { email: { password: hunter2-hunter2-hunter2, password_env: hunter2-hunter2-hunter2, port: A } }",
		"pagers: { email: { password_env: *hunter2-hunter2-hunter2 } }",
		"pagers: { email: { password_env: [hunter2-hunter2-hunter2] } }",
		"deadman: { url_env: A, url: https://example.com/hunter2-hunter2-hunter2 }",
	} {
		o := config.Options{Platforms: platformTable(), Getenv: getenv, Sections: map[string]any{"pagers.email": &mailSection{}}}
		got := parseFaults(text, o)
		if len(got) == 0 {
			t.Errorf("%s has no fault", text)
		}
		faults = append(faults, got...)
	}
	f := parse(t, "tokens: [{ name: a, token_env: A, access: guest }]\npagers: { email: { password_env: A } }\n", config.Options{Platforms: platformTable(), Getenv: getenv})
	encoded, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	faults = append(faults, fmt.Sprintf("%v %+v %#v %s %v %+v %#v", f, f, f, f, *f, *f, *f), string(encoded))
	for _, text := range faults {
		if strings.Contains(text, secret) {
			t.Errorf("the secret is shown: %s", text)
		}
	}
}
