package web

import (
	"crypto/rand"
	"net/http"
	"slices"

	"tocsin/commands"
	"tocsin/workflow"
)

// A declarePage is the form that opens an incident, and what the severities
// mean.
type declarePage struct {
	Op       string // names this page: the same declaration from it is one
	Title    field
	Impact   field
	Urgency  field
	Severity field
	Fields   []field // shown at once
	More     []field // shown on demand
	Matrix   []matrixRow
	Meanings []meaning
	Reply    *said
	Open     bool // something of More is filled in
}

// A matrixRow gives the severity for each urgency, of one impact.
type matrixRow struct {
	Impact workflow.Level
	Cells  []matrixCell
}

type matrixCell struct {
	Urgency  workflow.Level
	Severity string
}

// A meaning is what a severity promises.
type meaning struct {
	Severity, Name, Definition, Promise string
	Pages                               bool // as high urgency
}

func (s *server) declare(w http.ResponseWriter, r *http.Request, who reader) {
	s.showDeclare(w, r, who, nil, nil)
}

// showDeclare draws the form, filled in as it was sent.
func (s *server) showDeclare(w http.ResponseWriter, r *http.Request, who reader, filled map[string][]string, reply *said) {
	word, _ := s.Bot.Catalog().Find("declare")
	p := declarePage{Op: rand.Text(), Matrix: s.matrix(), Meanings: s.meanings(), Reply: reply}
	for _, f := range s.fields(r.Context(), word, who, filling{prefix: "declare", values: filled}) {
		switch f.Name {
		case "title":
			p.Title = f
		case "impact":
			p.Impact = f
		case "urgency":
			p.Urgency = f
		case "sev":
			p.Severity = f
		case "description", "service":
			p.Fields = append(p.Fields, f)
		case "private":
			if who.Person == "" { // nobody could see it any more
				continue
			}
			fallthrough
		default:
			p.More = append(p.More, f)
			p.Open = p.Open || f.Value() != ""
		}
	}
	slices.SortStableFunc(p.Fields, func(a, b field) int { return boolCompare(a.Kind == commands.Text, b.Kind == commands.Text) })
	s.render(w, r, http.StatusOK, view{name: "declare", title: "Declare an incident", reader: &who, page: p, path: "/declare"})
}

func (s *server) matrix() []matrixRow {
	levels := []workflow.Level{workflow.High, workflow.Medium, workflow.Low}
	org := s.Bot.Organization()
	rows := make([]matrixRow, 0, len(levels))
	for _, impact := range levels {
		row := matrixRow{Impact: impact}
		for _, urgency := range levels {
			row.Cells = append(row.Cells, matrixCell{urgency, org.Matrix[impact][urgency].String()})
		}
		rows = append(rows, row)
	}
	return rows
}

func (s *server) meanings() []meaning {
	org := s.Bot.Organization()
	var all []meaning
	for sev := workflow.SEV1; sev <= workflow.SEV5; sev++ {
		plan := org.Plan(nil, "").Severity(sev)
		m := meaning{Severity: sev.String(), Name: plan.Name, Definition: plan.Definition, Pages: plan.Urgency == workflow.High}
		if plan.Acknowledge > 0 {
			m.Promise = "acknowledged within " + span(plan.Acknowledge)
		}
		if plan.Update > 0 {
			if m.Promise != "" {
				m.Promise += ", "
			}
			m.Promise += "an update every " + span(plan.Update)
		}
		all = append(all, m)
	}
	return all
}
