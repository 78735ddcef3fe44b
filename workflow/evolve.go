package workflow

import (
	"slices"
	"time"
)

// evolve folds a fact into the state. It decides nothing and never fails.
func (i *Incident) evolve(e Event) {
	i.Seq = e.Seq
	if e.By.Human() {
		i.moved(e.At)
	}
	switch f := e.Fact.(type) {
	case LifecycleFact:
		i.evolveLifecycle(e, f)
	case AlertFact:
		i.evolveAlerts(e, f)
	case PagingFact:
		i.evolvePaging(e, f)
	case RoomFact:
		i.evolveRoom(e, f)
	case RecordFact:
		i.evolveRecord(e, f)
	case UnknownFact: // of a newer version: kept, without effect
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

// evolveLifecycle moves the status, the severity, and what it is merged into.
func (i *Incident) evolveLifecycle(e Event, f LifecycleFact) {
	switch f := f.(type) {
	case Declared:
		i.declared(e, f)
	case StatusChanged:
		i.Before, i.Status = f.From, f.To
		if f.To != Monitoring {
			i.ResolveAt = time.Time{}
		}
	case SeverityChanged:
		i.graded(e, f)
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
	case IncidentAbsorbed:
		if !slices.Contains(i.MergedFrom, f.From) && len(i.MergedFrom) < 2*maxMerged {
			i.MergedFrom = append(i.MergedFrom, f.From)
		}
	case MergeFollowed:
		i.followed(f)
	}
}

// evolveAlerts counts alerts in, and gives them up.
func (i *Incident) evolveAlerts(e Event, f AlertFact) {
	switch f := f.(type) {
	case AlertsArrived:
		i.arrived(f)
	case AlertsForwarded:
		if f.From == "" { // its own: others only pass through
			i.arrived(AlertsArrived{Mail: f.Mail})
		}
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
