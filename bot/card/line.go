package card

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tocsin/workflow"
)

// Line describes one fact in one sentence, for the timeline, the room and the
// API. Who caused it and when are shown beside it. A nil zone is UTC.
func Line(e workflow.Event, zone *time.Location) string {
	return formatter{zone: zone}.at(e.At).line(e)
}

func (w formatter) line(e workflow.Event) string {
	switch f := e.Fact.(type) {
	case workflow.LifecycleFact:
		return w.lifecycle(f)
	case workflow.AlertFact:
		return w.alerts(f)
	case workflow.PagingFact:
		return w.paging(f)
	case workflow.RoomFact:
		return roomLine(f)
	case workflow.RecordFact:
		return w.record(f)
	case workflow.UnknownFact:
	}
	return strings.ReplaceAll(workflow.FactKind(e.Fact), "_", " ")
}

// lifecycle describes changes of status and severity, and how the incident
// ended.
func (w formatter) lifecycle(f workflow.LifecycleFact) string {
	switch f := f.(type) {
	case workflow.Declared:
		return w.declaredLine(f)
	case workflow.StatusChanged:
		return "Now " + string(f.To) + withReason(f.Why)
	case workflow.SeverityChanged:
		return w.severityLine(f)
	case workflow.PlanReplaced:
		return "Applied the configured policy" + withReason(strings.Join(f.Changes, "; "))
	case workflow.IncidentResolved:
		return w.resolvedLine(f)
	case workflow.IncidentClosed:
		if f.Forced {
			return "Closed by force" + withReason(f.Reason) + "; missing: " + strings.Join(f.Missing, "; ")
		}
		return "Closed" + withReason(f.Reason)
	case workflow.IncidentReopened:
		return "Reopened" + withReason(f.Why)
	case workflow.IncidentCanceled:
		return "Canceled, not an incident" + withReason(f.Reason)
	case workflow.IncidentMerged:
		return "Merged into " + f.Into
	case workflow.IncidentAbsorbed:
		return "Merged " + f.From + " into this incident" // without its title: it may be private by now (P2: private means members only)
	case workflow.MergeTargetUpdated:
		return mergeTargetLine(f)
	}
	return ""
}

// alerts describes what happened to the incident's alerts.
func (w formatter) alerts(f workflow.AlertFact) string {
	switch f := f.(type) {
	case workflow.AlertsArrived:
		return alertsArrivedLine(f.Mail, f.From)
	case workflow.AlertsForwarded:
		return "Alerts forwarded to " + f.To + withReason(alertsArrivedLine(f.Mail, f.From))
	case workflow.AlertsAllResolved:
		if f.ResolveAt.IsZero() {
			return "All alerts resolved"
		}
		return "All alerts resolved; automatic resolve due " + w.time(f.ResolveAt) + " unless someone acts"
	case workflow.AlertsHeld:
		return heldLine(f.Alerts) + "; judged again " + w.time(f.JudgeAt)
	case workflow.AlertsJudged:
		return "Judged again: " + count(len(f.Alerts), "firing notice", "firing notices") + lateBy(f.LateBy)
	case workflow.AlertsReleased:
		return fmt.Sprintf("%s still firing: opening a new incident", count(f.Firing, "alert is", "alerts are")) + lateBy(f.LateBy)
	}
	return ""
}

// ActorName returns an actor's name: "Ana", "Ana, by token ci", "prometheus" or
// "tocsin".
func ActorName(a workflow.Actor) string {
	name := cmp.Or(a.Name, a.ID)
	if a.Kind == workflow.BySystem {
		name = "tocsin"
	}
	if a.Token != "" && (a.Token != name || a.Kind == workflow.ByPerson) {
		name += ", by token " + a.Token
	}
	return name
}

// Post renders the events of one step as a message for a room, a line for each
// event that is posted. The title is the first actor; a line names its actor
// when that is someone else.
func Post(events []workflow.Event, v View) Content {
	var m Content
	var lines []string
	for _, e := range events {
		if !workflow.IsPosted(e.Fact) {
			continue
		}
		line := v.formatter().at(e.At).line(e)
		switch by := ActorName(e.By); {
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

func mergeTargetLine(f workflow.MergeTargetUpdated) string {
	switch {
	case f.Release:
		return "The incident it was merged into released its alerts: those still firing open a new incident"
	case f.Ended:
		return "The incident it was merged into has ended: new alerts open a new incident"
	}
	return "The incident it was merged into is open again: new alerts go there"
}

func (w formatter) declaredLine(f workflow.Declared) string {
	d := f.Declare
	line := "Declared " + d.Severity.String() + ": " + d.Title
	if d.Kind == workflow.Drill {
		line = "Drill declared, " + d.Severity.String() + ": " + d.Title
	}
	if len(d.Services) > 0 {
		line += " (" + strings.Join(d.Services, ", ") + ")"
	}
	if d.Previous != "" {
		line += "; previous incident of these alerts: " + d.Previous
	}
	if len(f.Truncated) > 0 {
		line += "; shortened because it was too long: " + strings.Join(f.Truncated, ", ")
	}
	return line
}

func alertsArrivedLine(m workflow.Mail, from string) string {
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, count(n, one, many))
		}
	}
	add(m.Started, "new alert", "new alerts")
	add(m.Refired, "alert firing again", "alerts firing again")
	add(m.Ended, "alert resolved", "alerts resolved")
	add(m.Raised, "alert worse than before", "alerts worse than before")
	add(m.Changed, "alert reads differently now", "alerts read differently now")
	add(m.Truncated, "alert left out by the sender", "alerts left out by the sender")
	line := strings.Join(parts, ", ")
	if len(m.Samples) > 0 && m.Samples[0].Title != "" {
		line += ": " + m.Samples[0].Title
		if more := m.Started + m.Refired + m.Ended + m.Raised + m.Changed - 1; more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
	}
	if m.WasHeld > 0 {
		line += fmt.Sprintf("; %s held for a minute, because the sender named a start from before the resolve, and nothing newer came", count(m.WasHeld, "was", "were"))
	}
	if len(m.Unmapped) > 0 {
		line += fmt.Sprintf("; severity %q is not mapped, so it pages as high urgency", strings.Join(m.Unmapped, ", "))
	}
	if from != "" {
		line += ", forwarded by " + from
	}
	return line
}

// heldLine says that firing notices may be late deliveries.
func heldLine(held []workflow.HeldAlert) string {
	line := count(len(held), "alert", "alerts") + " reported as firing since before the resolve"
	if len(held) > 0 && held[0].Title != "" {
		line += ": " + held[0].Title
		if more := len(held) - 1; more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
	}
	return line
}

func (w formatter) severityLine(f workflow.SeverityChanged) string {
	line := "Now " + f.To.String()
	if f.From != 0 && f.From != f.To {
		line = fmt.Sprintf("%s → %s", f.From, f.To)
	}
	if f.Basis == workflow.FromMatrix {
		line += fmt.Sprintf(" (impact %s, urgency %s)", cmp.Or(string(f.Impact), "medium"), cmp.Or(string(f.Urgency), "medium"))
	}
	return line + withReason(f.Reason)
}

func (w formatter) detailsLine(f workflow.DetailsChanged) string {
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
	return "Edited " + strings.Join(parts, "; ")
}

// record describes what people wrote, promised and assigned.
func (w formatter) record(f workflow.RecordFact) string {
	switch f := f.(type) {
	case workflow.DetailsChanged:
		return w.detailsLine(f)
	case workflow.UpdateOverdue:
		return "Update overdue: it was due " + w.time(f.Due) + lateBy(f.LateBy) + notifying(f.Pages)
	case workflow.EffectGivenUp:
		return "Gave up: " + f.What + withReason(f.Why)
	case workflow.UpdatePosted:
		line := "Update"
		if f.Audience != "" {
			line += " for " + f.Audience
		}
		line += ": " + f.Text
		if !f.Next.IsZero() {
			line += " (next update due " + w.time(f.Next) + ")"
		}
		return line
	case workflow.RoleAssigned:
		if f.Person == "" {
			return "Unassigned the role " + f.Role
		}
		return cmp.Or(f.Name, f.Person) + " is " + f.Role
	case workflow.NoteAdded:
		return f.Text
	case workflow.NoteWithdrawn:
		return "Note withdrawn: " + f.Text
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
			return fmt.Sprintf("Task %d reopened: %s", f.N, f.Text)
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

// resolvedLine describes how the incident was resolved, and which alerts still
// fire.
func (w formatter) resolvedLine(f workflow.IncidentResolved) string {
	line := "Resolved" + withReason(f.Text)
	if f.ByTimer {
		line = "Resolved automatically: all alerts stayed resolved" + lateBy(f.LateBy)
	}
	if f.StillFiring > 0 {
		line += fmt.Sprintf("; %s still firing (%s), quiet until %s", count(f.StillFiring, "alert is", "alerts are"),
			cmp.Or(strings.Join(f.Firing, ", "), "see the alerts"), w.time(f.QuietUntil))
	}
	return line
}
