package workflow

import (
	"slices"
	"time"
)

// apply folds the fact of an event into the incident. It decides nothing and cannot
// fail.
func (i *Incident) apply(e Event) {
	i.Seq = e.Seq
	if e.By.IsHuman() {
		i.touch(e.At)
	}
	switch f := e.Fact.(type) {
	case LifecycleFact:
		i.applyLifecycle(e, f)
	case AlertFact:
		i.applyAlerts(e, f)
	case PagingFact:
		i.applyPaging(e, f)
	case RoomFact:
		i.applyRoom(e, f)
	case RecordFact:
		i.applyRecord(e, f)
	case UnknownFact: // of a newer version: it changes nothing
	}
}

// touch notes that a person has done something, and restarts the timer that resolves
// the incident (G7: all alerts resolved means monitoring).
func (i *Incident) touch(at time.Time) {
	i.LastActivityAt = at
	if !i.Ending.ResolveAt.IsZero() {
		i.Ending.ResolveAt = at.Add(i.Ending.ResolveAfter)
	}
}

// applyDeclared fills in the incident from its declaration.
func (i *Incident) applyDeclared(e Event, f Declared) {
	d := f.Declare
	i.Kind, i.Source, i.Title = d.Kind, d.Source, d.Title
	i.Description, i.Symptoms = excerpt(d.Description, 4096), d.Symptoms
	i.Reporter, i.Category, i.Services = d.Reporter, d.Category, slices.Clone(d.Services)
	i.Impact, i.Urgency, i.Severity, i.SeverityBasis, i.SeverityBy = d.Impact, d.Urgency, d.Severity, f.Basis, e.By
	i.DetectedAt, i.DeclaredAt = d.Detected, e.At
	i.Visibility = Public
	if d.Private {
		i.Visibility = Private
	}
	i.Status = Investigating
	if d.Source == SourceAlert {
		i.Status = Triage
	}
	i.Alerts.Group, i.PlanHash = d.Group, f.Plan
	i.Paperwork.Links = slices.Clone(d.Links)
	if d.Previous != "" {
		i.Paperwork.Links = append(i.Paperwork.Links, Link{Incident: d.Previous, Title: "Earlier"})
	}
	i.Paperwork.Checklist = nil
	for _, text := range f.Checklist {
		i.Paperwork.Checklist = append(i.Paperwork.Checklist, Check{Text: text})
	}
	i.Meaning = f.SeverityPlan.meaning()
	i.setPromises(f.SeverityPlan, e.At)
}

// setPromises sets the deadlines that a severity promises: the acknowledgement, counted
// from the declaration, and the next status update, counted from the latest.
func (i *Incident) setPromises(sp SeverityPlan, now time.Time) {
	i.Promises.AcknowledgeBy, i.Promises.UpdateBy = time.Time{}, time.Time{}
	if sp.Acknowledge > 0 && !i.IsAcknowledged() {
		i.Promises.AcknowledgeBy = i.DeclaredAt.Add(sp.Acknowledge)
	}
	if sp.Update > 0 {
		i.Promises.UpdateBy = laterOf(i.DeclaredAt, i.Paperwork.LatestUpdate.At).Add(sp.Update)
		if i.Promises.UpdateBy.Before(now) {
			i.Promises.UpdateBy = now.Add(sp.Update)
		}
	}
}

// laterOf returns the later of two times.
func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// countAlerts adds alert mail to the counts of the incident.
func (i *Incident) countAlerts(f AlertsArrived) {
	a := &i.Alerts
	a.Firing = max(0, a.Firing+f.Started+f.Refired-f.Ended)
	if f.MoreFire {
		a.Firing = max(1, a.Firing)
	}
	a.Resolved = max(0, a.Resolved+f.Ended-f.Refired)
	a.Total += f.Started
	a.Truncated = max(a.Truncated, f.Truncated) // every delivery repeats how many it left out: they are not added up
	if f.Worst.IsWorseThan(a.Worst) {
		a.Worst = f.Worst
	}
	for _, w := range f.Unmapped {
		if !slices.Contains(i.Alerts.Unmapped, w) && len(i.Alerts.Unmapped) < 5 {
			i.Alerts.Unmapped = append(i.Alerts.Unmapped, w)
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
	if f.Started+f.Refired > 0 {
		i.Ending.ResolveAt = time.Time{}
	}
}

// applyMergeTarget applies what became of the incident that this one was merged into.
func (i *Incident) applyMergeTarget(f MergeTargetUpdated) {
	i.Merge.TargetEnded, i.Merge.HoldUntil = f.Ended, f.HoldUntil
	if f.Release {
		i.Alerts.Firing = 0
	}
}

// applyLifecycle applies facts about status, severity and merging.
func (i *Incident) applyLifecycle(e Event, f LifecycleFact) {
	switch f := f.(type) {
	case Declared:
		i.applyDeclared(e, f)
	case StatusChanged:
		i.PreviousStatus, i.Status = f.From, f.To
		if f.To != Monitoring {
			i.Ending.ResolveAt = time.Time{}
		}
	case SeverityChanged:
		i.applySeverity(e, f)
	case PlanReplaced:
		i.PlanHash, i.Meaning = f.To, f.Plan.meaning()
		if f.Promises {
			i.setPromises(f.Plan, e.At)
		}
	case IncidentResolved:
		i.PreviousStatus, i.Status = f.From, Resolved
		i.Ending.ResolvedAt, i.Ending.ByTimer, i.Alerts.QuietUntil = e.At, f.ByTimer, f.QuietUntil
		if f.Text != "" {
			i.Ending.Resolution = excerpt(f.Text, 2048)
		}
		i.clearDeadlines()
	case IncidentClosed:
		i.Status, i.Ending.ClosedAt = Closed, e.At
		i.scheduleRoomArchive(e.At)
	case IncidentReopened:
		i.Status, i.Merge.Into, i.Merge.TargetEnded, i.Merge.HoldUntil = f.To, "", false, time.Time{}
		i.Ending.ResolvedAt, i.Ending.ClosedAt, i.Ending.ByTimer, i.Alerts.QuietUntil = time.Time{}, time.Time{}, false, time.Time{}
		i.Acknowledgement.At, i.Acknowledgement.Person, i.Acknowledgement.Name = time.Time{}, "", ""
		i.reopenRooms()
	case IncidentCanceled:
		i.PreviousStatus, i.Status, i.Alerts.QuietUntil = f.From, Canceled, f.QuietUntil
		i.clearDeadlines()
		i.scheduleRoomArchive(e.At)
	case IncidentMerged:
		i.PreviousStatus, i.Status, i.Merge.Into = f.From, Merged, f.Into
		i.clearDeadlines()
		i.scheduleRoomArchive(e.At)
	case IncidentAbsorbed:
		if !slices.Contains(i.Merge.From, f.From) && len(i.Merge.From) < 2*maxMerged {
			i.Merge.From = append(i.Merge.From, f.From)
		}
	case MergeTargetUpdated:
		i.applyMergeTarget(f)
	}
}

// applyAlerts applies facts about alerts.
func (i *Incident) applyAlerts(e Event, f AlertFact) {
	switch f := f.(type) {
	case AlertsArrived:
		i.countAlerts(f)
	case AlertsForwarded:
		if f.From == "" { // alerts of its own; those of another merged incident only pass through
			i.countAlerts(AlertsArrived{Mail: f.Mail})
		}
	case AlertsAllResolved:
		i.Ending.ResolveAt, i.Ending.ResolveAfter = f.ResolveAt, 0
		if !f.ResolveAt.IsZero() {
			i.Ending.ResolveAfter = f.ResolveAt.Sub(e.At)
		}
		i.Alerts.Firing, i.Alerts.QuietUntil, i.Alerts.Notice = 0, time.Time{}, AlertNotice{}
		i.Promises.AcknowledgeBy = time.Time{}
		if !i.IsAcknowledged() {
			i.Paging.stop(Stopped)
		}
	case AlertsReleased:
		i.Alerts.QuietUntil, i.Alerts.Firing = time.Time{}, 0
	case AlertsHeld:
		i.Alerts.Held, i.Alerts.JudgeAt = append(slices.Clone(i.Alerts.Held), f.Alerts...), f.JudgeAt
	case AlertsJudged:
		i.Alerts.Held = slices.DeleteFunc(slices.Clone(i.Alerts.Held), func(h HeldAlert) bool { return slices.Contains(f.Alerts, h) })
		i.Alerts.JudgeAt = f.Next
	}
}

// clearDeadlines removes the deadlines of an incident that has ended.
func (i *Incident) clearDeadlines() {
	i.Promises.AcknowledgeBy, i.Promises.UpdateBy, i.Promises.MissedUpdate, i.Ending.ResolveAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	i.Alerts.Notice = AlertNotice{}
	i.Paging.stop(Stopped)
}

// applySeverity sets the severity and what it promises.
func (i *Incident) applySeverity(e Event, f SeverityChanged) {
	if f.To.IsWorseThan(i.Severity) {
		i.Paging.Trigger = e.Seq // E5: an acknowledgement carries what was seen
	}
	i.Severity, i.SeverityBasis, i.SeverityBy = f.To, f.Basis, e.By
	if f.Impact != "" {
		i.Impact = f.Impact
	}
	if f.Urgency != "" {
		i.Urgency = f.Urgency
	}
	if f.Basis != FromAlert {
		i.Alerts.Unmapped = nil // a person has set the severity, so that unknown words do not matter any more
	}
	i.Meaning = f.Plan.meaning()
	i.setPromises(f.Plan, e.At)
}
