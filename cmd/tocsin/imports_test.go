package main_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// TestImportRule checks the imports of every Go file of the module, whatever
// its build tags.
func TestImportRule(t *testing.T) {
	root := os.DirFS("../..")
	if mod, err := fs.ReadFile(root, "go.mod"); err != nil || !bytes.HasPrefix(mod, []byte("module "+module+"\n")) {
		t.Fatalf("../.. is not the root of module %s: %v", module, err)
	}
	seen := map[string]int{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && isSkipped(root, name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		seen[first(name)]++
		checkFile(t, root, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen["cmd"] == 0 {
		t.Fatalf("the walk missed this very folder, so it proves nothing: %v", seen)
	}
	t.Logf("files read: %v", seen)
}

// isSkipped reports whether the go command ignores a folder too: testdata,
// hidden folders, other modules.
func isSkipped(root fs.FS, name string) bool {
	base := path.Base(name)
	if name == "." {
		return false
	}
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := fs.Stat(root, path.Join(name, "go.mod"))
	return err == nil
}

// checkFile reports what in one file breaks the rule.
func checkFile(t *testing.T, root fs.FS, name string) {
	t.Helper()
	text, err := fs.ReadFile(root, name)
	if err != nil {
		t.Error(err)
		return
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return
	}
	s := source{folder: path.Dir(name), pkg: file.Name.Name, isATest: strings.HasSuffix(name, "_test.go")}
	if why := whyNotPlaced(s); why != "" {
		t.Errorf("%s: package %s: %s", name, s.pkg, why)
	}
	for imported, at := range imports(file) {
		if why := whyNotImport(s, imported); why != "" {
			t.Errorf("%s imports %s: %s", files.Position(at), imported, why)
		}
	}
	if !within(s.folder, "workflow", "commands") {
		return
	}
	for _, use := range clockReads(file) {
		t.Errorf("%s uses time.%s: %s is pure; time comes in as an argument",
			files.Position(use.Pos()), use.Sel.Name, first(s.folder))
	}
}

// TestImportRuleDecides checks the rule with made-up imports: without these it
// could pass by allowing everything.
func TestImportRuleDecides(t *testing.T) {
	const (
		production = ".go"
		inside     = "_test.go"          // a test in the package
		beside     = "_test.go, outside" // a test in package x_test
	)
	for _, c := range []struct {
		folder, kind, imported string
		want                   string // a part of the reason; "" means allowed
	}{
		{"workflow", production, "tocsin/commands", "workflow must not know commands"},
		{"workflow", inside, "tocsin/bot/card", "workflow must not know bot"},
		{"workflow/oncall", production, "tocsin/bot", "workflow must not know bot"},
		{"workflow", production, "context", "workflow is pure"},
		{"workflow", production, "net/url", "workflow is pure"},
		{"workflow", production, "os/exec", "workflow is pure"},
		{"workflow/calendar", production, "io/fs", "workflow is pure"},
		{"workflow", production, "log/slog", "workflow is pure"},
		{"workflow", production, "sync/atomic", "workflow is pure"},
		{"workflow", production, "github.com/google/go-cmp/cmp", "workflow is pure"},
		{"commands", production, "tocsin/bot", "commands must not know bot"},
		{"commands", production, "os", "commands is pure"},
		{"commands", production, "github.com/robfig/cron/v3", "commands is pure"},
		{"bot", production, "tocsin/adapters/slack", "bot must not know adapters"},
		{"bot", beside, "tocsin/adapters/sqlite", "bot must not know adapters"},
		{"bot", inside, "tocsin/adapters/memory", "bot must not know adapters"},
		{"bot", production, "tocsin/bot/bottest", "for tests alone"},
		{"bot", production, "net/http", "the bot takes"},
		{"bot/alerts", production, "net/http/httputil", "the bot takes"},
		{"bot", production, "github.com/slack-go/slack", "the bot takes"},
		{"bot/card", production, "github.com/google/go-cmp/cmp", "the bot takes"},
		{"bot/bottest", production, "tocsin/adapters/memory", "bot must not know adapters"},
		{"bot/bottest", inside, "tocsin/adapters/memory", "bot must not know adapters"},
		{"bot/bottest", beside, "tocsin/adapters/redis", "bot must not know adapters"},
		{"bot/bottest", production, "net/http/httptest", "the bot takes"},
		{"adapters/slack", production, "tocsin/adapters/discord", "never import each other"},
		{"adapters/slack", inside, "tocsin/adapters/sqlite", "never import each other"},
		{"adapters/slack", production, "tocsin/adapters/memory", "never import each other"},
		{"adapters/slack", production, "tocsin/cmd/tocsin", "adapters must not know cmd"},
		{"adapters/slack", production, "tocsin/bot/bottest", "for tests alone"},
		{"adapters/web", production, "tocsin/bot/app", "small interfaces"},
		{"adapters/slack", production, "tocsin/adapters/slack/inbound", "the client side"},
		{"adapters/slack", production, "tocsin/bot/app", "small interfaces"},
		{"adapters/slack", production, "tocsin/bot/conversation", "the client side"},
		{"adapters/slack", production, "tocsin/bot/dispatch", "the client side"},
		{"adapters/slack", production, "tocsin/bot/incidents", "the client side"},
		{"cmd/tocsin", production, "tocsin/bot/bottest", "for tests alone"},
		{"cmd/tocsin", production, "tocsin/charts/tocsin", "at the root only"},

		{"workflow", production, "tocsin/workflow/calendar", ""},
		{"workflow", production, "encoding/json", ""},
		{"workflow", production, "github.com/robfig/cron/v3", ""},
		{"workflow", inside, "pgregory.net/rapid", ""},
		{"workflow", inside, "os", ""},
		{"commands", production, "tocsin/workflow", ""},
		{"commands", production, "golang.org/x/text/unicode/norm", ""},
		{"bot/alerts", production, "github.com/expr-lang/expr/vm", ""},
		{"bot", production, "github.com/prometheus/client_golang/prometheus", ""},
		{"bot", production, "log/slog", ""},
		{"bot", beside, "tocsin/bot/bottest", ""},
		{"bot/bottest", production, "tocsin/workflow", ""},
		{"bot/bottest", production, "github.com/google/go-cmp/cmp", ""},
		{"bot/bottest", beside, "tocsin/adapters/memory", ""},
		{"bot", beside, "tocsin/adapters/memory", ""},
		{"adapters/slack", production, "net/http", ""},
		{"adapters/slack", production, "github.com/slack-go/slack", ""},
		{"adapters/slack", production, "tocsin/adapters/slack/blocks", ""},
		{"adapters/slack", production, "tocsin/bot/access", ""},
		{"adapters/slack", inside, "tocsin/adapters/memory", ""},
		{"adapters/web", beside, "tocsin/bot/app", ""},
		{"cmd/tocsin", production, "tocsin/bot/app", ""},
		{"adapters/slack/inbound", production, "tocsin/adapters/slack", ""},
		{"adapters/slack/inbound", production, "tocsin/bot/dispatch", ""},
		{"adapters/slack", beside, "tocsin/bot/bottest", ""},
		{"cmd/tocsin", production, "tocsin/adapters/slack", ""},
		{"cmd/tocsin", production, "github.com/spf13/cobra", ""},
	} {
		s := source{folder: c.folder, pkg: path.Base(c.folder), isATest: c.kind != production}
		if c.kind == beside {
			s.pkg += "_test"
		}
		if got := whyNotImport(s, c.imported); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s (%s) importing %s: got %q, want %q", c.folder, c.kind, c.imported, got, c.want)
		}
	}
}

// TestImportRulePlaces does the same for the folders and names of packages.
func TestImportRulePlaces(t *testing.T) {
	for _, c := range []struct{ folder, pkg, want string }{
		{".", "tocsin", "at the root only"},
		{"internal/card", "card", "at the root only"},
		{"charts/tocsin", "charts", "at the root only"},
		{"adapters", "adapters", "one folder for each"},
		{"bot/util", "util", "util is neither"},
		{"adapters/slack/types", "types", "types is neither"},
		{"bot/card", "helpers", "helpers is neither"},
		{"workflow/common", "common_test", "common is neither"},
		{"bot/models", "models", "models is neither"},
		{"workflow/oncall", "oncall_test", ""},
		{"cmd/tocsin", "main", ""},
	} {
		got := whyNotPlaced(source{folder: c.folder, pkg: c.pkg})
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("package %s in %s: got %q, want %q", c.pkg, c.folder, got, c.want)
		}
	}
}

// TestImportRuleClock does the same for the clock of the machine.
func TestImportRuleClock(t *testing.T) {
	for text, want := range map[string]int{
		`import "time"; var now = time.Now`:                                        1,
		`import clock "time"; func f() { clock.Sleep(1); _ = clock.Now().Unix() }`: 2,
		`import "time"; var d = time.Since(time.Time{})`:                           1,
		`import "time"; var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)`:   0,
		`type c struct{}; func (c) Now() int { return 0 }; var now = c{}.Now()`:    0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package workflow; "+text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := clockReads(file); len(got) != want {
			t.Errorf("%s: %d uses found, want %d", text, len(got), want)
		}
	}
}
