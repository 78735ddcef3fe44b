package workflow_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "tocsin/workflow"
)

var record = flag.Bool("record", false, "add to testdata/recorded what it lacks of today's facts, actions and snapshots")

// The files of testdata/recorded hold what earlier versions have stored. Every later
// version must read these lines and write them the same way: lines are added, never
// changed or removed.
const (
	recordedEvents    = "testdata/recorded/events.jsonl"
	recordedActions   = "testdata/recorded/actions.jsonl"
	recordedIncidents = "testdata/recorded/incidents.jsonl"
)

// TestRecorded reads each recorded line and writes it again. A fact or an action
// that this version does not know is kept as it is.
func TestRecorded(t *testing.T) {
	if *record {
		recordScenarios(t)
	}
	facts, actions := kindsOf(t, "fact"), kindsOf(t, "action")
	var events []Event
	for _, line := range readLines(t, recordedEvents) {
		e, err := DecodeEvent(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		sameBytes(t, line, func() ([]byte, error) { return EncodeEvent(e) })
		if u, ok := e.Fact.(UnknownFact); ok && facts[u.Kind] {
			t.Errorf("%s is a fact of this version, and factDecoder does not know it", u.Kind)
		}
		delete(facts, FactKind(e.Fact))
		events = append(events, e)
	}
	if !slices.ContainsFunc(events, func(e Event) bool { u, ok := e.Fact.(UnknownFact); return ok && u.Kind == "moon_rose" }) {
		t.Error("no event of a kind that no version knows is recorded")
	}
	Replay("INC-1", 1, events)
	for _, line := range readLines(t, recordedActions) {
		a, err := DecodeAction(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		sameBytes(t, line, func() ([]byte, error) { return EncodeAction(a) })
		if u, ok := a.(UnknownAction); ok && actions[u.Kind] {
			t.Errorf("%s is an action of this version, and actionDecoder does not know it", u.Kind)
		}
		delete(actions, kindOf(t, line))
	}
	for _, line := range readLines(t, recordedIncidents) {
		i, err := DecodeIncident(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		sameBytes(t, line, func() ([]byte, error) { return EncodeIncident(i) })
	}
	for _, missing := range []map[string]bool{facts, actions} {
		if len(missing) > 0 {
			t.Errorf("not recorded: %v; show them in a scenario, then run: go test ./workflow -run TestRecorded -record",
				slices.Sorted(maps.Keys(missing)))
		}
	}
}

func sameBytes(t *testing.T, line []byte, encode func() ([]byte, error)) {
	t.Helper()
	raw, err := encode()
	if err != nil || !bytes.Equal(raw, line) {
		t.Errorf("recorded:\n%s\nwritten now:\n%s (%v)", line, raw, err)
	}
}

func kindOf(t *testing.T, line []byte) string {
	t.Helper()
	var form struct{ Kind string }
	if err := json.Unmarshal(line, &form); err != nil {
		t.Fatal(err)
	}
	return form.Kind
}

// kindsOf returns the stored names that the methods with a name return.
func kindsOf(t *testing.T, method string) map[string]bool {
	t.Helper()
	kinds := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != method {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok {
					kind, _ := strconv.Unquote(l.Value)
					kinds[kind] = true
				}
				return true
			})
		}
	}
	if len(kinds) < 8 {
		t.Fatalf("only %d kinds found: are the methods still called %s?", len(kinds), method)
	}
	return kinds
}

// recordScenarios appends one line for each shape, see [shape], that the scenarios
// produce and no recorded line has.
func recordScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var events, actions, incidents [][]byte
	add := func(all *[][]byte, raw []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		*all = append(*all, raw)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := play(t, string(text))
		for _, e := range s.events {
			raw, bad := EncodeEvent(e)
			add(&events, raw, bad)
		}
		for _, card := range s.i.Cards() {
			s.actions = append(s.actions, card)
		}
		for _, a := range s.actions {
			raw, bad := EncodeAction(a)
			add(&actions, raw, bad)
		}
		raw, err := EncodeIncident(s.i)
		add(&incidents, raw, err)
	}
	addShapes(t, recordedEvents, events)
	addShapes(t, recordedActions, actions)
	addShapes(t, recordedIncidents, incidents)
}

func addShapes(t *testing.T, file string, lines [][]byte) {
	t.Helper()
	seen := map[string]bool{}
	for _, line := range readLines(t, file) {
		seen[shape(t, line)] = true
	}
	out, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, line := range lines {
		if s := shape(t, line); !seen[s] {
			seen[s] = true
			if _, err := out.Write(append(line, '\n')); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// shape returns the kind of a line and the names of the fields that it contains.
func shape(t *testing.T, line []byte) string {
	t.Helper()
	var form map[string]json.RawMessage
	if err := json.Unmarshal(line, &form); err != nil {
		t.Fatal(err)
	}
	names := []string{string(form["kind"])}
	for _, part := range []string{"fact", "action", "incident"} {
		var fields map[string]json.RawMessage
		if json.Unmarshal(form[part], &fields) == nil {
			names = append(names, slices.Sorted(maps.Keys(fields))...)
		}
	}
	return strings.Join(names, ",")
}

func readLines(t *testing.T, file string) [][]byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil && (!*record || !os.IsNotExist(err)) {
		t.Fatal(err)
	}
	var lines [][]byte
	for line := range bytes.Lines(raw) {
		lines = append(lines, bytes.TrimSuffix(line, []byte("\n")))
	}
	return lines
}
