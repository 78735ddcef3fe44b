package workflow_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

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
			case from.IsOpen() && canFollowEveryOpen(to):
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

// canFollowEveryOpen reports whether status to can follow every open status.
func canFollowEveryOpen(to Status) bool {
	return !slices.ContainsFunc(Statuses(), func(s Status) bool { return s.IsOpen() && !s.CanMoveTo(to) })
}

// name returns the name of a status in a diagram.
func name(s Status) string {
	if s == "" {
		return "[*]"
	}
	return string(s)
}

// mermaid returns a diagram of the arrows, each once.
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

// TestStatusNext gives every input that could move an incident to an incident in
// every status. The moves that happen must be those of [Status.Next]: none is
// missing there, and none is listed that no input causes.
func TestStatusNext(t *testing.T) {
	got := map[Status]map[Status]bool{}
	histories := map[Status][]Event{"": nil} // how the first incident in each status came there
	for queue := []Status{""}; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		got[from] = map[Status]bool{}
		for _, in := range movingInputs() {
			out, _ := Step(Replay("INC-1", 1, histories[from]), in) // a refusal moves nothing
			history, status := slices.Clone(histories[from]), from
			for _, e := range out.Events {
				history = append(history, e)
				to := Replay("INC-1", 1, history).Status
				if to != status && status == from {
					got[from][to] = true
				}
				if _, seen := histories[to]; !seen {
					histories[to] = slices.Clone(history)
					queue = append(queue, to)
				}
				status = to
			}
		}
	}
	for _, from := range append([]Status{""}, Statuses()...) {
		for _, to := range Statuses() {
			if got[from][to] && !from.CanMoveTo(to) {
				t.Errorf("an input moves %q to %q, which Status.Next does not list", from, to)
			}
			if !got[from][to] && from.CanMoveTo(to) {
				t.Errorf("Status.Next lists %q to %q, and no input moves an incident that way", from, to)
			}
		}
	}
}

// movingInputs are the inputs that can change a status.
func movingInputs() []Input {
	firing := Mail{Started: 1, Samples: []Alert{{Key: "a", Title: "Disk full"}}}
	inputs := []Input{
		{Command: Declare{Title: "Checkout is down"}},
		{Command: Declare{Title: "Disk full", Source: SourceAlert}, Mail: []Mail{firing}},
		{Mail: []Mail{firing}},
		{Mail: []Mail{{Ended: 1}}},
		{Command: Wake{}},
		{Command: Resolve{Text: "Rolled back"}},
		{Command: Cancel{}},
		{Command: Close{Force: true, Reason: "a drill"}},
		{Command: Reopen{}},
		{Command: Merge{Into: "INC-2"}},
		{Command: Absorb{From: "INC-2", Began: true}},
		{Command: Absorb{From: "INC-2", Mail: firing}},
		{Command: Absorb{From: "INC-1"}}, // it comes back: the two were merged into each other
		{Command: UpdateMergeTarget{Ended: true, Release: true}},
	}
	for _, s := range Statuses() {
		inputs = append(inputs, Input{Command: SetStatus{To: s}}, Input{Command: PostUpdate{Text: "Better", Status: s}})
	}
	for n := range inputs {
		inputs[n].At, inputs[n].By = epoch.Add(24*time.Hour), Actor{Kind: ByPerson, ID: "ana", Name: "Ana"}
		inputs[n].Known = Known{Others: map[string]OtherIncident{"INC-2": {Status: Investigating}}}
	}
	return inputs
}
