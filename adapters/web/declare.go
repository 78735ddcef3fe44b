package web

import (
	"crypto/rand"
	"net/http"
	"slices"

	"tocsin/commands"
	"tocsin/workflow"
)

// declarePage is the form that declares an incident, and what the severities
// mean.
type declarePage struct {
	Op       string // identifies this page: the same declaration from it runs once
	Title    field
	Impact   field
	Urgency  field
	Severity field
	Fields   []field // shown directly
	More     []field // shown on demand
	Matrix   []matrixRow
	Meanings []severityMeaning
	Reply    *commandReply
	Open     bool // a field of More has a value
}

// matrixRow has the severities of one impact, a cell for each urgency.
type matrixRow struct {
	Impact workflow.Level
	Cells  []matrixCell
}

type matrixCell struct {
	Urgency  workflow.Level
	Severity string
}

// severityMeaning describes a severity and its deadlines.
type severityMeaning struct {
	Severity, Name, Definition, Promise string
	High                                bool // urgency
}

func (s *Server) handleDeclare(w http.ResponseWriter, r *http.Request, who reader) {
	s.writeDeclarePage(w, r, who, nil, nil)
}

// writeDeclarePage shows the form, with the values that were posted before.
func (s *Server) writeDeclarePage(w http.ResponseWriter, r *http.Request, who reader, filled map[string][]string, reply *commandReply) {
	word, _ := s.Engine.Catalog().Find("declare")
	p := declarePage{Op: rand.Text(), Matrix: s.severityMatrix(), Meanings: s.severityMeanings(), Reply: reply}
	for _, f := range s.formFields(r.Context(), word, who, formContext{prefix: "declare", values: filled}) {
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
		default:
			p.More = append(p.More, f)
			p.Open = p.Open || f.Value() != ""
		}
	}
	slices.SortStableFunc(p.Fields, func(a, b field) int { return compareBool(a.Kind == commands.Text, b.Kind == commands.Text) })
	s.render(w, r, http.StatusOK, view{name: "declare", title: "Declare an incident", reader: &who, page: p, path: "/declare"})
}

func (s *Server) severityMatrix() []matrixRow {
	levels := []workflow.Level{workflow.High, workflow.Medium, workflow.Low}
	org := s.Engine.Organization()
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

func (s *Server) severityMeanings() []severityMeaning {
	org := s.Engine.Organization()
	var all []severityMeaning
	for sev := workflow.SEV1; sev <= workflow.SEV5; sev++ {
		plan := org.Plan(nil, "").Severity(sev)
		m := severityMeaning{Severity: sev.String(), Name: plan.Name, Definition: plan.Definition, High: plan.Urgency == workflow.High}
		if plan.Acknowledge > 0 {
			m.Promise = "acknowledged within " + workflow.FormatDuration(plan.Acknowledge)
		}
		if plan.Update > 0 {
			if m.Promise != "" {
				m.Promise += ", "
			}
			m.Promise += "an update every " + workflow.FormatDuration(plan.Update)
		}
		all = append(all, m)
	}
	return all
}
