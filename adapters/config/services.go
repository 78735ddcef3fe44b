package config

import (
	"cmp"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot"
	"tocsin/workflow"
)

// service reads something that can break.
func (r *reader) service(n *yaml.Node) bot.Service {
	m := r.open(n, "a service")
	s := bot.Service{
		ID: m.name("id", aService), Name: m.text("name", nameLength),
		Team: m.refer("team", aTeam), Category: m.text("category", maxName), Policy: m.refer("policy", aPolicy),
		DependsOn: m.references("depends_on", aService), Runbook: m.link("runbook"),
	}
	s.Name = cmp.Or(s.Name, s.ID)
	if i := slices.Index(s.DependsOn, s.ID); i >= 0 && s.ID != "" {
		r.fault(m.take("depends_on"), "the service %s depends on itself; remove it from the list", quote(s.ID))
	}
	m.notYet("public", "the status page comes in a later version; remove it")
	m.done()
	return s
}

// severityWords are the severities by name.
func severityWords() []string { return []string{"SEV1", "SEV2", "SEV3", "SEV4", "SEV5"} }

// severities reads what each severity promises.
func (r *reader) severities(n *yaml.Node) map[string]workflow.SeverityPlan {
	m := r.open(n, `"severities"`)
	all := map[string]workflow.SeverityPlan{}
	for _, word := range severityWords() {
		if n := m.take(word); n != nil {
			all[word] = r.severity(n)
		}
	}
	m.done()
	if len(all) == 0 {
		return nil
	}
	return all
}

func (r *reader) severity(n *yaml.Node) workflow.SeverityPlan {
	m := r.open(n, "a severity")
	p := workflow.SeverityPlan{
		Name: m.text("name", nameLength), Definition: m.text("definition", definitionLength),
		Urgency:     workflow.Level(m.oneOf("urgency", "high", "low")),
		Acknowledge: m.duration("acknowledge", time.Second),
		Update:      r.cadence(m),
		Invite:      r.invited(m),
	}
	m.notYet("mitigate", "this clock comes in a later version; remove it")
	m.notYet("resolve", "this clock comes in a later version; remove it")
	m.notYet("calendar", "business hours come in a later version; remove it, and every hour counts")
	m.notYet("ack_timeout", "asking again after an acknowledgement comes in a later version; remove it")
	m.notYet("room", "when a room opens cannot be chosen yet; remove it, and it opens at once")
	m.done()
	return p
}

// cadence reads how often an update is due.
func (r *reader) cadence(m *mapping) time.Duration {
	n := m.take("update")
	if n != nil && n.Kind == yaml.ScalarNode && strings.HasPrefix(strings.TrimSpace(n.Value), "cron") {
		r.fault(n, "update: cron: not yet: updates at fixed times come in a later version; write a duration such as 4h")
		return 0
	}
	return m.duration("update", time.Second)
}

// matrix reads impact, then urgency, then the severity that follows. What is
// not stated keeps its published value.
func (r *reader) matrix(n *yaml.Node, into workflow.Matrix) {
	levels := []workflow.Level{workflow.High, workflow.Medium, workflow.Low}
	rows := r.open(n, `"priority"`)
	for _, impact := range levels {
		cells := r.open(rows.take(string(impact)), "an impact of \"priority\"")
		for _, urgency := range levels {
			if word := cells.oneOf(string(urgency), severityWords()...); word != "" {
				into[impact][urgency], _ = workflow.ParseSeverity(word)
			}
		}
		cells.done()
	}
	rows.done()
}
