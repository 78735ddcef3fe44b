package web

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// maxFiring is how many firing alerts the page names.
const maxFiring = 5

// An ackPage is one incident, as whoever was paged for it sees it.
type ackPage struct {
	ID       string
	Title    string
	Severity string // "SEV2"; also names its color
	Name     string // of the severity, as configured
	Status   workflow.Status
	Drill    bool
	Private  bool

	Calm   bool // nothing is asked any more
	State  []textLine
	Again  bool // the press before changed nothing
	Button bool
	Action string // where the form goes
	Seen   int
	Me     string

	Text     string
	Fields   []card.Field
	Sections []card.Section
	Links    []anchor
}

type anchor struct{ Title, URL string }

// draw shows an incident to a reader in the words of every other card.
// when writes the instants of what has happened.
func (s *server) draw(i workflow.Incident, reader access.Speaker, when func(time.Time) string) ackPage {
	org := s.Bot.Organization()
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
	p.State, p.Button = state(i, reader, when)
	p.Calm = !i.IsOpen() || i.IsAcknowledged() && !p.Button
	if firing := firing(i); len(firing.Lines) > 0 {
		p.Sections = append(p.Sections, firing)
	}
	for _, f := range c.Fields {
		if f.Name != "Status" && f.Name != "Acknowledged" && f.Name != "Visibility" { // said above
			p.Fields = append(p.Fields, f)
		}
	}
	for _, section := range c.Sections {
		if section.Heading != "Links" {
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

// state says what is true now, and whether there is something to press.
func state(i workflow.Incident, reader access.Speaker, when func(time.Time) string) (lines []textLine, button bool) {
	if !i.IsOpen() {
		return []textLine{{Text: ended(i, when)}, {Text: "There is nothing left to acknowledge."}}, false
	}
	if !i.IsAcknowledged() {
		first := "Nobody has acknowledged yet."
		if i.IsUnattended() {
			first = "UNATTENDED: everybody was asked, and nobody has answered."
		}
		if i.Paging.State == workflow.Running || i.Paging.State == workflow.Exhausted {
			first += " Paging goes on until somebody does."
		}
		return []textLine{{Text: first}}, true
	}
	who := cmp.Or(i.Acknowledgement.Name, i.Acknowledgement.Person) + " has"
	mine := i.Acknowledgement.Person == cmp.Or(reader.Person, "guest:"+reader.Name)
	if mine {
		who = "You have"
	}
	lines = []textLine{{Text: fmt.Sprintf("%s acknowledged, %s.", who, when(i.Acknowledgement.At))}}
	switch {
	case i.IsAwaiting(reader.Person):
		return append(lines, textLine{Text: "You are asked to join: the button tells them that you come."}), true
	case mine:
		return append(lines, textLine{Text: "You are not paged for it any more. Tell the others how it goes:", Code: "update " + i.ID + " TEXT"}), false
	}
	return append(lines, textLine{Text: "Nothing more is asked of you."}), false
}

func ended(i workflow.Incident, when func(time.Time) string) string {
	switch i.Status {
	case workflow.Canceled:
		return "Canceled: it was no incident."
	case workflow.Merged:
		return "Merged: it goes on as " + i.Merge.Into + "."
	case workflow.Closed:
		return "Closed, " + when(i.Ending.ClosedAt) + "."
	case workflow.Resolved:
		return "Resolved, " + when(i.Ending.ResolvedAt) + "."
	case workflow.Triage, workflow.Investigating, workflow.Identified, workflow.Monitoring: // not ended
	}
	return "It is over."
}

// firing names the alerts that fire.
func firing(i workflow.Incident) card.Section {
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

// clock writes how long ago something was, and when by the reader's clock.
func clock(at, now time.Time, zone *time.Location) string {
	at, now = at.In(zone), now.In(zone)
	layout := "at 15:04 MST"
	if at.YearDay() != now.YearDay() || at.Year() != now.Year() {
		layout = "on 2 January at 15:04 MST"
	}
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
	return ago + " " + at.Format(layout)
}

// span writes a duration as people say it: 30 min, 4 h, 2 days.
func span(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return plural(int(d/(24*time.Hour)), "day", "days")
	case d%time.Hour == 0:
		return plural(int(d/time.Hour), "h", "h")
	}
	return plural(int(d/time.Minute), "min", "min")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// stamp writes an instant for programs.
func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// A nameOf is who did something, and with what.
type nameOf struct{ Name, Rest string }

// byline parts "Ana, by token ci".
func byline(by string) nameOf {
	if at := strings.LastIndex(by, ", by token "); at >= 0 {
		return nameOf{by[:at], by[at:]}
	}
	return nameOf{Name: by}
}

// A span is a piece of a text: typed ones are set as code.
type spanOf struct {
	Text string
	Code bool
}

// saySpans finds what is to be typed in a text: it stands between backquotes.
func saySpans(text string) []spanOf {
	var all []spanOf
	for n, piece := range strings.Split(text, "`") {
		if piece != "" {
			all = append(all, spanOf{piece, n%2 == 1})
		}
	}
	return all
}
