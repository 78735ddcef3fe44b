package workflow

import (
	"slices"
	"strings"
	"time"
)

// evolve folds a fact into the state. It decides nothing and never fails.
func (i *Incident) evolve(e Event) {
	i.Seq = e.Seq
	if e.By.Human() {
		i.moved(e.At)
	}
	switch f := e.Fact.(type) {
	case Declared:
		i.declared(e, f)
	case AlertsArrived:
		i.arrived(f)
	case AlertsForwarded:
		if f.From == "" { // its own: others only pass through
			i.arrived(AlertsArrived{Mail: f.Mail})
		}
	case MergeFollowed:
		i.followed(f)
	case AlertsAllResolved:
		i.ResolveAt, i.ResolveIn = f.ResolveAt, 0
		if !f.ResolveAt.IsZero() {
			i.ResolveIn = f.ResolveAt.Sub(e.At)
		}
		i.AckDue, i.QuietTill, i.Telling = time.Time{}, time.Time{}, Telling{}
		if !i.Acknowledged() {
			i.Paging.stop(Stopped)
		}
	case AlertsReleased:
		i.QuietTill, i.Alerts.Firing = time.Time{}, 0
	case StatusChanged, IncidentResolved, IncidentClosed, IncidentReopened, IncidentCanceled, IncidentMerged:
		i.turned(e)
	case SeverityChanged:
		i.graded(e, f)
	case Acknowledged, Unacknowledged, AcknowledgeOverdue, PageAnswered:
		i.answered(e)
	case UnknownFact:
	default:
		if !i.paged(e) && !i.housed(e) {
			i.noted(e)
		}
	}
}

// moved notes that a person did something. The timer that resolves the
// incident gives way to people, and begins anew (rule G7).
func (i *Incident) moved(at time.Time) {
	i.MovedAt = at
	if !i.ResolveAt.IsZero() {
		i.ResolveAt = at.Add(i.ResolveIn)
	}
}

func (i *Incident) declared(e Event, f Declared) {
	d := f.Declare
	i.Kind, i.Source, i.Title = d.Kind, d.Source, d.Title
	i.Description, i.Symptoms = excerpt(d.Description, 4096), d.Symptoms
	i.Reporter, i.Category, i.Services = d.Reporter, d.Category, slices.Clone(d.Services)
	i.Impact, i.Urgency, i.Severity, i.Basis, i.SeverityBy = d.Impact, d.Urgency, d.Severity, f.Basis, e.By
	i.DetectedAt, i.DeclaredAt = d.Detected, e.At
	i.Visibility = Public
	if d.Private {
		i.Visibility = Private
	}
	i.Status = Investigating
	if d.Source == SourceAlert {
		i.Status = Triage
	}
	i.Group, i.PlanHash = d.Group, f.Plan
	i.Links = slices.Clone(d.Links)
	if d.Follows != "" {
		i.Links = append(i.Links, Link{Incident: d.Follows, Title: "Earlier"})
	}
	i.Checklist = nil
	for _, text := range f.Checklist {
		i.Checklist = append(i.Checklist, Check{Text: text})
	}
	i.Meaning = f.SeverityPlan.meaning()
	i.promise(f.SeverityPlan, e.At)
}

// promise sets the deadlines of a severity, counted from the declaration.
func (i *Incident) promise(sp SeverityPlan, now time.Time) {
	i.AckDue, i.UpdateDue = time.Time{}, time.Time{}
	if sp.Acknowledge > 0 && !i.Acknowledged() {
		i.AckDue = i.DeclaredAt.Add(sp.Acknowledge)
	}
	if sp.Update > 0 {
		i.UpdateDue = later(i.DeclaredAt, i.Latest.At).Add(sp.Update)
		if i.UpdateDue.Before(now) {
			i.UpdateDue = now.Add(sp.Update)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// arrived counts mail in.
func (i *Incident) arrived(f AlertsArrived) {
	a := &i.Alerts
	a.Firing = max(0, a.Firing+f.Started+f.Again-f.Ended)
	a.Resolved = max(0, a.Resolved+f.Ended-f.Again)
	a.Total += f.Started
	a.Truncated = max(a.Truncated, f.Truncated) // each delivery says how many it left out
	if f.Worst.Worse(a.Worst) {
		a.Worst = f.Worst
	}
	for _, w := range f.Unmapped {
		if !slices.Contains(i.Unmapped, w) && len(i.Unmapped) < 5 {
			i.Unmapped = append(i.Unmapped, w)
		}
	}
	for _, s := range f.Samples {
		a.Samples = slices.DeleteFunc(a.Samples, func(old Alert) bool {
			return old.Key == s.Key && old.Integration == s.Integration
		})
		a.Samples = append(a.Samples, s)
	}
	if n := len(a.Samples) - maxSamples; n > 0 {
		a.Samples = slices.Delete(a.Samples, 0, n)
	}
	if f.Started+f.Again > 0 {
		i.ResolveAt = time.Time{}
	}
}

// followed notes what became of the incident this one was merged into.
func (i *Incident) followed(f MergeFollowed) {
	i.OtherEnded, i.HoldTill = f.Ended, f.Until
	if f.Release {
		i.Alerts.Firing = 0
	}
}

// turned moves the status.
func (i *Incident) turned(e Event) {
	switch f := e.Fact.(type) {
	case StatusChanged:
		i.Before, i.Status = f.From, f.To
		if f.To != Monitoring {
			i.ResolveAt = time.Time{}
		}
	case IncidentResolved:
		i.Before, i.Status = f.From, Resolved
		i.ResolvedAt, i.ResolvedByTime, i.QuietTill = e.At, f.ByTimer, f.QuietTill
		if f.Text != "" {
			i.Resolution = excerpt(f.Text, 2048)
		}
		i.rest()
	case IncidentClosed:
		i.Status, i.ClosedAt = Closed, e.At
		i.retireRooms(e.At)
	case IncidentReopened:
		i.Status, i.MergedInto, i.OtherEnded, i.HoldTill = f.To, "", false, time.Time{}
		i.ResolvedAt, i.ClosedAt, i.ResolvedByTime, i.QuietTill = time.Time{}, time.Time{}, false, time.Time{}
		i.AcknowledgedAt, i.AcknowledgedBy, i.AckName = time.Time{}, "", ""
		i.returnRooms()
	case IncidentCanceled:
		i.Before, i.Status, i.QuietTill = f.From, Canceled, f.QuietTill
		i.rest()
		i.retireRooms(e.At)
	case IncidentMerged:
		i.Before, i.Status, i.MergedInto = f.From, Merged, f.Into
		i.rest()
		i.retireRooms(e.At)
	default: // folded elsewhere
	}
}

// rest drops the deadlines of an incident that has ended.
func (i *Incident) rest() {
	i.AckDue, i.UpdateDue, i.Unkept, i.ResolveAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	i.Telling = Telling{}
	i.Paging.stop(Stopped)
}

func (i *Incident) graded(e Event, f SeverityChanged) {
	if f.To.Worse(i.Severity) {
		i.Paging.Trigger = e.Seq // an acknowledgement must have seen it (rule E5)
	}
	i.Severity, i.Basis, i.SeverityBy = f.To, f.Basis, e.By
	if f.Impact != "" {
		i.Impact = f.Impact
	}
	if f.Urgency != "" {
		i.Urgency = f.Urgency
	}
	if f.Basis != FromAlert {
		i.Unmapped = nil // a person has judged it
	}
	i.Meaning = f.Plan.meaning()
	i.promise(f.Plan, e.At)
}

// answered follows who holds the incident.
func (i *Incident) answered(e Event) {
	switch f := e.Fact.(type) {
	case Acknowledged:
		i.AcknowledgedAt, i.AcknowledgedBy, i.AckName = e.At, f.Person, f.Name
		i.AckDue, i.Telling = time.Time{}, Telling{}
		i.Paging.stop(Answered)
	case Unacknowledged:
		i.AcknowledgedAt, i.AcknowledgedBy, i.AckName = time.Time{}, "", ""
		i.Telling = Telling{}
	case AcknowledgeOverdue:
		i.AckDue = time.Time{}
	case PageAnswered:
		for n := range i.Paging.Pages {
			if p := &i.Paging.Pages[n]; p.To == f.Person && p.Purpose == ToJoin && p.State == Arrived {
				p.Why = "answered"
			}
		}
	default: // folded elsewhere
	}
}

// noted folds what people write down.
func (i *Incident) noted(e Event) {
	switch f := e.Fact.(type) {
	case DetailsChanged:
		i.detailed(f)
	case UpdatePosted:
		i.Updates++
		i.Latest = Update{At: e.At, By: e.By.Name, Audience: f.Audience, Text: excerpt(f.Text, 2048)}
		i.UpdateDue, i.Unkept = f.Next, time.Time{}
	case UpdateOverdue:
		i.UpdateDue = f.Next
		if i.Unkept.IsZero() {
			i.Unkept = f.Due
		}
	case RoleAssigned:
		if i.Roles == nil {
			i.Roles = map[string]string{}
		}
		if i.Roles[f.Role] = f.Person; f.Person == "" {
			delete(i.Roles, f.Role)
		}
	case NoteAdded:
		i.Notes++
		if f.Pin {
			i.Pins = append(i.Pins, Pin{Key: f.Key, At: e.At, By: e.By.Name, Text: excerpt(f.Text, 400)})
			i.Pins = i.Pins[max(0, len(i.Pins)-maxPins):]
		}
	case NoteWithdrawn:
		i.Notes = max(0, i.Notes-1)
		i.Pins = slices.DeleteFunc(i.Pins, func(p Pin) bool { return p.Key == f.Key })
	case TaskAdded:
		i.Tasks = append(i.Tasks, f.Task)
	case TaskFinished:
		if n := i.task(f.N); n >= 0 {
			i.Tasks[n].Done = !f.Undo
		}
	case CauseSet:
		i.Cause = excerpt(f.Text, 2048)
	case CheckRecorded:
		if f.N >= 1 && f.N <= len(i.Checklist) {
			i.Checklist[f.N-1].State, i.Checklist[f.N-1].By = f.State, e.By.Name
		}
	case IncidentAbsorbed:
		if !slices.Contains(i.MergedFrom, f.From) && len(i.MergedFrom) < 2*maxMerged {
			i.MergedFrom = append(i.MergedFrom, f.From)
		}
	case LinkAdded:
		i.Links = append(i.Links, f.Link)
	case PeopleInvited:
		i.invite(f.People...)
	case VisibilityChanged:
		i.Visibility = f.To
	default: // folded elsewhere
	}
}

func (i *Incident) detailed(f DetailsChanged) {
	if f.Title != "" {
		i.Title = f.Title
	}
	if f.Description != "" {
		i.Description = excerpt(f.Description, 4096)
	}
	if f.Category != "" {
		i.Category = f.Category
	}
	i.Services = append(i.Services, f.Services...)
	i.Symptoms = append(i.Symptoms, f.Symptoms...)
}

func (i *Incident) task(n int) int {
	return slices.IndexFunc(i.Tasks, func(t Task) bool { return t.N == n })
}

// invite adds people who may see the incident, as far as it can remember them.
func (i *Incident) invite(people ...string) {
	size := 0
	for _, p := range i.Invited {
		size += len(p)
	}
	for _, p := range people {
		if size += len(p); size > maxInvitedBytes {
			return
		}
		if p != "" && !strings.Contains(p, ":") && !slices.Contains(i.Invited, p) && len(i.Invited) < maxInvited {
			i.Invited = append(i.Invited, p)
		}
	}
}
