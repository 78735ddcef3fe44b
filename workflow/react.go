package workflow

import "time"

// outlook is what react must remember of the state before a fact.
type outlook struct {
	paging  PagingState
	members []string // nil: no room is open that they could be asked into
	// archived names the platforms whose rooms had been put away; awaited those
	// whose rooms were on their way.
	archived, awaited []string
}

func (i *Incident) outlook() outlook {
	was := outlook{paging: i.Paging.State}
	if i.housedOpen() {
		was.members = i.members()
	}
	for _, r := range i.Rooms {
		switch r.State {
		case RoomWasArchived:
			was.archived = append(was.archived, r.Platform)
		case RoomRequested:
			was.awaited = append(was.awaited, r.Platform)
		case RoomOpen, RoomFailed:
		}
	}
	return was
}

// react says what the world must be told about a fact, whoever caused it.
func react(i *Incident, was outlook, e Event) []Deed {
	var deeds []Deed
	switch f := e.Fact.(type) {
	case PagingFact:
		deeds = reactPaging(i, f)
	case AlertFact:
		deeds = reactAlert(i, e.At, f)
	case LifecycleFact:
		deeds = reactLifecycle(i, e.At, f)
	case RoomFact, RecordFact, UnknownFact: // rooms and lines at most
	}
	if paging(was.paging) && !paging(i.Paging.State) {
		deeds = append(deeds, takeBack(i, e.Fact)...)
	}
	deeds = append(deeds, houses(i, was, e)...)
	return append(deeds, posts(i, e)...)
}

func reactPaging(i *Incident, f PagingFact) []Deed {
	switch f := f.(type) {
	case StepFired:
		return owed(f.Pages, SendPage{})
	case NobodyReached:
		return owed(f.Pages, SendPage{Text: "Nobody could be reached."})
	case EscalationExhausted:
		return owed(f.Pages, SendPage{})
	case PeoplePaged:
		return owed(f.Pages, SendPage{Text: f.Text, Alerts: f.Alerts})
	case PagesOwed:
		var deeds []Deed
		for _, id := range f.IDs {
			if p := i.Paging.page(id); p != nil {
				deeds = append(deeds, sendPage(*p, SendPage{}))
			}
		}
		return deeds
	case PageDelivered:
		if p := i.Paging.page(f.Page); p != nil && p.State == Withdrawn {
			return []Deed{TakeBack{Page: p.ID, To: p.To, Via: p.Via, Why: p.Why}}
		}
	case EscalationStarted, CycleBegan, TellPostponed, PageFailed, PagesCanceled,
		Acknowledged, PageAnswered, Unacknowledged, AcknowledgeOverdue:
	}
	return nil
}

func reactAlert(i *Incident, at time.Time, f AlertFact) []Deed {
	switch f := f.(type) {
	case AlertsForwarded:
		from := f.From
		if from == "" {
			from = i.ID
		}
		return []Deed{Tell{Incident: f.To, Absorb: Absorb{From: from, Title: f.Title, Began: f.Began, Via: f.Via, Mail: f.Mail}}}
	case AlertsReleased:
		return releaseAlerts(i, at)
	case AlertsArrived, AlertsAllResolved:
	}
	return nil
}

func reactLifecycle(i *Incident, at time.Time, f LifecycleFact) []Deed {
	switch f := f.(type) {
	case IncidentMerged:
		return []Deed{Tell{Incident: f.Into, Absorb: Absorb{From: i.ID, Title: f.Title, Began: true, Mail: f.Mail}}}
	case IncidentAbsorbed:
		if !i.Open() { // it ended before the news came
			return []Deed{Tell{Incident: f.From, Follow: &Follow{Ended: true}}}
		}
	case IncidentResolved:
		return tellMerged(i, Follow{Ended: true, Until: f.KeepUntil})
	case IncidentCanceled:
		return tellMerged(i, Follow{Ended: true})
	case IncidentReopened:
		return tellMerged(i, Follow{})
	case MergeFollowed:
		if f.Release {
			return releaseAlerts(i, at)
		}
		return tellMerged(i, Follow(f))
	case Declared, StatusChanged, SeverityChanged, IncidentClosed:
	}
	return nil
}

// releaseAlerts takes the alerts that still fire through the intake again, and
// lets the incidents that were merged into this one do the same.
func releaseAlerts(i *Incident, at time.Time) []Deed {
	return append([]Deed{Reroute{At: at}}, tellMerged(i, Follow{Ended: true, Release: true})...)
}

// tellMerged tells the incidents that were merged into this one what became of
// it.
func tellMerged(i *Incident, f Follow) []Deed {
	var deeds []Deed
	for _, id := range i.MergedFrom {
		deeds = append(deeds, Tell{Incident: id, Follow: &f})
	}
	return deeds
}

func paging(s PagingState) bool { return s == Running || s == Exhausted }

// owed sends the pages that are due at once. What they say besides is in with.
func owed(pages []PageState, with SendPage) []Deed {
	var deeds []Deed
	for _, p := range pages {
		if p.State == Owed {
			deeds = append(deeds, sendPage(p, with))
		}
	}
	return deeds
}

func sendPage(p PageState, with SendPage) SendPage {
	with.Page, with.Purpose, with.To, with.Via = p.ID, p.Purpose, p.To, p.Via
	with.First = p.Purpose == ToAnswer && p.At.Policy == 0 && p.At.Repeat == 0 && p.At.Step == 0
	return with
}

// takeBack tells every medium that can that its page needs no answer any more
// (rule E5).
func takeBack(i *Incident, because Fact) []Deed {
	why := "resolved"
	if a, is := because.(Acknowledged); is {
		why = "acknowledged by " + a.Name
	}
	var deeds []Deed
	for _, p := range i.Paging.Pages {
		if p.State == Arrived && (p.Purpose == ToAnswer || p.Purpose == ToRescue) && p.At.Run == i.Paging.Run {
			deeds = append(deeds, TakeBack{Page: p.ID, To: p.To, Via: p.Via, Why: why})
		}
	}
	return deeds
}

// posts writes the fact into every room that is or will be open.
func posts(i *Incident, e Event) []Deed {
	if !Worth(e.Fact) {
		return nil
	}
	var deeds []Deed
	for _, r := range i.Rooms {
		if r.State == RoomOpen || r.State == RoomRequested {
			deeds = append(deeds, Post{Platform: r.Platform, Seq: e.Seq})
		}
		if r.wants(StepAnnounce) && i.Visibility != Private && Announced(e.Fact) {
			deeds = append(deeds, Post{Platform: r.Platform, Place: Announce, Seq: e.Seq})
		}
	}
	return deeds
}

// Announced reports whether a fact is said below the announcement too: it is
// what people want to know who do not work on the incident.
func Announced(f Fact) bool {
	switch f := f.(type) {
	case LifecycleFact:
		switch f.(type) {
		case SeverityChanged, IncidentResolved, IncidentReopened, IncidentCanceled, IncidentMerged:
			return true
		case Declared, StatusChanged, IncidentClosed, IncidentAbsorbed, MergeFollowed:
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

// Worth reports whether a fact is worth a line in the room. The rest is in the
// timeline and on the card.
func Worth(f Fact) bool {
	switch f.(type) {
	case StatusChanged, SeverityChanged, IncidentResolved, IncidentClosed, IncidentReopened, IncidentCanceled, IncidentMerged, IncidentAbsorbed:
		return true
	case Declared, MergeFollowed:
		return false // the card says it
	case AlertsArrived, AlertsAllResolved, AlertsReleased:
		return true
	case AlertsForwarded:
		return false // the other incident says it
	case EscalationStarted, StepFired, CycleBegan, NobodyReached, EscalationExhausted, PeoplePaged, PageFailed,
		Acknowledged, Unacknowledged, AcknowledgeOverdue:
		return true
	case PagesOwed, TellPostponed, PageDelivered, PagesCanceled, PageAnswered:
		return false // `who` says it
	case RoomLost, RoomLeft:
		return true
	case RoomWanted, RoomOpened, RoomFurnished, RoomStepRetried, RoomRetired, RoomArchived:
		return false // the card says it
	case DetailsChanged, UpdatePosted, UpdateOverdue, RoleAssigned, NoteAdded, NoteWithdrawn, TaskAdded, TaskFinished,
		CauseSet, CheckRecorded, LinkAdded, PeopleInvited, VisibilityChanged, EffectGivenUp:
		return true
	case UnknownFact:
		return false
	}
	return false
}
