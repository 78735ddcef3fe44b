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
		t.pageDelivered(c)
	case Undeliverable:
		t.pageUndeliverable(c)
	}
	return nil
}

// acknowledge answers the page. It is bound to what the person saw: it does
// not swallow a newer trigger, and after a resolve it changes nothing (E5).
func (t *transition) acknowledge(c Acknowledge) error {
	by := t.in.By
	if by.ID == "" {
		by.ID = by.Name
	}
	if err := t.needOpen("ack"); err != nil {
		return err
	}
	if t.now.IsAcknowledged() {
		if t.answerJoinPages(by) {
			return nil
		}
		if t.now.Acknowledgement.Person == by.ID {
			return refuse(fmt.Sprintf("You have acknowledged %s already.", t.now.ID), "Next: `update TEXT`, or `lead` to take command.")
		}
		return refuse(fmt.Sprintf("%s acknowledged %s %s.", t.now.Acknowledgement.Name, t.now.ID, ago(t.in.At.Sub(t.now.Acknowledgement.At))),
			"To take over, `lead`.")
	}
	if c.Seen > 0 && c.Seen < t.now.Paging.Trigger {
		return refuse("Something new happened since that message was written.",
			fmt.Sprintf("Look again: `show %s`, then acknowledge.", t.now.ID))
	}
	t.record(Acknowledged{Person: by.ID, Name: nameOf(Recipient{ID: by.ID, Name: by.Name}), Run: t.now.Paging.Run})
	t.cancelPages("acknowledged by "+t.now.Acknowledgement.Name, PurposeEscalation, PurposeCatchAll, PurposeNotice)
	t.answerJoinPages(by)
	return nil
}

// answerOwn ends the pages that asked this very person to join.
func (t *transition) answerJoinPages(by Actor) bool {
	var ids []string
	asked := false
	for _, p := range t.now.Paging.Pages {
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

// ago says how long ago, in words.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min ago"
	}
	return strconv.Itoa(int(d/time.Hour)) + " h ago"
}

func (t *transition) unacknowledge() error {
	if err := t.needOpen("unack"); err != nil {
		return err
	}
	if !t.now.IsAcknowledged() {
		return refuse(t.now.ID+" is not acknowledged.", "")
	}
	t.record(Unacknowledged{Person: t.now.Acknowledgement.Person, Why: "given back"})
	t.startEscalation("given back by " + t.in.By.Name)
	return nil
}

// escalate fires the next step now. Two clicks on one button advance once (E9).
func (t *transition) escalate(c Escalate) error {
	if err := t.needOpen("escalate"); err != nil {
		return err
	}
	p := &t.now.Paging
	if c.Seen > 0 && c.Seen < p.Fired {
		return refuse(fmt.Sprintf("%s was escalated already, to step %d of %s.", t.now.ID, p.Step+1, p.Policy()),
			"`escalate` again to go one further.")
	}
	why := "escalated by " + t.in.By.Name
	if reason, _ := CleanLine(c.Reason, MaxTitle); reason != "" {
		why += ": " + reason
	}
	if t.now.IsAcknowledged() {
		t.record(Unacknowledged{Person: t.now.Acknowledgement.Person, Why: why})
	}
	t.advance(why)
	return nil
}

// advance goes on with the step after the one that fired last, wherever paging
// stands: then with the fallback policy, then from the start.
func (t *transition) advance(why string) {
	p := &t.now.Paging
	policy, _ := t.in.Known.Plan.policy(p.Policy())
	inRun := p.State == Running && !p.RestartPending || p.State == Answered && p.Run > 0
	next, fallback := p.Step+1, t.afterCycle(policy)
	switch {
	case inRun && next < len(policy.Steps):
		repeat := p.Repeat
		if p.State == Answered {
			t.recordBySystem(EscalationStarted{Run: p.Run + 1, Policy: policy.ID, Why: why})
		}
		t.fire(repeat, next, why)
	case inRun && p.State == Running && fallback != "":
		t.recordBySystem(CycleBegan{Policy: fallback, Moved: true})
		t.fire(0, 0, why)
	default:
		t.startEscalation(why)
	}
}

// page asks for more people, whoever has acknowledged.
func (t *transition) page(c Page) error {
	if err := t.needOpen("page"); err != nil {
		return err
	}
	if len(c.Targets) == 0 {
		return refuse("Page whom?", "For example: `page @ana we need the database team`.")
	}
	recipients, skipped := t.resolveTargets(c.Targets, map[string]bool{})
	text, _ := CleanLine(c.Text, MaxTitle)
	f := PeoplePaged{Manual: t.now.Paging.Manual + 1, Purpose: PurposeJoin, Text: text, Skipped: skipped}
	at := PageCoordinates{Run: t.now.Paging.Run, Repeat: f.Manual}
	for _, r := range recipients {
		pages := t.pagesFor(r, PurposeJoin, "m"+strconv.Itoa(f.Manual), at)
		if len(pages) == 0 {
			f.Skipped = append(f.Skipped, Skipped{personOrSelf(r.ID), "no way to reach " + nameOf(r)})
		}
		f.Pages = append(f.Pages, pages...)
	}
	if len(f.Pages) == 0 {
		return refuse(fmt.Sprintf("Nobody can be paged: %s.", f.Skipped[0].Why), "Try somebody else, or `escalate`.")
	}
	live := 0
	for _, p := range t.now.Paging.Pages {
		if p.State.IsPending() {
			live++
		}
	}
	if live+len(f.Pages) > maxPages {
		return refuse(fmt.Sprintf("%d pages of %s are on their way already.", live, t.now.ID), "Wait until they arrive: `who` shows them.")
	}
	t.record(f)
	return nil
}

// tell sends people a notice that needs no answer. Somebody who cannot be told
// does not hold the incident.
func (t *transition) notify(people []string, alerts int, text string) {
	f := PeoplePaged{Manual: t.now.Paging.Manual + 1, Purpose: PurposeNotice, Alerts: alerts, Text: text}
	at := PageCoordinates{Run: t.now.Paging.Run, Repeat: f.Manual}
	for _, id := range people {
		for _, r := range t.in.Known.Answers[personTarget(id)].Recipients {
			f.Pages = append(f.Pages, t.pagesFor(r, PurposeNotice, "k"+strconv.Itoa(f.Manual), at)...)
		}
	}
	holder := t.now.Acknowledgement.Person
	reached := slices.ContainsFunc(f.Pages, func(p PageState) bool { return p.To == holder })
	f.Pages, _ = t.supersede(f.Pages)
	t.recordBySystem(f)
	if !reached && holder != "" && slices.Contains(people, holder) {
		t.withdrawAcknowledgement("no way to tell " + t.now.Acknowledgement.Name)
	}
}

// delivered notes that a provider accepted a page.
func (t *transition) pageDelivered(c Delivered) {
	p := t.now.Paging.page(c.Page)
	if p == nil || p.State == DeliveryAccepted {
		return
	}
	t.record(PageDelivered{Page: p.ID, To: p.To, Via: p.Via})
}

// undeliverable goes on at once with the next method, or the next step (E4).
func (t *transition) pageUndeliverable(c Undeliverable) {
	p := t.now.Paging.page(c.Page)
	if p == nil || !p.State.IsPending() || p.State == DeliveryRetrying && c.Retrying {
		return
	}
	failed, first := *p, p.State != DeliveryRetrying
	why := label(c.Why, MaxTitle)
	t.record(PageFailed{Page: p.ID, To: p.To, Via: p.Via, Why: why, Retrying: c.Retrying})
	if !first {
		return // its successor was brought forward when it failed first
	}
	if next := t.nextMethod(failed); next != "" {
		t.queuePages([]string{next}, failed.Via+" failed")
		return
	}
	switch failed.Purpose {
	case PurposeEscalation:
		if t.isStepExhausted(failed.At) {
			t.fire(t.now.Paging.Repeat, t.now.Paging.Step+1, "nobody was reached")
		}
	case PurposeNotice:
		if t.now.Acknowledgement.Person == failed.To {
			t.withdrawAcknowledgement("no way to tell " + t.now.Acknowledgement.Name)
		}
	case PurposeJoin, PurposeCatchAll, anyPurpose:
	}
}

// nextMethod finds the next page of the same firing to the same recipient.
func (t *transition) nextMethod(failed PageState) string {
	next := -1
	for n, p := range t.now.Paging.Pages {
		if (p.State == DeliveryPlanned || p.State == DeliveryStandby) && p.To == failed.To && p.Purpose == failed.Purpose && p.At == failed.At &&
			(next < 0 || p.Due.Before(t.now.Paging.Pages[next].Due)) {
			next = n
		}
	}
	if next < 0 {
		return ""
	}
	return t.now.Paging.Pages[next].ID
}

// stepFailed reports whether the step that is waiting has nobody left to wait
// for.
func (t *transition) isStepExhausted(at PageCoordinates) bool {
	e := &t.now.Paging
	if e.State != Running || e.RestartPending || at != e.current() {
		return false
	}
	if policy, _ := t.in.Known.Plan.policy(e.Policy()); e.CycleReached && at.Step == len(policy.Steps)-1 {
		return false // somebody was reached earlier in the cycle: the wait is theirs
	}
	return !slices.ContainsFunc(e.Pages, func(p PageState) bool {
		return p.At == at && p.Purpose == PurposeEscalation &&
			(p.State == DeliveryAccepted || p.State == DeliveryQueued || p.State == DeliveryPlanned)
	})
}
