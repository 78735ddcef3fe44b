package workflow

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

func (t *transition) decidePaging(c PagingCommand) error {
	switch c := c.(type) {
	case Acknowledge:
		return t.acknowledge(c)
	case Unacknowledge:
		return t.unacknowledge()
	case Page:
		return t.page(c)
	case Escalate:
		return t.escalate(c)
	case Delivered:
		t.handleDelivered(c)
	case Undeliverable:
		t.handleUndeliverable(c)
	}
	return nil
}

// acknowledge records that the person has taken the incident on, and cancels the pages
// of escalation. It is refused when something newer than what the person saw has asked
// for attention (E5: an acknowledgement carries what was seen). If another person
// holds the acknowledgement, it answers the pages that asked this person to join.
func (t *transition) acknowledge(c Acknowledge) error {
	by := t.in.By
	if by.ID == "" {
		by.ID = by.Name
	}
	if err := t.requireOpen("ack"); err != nil {
		return err
	}
	if t.incident.IsAcknowledged() {
		if t.answerJoinPages(by) {
			return nil
		}
		if t.incident.Acknowledgement.Person == by.ID {
			return refuse(fmt.Sprintf("You have acknowledged %s already.", t.incident.ID), "Next: `update TEXT`, or `lead` to become commander.")
		}
		return refuse(fmt.Sprintf("%s acknowledged %s %s.", t.incident.Acknowledgement.Name, t.incident.ID, formatAgo(t.in.At.Sub(t.incident.Acknowledgement.At))),
			"To take over, `lead`.")
	}
	if c.Seen > 0 && c.Seen < t.incident.Paging.Trigger {
		return refuse("Something new happened since that message was written.",
			fmt.Sprintf("Look again: `show %s`, then acknowledge.", t.incident.ID))
	}
	t.record(Acknowledged{Person: by.ID, Name: nameOf(Recipient{ID: by.ID, Name: by.Name}), Run: t.incident.Paging.Run})
	t.cancelPages("acknowledged by "+t.incident.Acknowledgement.Name, PurposeEscalation, PurposeCatchAll, PurposeNotice)
	t.answerJoinPages(by)
	return nil
}

// answerJoinPages records that a person has answered the pages that asked them to join,
// and cancels those that are pending. It reports whether there was such a page.
func (t *transition) answerJoinPages(by Actor) bool {
	var ids []string
	asked := false
	for _, p := range t.incident.Paging.Pages {
		if p.Purpose == PurposeJoin && p.To == by.ID {
			asked = asked || p.State == DeliveryAccepted && p.Why == ""
			if p.State.IsPending() {
				ids = append(ids, p.ID)
			}
		}
	}
	if len(ids) == 0 && !asked {
		return false
	}
	t.record(PageAnswered{Person: by.ID, Name: by.Name})
	if len(ids) > 0 {
		t.recordBySystem(PagesCanceled{IDs: ids, Why: "answered"})
	}
	return true
}

// formatAgo returns how long ago something was, such as "5 min ago".
func formatAgo(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min ago"
	}
	return strconv.Itoa(int(d/time.Hour)) + " h ago"
}

func (t *transition) unacknowledge() error {
	if err := t.requireOpen("unack"); err != nil {
		return err
	}
	if !t.incident.IsAcknowledged() {
		return refuse(t.incident.ID+" is not acknowledged.", "")
	}
	t.record(Unacknowledged{Person: t.incident.Acknowledgement.Person, Why: "given back"})
	t.startEscalation("given back by " + t.in.By.Name)
	return nil
}

// escalate fires the next step now. It is refused when a step has fired since the card
// that the person clicked on was shown (E9: two clicks advance once).
func (t *transition) escalate(c Escalate) error {
	if err := t.requireOpen("escalate"); err != nil {
		return err
	}
	p := &t.incident.Paging
	if c.Seen > 0 && c.Seen < p.Fired {
		return refuse(fmt.Sprintf("%s was escalated already, to step %d of %s.", t.incident.ID, p.Step+1, p.Policy()),
			"`escalate` again to go one further.")
	}
	why := "escalated by " + t.in.By.Name
	if reason, _ := CleanLine(c.Reason, MaxTitle); reason != "" {
		why += ": " + reason
	}
	if t.incident.IsAcknowledged() {
		t.record(Unacknowledged{Person: t.incident.Acknowledgement.Person, Why: why})
	}
	t.advance(why)
	return nil
}

// advance fires the step after the one that fired last. After the last step of a policy
// it goes on with the fallback policy, and without one it starts escalation again.
func (t *transition) advance(why string) {
	p := &t.incident.Paging
	policy, _ := t.in.Known.Plan.findPolicy(p.Policy())
	inRun := p.State == Running && !p.RestartPending || p.State == Answered && p.Run > 0
	next, fallback := p.Step+1, t.afterCycle(policy)
	switch {
	case inRun && next < len(policy.Steps):
		repeat := p.Repeat
		if p.State == Answered {
			t.recordBySystem(EscalationStarted{Run: p.Run + 1, Policy: policy.ID, Why: why})
		}
		t.fireFrom(repeat, next, why)
	case inRun && p.State == Running && fallback != "":
		t.recordBySystem(EscalationRepeated{Policy: fallback, Moved: true})
		t.fireFrom(0, 0, why)
	default:
		t.startEscalation(why)
	}
}

// page asks more people to join, whether or not the incident is acknowledged.
func (t *transition) page(c Page) error {
	if err := t.requireOpen("page"); err != nil {
		return err
	}
	if len(c.Targets) == 0 {
		return refuse("Name who should be paged.", "For example: `page @ana we need the database team`.")
	}
	recipients, skipped := t.resolveTargets(c.Targets, map[string]bool{})
	text, _ := CleanLine(c.Text, MaxTitle)
	f := PeoplePaged{Manual: t.incident.Paging.Manual + 1, Purpose: PurposeJoin, Text: text, Skipped: skipped}
	at := PageCoordinates{Run: t.incident.Paging.Run, Repeat: f.Manual}
	for _, r := range recipients {
		pages := t.pagesFor(r, PurposeJoin, "m"+strconv.Itoa(f.Manual), at)
		if len(pages) == 0 {
			f.Skipped = append(f.Skipped, Skipped{targetOf(r.ID), "no way to reach " + nameOf(r)})
		}
		f.Pages = append(f.Pages, pages...)
	}
	if len(f.Pages) == 0 {
		return refuse(fmt.Sprintf("No one can be paged: %s.", f.Skipped[0].Why), "Page someone else, or `escalate`.")
	}
	pending := 0
	for _, p := range t.incident.Paging.Pages {
		if p.State.IsPending() {
			pending++
		}
	}
	if pending+len(f.Pages) > maxPages {
		return refuse(fmt.Sprintf("%d pages of %s are on their way already.", pending, t.incident.ID), "Wait until they arrive: `who` shows them.")
	}
	t.record(f)
	return nil
}

// notify sends people a notice that needs no answer. If the acknowledger is one of
// them and has no contact method, the acknowledgement ends: an incident must not be
// held by a person who cannot be told about it.
func (t *transition) notify(people []string, alerts int, text string) {
	f := PeoplePaged{Manual: t.incident.Paging.Manual + 1, Purpose: PurposeNotice, Alerts: alerts, Text: text, LateBy: t.late}
	at := PageCoordinates{Run: t.incident.Paging.Run, Repeat: f.Manual}
	for _, id := range people {
		for _, r := range t.in.Known.Answers[personTarget(id)].Recipients {
			f.Pages = append(f.Pages, t.pagesFor(r, PurposeNotice, "k"+strconv.Itoa(f.Manual), at)...)
		}
	}
	holder := t.incident.Acknowledgement.Person
	reached := slices.ContainsFunc(f.Pages, func(p PageState) bool { return p.To == holder })
	f.Pages, _ = t.supersede(f.Pages)
	t.recordBySystem(f)
	if !reached && holder != "" && slices.Contains(people, holder) {
		t.withdrawAcknowledgement("no way to notify " + t.incident.Acknowledgement.Name)
	}
}

// handleDelivered records that the provider accepted a page.
func (t *transition) handleDelivered(c Delivered) {
	p := t.incident.Paging.findPage(c.Page)
	if p == nil || p.State == DeliveryAccepted {
		return
	}
	t.record(PageDelivered{Page: p.ID, To: p.To, Via: p.Via, Next: t.waitFrom(*p)})
}

// waitFrom returns when the next step fires, if the acceptance of a page moves that: the
// wait of a step begins when the first of its pages is accepted (E4d: the wait begins with
// the first acceptance). A run that had reached no one waits for this person instead of
// starting again.
func (t *transition) waitFrom(p PageState) time.Time {
	e := &t.incident.Paging
	if e.State != Running || p.Purpose != PurposeEscalation || p.State == DeliveryCanceled {
		return time.Time{}
	}
	isFirst := p.Coordinates == e.current() && !slices.ContainsFunc(e.Pages, func(o PageState) bool {
		return o.State == DeliveryAccepted && o.Purpose == PurposeEscalation && o.Coordinates == p.Coordinates
	})
	if !isFirst && !e.RestartPending {
		return time.Time{}
	}
	policy, _ := t.in.Known.Plan.findPolicy(e.Policy())
	if e.Step >= len(policy.Steps) {
		return time.Time{}
	}
	next := t.in.At.Add(max(policy.Steps[e.Step].Wait, time.Second))
	if !e.RestartPending && next.Sub(e.NextAt) < time.Second { // accepted at once
		return time.Time{}
	}
	return next
}

// handleUndeliverable records that a page failed, or is slow, and continues with the next
// contact method of the recipient, else with the next step (E4: a failed page moves on at
// once; E4c: slow is not failed).
func (t *transition) handleUndeliverable(c Undeliverable) {
	p := t.incident.Paging.findPage(c.Page)
	if p == nil || !p.State.IsPending() || p.State == DeliveryRetrying && c.Retrying && !c.Slow || p.State == DeliverySlow && c.Slow {
		return
	}
	failed := *p
	t.record(PageFailed{Page: p.ID, To: p.To, Via: p.Via, Why: cleanLabel(c.Why, MaxTitle), Retrying: c.Retrying, Slow: c.Slow})
	hasMovedOn := failed.State == DeliveryRetrying || failed.State == DeliverySlow
	if hasMovedOn && failed.Purpose != PurposeNotice {
		return
	}
	if next := t.nextMethod(failed); next != "" {
		why := failed.Via + " failed"
		if c.Slow {
			why = failed.Via + " has not answered yet"
		}
		t.queuePages([]string{next}, why)
		return
	}
	switch failed.Purpose {
	case PurposeEscalation:
		if t.isStepExhausted(failed.Coordinates) {
			why := "no one was reached"
			if c.Slow {
				why = "no one has been reached yet"
			}
			t.fireFrom(t.incident.Paging.Repeat, t.incident.Paging.Step+1, why)
		}
	case PurposeNotice:
		if t.incident.Acknowledgement.Person == failed.To && !t.mayBeNotified(failed) {
			t.withdrawAcknowledgement("no way to notify " + t.incident.Acknowledgement.Name)
		}
	case PurposeJoin, PurposeCatchAll, anyPurpose:
	}
}

// mayBeNotified reports whether the recipient of a notice got it by some method, or still
// may.
func (t *transition) mayBeNotified(notice PageState) bool {
	return slices.ContainsFunc(t.incident.Paging.Pages, func(p PageState) bool {
		return p.To == notice.To && p.Purpose == notice.Purpose && p.Coordinates == notice.Coordinates &&
			(p.State == DeliveryAccepted || p.State == DeliveryQueued || p.State == DeliverySlow)
	})
}

// nextMethod returns the ID of the page by the next contact method of the same
// recipient, or "" if there is none.
func (t *transition) nextMethod(failed PageState) string {
	next := -1
	for n, p := range t.incident.Paging.Pages {
		if (p.State == DeliveryPlanned || p.State == DeliveryStandby) && p.To == failed.To && p.Purpose == failed.Purpose && p.Coordinates == failed.Coordinates &&
			(next < 0 || p.Due.Before(t.incident.Paging.Pages[next].Due)) {
			next = n
		}
	}
	if next < 0 {
		return ""
	}
	return t.incident.Paging.Pages[next].ID
}

// isStepExhausted reports whether the step at these coordinates is the one that fired
// last and none of its pages can be answered any more, so that waiting is pointless.
func (t *transition) isStepExhausted(at PageCoordinates) bool {
	e := &t.incident.Paging
	if e.State != Running || e.RestartPending || at != e.current() {
		return false
	}
	if policy, _ := t.in.Known.Plan.findPolicy(e.Policy()); e.CycleReached && at.Step == len(policy.Steps)-1 {
		return false // a person who was reached earlier in the cycle may still answer
	}
	return !slices.ContainsFunc(e.Pages, func(p PageState) bool {
		return p.Coordinates == at && p.Purpose == PurposeEscalation &&
			(p.State == DeliveryAccepted || p.State == DeliveryQueued || p.State == DeliveryPlanned)
	})
}
