//go:build contract

package slack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// differences are where emulate answers otherwise than Slack's documents say, by
// the step in which it shows, with the reason. slacktest speaks for the
// documents. One that is not among them fails the test, and so does one that is
// not there any more.
var differences = map[string]string{
	"the scopes of the token":                      "it does not send X-OAuth-Scopes, by which the doctor knows what was granted (docs.slack.dev/authentication/installing-with-oauth)",
	"a token that nobody has":                      "it takes any token for its first user's",
	"a room that is there already":                 "it has no users.conversations, by which a channel is found to be ours",
	"a room's topic":                               "it keeps a topic as it comes; Slack escapes &, < and > (docs.slack.dev/messaging/formatting-message-text)",
	"a room's members":                             "it does not know force: who is in the channel keeps the others out (docs.slack.dev/reference/methods/conversations.invite)",
	"a post into an archived room":                 "it leaves the app in a channel that it archives; Slack takes it out, and a private one is then not to be seen (docs.slack.dev/reference/events/channel_archive)",
	"a room that was archived comes back to a bot": "it lets a bot unarchive a channel, which Slack denies (docs.slack.dev/reference/methods/conversations.unarchive, “Bug alert”)",
}

// TestContract plays the outgoing half against npm's emulate, and against what
// Slack's documents say, and compares.
func TestContract(t *testing.T) {
	want, got := play(t, documents), play(t, emulator)
	if len(want) != len(got) {
		t.Fatalf("%d steps there, %d here", len(want), len(got))
	}
	seen := map[string]bool{}
	for n, w := range want {
		g := got[n]
		switch reason, expected := differences[w.name]; {
		case w == g:
			t.Logf("the same: %s%s: %s", w.name, w.of, w.outcome)
		case expected:
			seen[w.name] = true
			t.Logf("expected: %s%s\n  documents %s\n  emulate   %s\n  because   %s", w.name, w.of, w.outcome, g.outcome, reason)
		default:
			t.Errorf("%s%s\n  documents %s\n  emulate   %s", w.name, w.of, w.outcome, g.outcome)
		}
	}
	for name := range differences {
		if !seen[name] {
			t.Errorf("%s: there is no difference any more; remove it from the list", name)
		}
	}
}

// party is a Slack to play against.
type party struct{ api, token string }

// documents is the strict fake.
func documents(t *testing.T, now func() time.Time) party {
	t.Helper()
	s := slacktest.New(slacktest.Options{Now: now, Scopes: names(Scopes())})
	t.Cleanup(s.Close)
	ana := s.AddUser(slacktest.User{Name: "ana", RealName: "Ana Silva", Email: "ana@example.com"})
	ben := s.AddUser(slacktest.User{Name: "ben", RealName: "Ben Okoro", Email: "ben@example.com"})
	s.AddChannel(slacktest.Channel{Name: "incidents", Members: []string{ana, ben}})
	return party{api: s.URL(), token: s.BotToken}
}

// emulator starts emulate on a free port. It asks for scopes as Slack does.
func emulator(t *testing.T, _ func() time.Time) party {
	t.Helper()
	program, err := filepath.Abs("testdata/emulate/node_modules/emulate/dist/index.js")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf("emulate is not installed: %v; run make contract", err)
	}
	token := "xoxb-contract"
	seed, err := json.Marshal(map[string]any{"slack": map[string]any{
		"team": map[string]string{"name": "Example", "domain": "example"},
		"users": []map[string]string{
			{"name": "tocsin", "real_name": "Tocsin", "email": "tocsin@example.com"},
			{"name": "ana", "real_name": "Ana Silva", "email": "ana@example.com"},
			{"name": "ben", "real_name": "Ben Okoro", "email": "ben@example.com"},
		},
		"channels":      []map[string]string{{"name": "incidents"}},
		"tokens":        []map[string]any{{"token": token, "user": "tocsin", "type": "bot", "scopes": names(Scopes())}},
		"strict_scopes": true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seed.json")
	if err = os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	cmd := exec.CommandContext(t.Context(), "node", program, "start", "--service", "slack", "--port", strconv.Itoa(port), "--seed", file)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("start emulate: %v", err)
	}
	ready, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		listening := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if !listening && strings.Contains(lines.Text(), "Config:") { // the last line, once it listens
				listening = true
				close(ready)
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-gone
		_ = cmd.Wait()
	})
	select {
	case <-ready:
	case <-gone:
		t.Fatal("emulate ended before it listened")
	case <-time.After(30 * time.Second):
		t.Fatal("emulate does not listen after 30 s")
	}
	return party{api: fmt.Sprintf("http://127.0.0.1:%d/api/", port), token: token}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
