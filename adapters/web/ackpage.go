package web

import (
	"cmp"
	"fmt"
	"net/url"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// maxFiring is the maximum number of firing alerts that the page lists.
const maxFiring = 5

// ackPage is one incident as a person sees it who was paged for it.
type ackPage struct {
	ID       string
	Title    string
	Severity string // "SEV2"; also names its color
	Name     string // of the severity, as configured
	Status   workflow.Status
	Drill    bool
	Private  bool

	Settled bool // no one needs to act: it is acknowledged or has ended
	State   []textLine
	Again   bool   // the acknowledgement before was refused
	Newer   bool   // something asks for attention that the message with the link did not show
	Button  bool   // the reader can acknowledge
	Action  string // the address that the form is posted to
	Seen    int    // the Seq that the page was rendered from
	Me      string // name of the reader

	Text     string
	Fields   []card.Field
	Sections []card.Section
	Links    []anchor
}

// anchor is a link.
type anchor struct{ Title, URL string }

// newAckPage returns the page of an incident for a reader. formatTime formats the
// instants of past events.
func (s *Server) newAckPage(i workflow.Incident, reader access.Speaker, formatTime func(time.Time) string) ackPage {
	org := s.Engine.Organization()
	zone := cmp.Or(reader.Zone, org.Zone, time.UTC)
	c := card.Card(i, card.View{Zone: zone, Name: func(id string) string {
		p, _ := org.Directory.Person(id)
		return p.Name
	}})
	p := ackPage{
		ID: i.ID, Title: i.Title, Severity: i.Severity.String(), Name: org.Severities[i.Severity.String()].Name,
		Status: i.Status, Drill: i.Kind == workflow.Drill, Private: i.Visibility == workflow.Private,
		Seen: i.Seq, Me: reader.Name, Text: c.Text,
	}
	p.State, p.Button = ackState(i, reader, formatTime)
	p.Settled = !i.IsOpen() || i.IsAcknowledged() && !p.Button
	if p.Private { // a link can be passed on: like the page, it shows the ID alone (P2: private means members only)
		p.Title, p.Text = "A private incident", ""
		return p
	}
	if firing := firingSection(i); len(firing.Lines) > 0 {
		p.Sections = append(p.Sections, firing)
	}
	for _, f := range c.Fields {
		if f.Name != card.FieldStatus && f.Name != card.FieldAcknowledged && f.Name != card.FieldVisibility { // State says it
			p.Fields = append(p.Fields, f)
		}
	}
	for _, section := range c.Sections {
		if section.Heading != card.SectionLinks {
			p.Sections = append(p.Sections, section)
		}
	}
	for _, l := range i.Paperwork.Links {
		if u, err := url.Parse(l.URL); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
			p.Links = append(p.Links, anchor{Title: cmp.Or(l.Title, u.Host), URL: l.URL})
		}
	}
	return p
}

// ackState returns lines that say who has acknowledged, and whether the reader
// can acknowledge.
func ackState(i workflow.Incident, reader access.Speaker, formatTime func(time.Time) string) (lines []textLine, button bool) {
	if !i.IsOpen() {
		return []textLine{{Text: endingText(i, formatTime)}, {Text: "There is nothing left to acknowledge."}}, false
	}
	if !i.IsAcknowledged() {
		first := "No one has acknowledged yet."
		if i.IsUnattended() {
			first = "UNATTENDED: everyone was paged, and no one has acknowledged."
		}
		if i.Paging.State == workflow.Running || i.Paging.State == workflow.Exhausted {
			first += " Paging continues until someone does."
		}
		return []textLine{{Text: first}}, true
	}
	who := cmp.Or(i.Acknowledgement.Name, i.Acknowledgement.Person) + " has"
	mine := i.Acknowledgement.Person == reader.Actor().ID
	if mine {
		who = "You have"
	}
	lines = []textLine{{Text: fmt.Sprintf("%s acknowledged, %s.", who, formatTime(i.Acknowledgement.At))}}
	switch {
	case i.IsAwaiting(reader.Person):
		return append(lines, textLine{Text: "You are asked to join: acknowledge to say that you are coming."}), true
	case mine:
		return append(lines, textLine{Text: "You are no longer paged for it. Tell the others how it is going:", Code: "update " + i.ID + " TEXT"}), false
	}
	return append(lines, textLine{Text: "You do not need to do anything."}), false
}

// endingText returns how an incident ended, and when.
func endingText(i workflow.Incident, formatTime func(time.Time) string) string {
	switch i.Status {
	case workflow.Canceled:
		return "Canceled: it was not an incident."
	case workflow.Merged:
		return "Merged into " + i.Merge.Into + ": work continues there."
	case workflow.Closed:
		return "Closed, " + formatTime(i.Ending.ClosedAt) + "."
	case workflow.Resolved:
		return "Resolved, " + formatTime(i.Ending.ResolvedAt) + "."
	case workflow.Triage, workflow.Investigating, workflow.Identified, workflow.Monitoring: // not ended
	}
	return "It has ended."
}

// firingSection lists the alerts that are firing.
func firingSection(i workflow.Incident) card.Section {
	s := card.Section{Heading: "Firing"}
	for _, a := range i.Alerts.Samples {
		if !a.Resolved && len(s.Lines) < maxFiring {
			s.Lines = append(s.Lines, cmp.Or(a.Title, a.Key))
		}
	}
	if more := i.Alerts.Firing - len(s.Lines); len(s.Lines) > 0 && more > 0 {
		s.Lines = append(s.Lines, fmt.Sprintf("and %d more", more))
	}
	return s
}

// formatAgo formats a past instant: how long ago it was, and when in the reader's
// zone.
func formatAgo(at, now time.Time, zone *time.Location) string {
	var ago string
	switch d := now.Sub(at); {
	case d < time.Minute:
		ago = "just now"
	case d < time.Hour:
		ago = fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		ago = fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		ago = fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
	return ago + " (" + card.FormatTime(at, now, zone) + ")"
}
