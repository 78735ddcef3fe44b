package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/email/smtptest"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/workflow"
)

// runDoctor returns the output of the doctor for a data folder and a
// configuration.
func runDoctor(t *testing.T, data, config string) (text string, failed bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tocsin.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	d := &doctor{out: &out, log: slog.New(slog.DiscardHandler)}
	d.checkConfiguration(t.Context(), platforms(), file)
	d.checkStore(t.Context(), data)
	return out.String(), d.failed
}

func wantsLine(t *testing.T, text, line string) {
	t.Helper()
	if !strings.Contains(text, line) {
		t.Errorf("it does not say %q:\n%s", line, text)
	}
}

// TestDoctorLate: a page that no worker carries out is reported.
func TestDoctorLate(t *testing.T) {
	data := t.TempDir()
	text, failed := runDoctor(t, data, "organization: Example\n")
	wantsLine(t, text, "FAIL  store: the file "+data+"/tocsin.db does not exist: give the server's data folder with --data, or set REDIS_URL")
	if !failed {
		t.Error("it does not fail")
	}
	s := openTest(t, data)
	owed := time.Now().Add(-5 * time.Minute)
	_, err := s.Commit(t.Context(), bot.Commit{
		At: owed, Incident: "INC-1", Snapshot: []byte("{}"), Open: true, Events: []bot.StoredEvent{{Seq: 1, Body: []byte("{}")}},
		Tasks: []bot.Task{{ID: "INC-1/1.0", Owner: "INC-1", Lane: workflow.Lane{Class: workflow.ClassPage, Destination: "page:1"}, Due: owed}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, failed = runDoctor(t, data, "organization: Example\n"); failed {
		t.Errorf("it fails:\n%s", text)
	}
	wantsLine(t, text, "skip  store: "+data+"/tocsin.db: a running server uses it")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, _ = runDoctor(t, data, "organization: Example\n")
	wantsLine(t, text, "SQLite, synced at every commit, one process; 1 incident open")
	wantsLine(t, text, "warn  agenda: a page is 5 min late: is a server running?")
}

// TestDoctorSlack runs the checks of Slack with a valid token, a wrong one,
// and none.
func TestDoctorSlack(t *testing.T) {
	s := slacktest.New(slacktest.Options{})
	defer s.Close()
	ask := func(config string) (string, bool) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "tocsin.yaml")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		d := &doctor{out: &out, log: slog.New(slog.DiscardHandler)}
		d.checkConfiguration(t.Context(), platforms(), file)
		d.checkPlatforms(t.Context(), platforms())
		return out.String(), d.failed
	}
	config := "chat: { slack: { announce: \"#ops\" } }\ncatch_all: \"room:slack:#last\"\n"
	s.AddChannel(slacktest.Channel{Name: "last"})
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_USER_TOKEN", "SLACK_API_URL"} {
		t.Setenv(name, "")
		t.Setenv(name+"_FILE", "")
	}
	text, failed := ask(config)
	wantsLine(t, text, "skip  slack: not connected: SLACK_BOT_TOKEN is not set; docs/slack.md says how to connect it")
	if failed {
		t.Errorf("it fails:\n%s", text)
	}

	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(s.BotToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SLACK_BOT_TOKEN_FILE", file)
	t.Setenv("SLACK_APP_TOKEN", s.AppToken)
	t.Setenv("SLACK_API_URL", s.URL())
	text, failed = ask(config)
	wantsLine(t, text, "ok    slack: the token is valid: the app is in Tocsin Test")
	wantsLine(t, text, "ok    slack: #ops is made with the first announcement")
	wantsLine(t, text, "ok    slack: #last, which is paged, is there; the app joins it with the first page")
	wantsLine(t, text, "warn  slack: it has scopes that it does not use: ")
	wantsLine(t, text, "ok    slack: Socket Mode opens")
	if failed {
		t.Errorf("it fails:\n%s", text)
	}

	for want, set := range map[string][2]string{
		"FAIL  slack: invalid_auth: SLACK_BOT_TOKEN is not valid any more; install the app again; copy the": {"SLACK_BOT_TOKEN", "xoxb-no"},
		"FAIL  slack: SLACK_BOT_TOKEN is not a bot token, which begins with xoxb-":                          {"SLACK_BOT_TOKEN", "xapp-1"},
		"FAIL  slack: SLACK_API_URL is not the address of a server":                                         {"SLACK_API_URL", "slack.com"},
		"FAIL  slack: the file that SLACK_BOT_TOKEN_FILE names cannot be read: no such file":                {"SLACK_BOT_TOKEN_FILE", "/does/not/exist"},
		"FAIL  slack: SLACK_BOT_TOKEN is not set, and other secrets of Slack are":                           {"SLACK_BOT_TOKEN_FILE", ""},
	} {
		t.Run(set[0], func(t *testing.T) {
			t.Setenv(set[0], set[1])
			text, failed := ask(config)
			wantsLine(t, text, want)
			if !failed || strings.Contains(text, s.AppToken) {
				t.Errorf("it does not fail, or tells a secret:\n%s", text)
			}
		})
	}
}

// TestDoctorMail runs the check of a mail server that exists, and of one that
// does not.
func TestDoctorMail(t *testing.T) {
	host, port := smtptest.Start(t).HostPort()
	config := "pagers: { email: { host: HOST, port: PORT, from: tocsin@example.com } }\n"
	text, failed := runDoctor(t, t.TempDir(), strings.NewReplacer("HOST", host, "PORT", strconv.Itoa(port)).Replace(config))
	wantsLine(t, text, "ok    email: it answers and accepts the login; nothing was sent")
	wantsLine(t, text, "ok    email: Tocsin introduces itself (EHLO) as example.com, the domain of from")
	text, _ = runDoctor(t, t.TempDir(), "url: https://tocsin.example.net\n"+strings.NewReplacer("HOST", host, "PORT", strconv.Itoa(port)).Replace(config))
	wantsLine(t, text, "ok    email: Tocsin introduces itself (EHLO) as tocsin.example.net, the host of url")
	if !failed {
		t.Error("there is no store, and it does not fail")
	}
	text, _ = runDoctor(t, t.TempDir(), strings.NewReplacer("HOST", "127.0.0.1", "PORT", "1").Replace(config))
	wantsLine(t, text, "FAIL  email: reach mail server 127.0.0.1: ")
	wantsLine(t, text, "connection refused")
	text, failed = runDoctor(t, t.TempDir(), "pagers: { email: { host: 1")
	wantsLine(t, text, "FAIL  configuration: the configuration has faults:")
	if !failed {
		t.Error("it does not fail")
	}
}
