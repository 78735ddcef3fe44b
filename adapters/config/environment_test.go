package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/adapters/config"
)

// readBoth returns what is read of a value in a variable, and of the same value in a file.
func readBoth(t *testing.T, read func(func(string) string, string) (string, error), value string) (variable, file string, errVariable, errFile error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOOK": value, "STORED_FILE": " " + path + "\n"}
	getenv := func(name string) string { return env[name] }
	variable, errVariable = read(getenv, "HOOK")
	file, errFile = read(getenv, "STORED")
	return variable, file, errVariable, errFile
}

// What editors, shells and copying add around a secret is trimmed, in a variable as in a
// file (P4b: what is no secret is refused).
func TestSecretsAreTrimmed(t *testing.T) {
	const secret = "nDNfZuA6Pq2/w+9=.~-"
	for _, around := range [][2]string{
		{"", ""},
		{"", "\n"},
		{"", "\r\n"},
		{"", "\r\n\r\n"},
		{"\n", ""},
		{" ", " "},
		{"\t", "\t \n"},
		{"\ufeff", ""},
		{"\ufeff", "\r\n"},
		{"", "\ufeff"},
		{"\u00a0", "\u00a0"},
		{"\u200b", "\u200b\n"},
		{"\n \ufeff", "\u2028\v\f\u0085"},
		{"\u2060", "\u200d"},
	} {
		for _, read := range []func(func(string) string, string) (string, error){config.ReadVariable, config.ReadToken} {
			variable, file, err1, err2 := readBoth(t, read, around[0]+secret+around[1])
			if variable != secret || file != secret || err1 != nil || err2 != nil {
				t.Errorf("%+q is read as %q and %q, %v, %v", around, variable, file, err1, err2)
			}
		}
	}
	if v, err := config.ReadVariable(func(string) string { return "" }, "HOOK"); v != "" || err != nil {
		t.Errorf("a variable that is not set: %q, %v", v, err)
	}
}

// What is no secret is refused in words that do not repeat it (P4b: what is no secret is
// refused; P4: secrets are never shown).
func TestWhatIsNoSecretIsRefused(t *testing.T) {
	const part = "nDNfZuA6Pq2wR8tK"
	for value, want := range map[string]string{
		"\n": "is empty", "\t \r\n": "is empty", "\ufeff": "is empty", "\u200b\n": "is empty",
		part + "\n" + part: "has more than one line", part + "\r" + part: "has more than one line", part + "\u2028" + part: "has more than one line",
		part + " " + part: "has white space inside", part + "\t" + part: "has a character that cannot be seen, U+0009",
		"Bearer " + part: "has white space inside", part + "\x1b[0m": "U+001B", part + "\u200b" + part: "U+200B", part + "\u00a0" + part: "U+00A0",
		part + "\x7f": "U+007F", part + "\ufeff" + part: "U+FEFF", part + "\u202e" + part: "U+202E", part + "ü" + part: "not ASCII",
		part + "–" + part: "not ASCII", part + "\xff": "is not text in UTF-8", "\xff\xfen\x00D\x00": "is text in UTF-16", "n\x00D\x00N\x00": "is text in UTF-16",
		`"` + part + `"`: "is in quotes", "'" + part + "'\n": "is in quotes", "`" + part + "`": "is in quotes", "“" + part + "”": "is in quotes", `"` + part: "has a quote at one end",
		"$HOOK_TOKEN_" + "OF_OURS": "a variable in it", "${HOOK_TOKEN_OF_OURS}": "a variable in it", "$hook_token_of_ours": "a variable in it",
		"$(cat/run/secrets/hook)": "a variable in it", "{{.Values.hookToken}}": "a variable in it", "%HOOK_TOKEN_OF_OURS%": "a variable in it",
		"redis://:${REDIS_PASSWORD}@redis:6379": "a variable in it", "<your-hook-token-here>": "a variable in it",
		"changeme": "is a placeholder", "change-me-to-something-long": "is a placeholder", "CHANGE_ME_CHANGE_ME": "is a placeholder", "xxxxxxxxxxxxxxxxxxxx": "is a placeholder",
		"xoxb-xxxxxxxxxxxx-xxxxxxxxxx": "is a placeholder", "your-token-goes-in-this-place": "is a placeholder", "****************": "is a placeholder",
		"replace-with-a-real-token": "is a placeholder", "xoxb-your-token": "is a placeholder", "insert-the-token-of-the-hook": "is a placeholder", "paste-token-here": "is a placeholder", "undefined": "is a placeholder", "null": "is a placeholder", "0000000000000000": "is a placeholder",
		"xoxb-12345...": "is cut off or hidden", "xoxb-12345…": "is cut off or hidden", "xoxb-****1234567": "is cut off or hidden",
	} {
		for name, read := range map[string]func(func(string) string, string) (string, error){"word": config.ReadVariable, "token": config.ReadToken} {
			variable, file, err1, err2 := readBoth(t, read, value)
			if variable != "" || file != "" || err1 == nil || err2 == nil {
				t.Errorf("%s %+q is read as %q and %q, %v, %v", name, value, variable, file, err1, err2)
				continue
			}
			if !strings.HasPrefix(err1.Error(), "HOOK ") || !strings.HasPrefix(err2.Error(), "the file that STORED_FILE names ") || !strings.Contains(err1.Error(), want) || !strings.Contains(err2.Error(), want) {
				t.Errorf("%s %+q: %v; %v; want %s", name, value, err1, err2, want)
			}
			if strings.Contains(err1.Error()+err2.Error(), part[:4]) || strings.Contains(err1.Error(), "\n") {
				t.Errorf("%s %+q is shown: %v; %v", name, value, err1, err2)
			}
		}
	}
	if _, err := config.ReadVariable(func(string) string { return "HOOK=" + part }, "HOOK"); err == nil || !strings.Contains(err.Error(), "begins with the name of the variable") {
		t.Errorf("a line of an env file: %v", err)
	}
}

// A token that can be guessed is refused, where it is a token that Tocsin accepts (P4b:
// what is no secret is refused).
func TestShortTokensAreRefused(t *testing.T) {
	getenv := func(value string) func(string) string {
		return func(name string) string { return map[string]string{"HOOK": value}[name] }
	}
	for value, fine := range map[string]bool{"tok\n": false, "nDNfZuA6Pq2wR8t": false, "nDNfZuA6Pq2wR8t\n\n": false, "nDNfZuA6Pq2wR8tK": true} {
		_, err := config.ReadToken(getenv(value), "HOOK")
		if fine != (err == nil) || err != nil && !strings.Contains(err.Error(), "HOOK is shorter than 16 characters, the minimum of a token, and could be guessed; make one with: openssl rand -hex 24") {
			t.Errorf("%q: %v", value, err)
		}
		o := optionsWithSecrets()
		o.Getenv = getenv(value)
		for _, text := range []string{
			"integrations: [{ name: a, type: alertmanager, token_env: HOOK }]", "integrations: [{ name: a, type: alertmanager, token_envs: [HOOK] }]",
			"tokens: [{ name: a, token_env: HOOK, access: guest }]",
		} {
			if faults := parseFaults(text, o); fine != (len(faults) == 0) {
				t.Errorf("%s: %q", text, faults)
			}
		}
	}
	if v, err := config.ReadVariable(getenv("short"), "HOOK"); v != "short" || err != nil {
		t.Errorf("a secret of others: %q, %v", v, err)
	}
}

// A password and a signing secret may be a phrase, in any script.
func TestPasswordsMayBePhrases(t *testing.T) {
	for value, want := range map[string]string{
		" correct horse battery staple\r\n": "correct horse battery staple", "pässwört": "pässwört", "pa$$word $HOME": "pa$$word $HOME", "it's": "it's", "nonesuch": "nonesuch",
		"a\nb": "", "${SMTP_PASSWORD}": "", `"quoted"`: "", "changeme": "", "a\u200bb": "", "\u00a0": "",
	} {
		o := optionsWithSecrets()
		o.Getenv = func(name string) string { return map[string]string{"MAIL": value}[name] }
		got := mailSection{Host: "smtp.example.com"}
		o.Sections = map[string]any{"pagers.email": &got}
		faults := parseFaults("pagers: { email: { host: smtp.example.com, password_env: MAIL } }", o)
		hook := parseFaults(`webhooks: [{ name: a, url: "https://noc.example.com", secret_env: MAIL }]`, o)
		if got.Password != want || (len(faults) == 0) != (want != "") || (len(hook) == 0) != (want != "") {
			t.Errorf("%q is read as %q, %q, %q", value, got.Password, faults, hook)
		}
	}
}
