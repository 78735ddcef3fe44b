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
	"tocsin/bot"
	"tocsin/workflow"
)

// examined is what the doctor says of a data folder and a configuration.
func examined(t *testing.T, data, config string) (text string, failed bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tocsin.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	d := &doctor{out: &out, log: slog.New(slog.DiscardHandler)}
	d.configuration(t.Context(), file)
	d.store(t.Context(), data)
	return out.String(), d.failed
}

func wantsLine(t *testing.T, text, line string) {
	t.Helper()
	if !strings.Contains(text, line) {
		t.Errorf("it does not say %q:\n%s", line, text)
	}
}

// TestDoctorLate: a page that nobody carries out is told of.
func TestDoctorLate(t *testing.T) {
	data := t.TempDir()
	text, failed := examined(t, data, "organization: Example\n")
	wantsLine(t, text, "FAIL  store: there is no "+data+"/tocsin.db: name the server's data folder with --data, or set REDIS_URL")
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
	if text, failed = examined(t, data, "organization: Example\n"); failed {
		t.Errorf("it fails:\n%s", text)
	}
	wantsLine(t, text, "ok    store: "+data+"/tocsin.db: a server is running on it")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, _ = examined(t, data, "organization: Example\n")
	wantsLine(t, text, "SQLite, synced at every commit, one process; 1 incident open")
	wantsLine(t, text, "warn  agenda: a page is 5m0s late: is a server running?")
}

// TestDoctorMail asks a real mail server, and one that is not there.
func TestDoctorMail(t *testing.T) {
	host, port := smtptest.Start(t).HostPort()
	config := "pagers: { email: { host: HOST, port: PORT, from: tocsin@example.com } }\n"
	text, failed := examined(t, t.TempDir(), strings.NewReplacer("HOST", host, "PORT", strconv.Itoa(port)).Replace(config))
	wantsLine(t, text, "ok    email: it answers, and accepts the login; nothing was sent")
	if !failed {
		t.Error("there is no store, and it does not fail")
	}
	text, _ = examined(t, t.TempDir(), strings.NewReplacer("HOST", "127.0.0.1", "PORT", "1").Replace(config))
	wantsLine(t, text, "FAIL  email: reach mail server 127.0.0.1: ")
	wantsLine(t, text, "connection refused")
	text, failed = examined(t, t.TempDir(), "pagers: { email: { host: 1")
	wantsLine(t, text, "FAIL  configuration: the configuration has faults:")
	if !failed {
		t.Error("it does not fail")
	}
}
