package workflow

import "time"

// outlook is what react must remember of the state before a fact.
type before struct {
	paging  PagingState
	members []string // nil: no room is open that they could be asked into
	// archived names the platforms whose rooms had been put away; awaited those
	// whose rooms were on their way.
	archived, awaited []string
}

func (i *Incident) before() before {
	was := before{paging: i.Paging.State}
	if i.hasManagedRoom() {
		was.members = i.members()
	}
	for _, r := range i.Rooms {
		switch r.State {
		case RoomIsArchived:
			was.archived = append(was.archived, r.Platform)
		case RoomRequested:
			was.awaited = append(was.awaited, r.Platform)
		case RoomOpen, RoomFailed:
		}
	}
	return was
}

// react says what the world must be told about a fact, whoever caused it.
func react(i *Incident, was before, e Event) []Action {
	var actions []Action
	switch f := e.Fact.(type) {
	case PagingFact:
		actions = reactPaging(i, f)
	case AlertFact:
		actions = reactAlert(i, e.At, f)
	case LifecycleFact:
		actions = reactLifecycle(i, e.At, f)
	case RoomFact, RecordFact, UnknownFact: // rooms and lines at most
	}
	if isPaging(was.paging) && !isPaging(i.Paging.State) {
		actions = append(actions, cancelDelivered(i, e.Fact)...)
	}
	actions = append(actions, reactRooms(i, was, e)...)
	return append(actions, reactPosts(i, e)...)
}

func reactPaging(i *Incident, f PagingFact) []Action {
	switch f := f.(type) {
	case StepFired:
		return queuedPages(f.Pages, SendPage{})
	case NobodyReached:
		return queuedPages(f.Pages, SendPage{Text: "Nobody could be reached."})
	case EscalationExhausted:
		return queuedPages(f.Pages, SendPage{})
	case PeoplePaged:
		return queuedPages(f.Pages, SendPage{Text: f.Text, Alerts: f.Alerts})
	case PagesQueued:
		var actions []Action
		for _, id := range f.IDs {
			if p := i.Paging.page(id); p != nil {
				actions = append(actions, sendPage(*p, SendPage{}))
			}
		}
		return actions
	case PageDelivered:
		if p := i.Paging.page(f.Page); p != nil && p.State == DeliveryCanceled {
			return []Action{CancelPage{Page: p.ID, To: p.To, Via: p.Via, Why: p.Why}}
		}
	case EscalationStarted, CycleBegan, NoticePostponed, PageFailed, PagesCanceled,
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
		return []Action{Forward{Incident: f.To, Absorb: Absorb{From: from, Title: f.Title, Began: f.Began, Via: f.Via, Mail: f.Mail}}}
	case AlertsReleased:
		return releaseAlerts(i, at)
	case AlertsArrived, AlertsAllResolved:
	}
	return nil
}

func reactLifecycle(i *Incident, at time.Time, f LifecycleFact) []Action {
	switch f := f.(type) {
	case IncidentMerged:
		return []Action{Forward{Incident: f.Into, Absorb: Absorb{From: i.ID, Title: f.Title, Began: true, Mail: f.Mail}}}
	case IncidentAbsorbed:
		if !i.IsOpen() { // it ended before the news came
			return []Action{Forward{Incident: f.From, Target: &UpdateMergeTarget{Ended: true}}}
		}
	case IncidentResolved:
		return forwardToMerged(i, UpdateMergeTarget{Ended: true, Until: f.KeepUntil})
	case IncidentCanceled:
		return forwardToMerged(i, UpdateMergeTarget{Ended: true})
	case IncidentReopened:
		return forwardToMerged(i, UpdateMergeTarget{})
	case MergeTargetUpdated:
		if f.Release {
			return releaseAlerts(i, at)
		}
		return forwardToMerged(i, UpdateMergeTarget(f))
	case Declared, StatusChanged, SeverityChanged, IncidentClosed:
	}
	return nil
}

// releaseAlerts takes the alerts that still fire through the intake again, and
// lets the incidents that were merged into this one do the same.
func releaseAlerts(i *Incident, at time.Time) []Action {
	return append([]Action{Reroute{At: at}}, forwardToMerged(i, UpdateMergeTarget{Ended: true, Release: true})...)
}

// tellMerged tells the incidents that were merged into this one what became of
// it.
func forwardToMerged(i *Incident, f UpdateMergeTarget) []Action {
	var actions []Action
	for _, id := range i.Merge.From {
		actions = append(actions, Forward{Incident: id, Target: &f})
	}
	return actions
}

func isPaging(s PagingState) bool { return s == Running || s == Exhausted }

// owed sends the pages that are due at once. What they say besides is in with.
func queuedPages(pages []PageState, with SendPage) []Action {
	var actions []Action
	for _, p := range pages {
		if p.State == DeliveryQueued {
			actions = append(actions, sendPage(p, with))
		}
	}
	return actions
}

func sendPage(p PageState, with SendPage) SendPage {
	with.Page, with.Purpose, with.To, with.Via = p.ID, p.Purpose, p.To, p.Via
	with.First = p.Purpose == PurposeEscalation && p.At.Policy == 0 && p.At.Repeat == 0 && p.At.Step == 0
	return with
}

// takeBack tells every medium that can that its page needs no answer any more
// (rule E5).
func cancelDelivered(i *Incident, because Fact) []Action {
	why := "resolved"
	if a, is := because.(Acknowledged); is {
		why = "acknowledged by " + a.Name
	}
	var actions []Action
	for _, p := range i.Paging.Pages {
		if p.State == DeliveryAccepted && (p.Purpose == PurposeEscalation || p.Purpose == PurposeCatchAll) && p.At.Run == i.Paging.Run {
			actions = append(actions, CancelPage{Page: p.ID, To: p.To, Via: p.Via, Why: why})
		}
	}
	return actions
}

// posts writes the fact into every room that is or will be open.
func reactPosts(i *Incident, e Event) []Action {
	if !IsPosted(e.Fact) {
		return nil
	}
	var actions []Action
	for _, r := range i.Rooms {
		if r.State == RoomOpen || r.State == RoomRequested {
			actions = append(actions, Post{Platform: r.Platform, Seq: e.Seq})
		}
		if r.wants(StepAnnounce) && i.Visibility != Private && IsAnnounced(e.Fact) {
			actions = append(actions, Post{Platform: r.Platform, Place: Announce, Seq: e.Seq})
		}
	}
	return actions
}

// IsAnnounced reports whether a fact is said below the announcement too: it is
// what people want to know who do not work on the incident.
func IsAnnounced(f Fact) bool {
	switch f := f.(type) {
	case LifecycleFact:
		switch f.(type) {
		case SeverityChanged, IncidentResolved, IncidentReopened, IncidentCanceled, IncidentMerged:
			return true
		case Declared, StatusChanged, IncidentClosed, IncidentAbsorbed, MergeTargetUpdated:
			return false
		}
	case RecordFact:
		_, update := f.(UpdatePosted)
		return update
	case AlertFact, PagingFact, RoomFact, UnknownFact:
		return false
	}
	return false
}

// IsPosted reports whether a fact is worth a line in the room. The rest is in the
// timeline and on the card.
func IsPosted(f Fact) bool {
	switch f.(type) {
	case StatusChanged, SeverityChanged, IncidentResolved, IncidentClosed, IncidentReopened, IncidentCanceled, IncidentMerged, IncidentAbsorbed:
		return true
	case Declared, MergeTargetUpdated:
		return false // the card says it
	case AlertsArrived, AlertsAllResolved, AlertsReleased:
		return true
	case AlertsForwarded:
		return false // the other incident says it
	case EscalationStarted, StepFired, CycleBegan, NobodyReached, EscalationExhausted, PeoplePaged, PageFailed,
		Acknowledged, Unacknowledged, AcknowledgeOverdue:
		return true
	case PagesQueued, NoticePostponed, PageDelivered, PagesCanceled, PageAnswered:
		return false // `who` says it
	case RoomUnavailable, RoomAbandoned:
		return true
	case RoomWanted, RoomOpened, RoomStepFinished, RoomStepRetried, RoomArchiveDue, RoomArchived:
		return false // the card says it
	case DetailsChanged, UpdatePosted, UpdateOverdue, RoleAssigned, NoteAdded, NoteWithdrawn, ActionItemAdded, ActionItemCompleted,
		CauseSet, CheckRecorded, LinkAdded, PeopleInvited, VisibilityChanged, EffectGivenUp:
		return true
	case UnknownFact:
		return false
	}
	return false
}
