package workflow

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
		default:
		}
	}
	return was
}

// react says what the world must be told about a fact, whoever caused it.
func react(i *Incident, was outlook, e Event) []Deed {
	var deeds []Deed
	switch f := e.Fact.(type) {
	case StepFired:
		deeds = owed(f.Pages, "")
	case NobodyReached:
		deeds = owed(f.Pages, "Nobody could be reached.")
	case EscalationExhausted:
		deeds = owed(f.Pages, "")
	case PeoplePaged:
		deeds = owed(f.Pages, f.Text)
		for n := range deeds {
			page := deeds[n].(SendPage) //nolint:errcheck // owed makes nothing else
			page.Alerts = f.Alerts
			deeds[n] = page
		}
	case PagesOwed:
		for _, id := range f.IDs {
			if p := i.Paging.page(id); p != nil {
				deeds = append(deeds, sendPage(*p, ""))
			}
		}
	case PageDelivered:
		if p := i.Paging.page(f.Page); p != nil && p.State == Withdrawn {
			deeds = append(deeds, TakeBack{Page: p.ID, To: p.To, Via: p.Via, Why: p.Why})
		}
	case AlertsForwarded:
		from := f.From
		if from == "" {
			from = i.ID
		}
		deeds = append(deeds, Tell{Incident: f.To, Absorb: Absorb{From: from, Title: f.Title, Began: f.Began, Via: f.Via, Mail: f.Mail}})
	case IncidentMerged:
		deeds = append(deeds, Tell{Incident: f.Into, Absorb: Absorb{From: i.ID, Title: f.Title, Began: true, Mail: f.Mail}})
	case IncidentAbsorbed:
		if !i.Open() { // it ended before the news came
			deeds = append(deeds, Tell{Incident: f.From, Follow: &Follow{Ended: true}})
		}
	case IncidentResolved, IncidentCanceled, IncidentReopened, AlertsReleased, MergeFollowed:
		deeds = follows(i, e)
	default: // a line in the room at most
	}
	if paging(was.paging) && !paging(i.Paging.State) {
		deeds = append(deeds, takeBack(i, e.Fact)...)
	}
	deeds = append(deeds, houses(i, was, e)...)
	return append(deeds, posts(i, e)...)
}

// follows tells the incidents that were merged into this one what became of
// it, and takes alerts that it gives up through the intake again.
func follows(i *Incident, e Event) []Deed {
	var deeds []Deed
	var told Follow
	switch f := e.Fact.(type) {
	case IncidentResolved:
		told = Follow{Ended: true, Until: f.KeepUntil}
	case IncidentCanceled:
		told = Follow{Ended: true}
	case AlertsReleased:
		told = Follow{Ended: true, Release: true}
	case MergeFollowed:
		told = Follow(f)
	default: // open again: the zero Follow
	}
	if told.Release {
		deeds = append(deeds, Reroute{At: e.At})
	}
	for _, id := range i.MergedFrom {
		deeds = append(deeds, Tell{Incident: id, Follow: &told})
	}
	return deeds
}

func paging(s PagingState) bool { return s == Running || s == Exhausted }

// owed sends the pages that are due at once.
func owed(pages []PageState, text string) []Deed {
	var deeds []Deed
	for _, p := range pages {
		if p.State == Owed {
			deeds = append(deeds, sendPage(p, text))
		}
	}
	return deeds
}

func sendPage(p PageState, text string) SendPage {
	return SendPage{
		Page: p.ID, Purpose: p.Purpose, To: p.To, Via: p.Via, Text: text,
		First: p.Purpose == ToAnswer && p.At.Policy == 0 && p.At.Repeat == 0 && p.At.Step == 0,
	}
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
	switch f.(type) {
	case UpdatePosted, SeverityChanged, IncidentResolved, IncidentReopened, IncidentCanceled, IncidentMerged:
		return true
	default:
		return false
	}
}

// Worth reports whether a fact is worth a line in the room. The rest is in the
// timeline and on the card.
func Worth(f Fact) bool {
	switch f.(type) {
	case Declared, PageDelivered, PagesOwed, PagesCanceled, TellPostponed, PageAnswered, AlertsForwarded, MergeFollowed, UnknownFact:
		return false
	case RoomWanted, RoomOpened, RoomFurnished, RoomStepRetried, RoomRetired, RoomArchived:
		return false
	default:
		return true
	}
}
