package card_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var start = time.Date(2026, 3, 2, 3, 12, 0, 0, time.UTC)

func view() card.View {
	catalog := commands.New()
	return card.View{
		Zone: time.FixedZone("CET", 3600), URL: "https://tocsin.example.com",
		Name: func(id string) string { return map[string]string{"ana": "Ana Silva"}[id] },
		Word: func(w string) bool { _, ok := catalog.Find(w); return ok },
	}
}

// incident returns an incident in a status, with every part filled in.
func incident(s workflow.Status) workflow.Incident {
	i := workflow.Incident{
		ID: "INC-7", Number: 7, Seq: 12, Kind: workflow.Real, Title: "Checkout is down", Description: "Payments fail since the deploy.",
		Symptoms: []string{"HTTP 502"}, Reporter: workflow.Reporter{Name: "Cleo", Department: "Support", Contact: "ext. 12"},
		Category: "software", Services: []string{"checkout"}, Severity: workflow.SEV2, SeverityBasis: workflow.FromMatrix, Impact: workflow.High, Urgency: workflow.Medium,
		Status: s, DeclaredAt: start, Roles: map[string]string{"commander": "ana"},
		Alerts:  workflow.Alerts{Firing: 2, Resolved: 1, Total: 3, Truncated: 4},
		Meaning: "Major: a core function is hurt",
		Paperwork: workflow.Paperwork{
			ActionItems:  []workflow.ActionItem{{N: 1, Text: "Call the vendor", Assignee: "ana"}, {N: 2, Text: "Alert on expiry", FollowUp: true, Done: true}},
			Checklist:    []workflow.Check{{Text: "Users can pay"}, {Text: "Queue is empty", State: workflow.CheckFailed}},
			Links:        []workflow.Link{{URL: "https://wiki.example.com/checkout", Title: "Runbook"}, {Incident: "INC-3", Title: "before"}},
			Pins:         []workflow.Pin{{At: start, By: "Ana Silva", Text: "It began with the deploy"}},
			LatestUpdate: workflow.Update{At: start.Add(time.Minute), By: "Ana Silva", Text: "Rolling back"},
		}, Promises: workflow.Promises{UpdateBy: start.Add(time.Hour)},
	}
	if s != workflow.Triage {
		i.Acknowledgement.Person, i.Acknowledgement.Name, i.Acknowledgement.At = "ana", "Ana Silva", start.Add(30*time.Second)
	}
	return i
}

// TestCard compares the card in every status, as text.
func TestCard(t *testing.T) {
	var all strings.Builder
	for _, s := range workflow.Statuses() {
		m := card.Card(incident(s), view())
		all.WriteString("== " + string(s) + "\n" + card.Text(m))
		for _, a := range m.Buttons {
			all.WriteString("  [" + a.Label + "] " + a.Command + "\n")
		}
	}
	golden(t, "testdata/card.golden", all.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// TestButtons: a button's command parses and has at most 100 bytes, and a card
// has at most five buttons.
func TestButtons(t *testing.T) {
	catalog := commands.New()
	for _, s := range workflow.Statuses() {
		i := incident(s)
		i.ID, i.Seq = "INC-999999999", 2_000_000_000
		m := card.Card(i, view())
		page := card.Page(card.PageRequest{Incident: i, Purpose: workflow.PurposeEscalation}, view())
		if len(m.Buttons) > 5 {
			t.Errorf("%s shows %d buttons", s, len(m.Buttons))
		}
		for _, a := range append(m.Buttons, page.Buttons...) {
			if a.Command == "" {
				continue
			}
			word, _, _ := strings.Cut(a.Command, " ")
			if _, ok := catalog.Find(word); !ok || len(a.Command) > 100 {
				t.Errorf("%s: button %q", s, a.Command)
			}
		}
	}
}

// TestPageWords compares the text of each kind of page.
func TestPageWords(t *testing.T) {
	var all strings.Builder
	for _, p := range []workflow.Purpose{workflow.PurposeEscalation, workflow.PurposeJoin, workflow.PurposeNotice, workflow.PurposeCatchAll} {
		for _, v := range []workflow.Visibility{workflow.Public, workflow.Private} {
			i := incident(workflow.Investigating)
			i.Visibility = v
			m := card.Page(card.PageRequest{Incident: i, Purpose: p, Text: "Please look.", AckURL: "https://tocsin.example.com/ack/x", Alerts: map[bool]int{true: 3}[p == workflow.PurposeNotice]}, view())
			all.WriteString("== " + string(p) + " " + string(v) + "\n" + card.Text(m))
			for _, a := range m.Buttons {
				all.WriteString("  [" + a.Label + "] " + a.Command + " " + a.URL + "\n")
			}
			if text := all.String(); v == workflow.Private && strings.Contains(text[strings.LastIndex(text, "=="):], "Checkout") {
				t.Errorf("P2: a page shows what a private incident is about:\n%s", text)
			}
		}
	}
	golden(t, "testdata/page.golden", all.String())
}

// TestEveryFactHasWords: every fact has a sentence of its own; else the
// timeline would show its stored name.
func TestEveryFactHasWords(t *testing.T) {
	raw, err := os.ReadFile("../../workflow/testdata/recorded/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for line := range strings.Lines(string(raw)) {
		e, err := workflow.DecodeEvent([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		text := card.Line(e, time.UTC)
		if _, unknown := e.Fact.(workflow.UnknownFact); !unknown && text == strings.ReplaceAll(workflow.FactKind(e.Fact), "_", " ") {
			t.Errorf("%s has no words", workflow.FactKind(e.Fact))
		}
		all.WriteString(workflow.FactKind(e.Fact) + ": " + text + "\n")
	}
	golden(t, "testdata/lines.golden", all.String())
}
