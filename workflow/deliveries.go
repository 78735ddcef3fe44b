package workflow

import (
	"slices"
	"time"
)

// Delivery is one page from being planned to its end: who was told, through
// what, and whether it arrived.
type Delivery struct {
	PageState
	AskedAt time.Time // when it was planned or owed
	DoneAt  time.Time // when it arrived, failed for good or was canceled; zero while it is open
}

// Deliveries folds a history into its pages, in the order they were asked for.
func Deliveries(events []Event) []Delivery {
	var all []Delivery
	at := map[string]int{}
	add := func(e Event, pages []PageState) {
		for _, p := range pages {
			at[p.ID] = len(all)
			all = append(all, Delivery{PageState: p, AskedAt: e.At})
		}
	}
	move := func(e Event, id string, to DeliveryState, why string) {
		n, known := at[id]
		if !known {
			return
		}
		d := &all[n]
		d.State, d.Why = to, why
		if !to.Live() {
			d.DoneAt = e.At
		}
	}
	for _, e := range events {
		f, ok := e.Fact.(PagingFact)
		if !ok {
			continue
		}
		switch f := f.(type) {
		case StepFired:
			add(e, f.Pages)
		case NobodyReached:
			add(e, f.Pages)
		case EscalationExhausted:
			add(e, f.Pages)
		case PeoplePaged:
			add(e, f.Pages)
		case PagesOwed:
			for _, id := range f.IDs {
				move(e, id, Owed, "")
			}
		case PageDelivered:
			move(e, f.Page, Arrived, "")
		case PageFailed:
			state := Lost
			if f.Retrying {
				state = Failing
			}
			move(e, f.Page, state, f.Why)
		case PagesCanceled:
			for _, id := range f.IDs {
				move(e, id, Withdrawn, f.Why)
			}
		case EscalationStarted, CycleBegan, TellPostponed, Acknowledged, PageAnswered, Unacknowledged, AcknowledgeOverdue:
		}
	}
	return all
}

// Awaits reports whether a person is paged and has not answered: to answer
// while nobody has, or to join whoever has.
func (i *Incident) Awaits(person string) bool {
	return person != "" && slices.ContainsFunc(i.Paging.Pages, func(p PageState) bool {
		return p.To == person && p.unanswered() && (p.Purpose == ToJoin || !i.Acknowledged() && p.Purpose != ToKnow)
	})
}

// unanswered reports a page that is on its way, has arrived or could not be
// delivered, and was not answered: where the telephone failed, the page on the
// screen still calls.
func (p PageState) unanswered() bool {
	switch p.State {
	case Owed, Failing, Lost:
		return true
	case Arrived:
		return p.Why == ""
	case Planned, Spare, Withdrawn:
		return false
	}
	return false
}
