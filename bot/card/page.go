package card

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/workflow"
)

// PageRequest is one incident that a person is paged for.
type PageRequest struct {
	Incident workflow.Incident
	Purpose  workflow.Purpose
	Text     string        // the message of the person who asked, or the reason of an automatic page
	AckURL   string        // address of the page with the acknowledge button; "" for none
	Alerts   int           // new alerts that a notice reports
	LateBy   time.Duration // how long after its deadline it is sent, if that is worth saying
}

// Page renders the message that pages a person. Of a private incident it shows
// the ID only (P2: private means members only).
func Page(a PageRequest, v View) Content {
	i := a.Incident
	m := Content{Title: pageTitle(a), Footer: v.link(i)}
	if i.Visibility != workflow.Private {
		w := v.formatter()
		m.Text = strings.TrimSpace(a.Text + "\n" + i.Description)
		for _, f := range []Field{
			{"Severity", severity(i)},
			{FieldStatus, status(i)},
			{"Service", strings.Join(i.Services, ", ")},
			{"Alerts", alerts(i)},
			{"Started", w.time(i.DeclaredAt)},
			{"Reporter", reporter(i)},
			{FieldAcknowledged, acknowledgerText(i, w)},
		} {
			if f.Value != "" {
				m.Fields = append(m.Fields, f)
			}
		}
		var titles []string
		for _, s := range i.Alerts.Samples {
			if !s.Resolved && len(titles) < 5 {
				titles = append(titles, s.Title)
			}
		}
		if len(titles) > 0 {
			m.Sections = append(m.Sections, Section{Heading: "Firing", Lines: titles})
		}
		for _, l := range i.Paperwork.Links {
			if l.URL != "" && len(m.Buttons) < 2 {
				m.Buttons = append(m.Buttons, Button{Label: cmp.Or(l.Title, "Link"), URL: l.URL})
			}
		}
	}
	if a.Purpose != workflow.PurposeNotice {
		ack := Button{Label: "Acknowledge", Command: acknowledgeCommand(i.ID, i.Seq), URL: a.AckURL, Main: true}
		m.Buttons = append([]Button{ack}, m.Buttons...)
	}
	if url := v.link(i); url != "" {
		m.Buttons = append(m.Buttons, Button{Label: "Open " + i.ID, URL: url})
	}
	return m
}

// pageTitle returns the subject of a mail and the first line of every page. A late page
// says so (X1: a crash loses nothing).
func pageTitle(a PageRequest) string { return titleOnTime(a) + lateBy(a.LateBy) }

// titleOnTime returns the title of a page without how late it is.
func titleOnTime(a PageRequest) string {
	i := a.Incident
	if i.Visibility == workflow.Private {
		if a.Purpose == workflow.PurposeNotice {
			return "A private incident has an update for you: " + i.ID
		}
		return "A private incident needs you: " + i.ID
	}
	drill := ""
	if i.Kind == workflow.Drill {
		drill = "DRILL · "
	}
	switch a.Purpose {
	case workflow.PurposeNotice:
		if a.Alerts > 0 {
			return fmt.Sprintf("%s%s: %s · %s", drill, i.ID, count(a.Alerts, "new alert", "new alerts"), i.Title)
		}
		return fmt.Sprintf("%s%s: %s · %s", drill, i.ID, cmp.Or(a.Text, "update"), i.Title)
	case workflow.PurposeJoin:
		return fmt.Sprintf("%sPlease join %s %s · %s", drill, i.ID, i.Severity, i.Title)
	case workflow.PurposeCatchAll:
		lead := cmp.Or(strings.ToUpper(strings.TrimSuffix(a.Text, ".")), "NO ONE HAS ACKNOWLEDGED")
		return fmt.Sprintf("%s%s: %s %s · %s", drill, lead, i.ID, i.Severity, i.Title)
	case workflow.PurposeEscalation:
	}
	return fmt.Sprintf("%s%s %s · %s", drill, i.ID, i.Severity, i.Title)
}

// Bundle renders one message for several pages to the same person: each incident has a
// section with a link and a button, the worst first, and the title counts them by
// severity (E10: lanes by priority).
func Bundle(all []PageRequest, v View) Content {
	if len(all) == 1 {
		return Page(all[0], v)
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b PageRequest) int { return cmp.Compare(a.Incident.Severity, b.Incident.Severity) })
	m := Content{Title: fmt.Sprintf("%d incidents need you: %s", len(all), countSeverities(all)), Footer: v.URL}
	w := v.formatter()
	for _, a := range all {
		s := Section{Heading: pageTitle(a), Link: v.link(a.Incident)}
		if i := a.Incident; i.Visibility != workflow.Private {
			s.Lines = []string{strings.Join(slices.DeleteFunc([]string{status(i), strings.Join(i.Services, ", "), alerts(i), "since " + w.time(i.DeclaredAt)},
				func(part string) bool { return part == "" }), " · ")}
		}
		if a.Purpose != workflow.PurposeNotice {
			s.Button = Button{Label: "Acknowledge " + a.Incident.ID, Command: acknowledgeCommand(a.Incident.ID, a.Incident.Seq), URL: a.AckURL, Main: len(m.Sections) == 0}
		}
		m.Sections = append(m.Sections, s)
	}
	return m
}

// countSeverities counts incidents by severity: "1 SEV1, 3 SEV4, 1 private". They are
// sorted by severity.
func countSeverities(all []PageRequest) string {
	var parts []string
	private := 0
	for s := workflow.SEV1; s <= workflow.SEV5; s++ {
		n := 0
		for _, a := range all {
			switch {
			case a.Incident.Severity != s:
			case a.Incident.Visibility == workflow.Private:
				private++
			default:
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if private > 0 {
		parts = append(parts, fmt.Sprintf("%d private", private))
	}
	return strings.Join(parts, ", ")
}

// acknowledgeCommand returns the command of a page's button. It carries the Seq that the
// page shows: pressed hours later it must not acknowledge what has happened since (E5: an
// acknowledgement carries what was seen).
func acknowledgeCommand(incident string, seen int) string {
	if seen <= 0 {
		return "ack " + incident
	}
	return fmt.Sprintf("ack %s --seen %d", incident, seen)
}

// PageReference is what is known of a page when the store cannot be read.
type PageReference struct {
	Incident string
	Seen     int // Seq of the event that pages
}

// FallbackPage renders the page that is sent when the store cannot be read: it
// has no details, but it is sent (E3: check again before each send). Of several pages for
// one incident the newest counts.
func FallbackPage(pages []PageReference, v View) Content {
	seen := map[string]int{}
	for _, p := range pages {
		seen[p.Incident] = max(seen[p.Incident], p.Seen)
	}
	incidents := slices.Sorted(maps.Keys(seen))
	m := Content{
		Title:  incidents[0] + " needs you",
		Text:   "Tocsin cannot read its store right now, so this page has no details. Please check Tocsin as well.",
		Footer: v.URL,
	}
	if len(incidents) == 1 {
		m.Buttons = []Button{{Label: "Acknowledge", Command: acknowledgeCommand(incidents[0], seen[incidents[0]]), Main: true}}
		return m
	}
	m.Title = fmt.Sprintf("%d incidents need you: %s", len(incidents), strings.Join(incidents, ", "))
	for _, id := range incidents {
		m.Sections = append(m.Sections, Section{Heading: id, Button: Button{
			Label: "Acknowledge " + id, Command: acknowledgeCommand(id, seen[id]), Main: len(m.Sections) == 0,
		}})
	}
	return m
}

// SignIn renders the message that carries a sign-in link.
func SignIn(link, organization string) Content {
	return Content{
		Title:   "Your link to sign in to " + cmp.Or(organization, "Tocsin"),
		Text:    "It works once, within 15 minutes. If you did not ask for it, ignore it: no one is signed in until the link is opened and confirmed.",
		Buttons: []Button{{Label: "Sign in", URL: link, Main: true}},
	}
}
