package card

import (
	"fmt"
	"strings"
	"time"

	"tocsin/workflow"
)

// Line says one fact in one sentence, for the timeline, the room and the API
// alike. The speaker and the time stand beside it.
func Line(e workflow.Event, zone *time.Location) string { return words{zone: zone}.line(e) }

func (w words) line(e workflow.Event) string {
	switch f := e.Fact.(type) {
	case workflow.LifecycleFact:
		return w.lifecycle(f)
	case workflow.AlertFact:
		return w.alerts(f)
	case workflow.PagingFact:
		return w.paging(f)
	case workflow.RoomFact:
		return roomed(f)
	case workflow.RecordFact:
		return w.record(f)
	case workflow.UnknownFact:
	}
	return strings.ReplaceAll(workflow.FactKind(e.Fact), "_", " ")
}

// lifecycle says where the incident stands, how severe it is, and how it ended.
func (w words) lifecycle(f workflow.LifecycleFact) string {
	switch f := f.(type) {
	case workflow.Declared:
		return w.declared(f)
	case workflow.StatusChanged:
		return "Now " + string(f.To) + because(f.Why)
	case workflow.SeverityChanged:
		return w.graded(f)
	case workflow.IncidentResolved:
		return w.resolved(f)
	case workflow.IncidentClosed:
		if f.Forced {
			return "Closed by force" + because(f.Reason) + "; missing: " + strings.Join(f.Missing, "; ")
		}
		return "Closed" + because(f.Reason)
	case workflow.IncidentReopened:
		return "Reopened" + because(f.Why)
	case workflow.IncidentCanceled:
		return "Canceled, it was no incident" + because(f.Reason)
	case workflow.IncidentMerged:
		return "Merged into " + f.Into
	case workflow.IncidentAbsorbed:
		return "Took in " + f.From + because(f.Title)
	case workflow.MergeTargetUpdated:
		return followed(f)
	}
	return ""
}

// alerts says what its alerts did.
func (w words) alerts(f workflow.AlertFact) string {
	switch f := f.(type) {
	case workflow.AlertsArrived:
		return arrived(f.Mail, f.From)
	case workflow.AlertsForwarded:
		return "Passed on to " + f.To + because(arrived(f.Mail, f.From))
	case workflow.AlertsAllResolved:
		if f.ResolveAt.IsZero() {
			return "All alerts resolved"
		}
		return "All alerts resolved; resolves by itself at " + w.clock(f.ResolveAt) + " unless somebody does something"
	case workflow.AlertsReleased:
		return fmt.Sprintf("%s still firing: opening a new incident", count(f.Firing, "alert is", "alerts are"))
	}
	return ""
}

// By names an actor: "Ana", "Ana, by token ci", "prometheus" or "tocsin".
func By(a workflow.Actor) string {
	name := or(a.Name, a.ID)
	if a.Kind == workflow.BySystem {
		name = "tocsin"
	}
	if a.Token != "" && a.Token != name {
		name += ", by token " + a.Token
	}
	return name
}

// Post says in a room what one step made true: a line for each event that is
// worth one. Whoever speaks first is the title; another is named in the line.
func Post(events []workflow.Event, v View) Content {
	var m Content
	var lines []string
	for _, e := range events {
		if !workflow.IsPosted(e.Fact) {
			continue
		}
		line := v.words().line(e)
		switch by := By(e.By); {
		case len(lines) == 0:
			m.Title = by
		case by != m.Title && e.By.Kind != workflow.BySystem:
			line = by + ": " + line
		}
		lines = append(lines, line)
	}
	m.Text = strings.Join(lines, "\n")
	return m
}

func followed(f workflow.MergeTargetUpdated) string {
	switch {
	case f.Release:
		return "The other gave its alerts up: those that still fire open a new incident"
	case f.Ended:
		return "The other has ended: new alerts open a new incident"
	}
	return "The other is open again: new alerts go there"
}

func (w words) declared(f workflow.Declared) string {
	d := f.Declare
	line := "Declared " + d.Severity.String() + ": " + d.Title
	if d.Kind == workflow.Drill {
		line = "Drill declared, " + d.Severity.String() + ": " + d.Title
	}
	if len(d.Services) > 0 {
		line += " (" + strings.Join(d.Services, ", ") + ")"
	}
	if d.Previous != "" {
		line += "; its alerts had " + d.Previous + " before"
	}
	if len(f.Cut) > 0 {
		line += "; cut because it was too long: " + strings.Join(f.Cut, ", ")
	}
	return line
}

func arrived(m workflow.Mail, from string) string {
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, count(n, one, many))
		}
	}
	add(m.Started, "new alert", "new alerts")
	add(m.Again, "alert fires again", "alerts fire again")
	add(m.Ended, "alert resolved", "alerts resolved")
	add(m.Truncated, "alert left out by the sender", "alerts left out by the sender")
	line := strings.Join(parts, ", ")
	if len(m.Samples) > 0 && m.Samples[0].Title != "" {
		line += ": " + m.Samples[0].Title
		if more := m.Started + m.Again + m.Ended - 1; more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
	}
	if len(m.Unmapped) > 0 {
		line += fmt.Sprintf("; severity %q is not mapped, so it pages as high urgency", strings.Join(m.Unmapped, ", "))
	}
	if from != "" {
		line += ", through " + from
	}
	return line
}

func (w words) graded(f workflow.SeverityChanged) string {
	line := "Now " + f.To.String()
	if f.From != 0 && f.From != f.To {
		line = fmt.Sprintf("%s → %s", f.From, f.To)
	}
	if f.Basis == workflow.FromMatrix {
		line += fmt.Sprintf(" (impact %s, urgency %s)", or(string(f.Impact), "medium"), or(string(f.Urgency), "medium"))
	}
	return line + because(f.Reason)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (w words) detailed(f workflow.DetailsChanged) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("title:", f.Title)
	add("description:", f.Description)
	add("category:", f.Category)
	add("also affected:", strings.Join(f.Services, ", "))
	add("symptoms:", strings.Join(f.Symptoms, "; "))
	return "Corrected " + strings.Join(parts, "; ")
}

// record says what people wrote down and promised.
func (w words) record(f workflow.RecordFact) string {
	switch f := f.(type) {
	case workflow.DetailsChanged:
		return w.detailed(f)
	case workflow.UpdateOverdue:
		return "The update promised for " + w.clock(f.Due) + " is overdue" + late(f.Late)
	case workflow.EffectGivenUp:
		return "Gave up: " + f.What + because(f.Why)
	case workflow.UpdatePosted:
		line := "Update"
		if f.Audience != "" {
			line += " for " + f.Audience
		}
		line += ": " + f.Text
		if !f.Next.IsZero() {
			line += " (next by " + w.clock(f.Next) + ")"
		}
		return line
	case workflow.RoleAssigned:
		if f.Person == "" {
			return "Nobody is " + f.Role + " any more"
		}
		return or(f.Name, f.Person) + " is " + f.Role
	case workflow.NoteAdded:
		return f.Text
	case workflow.NoteWithdrawn:
		return "Took back: " + f.Text
	case workflow.ActionItemAdded:
		kind := "Task"
		if f.FollowUp {
			kind = "Follow-up"
		}
		line := fmt.Sprintf("%s %d: %s", kind, f.N, f.Text)
		if f.Assignee != "" {
			line += " (" + f.Assignee + ")"
		}
		return line
	case workflow.ActionItemCompleted:
		if f.Undo {
			return fmt.Sprintf("Task %d is open again: %s", f.N, f.Text)
		}
		return fmt.Sprintf("Task %d done: %s", f.N, f.Text)
	case workflow.CauseSet:
		return "Cause: " + f.Text
	case workflow.CheckRecorded:
		return fmt.Sprintf("Check %d %s: %s", f.N, f.State, f.Text)
	case workflow.LinkAdded:
		return "Link: " + strings.TrimSpace(f.Title+" "+f.URL+f.Incident)
	case workflow.PeopleInvited:
		return "Invited " + strings.Join(f.People, ", ")
	case workflow.VisibilityChanged:
		return "Now " + string(f.To)
	}
	return ""
}

// resolved says how it was resolved, and what still fires.
func (w words) resolved(f workflow.IncidentResolved) string {
	line := "Resolved" + because(f.Text)
	if f.ByTimer {
		line = "Resolved by itself: all alerts have been quiet"
	}
	if f.StillOn > 0 {
		line += fmt.Sprintf("; %s still firing (%s), quiet until %s", count(f.StillOn, "alert is", "alerts are"),
			or(strings.Join(f.Firing, ", "), "see the alerts"), w.clock(f.QuietTill))
	}
	return line
}
