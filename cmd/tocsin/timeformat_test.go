package main

import (
	"bytes"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mayFormatTimes lists the files and folders that format times themselves, with the reason.
var mayFormatTimes = map[string]string{
	"bot/card/formatter.go":      "the formatter",
	"bot/timetable/timetable.go": "the stored name of a slot",
	"bot/intake/deadletter.go":   "the ID of a dead letter",

	"adapters/config/jobs.go":          "a duration as the configuration writes it",
	"adapters/email/timeouts.go":       "a duration as the configuration writes it",
	"adapters/slack/settings.go":       "a duration as the configuration writes it",
	"bot/timetable/parse.go":           "a duration as the configuration writes it",
	"adapters/redis/clock.go":          "an attribute of a line of the log",
	"adapters/slack/inbound/socket.go": "an attribute of a line of the log",
	"bot/jobs/run.go":                  "an attribute of a line of the log",
}

// TestTimeFormat: bot/card alone formats times for people, and workflow.FormatDuration
// durations, so that a time has its day, its zone and no seconds everywhere (O1d: a time
// is read without guessing). Machines read RFC 3339.
func TestTimeFormat(t *testing.T) {
	t.Parallel()
	packages := map[string][]string{} // the files by package
	exports := map[string]string{}
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}\t{{.Dir}}\t{{join .GoFiles \" \"}}", "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		exports[field[0]] = field[1]
		if field[0] != "tocsin" && !strings.HasPrefix(field[0], "tocsin/") || len(field) < 4 || strings.HasPrefix(field[0], "tocsin/bot/bottest") || strings.HasSuffix(field[0], "test") {
			continue
		}
		for name := range strings.FieldsSeq(field[3]) {
			packages[field[0]] = append(packages[field[0]], filepath.Join(field[2], name))
		}
	}
	if len(packages) < 30 {
		t.Fatalf("%d packages were read", len(packages))
	}
	set := token.NewFileSet()
	imports := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for path, names := range packages {
		var files []*ast.File
		for _, name := range names {
			f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		for _, at := range timesFormatted(t, path, set, files, imports) {
			position := set.Position(at)
			file := strings.TrimPrefix(filepath.ToSlash(position.Filename), rootFolder(t)+"/")
			if mayFormatTimes[file] == "" {
				t.Errorf("%s:%d formats a time or a duration itself: use card.FormatTime, card.FormatTimestamp for a log, or workflow.FormatDuration", file, position.Line)
			}
		}
	}
}

// TestTimeFormatSees: what the test above looks for is found, and nothing else.
func TestTimeFormatSees(t *testing.T) {
	t.Parallel()
	const source = `package p
import ("fmt"; "time")
const own = "15:04"
func f(at time.Time, d time.Duration, other fmt.Stringer) {
	_ = at.Format(own) // bad
	_ = at.AppendFormat(nil, time.Kitchen) // bad
	_ = d.Round(time.Second).String() // bad
	_ = fmt.Sprintf("%s late", d) // bad
	_ = fmt.Errorf("at %v", at) // bad
	_ = at.Format(time.RFC3339Nano)
	_ = fmt.Sprint(other.String(), int(d), at.Unix())
}`
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]bool{}
	for _, at := range timesFormatted(t, "p", set, []*ast.File{f}, importer.ForCompiler(set, "source", nil)) {
		found[set.Position(at).Line] = true
	}
	for n, line := range bytes.Split([]byte(source), []byte("\n")) {
		if bad := bytes.Contains(line, []byte("// bad")); bad != found[n+1] {
			t.Errorf("%s: found %v", line, found[n+1])
		}
	}
}

func rootFolder(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(root)
}

// timesFormatted returns where a package formats a time or a duration for people.
func timesFormatted(t *testing.T, path string, set *token.FileSet, files []*ast.File, imports types.Importer) []token.Pos {
	t.Helper()
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	if _, err := (&types.Config{Importer: imports}).Check(path, set, files, info); err != nil {
		t.Fatal(err)
	}
	var found []token.Pos
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			f, ok := info.Uses[name.Sel].(*types.Func)
			if ok && formatsTime(f, call, info) {
				found = append(found, call.Pos())
			}
			return true
		})
	}
	return found
}

// formatsTime reports whether a call formats a time or a duration for people.
func formatsTime(f *types.Func, call *ast.CallExpr, info *types.Info) bool {
	switch name := f.FullName(); {
	case name == "(time.Time).String", name == "(time.Duration).String":
		return true
	case name == "(time.Time).Format", name == "(time.Time).AppendFormat":
		layout := info.Types[call.Args[len(call.Args)-1]].Value
		return layout == nil || !strings.HasPrefix(constant.StringVal(layout), strings.TrimSuffix(time.RFC3339, "Z07:00"))
	case strings.HasPrefix(name, "fmt."):
		for _, a := range call.Args {
			if kind := types.TypeString(info.TypeOf(a), nil); kind == "time.Time" || kind == "time.Duration" {
				return true
			}
		}
	}
	return false
}
