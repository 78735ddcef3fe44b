package slack

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
	home("a guest", HomeData{Guest: true, Open: []workflow.Incident{drill, yours}, CanAcknowledge: func(*workflow.Incident) bool { return false }})
	home("full", HomeData{
		URL: "https://tocsin.example.com", Yours: []workflow.Incident{yours}, Open: []workflow.Incident{private, yours, drill},
	})
	compareGolden(t, "home.golden.txt", all.String())
	v := HomeView(HomeData{URL: "https://tocsin.example.com", Yours: []workflow.Incident{yours}, Open: []workflow.Incident{drill}})
	compareGolden(t, "home.golden.json", indentJSON(t, v))
}

// TestHomeIsBounded: of many incidents the worst are shown, and how many more
// there are.
func TestHomeIsBounded(t *testing.T) {
	h := HomeData{URL: "https://tocsin.example.com"}
	for n := range 100 {
		i := incident(workflow.Triage, false)
		i.ID, i.Number, i.Severity, i.DeclaredAt = fmt.Sprint("INC-", n), n, workflow.Severity(5-n%5), start.Add(time.Duration(n)*time.Second)
		if n%2 == 0 {
			h.Yours = append(h.Yours, i)
		}
		h.Open = append(h.Open, i)
	}
	got := renderPlainHome(t, h)
	for _, want := range []string{"and 20 more", "INC-4 · ", "SEV1"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(got, "SEV5") || strings.Count(got, "and 20 more") != 2 {
		t.Errorf("the worst are not first:\n%s", got)
	}
}
