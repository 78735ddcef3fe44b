package main_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"tocsin/adapters/slack"
)

var updateDocs = flag.Bool("update", false, "rewrite the generated tables in docs/slack.md")

// TestSlackScopesInDocs compares the scope tables in docs/slack.md with the
// scopes that the code declares. With -update it rewrites them.
func TestSlackScopesInDocs(t *testing.T) {
	const file = "../../docs/slack.md"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	for marker, scopes := range map[string][]slack.Scope{"bot scopes": slack.Scopes(), "user scopes": slack.UserScopes()} {
		begin, end := "<!-- begin "+marker+" -->\n", "<!-- end "+marker+" -->"
		before, rest, found := strings.Cut(doc, begin)
		table, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("docs/slack.md has no section from %q to %q", begin, end)
		}
		want := scopeTable(scopes)
		if table != want && !*updateDocs {
			t.Errorf("the table of %s differs from the code; run: go test ./cmd/tocsin -run TestSlackScopesInDocs -update\nwant:\n%s\ngot:\n%s", marker, want, table)
		}
		doc = before + begin + want + end + after
	}
	if *updateDocs {
		if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// scopeTable renders scopes as a Markdown table.
func scopeTable(scopes []slack.Scope) string {
	var b strings.Builder
	b.WriteString("| scope | the app … | without it |\n| --- | --- | --- |\n")
	for _, s := range scopes {
		b.WriteString("| `" + s.Name + "` | " + s.Why + " | " + s.Without + " |\n")
	}
	return b.String()
}
