package workflow

import (
	"fmt"
	"slices"
	"time"
)

// anyPurpose stands for every purpose in cancelPages.
const anyPurpose Purpose = ""

// minLateness is the shortest delay that is reported as "late by".
const minLateness = 10 * time.Second

// startEscalation begins a run of paging from the first step of the plan's
// policy. What an earlier run still planned is superseded.
func (t *transition) startEscalation(why string) {
	t.cancelPages("paging started again", PurposeEscalation)
	policy := t.in.Known.Plan.Policy
	t.recordBySystem(EscalationStarted{Run: t.incident.Paging.Run + 1, Policy: policy, Why: why})
	t.fireFrom(0, 0, "")
}

// fire carries out the step at a position, and goes on at once as long as
// nobody stands behind it: waiting is spent only on somebody who may answer
// (rule E4).
func (t *transition) fireFrom(repeat, step int, why string) {
	plan := t.in.Known.Plan
	for {
		e := &t.incident.Paging
		policy, _ := plan.findPolicy(e.Policy())
		if step < len(policy.Steps) {
			if t.fireStep(policy, repeat, step, why) {
				return
			}
			step++
			continue
		}
		switch next := t.afterCycle(policy); {
		case e.CycleReached && repeat < policy.Repeat:
			repeat, step = repeat+1, 0
			t.recordBySystem(CycleBegan{Policy: policy.ID, Repeat: repeat})
		case next != "":
			repeat, step = 0, 0
			t.recordBySystem(CycleBegan{Policy: next, Moved: true})
		case !e.RunReached:
			t.reportNobodyReached()
			return
		default:
			t.reportExhausted()
			return
		}
	}
}

// afterCycle names the policy that follows one that is exhausted: its own
// fallback, else the plan's, each visited once in a run.
func (t *transition) afterCycle(policy Policy) string {
	for _, next := range []string{policy.Fallback, t.in.Known.Plan.Fallback} {
		_, exists := t.in.Known.Plan.findPolicy(next)
		if exists && !slices.Contains(t.incident.Paging.Chain, next) && len(t.incident.Paging.Chain) < maxChain {
			return next
		}
	}
	return ""
}

// fireStep records the step with its pages, or with the reasons why it has
// none. It reports whether somebody is paged.
func (t *transition) fireStep(policy Policy, repeat, step int, why string) bool {
	s := policy.Steps[step]
	f := StepFired{Policy: policy.ID, Why: why, At: PageCoordinates{
		Run: t.incident.Paging.Run, Policy: len(t.incident.Paging.Chain) - 1, Repeat: repeat, Step: step,
	}}
	if due := t.incident.Paging.NextAt; !due.IsZero() && why == "" {
		f.Late = lateness(due, t.in.At)
	}
	recipients, skipped := t.resolveTargets(s.Notify, map[string]bool{policy.ID: true})
	f.Skipped = skipped
	if s.RoundRobin && len(recipients) > 0 {
		key := cursorKey(policy.ID, step)
		turn := t.in.Known.Cursors[key]
		recipients = recipients[turn%len(recipients):][:1]
		f.Cursor = &Cursor{Key: key, Was: turn, Next: turn + 1}
	}
	for _, r := range recipients {
		pages := t.pagesFor(r, PurposeEscalation, f.At.String(), f.At)
		if len(pages) == 0 {
			f.Skipped = append(f.Skipped, Skipped{targetOf(r.ID), "no way to reach " + nameOf(r)})
		}
		f.Pages = append(f.Pages, pages...)
	}
	var left []string
	f.Pages, left = t.supersede(f.Pages)
	for _, id := range left {
		f.Skipped = append(f.Skipped, Skipped{targetOf(id), "not by every method: too many pages at once"})
	}
	if len(f.Pages) > 0 {
		f.Next = t.in.At.Add(max(s.Wait, time.Second))
	}
	t.recordBySystem(f)
	return len(f.Pages) > 0
}

// lateness is how long after its deadline something happens, when that is
// worth a word (rule X1: "late by").
func lateness(due, at time.Time) time.Duration {
	if late := at.Sub(due); late >= minLateness {
		return late.Round(time.Second)
	}
	return 0
}

func targetOf(id string) Target {
	t := Target(id)
	if t.Kind() == id && id != "log" {
		return personTarget(id)
	}
	return t
}

func nameOf(r Recipient) string {
	if r.Name != "" {
		return r.Name
	}
	return r.ID
}

// resolveTargets lists who stands behind the targets now, each once. A policy
// as a target means whoever its first step would page.
func (t *transition) resolveTargets(targets []Target, visited map[string]bool) (all []Recipient, skipped []Skipped) {
	add := func(r Recipient) {
		same := func(o Recipient) bool { return o.ID == r.ID }
		switch {
		case slices.ContainsFunc(all, same):
		case len(all) >= maxRecipients:
			skipped = append(skipped, Skipped{targetOf(r.ID), fmt.Sprintf("one step pages at most %d", maxRecipients)})
		default:
			all = append(all, r)
		}
	}
	for _, target := range targets {
		if target.Kind() == "policy" {
			policy, exists := t.in.Known.Plan.findPolicy(target.ID())
			if !exists || len(policy.Steps) == 0 || visited[policy.ID] {
				skipped = append(skipped, Skipped{target, "there is no such policy to go on with"})
				continue
			}
			visited[policy.ID] = true
			more, not := t.resolveTargets(policy.Steps[0].Notify, visited)
			for _, r := range more {
				add(r)
			}
			skipped = append(skipped, not...)
			continue
		}
		answer := t.in.Known.Answers[target]
		if len(answer.Recipients) == 0 {
			why := answer.Why
			if why == "" {
				why = "nobody answers for it"
			}
			skipped = append(skipped, Skipped{target, why})
		}
		for _, r := range answer.Recipients {
			add(r)
		}
	}
	return all, skipped
}

// pagesFor plans one page for each method of a recipient. A notice uses the
// later methods only if an earlier one fails.
func (t *transition) pagesFor(r Recipient, why Purpose, prefix string, at PageCoordinates) []PageState {
	methods := r.High
	if t.urgency() == Low && len(r.Low) > 0 || len(methods) == 0 {
		methods = r.Low
	}
	var pages []PageState
	for n, m := range methods[:min(len(methods), 8)] {
		p := PageState{
			ID: prefix + "/" + r.ID + "/" + m.Key, Purpose: why, At: at,
			To: r.ID, Name: cleanName(r.Name), Via: m.Key, Due: t.in.At, State: DeliveryQueued,
		}
		switch {
		case why == PurposeNotice && n > 0:
			p.State = DeliveryStandby
		case why != PurposeNotice && m.After > 0:
			p.State, p.Due = DeliveryPlanned, t.in.At.Add(m.After)
		}
		pages = append(pages, p)
	}
	return pages
}

// supersede cancels older pages that the new ones replace, and keeps the whole
// within what an incident can remember: later methods give way before people.
// It returns the pages that stay, and the people for whom some had no room.
func (t *transition) supersede(fresh []PageState) (stay []PageState, left []string) {
	var old []string
	room := maxPages
	for _, p := range t.incident.Paging.Pages {
		switch {
		case !p.State.IsPending():
		case slices.ContainsFunc(fresh, func(f PageState) bool { return f.canReplace(p) }):
			old = append(old, p.ID)
		default:
			room--
		}
	}
	if len(old) > 0 {
		t.recordBySystem(PagesCanceled{IDs: old, Why: "replaced by a newer page"})
	}
	if len(fresh) <= room {
		return fresh, nil
	}
	return fitPages(fresh, max(room, 1))
}

// fit keeps as many pages as there is room for: everybody's first method, then
// the later ones. It names the people who lost one.
func fitPages(fresh []PageState, room int) (stay []PageState, left []string) {
	var later []PageState
	seen := map[string]bool{}
	for _, p := range fresh {
		switch {
		case seen[p.To]:
			later = append(later, p)
		case len(stay) < room:
			stay = append(stay, p)
		default:
			left = append(left, p.To)
		}
		seen[p.To] = true
	}
	n := min(len(later), room-len(stay))
	for _, p := range later[n:] {
		if !slices.Contains(left, p.To) {
			left = append(left, p.To)
		}
	}
	return append(stay, later[:n]...), left
}

// replaces reports whether a new page makes an older one unnecessary: it goes
// the same way, and asks for at least as much. A notice never replaces a page
// that wants an answer, and another notice only when that one has failed.
func (p PageState) canReplace(old PageState) bool {
	if p.To != old.To || p.Via != old.Via || old.Purpose == PurposeJoin {
		return false
	}
	if p.State == DeliveryPlanned && p.Due.After(old.Due) {
		return false // what is due sooner goes out, however often steps come round
	}
	return p.Purpose != PurposeNotice || old.Purpose == PurposeNotice && old.State == DeliveryRetrying
}

// nobodyReached tells the catch-all and tries again soon (rule E4).
func (t *transition) reportNobodyReached() {
	again := t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().RestartAfter)
	t.recordBySystem(NobodyReached{Again: again, Pages: t.catchAllPages(0)})
}

// exhausted tells the catch-all, now and again until somebody answers (E7).
func (t *transition) reportExhausted() {
	n := t.incident.Paging.Reminders
	next := t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().RemindEvery)
	t.recordBySystem(EscalationExhausted{Reminder: n, Next: next, Pages: t.catchAllPages(n)})
}

// rescuers pages the catch-all. Where nobody stands behind it, the operator's
// log is told.
func (t *transition) catchAllPages(n int) []PageState {
	target := t.in.Known.Plan.CatchAll
	var recipients []Recipient
	if target != "" {
		recipients, _ = t.resolveTargets([]Target{target}, map[string]bool{})
	}
	if len(recipients) == 0 {
		recipients = []Recipient{{ID: "log", High: []Method{{Key: "log"}}}}
	}
	at := t.incident.Paging.current()
	at.Repeat = n
	var pages []PageState
	for _, r := range recipients {
		pages = append(pages, t.pagesFor(r, PurposeCatchAll, at.String()+"!", at)...)
	}
	stay, _ := t.supersede(pages)
	return stay
}

// cancelPages gives up every page of a purpose that is not sent yet.
func (t *transition) cancelPages(why string, purposes ...Purpose) {
	var ids []string
	for _, p := range t.incident.Paging.Pages {
		if p.State.IsPending() && (slices.Contains(purposes, p.Purpose) || slices.Contains(purposes, anyPurpose)) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) > 0 {
		t.recordBySystem(PagesCanceled{IDs: ids, Why: why})
	}
}
