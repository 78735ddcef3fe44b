package workflow

import (
	"slices"
	"time"
)

// Delivery is the record of one page: who was paged, by which contact method, and
// whether it was delivered.
type Delivery struct {
	PageState
	AskedAt time.Time // when it was planned or sent
	DoneAt  time.Time // when it was delivered, failed or was canceled; zero while it is pending
}

// Deliveries returns every page in a history of events, in the order in which they
// were planned.
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
		n, ok := at[id]
		if !ok {
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
		case NoOneReached:
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
			move(e, f.Page, f.state(), f.Why)
		case PagesCanceled:
			for _, id := range f.IDs {
				move(e, id, DeliveryCanceled, f.Why)
			}
		case EscalationStarted, EscalationRepeated, NoticePostponed, Acknowledged, PageAnswered, Unacknowledged, AcknowledgeOverdue:
		}
	}
	return all
}

// IsAwaiting reports whether a person was paged and has not answered: to acknowledge,
// while no one has, or to join.
func (i *Incident) IsAwaiting(person string) bool {
	return person != "" && slices.ContainsFunc(i.Paging.Pages, func(p PageState) bool {
		return p.To == person && p.isUnanswered() && (p.Purpose == PurposeJoin || !i.IsAcknowledged() && p.Purpose != PurposeNotice)
	})
}

// isUnanswered reports whether a page was sent and not answered. A page that could not
// be delivered counts too: the person still sees in the browser that they were paged.
func (p PageState) isUnanswered() bool {
	switch p.State {
	case DeliveryQueued, DeliveryRetrying, DeliverySlow, DeliveryFailed:
		return true
	case DeliveryAccepted:
		return p.Why == ""
	case DeliveryPlanned, DeliveryStandby, DeliveryCanceled:
		return false
	}
	return false
}
