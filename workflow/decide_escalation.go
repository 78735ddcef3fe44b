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

// startEscalation starts a run of paging with the first step of the plan's policy, and
// cancels the pending pages of the run before.
func (t *transition) startEscalation(why string) {
	t.cancelWhere("paging started again", func(p PageState) bool { return p.Purpose == PurposeEscalation && p.State != DeliverySlow })
	policy := t.in.Known.Plan.Policy
	t.recordBySystem(EscalationStarted{Run: t.incident.Paging.Run + 1, Policy: policy, Why: why, LateBy: t.late})
	t.fireFrom(0, 0, "")
}

// fireFrom fires a step of the current policy. A step that pages no one is followed by
// the next one at once, and the last by a repeat of the policy, the fallback policy or
// the catch-all: only a page that can be answered is waited for (E4: a failed page moves
// on at once).
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
			t.recordBySystem(EscalationRepeated{Policy: policy.ID, Repeat: repeat, LateBy: t.late})
		case next != "":
			repeat, step = 0, 0
			t.recordBySystem(EscalationRepeated{Policy: next, Moved: true, LateBy: t.late})
		case !e.RunReached:
			t.reportNoOneReached()
			return
		default:
			t.reportExhausted()
			return
		}
	}
}

// afterCycle returns the ID of the policy that follows an exhausted one: its own
// fallback, else the plan's. A run goes through each policy once; "" means that there
// is none left.
func (t *transition) afterCycle(policy Policy) string {
	for _, next := range []string{policy.Fallback, t.in.Known.Plan.Fallback} {
		_, ok := t.in.Known.Plan.findPolicy(next)
		if ok && !slices.Contains(t.incident.Paging.Chain, next) && len(t.incident.Paging.Chain) < maxChain {
			return next
		}
	}
	return ""
}

// fireStep records that a step has fired, with its pages and with the targets that are
// not paged. It reports whether it pages anyone.
func (t *transition) fireStep(policy Policy, repeat, step int, why string) bool {
	s := policy.Steps[step]
	f := StepFired{Policy: policy.ID, Why: why, LateBy: t.late, Coordinates: PageCoordinates{
		Run: t.incident.Paging.Run, Policy: len(t.incident.Paging.Chain) - 1, Repeat: repeat, Step: step,
	}}
	recipients, skipped := t.resolveTargets(s.Notify, map[string]bool{policy.ID: true})
	f.Skipped = skipped
	if s.RoundRobin && len(recipients) > 0 {
		key := cursorKey(policy.ID, step)
		turn := t.in.Known.Cursors[key]
		recipients = recipients[turn%len(recipients):][:1]
		f.Cursor = &Cursor{Key: key, Previous: turn, Next: turn + 1}
	}
	for _, r := range recipients {
		pages := t.pagesFor(r, PurposeEscalation, f.Coordinates.String(), f.Coordinates)
		if len(pages) == 0 {
			f.Skipped = append(f.Skipped, Skipped{targetOf(r.ID), "no way to reach " + nameOf(r)})
		}
		f.Pages = append(f.Pages, pages...)
	}
	var onTheirWay []PageState
	f.Pages, onTheirWay = t.withoutSlow(f.Pages)
	for _, p := range onTheirWay {
		f.Skipped = append(f.Skipped, Skipped{targetOf(p.To), "a page by " + p.Via + " is on its way already"})
	}
	var dropped []string
	f.Pages, dropped = t.supersede(f.Pages)
	for _, id := range dropped {
		f.Skipped = append(f.Skipped, Skipped{targetOf(id), "not by every method: too many pages at once"})
	}
	if len(f.Pages) > 0 {
		f.Next = t.in.At.Add(max(s.Wait, time.Second))
	}
	t.recordBySystem(f)
	return len(f.Pages) > 0
}

// lateness returns how long after its deadline something happens, or 0 if that is not
// worth reporting (X1: a crash loses nothing).
func lateness(due, at time.Time) time.Duration {
	if late := at.Sub(due); !due.IsZero() && late >= minLateness {
		return late.Round(time.Second)
	}
	return 0
}

// targetOf returns the target that stands for a recipient: "person:ana" for "ana".
func targetOf(id string) Target {
	t := Target(id)
	if t.Kind() == id && id != "log" {
		return personTarget(id)
	}
	return t
}

// nameOf returns the name of a recipient, or its ID if it has none.
func nameOf(r Recipient) string {
	if r.Name != "" {
		return r.Name
	}
	return r.ID
}

// resolveTargets returns the recipients behind the targets, each once, and the targets
// without one. A private incident pages no guest, who could neither see nor acknowledge
// it (P2: private means members only). A policy as a target stands for the targets of its first step; visited
// holds the policies that were expanded already.
func (t *transition) resolveTargets(targets []Target, visited map[string]bool) (all []Recipient, skipped []Skipped) {
	add := func(r Recipient) {
		isSame := func(o Recipient) bool { return o.ID == r.ID }
		switch {
		case slices.ContainsFunc(all, isSame):
		case t.incident.Visibility == Private && Target(r.ID).Kind() == "guest":
			skipped = append(skipped, Skipped{Target(r.ID), "the incident is private, and " + nameOf(r) + " is not a configured person"})
		case len(all) >= maxRecipients:
			skipped = append(skipped, Skipped{targetOf(r.ID), fmt.Sprintf("one step pages at most %d", maxRecipients)})
		default:
			all = append(all, r)
		}
	}
	for _, target := range targets {
		if target.Kind() == "policy" {
			policy, ok := t.in.Known.Plan.findPolicy(target.ID())
			if !ok || len(policy.Steps) == 0 || visited[policy.ID] {
				skipped = append(skipped, Skipped{target, "the policy does not exist, has no steps, or refers to itself"})
				continue
			}
			visited[policy.ID] = true
			more, missing := t.resolveTargets(policy.Steps[0].Notify, visited)
			for _, r := range more {
				add(r)
			}
			skipped = append(skipped, missing...)
			continue
		}
		answer := t.in.Known.Answers[target]
		if len(answer.Recipients) == 0 {
			why := answer.Why
			if why == "" {
				why = "it has no recipients"
			}
			skipped = append(skipped, Skipped{target, why})
		}
		for _, r := range answer.Recipients {
			add(r)
		}
	}
	return all, skipped
}

// pagesFor returns one page for each contact method of a recipient, at most eight. The
// later methods of a notice are used only if an earlier one fails. The pages' IDs begin
// with prefix.
func (t *transition) pagesFor(r Recipient, purpose Purpose, prefix string, at PageCoordinates) []PageState {
	methods := r.High
	if t.urgency() == Low && len(r.Low) > 0 || len(methods) == 0 {
		methods = r.Low
	}
	var pages []PageState
	for n, m := range methods[:min(len(methods), 8)] {
		p := PageState{
			ID: prefix + "/" + r.ID + "/" + m.Key, Purpose: purpose, Coordinates: at,
			To: r.ID, Name: cleanName(r.Name), Via: m.Key, Due: t.in.At, State: DeliveryQueued,
		}
		switch {
		case purpose == PurposeNotice && n > 0:
			p.State = DeliveryStandby
		case purpose != PurposeNotice && m.After > 0:
			p.State, p.Due = DeliveryPlanned, t.in.At.Add(m.After)
		}
		pages = append(pages, p)
	}
	return pages
}

// supersede cancels the older pages that new ones replace, and drops new ones if there
// would be more than maxPages. Pages that failed and are tried again make room for new
// ones, and pages that are planned for later make room for the first method of each new
// recipient. It returns the new pages that stay, and the IDs of the recipients who lost
// one.
func (t *transition) supersede(added []PageState) (kept []PageState, dropped []string) {
	var old, failed, later []string
	space := maxPages
	for _, p := range t.incident.Paging.Pages {
		switch {
		case !p.State.IsPending():
			continue
		case slices.ContainsFunc(added, func(f PageState) bool { return f.canReplace(p) }):
			old = append(old, p.ID)
			continue
		case p.State == DeliveryRetrying:
			failed = append(failed, p.ID)
		case p.State == DeliveryPlanned || p.State == DeliveryStandby:
			later = append(later, p.ID)
		}
		space--
	}
	if len(old) > 0 {
		t.recordBySystem(PagesCanceled{IDs: old, Why: "replaced by a newer page"})
	}
	makeRoom := func(from []string, need int) {
		if n := min(len(from), need-space); n > 0 {
			t.recordBySystem(PagesCanceled{IDs: from[:n], Why: "made room for newer pages"})
			space += n
		}
	}
	makeRoom(failed, len(added))
	makeRoom(later, countRecipients(added))
	if len(added) <= space {
		return added, nil
	}
	return fitPages(added, max(space, 1))
}

// withoutSlow takes out pages that are on their way already: the same message has been
// handed to the provider, which has not answered yet (E4c: slow is not failed).
func (t *transition) withoutSlow(pages []PageState) (fresh, onTheirWay []PageState) {
	for _, p := range pages {
		isSlow := slices.ContainsFunc(t.incident.Paging.Pages, func(o PageState) bool {
			return o.State == DeliverySlow && o.To == p.To && o.Via == p.Via &&
				(o.Purpose == p.Purpose || o.Purpose.wantsAcknowledgement() && p.Purpose.wantsAcknowledgement())
		})
		if isSlow {
			onTheirWay = append(onTheirWay, p)
		} else {
			fresh = append(fresh, p)
		}
	}
	return fresh, onTheirWay
}

// countRecipients returns how many recipients pages have.
func countRecipients(pages []PageState) int {
	all := map[string]bool{}
	for _, p := range pages {
		all[p.To] = true
	}
	return len(all)
}

// fitPages keeps as many pages as there is room for: first the first method of each
// recipient, then later methods. It also returns the IDs of the recipients who lost one.
func fitPages(added []PageState, space int) (kept []PageState, dropped []string) {
	var later []PageState
	seen := map[string]bool{}
	for _, p := range added {
		switch {
		case seen[p.To]:
			later = append(later, p)
		case len(kept) < space:
			kept = append(kept, p)
		default:
			dropped = append(dropped, p.To)
		}
		seen[p.To] = true
	}
	n := min(len(later), space-len(kept))
	for _, p := range later[n:] {
		if !slices.Contains(dropped, p.To) {
			dropped = append(dropped, p.To)
		}
	}
	return append(kept, later[:n]...), dropped
}

// canReplace reports whether a new page makes an older one unnecessary: it has the same
// recipient and method, and is sent no later. A notice never replaces a page that needs
// an answer, and replaces another notice only while that one is being retried.
func (p PageState) canReplace(old PageState) bool {
	if p.To != old.To || p.Via != old.Via || old.Purpose == PurposeJoin || old.State == DeliverySlow {
		return false
	}
	if p.State == DeliveryPlanned && p.Due.After(old.Due) {
		return false // the page that is due sooner must go out, even if steps fire faster than its delay
	}
	return p.Purpose != PurposeNotice || old.Purpose == PurposeNotice && old.State == DeliveryRetrying
}

// reportNoOneReached records that the run has reached no one, pages the catch-all and
// sets the time of the restart (E4: a failed page moves on at once).
func (t *transition) reportNoOneReached() {
	f := NoOneReached{RestartAt: t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().RestartAfter), Pages: t.catchAllPages("!!", 0), LateBy: t.late}
	for _, p := range t.incident.Paging.Pages {
		if (p.State == DeliverySlow || p.State == DeliveryQueued) && p.Purpose == PurposeEscalation {
			f.Slow++ // or waits for its turn: it may well arrive
		}
	}
	t.recordBySystem(f)
}

// reportExhausted records that no one has acknowledged after every step, pages the
// catch-all and sets the time of the next reminder (E7: never silent until a person
// answers).
func (t *transition) reportExhausted() {
	n := t.incident.Paging.Reminders
	next := t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().RemindEvery)
	t.recordBySystem(EscalationExhausted{Reminder: n, Next: next, Pages: t.catchAllPages("!", n), LateBy: t.late})
}

// catchAll returns who is behind the catch-all: the log of the server if no one is.
func (t *transition) catchAll() []Recipient {
	var recipients []Recipient
	if target := t.in.Known.Plan.CatchAll; target != "" {
		recipients, _ = t.resolveTargets([]Target{target}, map[string]bool{})
	}
	if len(recipients) == 0 {
		recipients = []Recipient{{ID: "log", High: []Method{{Key: "log"}}}}
	}
	return recipients
}

// catchAllPages returns the pages to the catch-all. The mark and the number n tell repeated pages of a run apart.
func (t *transition) catchAllPages(mark string, n int) []PageState {
	at := t.incident.Paging.current()
	at.Repeat = n
	var pages []PageState
	for _, r := range t.catchAll() {
		pages = append(pages, t.pagesFor(r, PurposeCatchAll, at.String()+mark, at)...)
	}
	pages, _ = t.withoutSlow(pages)
	kept, _ := t.supersede(pages)
	return kept
}

// cancelPages cancels every pending page of the purposes.
func (t *transition) cancelPages(why string, purposes ...Purpose) {
	t.cancelWhere(why, func(p PageState) bool {
		return slices.Contains(purposes, p.Purpose) || slices.Contains(purposes, anyPurpose)
	})
}

// cancelWhere cancels every pending page that a function selects.
func (t *transition) cancelWhere(why string, selects func(PageState) bool) {
	var ids []string
	for _, p := range t.incident.Paging.Pages {
		if p.State.IsPending() && selects(p) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) > 0 {
		t.recordBySystem(PagesCanceled{IDs: ids, Why: why})
	}
}
