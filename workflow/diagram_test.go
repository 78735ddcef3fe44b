package workflow_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	. "tocsin/workflow"
)

// TestDiagramsInDocs compares the state diagrams in docs/incident-life.md with
// [Status.Next]. With -update it rewrites them.
func TestDiagramsInDocs(t *testing.T) {
	const file = "../docs/incident-life.md"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	for marker, want := range map[string]string{"life": lifeDiagram(), "open": openDiagram()} {
		begin, end := "<!-- begin diagram "+marker+" -->\n", "<!-- end diagram "+marker+" -->"
		before, rest, found := strings.Cut(doc, begin)
		got, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("docs/incident-life.md has no section from %q to %q", begin, end)
		}
		if got != want && !*update {
			t.Errorf("the diagram %s differs from Status.Next; run: go test ./workflow -run TestDiagramsInDocs -update\nwant:\n%s\ngot:\n%s", marker, want, got)
		}
		doc = before + begin + want + end + after
	}
	if *update {
		if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// lifeDiagram draws every open status as one state, open, so that the diagram
// stays readable. An arrow to open names the statuses that it may lead to.
func lifeDiagram() string {
	var arrows []string
	for _, from := range append([]Status{""}, Statuses()...) {
		var open []string
		for _, to := range from.Next() {
			switch {
			case to.IsOpen():
				open = append(open, string(to))
			case from.IsOpen() && everyOpenMay(to):
				arrows = append(arrows, "open --> "+string(to))
			default:
				arrows = append(arrows, name(from)+" --> "+string(to))
			}
		}
		if len(open) > 0 && !from.IsOpen() {
			arrows = append(arrows, name(from)+" --> open : "+strings.Join(open, ", "))
		}
	}
	return mermaid(arrows)
}

// openDiagram draws the transitions between the open statuses.
func openDiagram() string {
	var arrows []string
	for _, from := range append([]Status{""}, Statuses()...) {
		for _, to := range from.Next() {
			if to.IsOpen() && (from.IsOpen() || from == "") {
				arrows = append(arrows, name(from)+" --> "+string(to))
			}
		}
	}
	return mermaid(arrows)
}

// everyOpenMay reports whether every open status may be followed by to.
func everyOpenMay(to Status) bool {
	return !slices.ContainsFunc(Statuses(), func(s Status) bool { return s.IsOpen() && !s.CanMoveTo(to) })
}

// name is what a status is called in a diagram.
func name(s Status) string {
	if s == "" {
		return "[*]"
	}
	return string(s)
}

// mermaid writes arrows as a diagram, each once.
func mermaid(arrows []string) string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	for n, a := range arrows {
		if !slices.Contains(arrows[:n], a) {
			b.WriteString("    " + a + "\n")
		}
	}
	b.WriteString("```\n")
	return b.String()
}
