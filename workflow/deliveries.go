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
		if !to.IsPending() {
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
		case PagesQueued:
			for _, id := range f.IDs {
				move(e, id, DeliveryQueued, "")
			}
		case PageDelivered:
			move(e, f.Page, DeliveryAccepted, "")
		case PageFailed:
			state := DeliveryFailed
			if f.Retrying {
				state = DeliveryRetrying
			}
			move(e, f.Page, state, f.Why)
		case PagesCanceled:
			for _, id := range f.IDs {
				move(e, id, DeliveryCanceled, f.Why)
			}
		case EscalationStarted, CycleBegan, NoticePostponed, Acknowledged, PageAnswered, Unacknowledged, AcknowledgeOverdue:
		}
	}
	return all
}

// IsAwaiting reports whether a person is paged and has not answered: to answer
// while nobody has, or to join whoever has.
func (i *Incident) IsAwaiting(person string) bool {
	return person != "" && slices.ContainsFunc(i.Paging.Pages, func(p PageState) bool {
		return p.To == person && p.isUnanswered() && (p.Purpose == PurposeJoin || !i.IsAcknowledged() && p.Purpose != PurposeNotice)
	})
}

// unanswered reports a page that is on its way, has arrived or could not be
// delivered, and was not answered: where the telephone failed, the page on the
// screen still calls.
func (p PageState) isUnanswered() bool {
	switch p.State {
	case DeliveryQueued, DeliveryRetrying, DeliveryFailed:
		return true
	case DeliveryAccepted:
		return p.Why == ""
	case DeliveryPlanned, DeliveryStandby, DeliveryCanceled:
		return false
	}
	return false
}
