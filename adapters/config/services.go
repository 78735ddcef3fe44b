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

// readService reads a service.
func (r *reader) readService(n *yaml.Node) bot.Service {
	m := r.openMapping(n, "a service")
	s := bot.Service{
		ID: m.readName("id", kindService), Name: m.readText("name", nameLength),
		Team: m.readReference("team", kindTeam), Category: m.readText("category", maxName), Policy: m.readReference("policy", kindPolicy),
		DependsOn: m.readReferences("depends_on", kindService), Runbook: m.readURL("runbook"),
	}
	s.Name = cmp.Or(s.Name, s.ID)
	if i := slices.Index(s.DependsOn, s.ID); i >= 0 && s.ID != "" {
		r.addFault(m.take("depends_on"), "the service %s depends on itself; remove it from the list", quote(s.ID))
	}
	m.rejectFuture("public", "the status page comes in a later version; remove it")
	m.rejectUnknown()
	return s
}

// severityWords returns the names of the severities.
func severityWords() []string { return []string{"SEV1", "SEV2", "SEV3", "SEV4", "SEV5"} }

// readSeverities reads the deadlines and texts of each severity.
func (r *reader) readSeverities(n *yaml.Node) map[string]workflow.SeverityPlan {
	m := r.openMapping(n, `"severities"`)
	all := map[string]workflow.SeverityPlan{}
	for _, word := range severityWords() {
		if n := m.take(word); n != nil {
			all[word] = r.readSeverity(n)
		}
	}
	m.rejectUnknown()
	if len(all) == 0 {
		return nil
	}
	return all
}

// readSeverity reads one severity.
func (r *reader) readSeverity(n *yaml.Node) workflow.SeverityPlan {
	m := r.openMapping(n, "a severity")
	p := workflow.SeverityPlan{
		Name: m.readText("name", nameLength), Definition: m.readText("definition", definitionLength),
		Urgency:     workflow.Level(m.readWord("urgency", "high", "low")),
		Acknowledge: m.readDuration("acknowledge", time.Second),
		Update:      r.readUpdateInterval(m),
		Invite:      r.readInvited(m),
	}
	m.rejectFuture("mitigate", "this deadline comes in a later version; remove it")
	m.rejectFuture("resolve", "this deadline comes in a later version; remove it")
	m.rejectFuture("calendar", "business hours come in a later version; remove it, and every hour counts")
	m.rejectFuture("ack_timeout", "asking the acknowledger again comes in a later version; remove it")
	m.rejectFuture("room", "rooms open at once; remove it")
	m.rejectUnknown()
	return p
}

// readUpdateInterval reads how often an update is due.
func (r *reader) readUpdateInterval(m *mapping) time.Duration {
	n := m.take("update")
	if n != nil && n.Kind == yaml.ScalarNode && strings.HasPrefix(strings.TrimSpace(n.Value), "cron") {
		r.addFault(n, "update: cron is not supported yet: updates at fixed times come in a later version; write a duration such as 4h")
		return 0
	}
	return m.readDuration("update", time.Second)
}

// readPriorityMatrix reads the severity for each impact and urgency. What is
// not configured keeps its default.
func (r *reader) readPriorityMatrix(n *yaml.Node, into workflow.Matrix) {
	levels := []workflow.Level{workflow.High, workflow.Medium, workflow.Low}
	rows := r.openMapping(n, `"priority"`)
	for _, impact := range levels {
		cells := r.openMapping(rows.take(string(impact)), "an impact of \"priority\"")
		for _, urgency := range levels {
			if word := cells.readWord(string(urgency), severityWords()...); word != "" {
				into[impact][urgency], _ = workflow.ParseSeverity(word)
			}
		}
		cells.rejectUnknown()
	}
	rows.rejectUnknown()
}
