package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// readersOfSecrets are the production files that may read the environment or a file, and
// what they read.
func readersOfSecrets() map[string]string {
	return map[string]string{
		"adapters/config/environment.go":            "the one reader of secrets",
		"adapters/config/config.go":                 "the configuration, in which no secret is",
		"cmd/tocsin/simulate.go":                    "the payload; its environment is handed to the reader",
		"cmd/tocsin/import.go":                      "the export that is imported",
		"cmd/tocsin/chaos.go":                       "which edges a test build dies at",
		"adapters/sqlite/lock.go":                   "the lock of the store",
		"adapters/sqlite/sqlite.go":                 "the file of the store",
		"adapters/sqlite/schema.go":                 "whether that file is whole",
		"cmd/tocsin/export.go":                      "the file that an export is written to",
		"adapters/redis/redistest/process.go":       "a server for tests",
		"adapters/redis/redistest/server.go":        "a server for tests",
		"adapters/redis/redistest/process_linux.go": "a server for tests",
		"adapters/email/smtptest/smtptest.go":       "a server for tests",
	}
}

// TestSecretsHaveOneReader: no other production code reads the environment or a file, and
// so no secret misses what the reader trims and refuses (P4b: what is no secret is refused).
func TestSecretsHaveOneReader(t *testing.T) {
	root := os.DirFS("../..")
	found := map[string]bool{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && isSkipped(root, name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, read := range outsideReads(t, name, string(text)) {
			found[name] = true
			if readersOfSecrets()[name] == "" {
				t.Errorf("%s: read it with config.ReadVariable, config.ReadToken or config.ReadSecretFile; what is no secret gets a line in this test", read)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range readersOfSecrets() {
		if !found[name] {
			t.Errorf("%s reads nothing any more: remove its line from this test", name)
		}
	}
}

func TestOutsideReadsAreFound(t *testing.T) {
	for text, want := range map[string]int{
		`import "os"; var v = os.Getenv("X")`: 1, `import "os"; var v, ok = os.LookupEnv("X")`: 1, `import "os"; var read = os.ReadFile`: 1,
		`import sys "os"; var v = sys.Getenv("X")`: 1, `import "syscall"; var v, ok = syscall.Getenv("X")`: 1, `import . "os"; var v = Getenv("X")`: 1,
		`import "os"; var v = os.Args`: 0, `import "tocsin/os"; var v = os.Getenv("X")`: 0,
	} {
		if got := outsideReads(t, "x.go", "package x; "+text); len(got) != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// outsideReads returns the places of a file that read the environment or a file.
func outsideReads(t *testing.T, name, text string) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	names := map[string]bool{}
	for _, imported := range file.Imports {
		at := strings.Trim(imported.Path.Value, `"`)
		switch {
		case at != "os" && at != "syscall" && at != "io/ioutil":
		case imported.Name == nil:
			names[path.Base(at)] = true
		case imported.Name.Name == ".":
			all = append(all, fmt.Sprintf("%s imports all of %s", name, at))
		default:
			names[imported.Name.Name] = true
		}
	}
	reads := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "ReadFile", "Open", "OpenFile", "DirFS", "OpenInRoot", "OpenRoot"}
	ast.Inspect(file, func(n ast.Node) bool {
		s, isSelector := n.(*ast.SelectorExpr)
		if !isSelector || !slices.Contains(reads, s.Sel.Name) {
			return true
		}
		if x, isIdent := s.X.(*ast.Ident); isIdent && names[x.Name] {
			all = append(all, fmt.Sprintf("%s reads with %s.%s", files.Position(s.Pos()), x.Name, s.Sel.Name))
		}
		return true
	})
	return all
}
