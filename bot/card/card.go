package card

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tocsin/workflow"
)

// View says for which reader a message is rendered, and where it is shown.
type View struct {
	Zone   *time.Location
	Stamps bool                // times are stamps, for a platform that shows each reader their own zone (see [ParseSpans])
	URL    string              // base URL of the browser's pages; "" for none
	Name   func(string) string // returns a person's name; nil shows IDs
	Reader string              // ID of the person that the card is rendered for; "": for everyone in a room
	Word   func(string) bool   // reports whether a command exists, so that its button is shown; nil: all do
}

func (v View) name(id string) string {
	if v.Name == nil || id == "" {
		return id
	}
	return cmp.Or(v.Name(id), id)
}

func (v View) link(i workflow.Incident) string {
	if v.URL == "" {
		return ""
	}
	return v.URL + "/incidents/" + i.ID
}

// Title returns the first line of a card: "INC-7 · Checkout is down".
func Title(i workflow.Incident) string {
	t := i.ID + " · " + i.Title
	if i.Kind == workflow.Drill {
		t = i.ID + " · DRILL · " + i.Title
	}
	if i.Status == workflow.Resolved || i.Status == workflow.Closed {
		t = "✅ " + t
	}
	return t
}

// The fields and the sections of a card that the browser shows in a way of its own.
const (
	FieldStatus       = "Status"
	FieldAcknowledged = "Acknowledged"
	FieldVisibility   = "Visibility"

	SectionLatestUpdate = "Latest update"
	SectionPinned       = "Pinned"
	SectionTasks        = "Tasks"
	SectionVerification = "Verification"
	SectionLinks        = "Links"
)

// Card renders the whole incident: its state, fields, sections and buttons.
func Card(i workflow.Incident, v View) Content {
	w := v.formatter()
	m := Content{Title: Title(i), Text: i.Description}
	field := func(name, value string) {
		if value != "" {
			m.Fields = append(m.Fields, Field{name, value})
		}
	}
	field("Severity", severity(i))
	field(FieldStatus, status(i))
	field("Service", strings.Join(i.Services, ", "))
	field("Commander", v.name(i.Roles[workflow.Commander]))
	field(FieldAcknowledged, acknowledgerText(i, w))
	field("Reporter", reporter(i))
	field("Started", w.time(i.DeclaredAt))
	if i.Visibility == workflow.Private {
		field(FieldVisibility, "private")
	}
	field("Category", i.Category)
	field("Impact", string(i.Impact))
	field("Alerts", alerts(i))
	field("Cause", i.Paperwork.Cause)
	field("Resolution", i.Ending.Resolution)
	if len(i.Symptoms) > 0 {
		m.Sections = append(m.Sections, Section{Heading: "Symptoms", Lines: i.Symptoms})
	}
	if i.Paperwork.LatestUpdate.Text != "" {
		lines := []string{i.Paperwork.LatestUpdate.Text, cmp.Or(i.Paperwork.LatestUpdate.By, "Tocsin") + ", " + w.time(i.Paperwork.LatestUpdate.At)}
		if !i.Promises.UpdateBy.IsZero() {
			lines = append(lines, "Next update due "+w.at(i.Paperwork.LatestUpdate.At).time(i.Promises.UpdateBy))
		}
		m.Sections = append(m.Sections, Section{Heading: SectionLatestUpdate, Lines: lines})
	}
	if len(i.Paperwork.Pins) > 0 {
		var lines []string
		for _, p := range i.Paperwork.Pins {
			lines = append(lines, p.Text+" ("+cmp.Or(p.By, "Tocsin")+", "+w.time(p.At)+")")
		}
		m.Sections = append(m.Sections, Section{Heading: SectionPinned, Lines: lines})
	}
	m.Sections = append(m.Sections, roomSections(i, v)...)
	m.Sections = append(m.Sections, workSections(i)...)
	m.Buttons, m.More = primaryButtons(i, v), secondaryButtons(i, v)
	m.Footer = v.link(i)
	return m
}

func severity(i workflow.Incident) string {
	s := strings.TrimSpace(i.Severity.String() + " " + i.Meaning)
	switch i.SeverityBasis {
	case workflow.FromMatrix:
		s += fmt.Sprintf(" (impact %s × urgency %s)", cmp.Or(string(i.Impact), "medium"), cmp.Or(string(i.Urgency), "medium"))
	case workflow.FromPerson:
		s += " (set by " + cmp.Or(i.SeverityBy.Name, i.SeverityBy.ID) + ")"
	case workflow.FromAlert:
		s += " (from the worst alert)"
	case workflow.FromDefault:
		s += " (default)"
	}
	if len(i.Alerts.Unmapped) > 0 {
		s += fmt.Sprintf(", %q is not mapped: pages as high urgency", strings.Join(i.Alerts.Unmapped, ", "))
	}
	return s
}

func status(i workflow.Incident) string {
	s := string(i.Status)
	if i.IsUnattended() {
		s += " · UNATTENDED"
	}
	if i.Merge.Into != "" {
		s += " into " + i.Merge.Into
	}
	return s
}

func acknowledgerText(i workflow.Incident, w formatter) string {
	if !i.IsAcknowledged() {
		if i.IsOpen() {
			return "not yet"
		}
		return ""
	}
	return "by " + cmp.Or(i.Acknowledgement.Name, i.Acknowledgement.Person) + ", " + w.time(i.Acknowledgement.At)
}

func reporter(i workflow.Incident) string {
	parts := []string{}
	for _, p := range []string{i.Reporter.Name, i.Reporter.Department, i.Reporter.Contact} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

func alerts(i workflow.Incident) string {
	a := i.Alerts
	if a.Total+a.Truncated == 0 {
		return ""
	}
	s := fmt.Sprintf("%d firing, %d resolved", a.Firing, a.Resolved)
	if a.Truncated > 0 {
		s += fmt.Sprintf(", %d left out by the sender", a.Truncated)
	}
	return s
}

// workSections lists the tasks, the verification and the links.
func workSections(i workflow.Incident) []Section {
	var all []Section
	add := func(heading string, lines []string) {
		if len(lines) > 12 {
			lines = append(lines[:12:12], fmt.Sprintf("and %d more", len(lines)-12))
		}
		if len(lines) > 0 {
			all = append(all, Section{Heading: heading, Lines: lines})
		}
	}
	var tasks, checks, links []string
	for _, t := range i.Paperwork.ActionItems {
		line := fmt.Sprintf("%s %d %s", checkbox(t.Done), t.N, t.Text)
		if t.FollowUp {
			line += " (follow-up)"
		}
		if t.Assignee != "" {
			line += " @" + t.Assignee
		}
		tasks = append(tasks, line)
	}
	for n, c := range i.Paperwork.Checklist {
		checks = append(checks, fmt.Sprintf("%s %d %s", map[workflow.CheckState]string{
			workflow.CheckPassed: "☑", workflow.CheckFailed: "☒",
		}[c.State]+map[bool]string{true: "☐"}[c.State == ""], n+1, c.Text))
	}
	for _, l := range i.Paperwork.Links {
		links = append(links, strings.TrimSpace(l.Title+" "+l.URL+l.Incident))
	}
	add(SectionTasks, tasks)
	add(SectionVerification, checks)
	add(SectionLinks, links)
	return all
}

func checkbox(done bool) string {
	if done {
		return "☑"
	}
	return "☐"
}

// primaryButtons returns the buttons for the incident's status. Their commands
// carry the sequence number that the reader has seen.
func primaryButtons(i workflow.Incident, v View) []Button {
	var all []Button
	add := func(label, word, rest string) {
		if v.Word == nil || v.Word(word) {
			all = append(all, Button{Label: label, Command: strings.TrimSpace(word + " " + i.ID + " " + rest), Main: len(all) == 0})
		}
	}
	seen := fmt.Sprintf("--seen %d", i.Seq)
	switch {
	case i.Status == workflow.Triage:
		if !i.IsAcknowledged() {
			add("Acknowledge", "ack", seen)
		}
		add("Accept", "status", "investigating")
		add("Decline", "cancel", "")
		add("Merge", "merge", "")
	case i.Status == workflow.Monitoring:
		if !i.IsAcknowledged() && (i.Paging.State == workflow.Running || i.Paging.State == workflow.Exhausted) {
			add("Acknowledge", "ack", seen)
		}
		add("Post update", "update", "")
		add("Resolve", "resolve", "")
	case i.IsOpen():
		if !i.IsAcknowledged() {
			add("Acknowledge", "ack", seen)
		}
		add("Post update", "update", "")
		add("Assign role", "assign", "")
		add("Page someone", "page", "")
		add("Resolve", "resolve", "")
	case i.Status == workflow.Resolved:
		add("Postmortem", "postmortem", "")
		add("Reopen", "reopen", "")
		add("Close incident", "close", "")
		for n := range all { // the usual next step; reopening pages people again
			all[n].Main = all[n].Label == "Close incident"
		}
	case i.Status == workflow.Closed, i.Status == workflow.Canceled:
		add("Reopen", "reopen", "")
	}
	return addPersonalButtons(all, i, v)
}

// addPersonalButtons adds the buttons that only the reader of the card has use for: to
// acknowledge, first, for one who is asked to join; else to take the lead.
func addPersonalButtons(all []Button, i workflow.Incident, v View) []Button {
	can := func(word string) bool { return v.Reader != "" && i.IsAcknowledged() && (v.Word == nil || v.Word(word)) }
	switch {
	case can("ack") && i.IsAwaiting(v.Reader):
		for n := range all {
			all[n].Main = false
		}
		join := Button{Label: "Acknowledge", Command: fmt.Sprintf("ack %s --seen %d", i.ID, i.Seq), Main: true}
		all = append([]Button{join}, all...)
	case can("lead") && i.IsOpen() && i.Roles[workflow.Commander] == "":
		all = append(all, Button{Label: "Take lead", Command: "lead " + i.ID})
	}
	return all
}

// Row renders an incident as one line of a list.
func Row(i workflow.Incident, v View) string {
	parts := []string{i.ID, i.Severity.String(), string(i.Status)}
	switch {
	case i.IsUnattended():
		parts = append(parts, "UNATTENDED")
	case i.IsAcknowledged():
		parts = append(parts, "acknowledged by "+cmp.Or(i.Acknowledgement.Name, i.Acknowledgement.Person))
	case i.IsOpen():
		parts = append(parts, "not acknowledged")
	}
	if len(i.Services) > 0 {
		parts = append(parts, strings.Join(i.Services, ", "))
	}
	return strings.Join(parts, " · ") + " · " + i.Title
}

// Text renders a message as plain text, for the command line and the log.
func Text(m Content) string {
	var b strings.Builder
	b.WriteString(m.Title + "\n")
	if m.Text != "" {
		b.WriteString(m.Text + "\n")
	}
	for _, f := range m.Fields {
		fmt.Fprintf(&b, "  %-13s %s\n", f.Name, f.Value)
	}
	for _, s := range m.Sections {
		fmt.Fprintf(&b, "  %s\n", strings.TrimSpace(s.Heading+"  "+s.Link))
		for _, l := range s.Lines {
			fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(l, "\n", "\n    "))
		}
	}
	if m.Footer != "" {
		b.WriteString("  " + m.Footer + "\n")
	}
	return Plain(b.String())
}
