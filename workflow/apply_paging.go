package workflow

import (
	"slices"
	"time"
)

// applyPaging applies facts about escalation, pages and acknowledgements.
func (i *Incident) applyPaging(e Event, f PagingFact) {
	p := &i.Paging
	switch f := f.(type) {
	case EscalationStarted:
		p.begin(e.Seq, f)
	case StepFired:
		p.Repeat, p.Step, p.NextAt, p.Fired = f.Coordinates.Repeat, f.Coordinates.Step, f.Next, e.Seq
		p.add(f.Pages)
		i.addPagedMembers(f.Pages)
	case EscalationRepeated:
		if p.Repeat = f.Repeat; f.Moved {
			p.Chain = append(p.Chain, f.Policy)
		}
		p.CycleReached = false
	case NoOneReached:
		p.NextAt, p.RestartPending, p.Unreachable = f.RestartAt, true, true
		p.add(f.Pages)
	case EscalationExhausted:
		p.State, p.NextAt, p.Reminders = Exhausted, f.Next, f.Reminder+1
		p.add(f.Pages)
	case PagesQueued:
		p.setState(f.IDs, DeliveryQueued, "")
	case PeoplePaged:
		p.Manual = f.Manual
		p.add(f.Pages)
		i.addPagedMembers(f.Pages)
		if f.Purpose == PurposeNotice && f.Alerts > 0 {
			i.Alerts.Notice = AlertNotice{LastAt: e.At}
		}
	case NoticePostponed:
		i.Alerts.Notice.Pending += f.Alerts
		i.Alerts.Notice.DueAt = f.Due
	case PageDelivered:
		p.markDelivered(f.Page)
		if !f.Next.IsZero() {
			p.NextAt, p.RestartPending, p.CycleReached = f.Next, false, true
		}
	case PageFailed:
		p.setState([]string{f.Page}, f.state(), f.Why)
	case PagesCanceled:
		p.setState(f.IDs, DeliveryCanceled, f.Why)
	case Acknowledged:
		i.Acknowledgement.At, i.Acknowledgement.Person, i.Acknowledgement.Name = e.At, f.Person, f.Name
		i.Promises.AcknowledgeBy, i.Alerts.Notice = time.Time{}, AlertNotice{}
		p.stop(Answered)
	case Unacknowledged:
		i.Acknowledgement.At, i.Acknowledgement.Person, i.Acknowledgement.Name = time.Time{}, "", ""
		i.Alerts.Notice = AlertNotice{}
	case AcknowledgeOverdue:
		i.Promises.AcknowledgeBy = time.Time{}
	case PageAnswered:
		p.markAnswered(f.Person)
	}
}

// markAnswered marks the delivered pages that asked a person to join as answered.
func (p *Escalation) markAnswered(person string) {
	for n := range p.Pages {
		if s := &p.Pages[n]; s.To == person && s.Purpose == PurposeJoin && s.State == DeliveryAccepted {
			s.Why = "answered"
		}
	}
}

// begin starts a new run. It keeps pending pages, and those that asked people to join.
func (p *Escalation) begin(seq int, f EscalationStarted) {
	p.Pages = slices.DeleteFunc(p.Pages, func(s PageState) bool {
		return s.Purpose != PurposeJoin && !s.State.IsPending()
	})
	*p = Escalation{
		Run: f.Run, State: Running, Chain: []string{f.Policy},
		Trigger: seq, Manual: p.Manual, Pages: p.Pages, Unreachable: p.Unreachable,
	}
}

// stop ends the run. Its pending pages are canceled by a [PagesCanceled] of its own.
func (p *Escalation) stop(s PagingState) {
	if p.State != Idle {
		p.State = s
	}
	p.NextAt, p.RestartPending, p.Unreachable = time.Time{}, false, false
}

// add adds pages. Above maxPages it drops the oldest that are not pending: those that were
// canceled or failed first, because who was reached may still answer.
func (p *Escalation) add(pages []PageState) {
	p.Pages = append(p.Pages, pages...)
	for _, state := range []DeliveryState{DeliveryCanceled, DeliveryFailed, DeliveryAccepted} {
		for len(p.Pages) > maxPages {
			n := slices.IndexFunc(p.Pages, func(s PageState) bool { return s.State == state })
			if n < 0 {
				break
			}
			p.Pages = slices.Delete(p.Pages, n, n+1)
		}
	}
}

// setState sets the state of pages. IDs of pages that were dropped are ignored.
func (p *Escalation) setState(ids []string, to DeliveryState, why string) {
	for _, id := range ids {
		if s := p.findPage(id); s != nil {
			s.State, s.Why = to, why
		}
	}
}

// markDelivered notes that the provider accepted a page. A page that was canceled while
// it was being sent stays canceled.
func (p *Escalation) markDelivered(id string) {
	s := p.findPage(id)
	if s == nil {
		return
	}
	wasSlow := s.State == DeliverySlow
	if s.State != DeliveryCanceled {
		s.State, s.Why = DeliveryAccepted, ""
	}
	for n := range p.Pages { // the other methods of a notice are not needed any more
		if o := &p.Pages[n]; o.State == DeliveryStandby && o.To == s.To && o.Coordinates == s.Coordinates {
			o.State, o.Why = DeliveryCanceled, "not needed"
		}
	}
	if s.Coordinates.Run != p.Run && !wasSlow || s.Purpose != PurposeEscalation {
		return
	}
	p.RunReached, p.Unreachable = true, false
	if wasSlow || s.Coordinates.Policy == len(p.Chain)-1 && s.Coordinates.Repeat == p.Repeat {
		p.CycleReached = true // a slow page may belong to an earlier run or cycle: no other was sent in its place
	}
}

// state returns the state of the page that failed.
func (f PageFailed) state() DeliveryState {
	switch {
	case f.Slow:
		return DeliverySlow
	case f.Retrying:
		return DeliveryRetrying
	}
	return DeliveryFailed
}

// addPagedMembers makes the people who were paged members of the incident.
func (i *Incident) addPagedMembers(pages []PageState) {
	for _, s := range pages {
		i.addMembers(s.To)
	}
}
