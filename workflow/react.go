package workflow

import "time"

// stateBefore is what react must know of the incident before a fact.
type stateBefore struct {
	paging    PagingState
	members   []string // nil if no room is open that new members could be invited into
	archived  []string // platforms whose rooms were archived
	requested []string // platforms whose rooms were requested and not open yet
}

// beforeFact returns what react must know of the incident before the next fact.
func (i *Incident) beforeFact() stateBefore {
	was := stateBefore{paging: i.Paging.State}
	if i.hasManagedRoom() {
		was.members = i.members()
	}
	for _, r := range i.Rooms {
		switch r.State {
		case RoomIsArchived:
			was.archived = append(was.archived, r.Platform)
		case RoomRequested:
			was.requested = append(was.requested, r.Platform)
		case RoomOpen, RoomFailed:
		}
	}
	return was
}

// react returns the actions that a fact requires. They depend on the fact and the
// incident alone, not on the command that led to it.
func react(i *Incident, was stateBefore, e Event) []Action {
	var actions []Action
	switch f := e.Fact.(type) {
	case PagingFact:
		actions = reactPaging(i, f)
	case AlertFact:
		actions = reactAlert(i, e.At, f)
	case LifecycleFact:
		actions = reactLifecycle(i, e.At, f)
	case RecordFact:
		if f, ok := f.(UpdateOverdue); ok {
			actions = sendQueuedPages(f.Pages, SendPage{Severity: i.Severity, Text: overdueText + " No one who works on it can be notified.", LateBy: f.LateBy})
		}
	case RoomFact, UnknownFact: // reactRooms and reactPosts suffice
	}
	if isPaging(was.paging) && !isPaging(i.Paging.State) {
		actions = append(actions, cancelDelivered(i, e.Fact)...)
	}
	actions = append(actions, reactRooms(i, was, e)...)
	return append(actions, reactPosts(i, e)...)
}

func reactPaging(i *Incident, f PagingFact) []Action {
	with := SendPage{Severity: i.Severity}
	switch f := f.(type) {
	case StepFired:
		with.Urgent, with.LateBy = f.Why != "", f.LateBy
		return sendQueuedPages(f.Pages, with)
	case NoOneReached:
		with.LateBy = f.LateBy
		with.Text, with.Urgent = "No one could be reached.", true
		if f.Slow > 0 {
			with.Text = "No one has been reached yet."
		}
		return sendQueuedPages(f.Pages, with)
	case EscalationExhausted:
		with.LateBy = f.LateBy
		return sendQueuedPages(f.Pages, with)
	case PeoplePaged:
		with.Text, with.Alerts, with.Urgent, with.LateBy = f.Text, f.Alerts, f.Purpose == PurposeJoin, f.LateBy
		return sendQueuedPages(f.Pages, with)
	case PagesQueued:
		var actions []Action
		for _, id := range f.IDs {
			if p := i.Paging.findPage(id); p != nil {
				with.Urgent, with.LateBy = f.Why != "", f.LateBy
				actions = append(actions, sendPage(*p, with))
			}
		}
		return actions
	case PageDelivered:
		if p := i.Paging.findPage(f.Page); p != nil && p.State == DeliveryCanceled {
			return []Action{CancelPage{Page: p.ID, To: p.To, Via: p.Via, Why: p.Why}}
		}
	case EscalationStarted, EscalationRepeated, NoticePostponed, PageFailed, PagesCanceled,
		Acknowledged, PageAnswered, Unacknowledged, AcknowledgeOverdue:
	}
	return nil
}

func reactAlert(i *Incident, at time.Time, f AlertFact) []Action {
	switch f := f.(type) {
	case AlertsForwarded:
		from := f.From
		if from == "" {
			from = i.ID
		}
		return []Action{Forward{Incident: f.To, Absorb: Absorb{
			From: from, Title: f.Title, Began: f.Began, Via: f.Via, Mail: f.Mail, Severity: f.Severity, Unanswered: f.Unanswered,
		}}}
	case AlertsReleased:
		return releaseAlerts(i, at)
	case AlertsJudged:
		if len(f.Alerts) > 0 {
			return []Action{JudgeAlerts{Alerts: f.Alerts}}
		}
	case AlertsArrived, AlertsAllResolved, AlertsHeld:
	}
	return nil
}

func reactLifecycle(i *Incident, at time.Time, f LifecycleFact) []Action {
	switch f := f.(type) {
	case IncidentMerged:
		return []Action{Forward{Incident: f.Into, Absorb: Absorb{
			From: i.ID, Title: f.Title, Began: true, Mail: f.Mail, Severity: i.Severity, Unanswered: !i.IsAcknowledged() && f.From != Monitoring,
		}}}
	case IncidentAbsorbed:
		if !i.IsOpen() { // it ended before the merge arrived
			return []Action{Forward{Incident: f.From, Target: &UpdateMergeTarget{Ended: true}}}
		}
	case IncidentResolved:
		return forwardToMerged(i, UpdateMergeTarget{Ended: true, HoldUntil: f.HoldUntil})
	case IncidentCanceled:
		return forwardToMerged(i, UpdateMergeTarget{Ended: true})
	case IncidentReopened:
		return forwardToMerged(i, UpdateMergeTarget{})
	case MergeTargetUpdated:
		if f.Release {
			return releaseAlerts(i, at)
		}
		return forwardToMerged(i, UpdateMergeTarget(f))
	case Declared, StatusChanged, SeverityChanged, PlanReplaced, IncidentClosed:
	}
	return nil
}

// releaseAlerts sends the alerts that still fire through alert intake again, and makes
// the incidents that were merged into this one do the same.
func releaseAlerts(i *Incident, at time.Time) []Action {
	return append([]Action{Reroute{At: at}}, forwardToMerged(i, UpdateMergeTarget{Ended: true, Release: true})...)
}

// forwardToMerged forwards a command to each incident that was merged into this one.
func forwardToMerged(i *Incident, f UpdateMergeTarget) []Action {
	var actions []Action
	for _, id := range i.Merge.From {
		actions = append(actions, Forward{Incident: id, Target: &f})
	}
	return actions
}

// isPaging reports whether escalation in this state pages people, or reminds the catch-all.
func isPaging(s PagingState) bool { return s == Running || s == Exhausted }

// sendQueuedPages sends the pages that are due at once, with the texts of with.
func sendQueuedPages(pages []PageState, with SendPage) []Action {
	var actions []Action
	for _, p := range pages {
		if p.State == DeliveryQueued {
			actions = append(actions, sendPage(p, with))
		}
	}
	return actions
}

// sendPage returns the action that sends a page, with the texts of with.
func sendPage(p PageState, with SendPage) SendPage {
	with.Page, with.Purpose, with.To, with.Via = p.ID, p.Purpose, p.To, p.Via
	with.First = p.Purpose == PurposeEscalation && p.Coordinates.Policy == 0 && p.Coordinates.Repeat == 0 && p.Coordinates.Step == 0
	return with
}

// cancelDelivered tells the recipients of the run's delivered pages that they need no
// answer any more (E5: an acknowledgement carries what was seen).
func cancelDelivered(i *Incident, because Fact) []Action {
	why := "resolved"
	if a, ok := because.(Acknowledged); ok {
		why = "acknowledged by " + a.Name
	}
	var actions []Action
	for _, p := range i.Paging.Pages {
		if p.State == DeliveryAccepted && (p.Purpose == PurposeEscalation || p.Purpose == PurposeCatchAll) && p.Coordinates.Run == i.Paging.Run {
			actions = append(actions, CancelPage{Page: p.ID, To: p.To, Via: p.Via, Why: why})
		}
	}
	return actions
}

// reactPosts posts the fact into every room that is open or requested, and below the
// announcement.
func reactPosts(i *Incident, e Event) []Action {
	if !IsPosted(e.Fact) {
		return nil
	}
	var actions []Action
	for _, r := range i.Rooms {
		if r.State == RoomOpen || r.State == RoomRequested {
			actions = append(actions, Post{Platform: r.Platform, Seq: e.Seq})
		}
		if r.hasStep(StepAnnounce) && i.Visibility != Private && IsAnnounced(e.Fact) {
			actions = append(actions, Post{Platform: r.Platform, Place: Announce, Seq: e.Seq})
		}
	}
	return actions
}

// IsAnnounced reports whether a fact is posted below the announcement of the incident
// too, because it matters to people who do not work on the incident.
func IsAnnounced(f Fact) bool {
	switch f.(type) {
	case SeverityChanged, IncidentResolved, IncidentReopened, IncidentCanceled, IncidentMerged, UpdatePosted:
		return true
	case Declared, StatusChanged, PlanReplaced, IncidentClosed, IncidentAbsorbed, MergeTargetUpdated:
		return false // the announcement itself shows it
	case DetailsChanged, UpdateOverdue, RoleAssigned, NoteAdded, NoteWithdrawn, ActionItemAdded, ActionItemCompleted,
		CauseSet, CheckRecorded, LinkAdded, PeopleInvited, VisibilityChanged, EffectGivenUp:
		return false // it is the responders' work
	case AlertsArrived, AlertsAllResolved, AlertsReleased, AlertsForwarded, AlertsHeld, AlertsJudged:
		return false
	case EscalationStarted, StepFired, EscalationRepeated, NoOneReached, EscalationExhausted, PeoplePaged, PageFailed,
		Acknowledged, Unacknowledged, AcknowledgeOverdue, PagesQueued, NoticePostponed, PageDelivered, PagesCanceled, PageAnswered:
		return false
	case RoomUnavailable, RoomAbandoned, RoomWanted, RoomOpened, RoomStepFinished, RoomStepRetried, RoomArchiveDue, RoomArchived:
		return false
	case UnknownFact:
		return false
	}
	return false
}

// IsPosted reports whether a fact is posted as a line into the rooms. The others are
// shown in the timeline, and some on the card.
func IsPosted(f Fact) bool {
	switch f := f.(type) {
	case StatusChanged, SeverityChanged, PlanReplaced, IncidentResolved, IncidentClosed, IncidentReopened, IncidentCanceled, IncidentMerged, IncidentAbsorbed:
		return true
	case Declared, MergeTargetUpdated:
		return false // the card shows it
	case AlertsArrived:
		return f.countsAlerts()
	case AlertsAllResolved, AlertsReleased:
		return true
	case AlertsForwarded, AlertsHeld, AlertsJudged:
		return false // the other incident posts it, or nothing has come of it
	case EscalationStarted, StepFired, EscalationRepeated, NoOneReached, EscalationExhausted, PeoplePaged, PageFailed,
		Acknowledged, Unacknowledged, AcknowledgeOverdue:
		return true
	case PagesQueued, NoticePostponed, PageDelivered, PagesCanceled, PageAnswered:
		return false // the command who shows it
	case RoomUnavailable, RoomAbandoned:
		return true
	case RoomWanted, RoomOpened, RoomStepFinished, RoomStepRetried, RoomArchiveDue, RoomArchived:
		return false // the card shows it
	case DetailsChanged, UpdatePosted, UpdateOverdue, RoleAssigned, NoteAdded, NoteWithdrawn, ActionItemAdded, ActionItemCompleted,
		CauseSet, CheckRecorded, LinkAdded, PeopleInvited, VisibilityChanged, EffectGivenUp:
		return true
	case UnknownFact:
		return false
	}
	return false
}
