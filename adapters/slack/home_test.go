package slack

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/workflow"
)

func renderPlainHome(t *testing.T, h HomeData) string {
	t.Helper()
	v := HomeView(h)
	validView(t, v)
	return renderPlain(t, v.Blocks.BlockSet)
}

// TestHome: what a person finds on their Home tab.
func TestHome(t *testing.T) {
	yours := incident(workflow.Investigating, true)
	drill := incident(workflow.Triage, false)
	drill.ID, drill.Number, drill.Kind, drill.Severity, drill.Rooms, drill.Title = "INC-8", 8, workflow.Drill, workflow.SEV1, nil, "Practice <!channel> *now*"
	private := incident(workflow.Monitoring, false)
	private.ID, private.Number, private.Visibility, private.Severity, private.Services = "INC-9", 9, workflow.Private, workflow.SEV3, nil
	var all strings.Builder
	home := func(name string, h HomeData) { fmt.Fprintf(&all, "===== %s\n%s\n", name, renderPlainHome(t, h)) }
	home("empty", HomeData{URL: "https://tocsin.example.com"})
	home("nothing known", HomeData{})
	home("a guest", HomeData{Guest: true, Others: []workflow.Incident{drill, yours}, CanAcknowledge: func(*workflow.Incident) bool { return false }})
	home("full", HomeData{
		URL: "https://tocsin.example.com", Yours: []workflow.Incident{yours}, Others: []workflow.Incident{drill, private},
	})
	compareGolden(t, "home.golden.txt", all.String())
	v := HomeView(HomeData{URL: "https://tocsin.example.com", Yours: []workflow.Incident{yours}, Others: []workflow.Incident{drill}})
	compareGolden(t, "home.golden.json", indentJSON(t, v))
}

// TestHomeIsBounded: of many incidents the first are shown, in their order, and how many
// more there are.
func TestHomeIsBounded(t *testing.T) {
	h := HomeData{URL: "https://tocsin.example.com", MoreYours: 7, MoreOthers: 20}
	for n := range 100 {
		i := incident(workflow.Triage, false)
		i.ID, i.Number = fmt.Sprintf("INC-%d", n+100), n+100
		if n%2 == 0 {
			h.Yours = append(h.Yours, i)
		} else {
			h.Others = append(h.Others, i)
		}
	}
	got := renderPlainHome(t, h)
	for _, want := range []string{"and 7 more", "and 20 more", "INC-100 · ", "INC-101 · ", "INC-158 · ", "INC-159 · "} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(got, "INC-160 · ") || strings.Index(got, "INC-102 · ") < strings.Index(got, "INC-100 · ") {
		t.Errorf("it shows too many, or in another order:\n%s", got)
	}
}
