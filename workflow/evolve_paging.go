package workflow

import (
	"slices"
	"time"
)

// evolvePaging folds who was paged and who answered.
func (i *Incident) evolvePaging(e Event, f PagingFact) {
	p := &i.Paging
	switch f := f.(type) {
	case EscalationStarted:
		p.begin(e.Seq, f)
	case StepFired:
		p.Repeat, p.Step, p.NextAt, p.Fired = f.At.Repeat, f.At.Step, f.Next, e.Seq
		p.add(f.Pages)
		i.remember(f.Pages)
	case CycleBegan:
		if p.Repeat = f.Repeat; f.Moved {
			p.Chain = append(p.Chain, f.Policy)
		}
		p.Reached = false
	case NobodyReached:
		p.NextAt, p.Unreached, p.Adrift = f.Again, true, true
		p.add(f.Pages)
	case EscalationExhausted:
		p.State, p.NextAt, p.Reminders = Exhausted, f.Next, f.Reminder+1
		p.add(f.Pages)
	case PagesOwed:
		p.move(f.IDs, Owed, "")
	case PeoplePaged:
		p.Manual = f.Manual
		p.add(f.Pages)
		i.remember(f.Pages)
		if f.Purpose == ToKnow && f.Alerts > 0 {
			i.Telling = Telling{LastAt: e.At}
		}
	case TellPostponed:
		i.Telling.Pending += f.Alerts
		i.Telling.DueAt = f.Due
	case PageDelivered:
		p.delivered(f.Page)
	case PageFailed:
		state := Lost
		if f.Retrying {
			state = Failing
		}
		p.move([]string{f.Page}, state, f.Why)
	case PagesCanceled:
		p.move(f.IDs, Withdrawn, f.Why)
	case Acknowledged:
		i.AcknowledgedAt, i.AcknowledgedBy, i.AckName = e.At, f.Person, f.Name
		i.AckDue, i.Telling = time.Time{}, Telling{}
		p.stop(Answered)
	case Unacknowledged:
		i.AcknowledgedAt, i.AcknowledgedBy, i.AckName = time.Time{}, "", ""
		i.Telling = Telling{}
	case AcknowledgeOverdue:
		i.AckDue = time.Time{}
	case PageAnswered:
		p.answered(f.Person)
	}
}

// answered marks the pages that asked a person to join, and arrived.
func (p *Escalation) answered(person string) {
	for n := range p.Pages {
		if s := &p.Pages[n]; s.To == person && s.Purpose == ToJoin && s.State == Arrived {
			s.Why = "answered"
		}
	}
}

// begin resets the run. Pages that people asked for by hand go on.
func (p *Escalation) begin(seq int, f EscalationStarted) {
	p.Pages = slices.DeleteFunc(p.Pages, func(s PageState) bool {
		return s.Purpose != ToJoin && !s.State.Live()
	})
	*p = Escalation{
		Run: f.Run, State: Running, Chain: []string{f.Policy},
		Trigger: seq, Manual: p.Manual, Pages: p.Pages, Adrift: p.Adrift,
	}
}

// stop ends the run; what it still owed is canceled by a fact of its own.
func (p *Escalation) stop(s PagingState) {
	if p.State != Idle {
		p.State = s
	}
	p.NextAt, p.Unreached, p.Adrift = time.Time{}, false, false
}

// add remembers pages and forgets the oldest that are settled.
func (p *Escalation) add(pages []PageState) {
	p.Pages = append(p.Pages, pages...)
	for len(p.Pages) > maxPages {
		n := slices.IndexFunc(p.Pages, func(s PageState) bool { return !s.State.Live() })
		if n < 0 {
			return
		}
		p.Pages = slices.Delete(p.Pages, n, n+1)
	}
}

func (p *Escalation) move(ids []string, to DeliveryState, why string) {
	for _, id := range ids {
		if s := p.page(id); s != nil {
			s.State, s.Why = to, why
		}
	}
}

// delivered notes that somebody was reached. A page that was canceled while it
// was on its way stays canceled.
func (p *Escalation) delivered(id string) {
	s := p.page(id)
	if s == nil {
		return
	}
	if s.State != Withdrawn {
		s.State, s.Why = Arrived, ""
	}
	for n := range p.Pages { // the other ways of a notice are not needed any more
		if o := &p.Pages[n]; o.State == Spare && o.To == s.To && o.At == s.At {
			o.State, o.Why = Withdrawn, "not needed"
		}
	}
	if s.At.Run != p.Run || s.Purpose != ToAnswer {
		return
	}
	p.Anybody, p.Adrift = true, false
	if s.At.Policy == len(p.Chain)-1 && s.At.Repeat == p.Repeat {
		p.Reached = true
	}
}

// remember makes the people who were paged members of the incident.
func (i *Incident) remember(pages []PageState) {
	for _, s := range pages {
		i.invite(s.To)
	}
}
