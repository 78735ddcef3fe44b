package workflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// applyPolicy replaces the plan of the incident. While it pages, and what escalation
// does is different, or its urgency rises to high, escalation starts at step 1 of the
// new policy; an acknowledged incident stays acknowledged.
func (t *transition) applyPolicy() error {
	if err := t.requireOpen("policy apply"); err != nil {
		return err
	}
	was, next := t.in.Known.Plan, t.in.Known.Next
	f := PlanReplaced{From: t.incident.PlanHash, To: next.Hash(), Policy: next.Policy, Plan: next.Severity(t.incident.Severity)}
	if f.From == f.To {
		return refuse(fmt.Sprintf("%s follows the configured policy already: nothing was changed.", t.incident.ID), "")
	}
	before := was.Severity(t.incident.Severity)
	f.Changes = PlanChanges(was, next, t.incident.Severity)
	f.Promises = before.Acknowledge != f.Plan.Acknowledge || before.Update != f.Plan.Update
	wasUrgent := t.urgency() == High
	t.record(f)
	t.in.Known.Plan = next
	isRise := !wasUrgent && t.urgency() == High
	if isPaging(t.incident.Paging.State) && (isRise || !sameJSON(was.chain(), next.chain())) {
		t.startEscalation("policy applied by " + t.in.By.Name)
	}
	return nil
}

// PlanChanges returns what another plan would change for an incident of a severity, in
// words: "acknowledge within 5m → 15m". It is empty when the plans are the same.
func PlanChanges(was, next Plan, severity Severity) []string {
	var all []string
	changed := func(what, a, b string) {
		if a != b {
			all = append(all, cleanLabel(fmt.Sprintf("%s %s → %s", what, a, b), maxLine))
		}
	}
	changed("policy", was.Policy, next.Policy)
	for n, p := range next.chain() {
		if old, ok := was.findPolicy(p.ID); ok && !sameJSON(old, p) && n < 5 {
			all = append(all, cleanLabel("steps of the policy "+p.ID, maxLine))
		}
	}
	if len(all) == 0 && !sameJSON(was.chain(), next.chain()) {
		changed("policies", was.chainText(), next.chainText())
	}
	changed("catch-all", orNone(string(was.CatchAll)), orNone(string(next.CatchAll)))
	a, b := was.Severity(severity), next.Severity(severity)
	changed("urgency", string(a.Urgency), string(b.Urgency))
	changed("acknowledge within", durationText(a.Acknowledge), durationText(b.Acknowledge))
	changed("update every", durationText(a.Update), durationText(b.Update))
	if len(all) == 0 && !sameJSON(was, next) {
		all = append(all, "settings that "+severity.String()+" does not use now")
	}
	return all
}

// chain returns the policies that escalation can come to: the first one, the fallbacks,
// and those that are paged as targets.
func (p Plan) chain() []Policy {
	var all []Policy
	ids := []string{p.Policy, p.Fallback}
	for n := 0; n < len(ids); n++ {
		policy, ok := p.findPolicy(ids[n])
		if !ok || slices.ContainsFunc(all, func(o Policy) bool { return o.ID == policy.ID }) {
			continue
		}
		all, ids = append(all, policy), append(ids, policy.Fallback)
		for _, s := range policy.Steps {
			for _, target := range s.Notify {
				if target.Kind() == "policy" {
					ids = append(ids, target.ID())
				}
			}
		}
	}
	return all
}

// chainText returns the IDs of the plan's chain.
func (p Plan) chainText() string {
	var ids []string
	for _, policy := range p.chain() {
		ids = append(ids, policy.ID)
	}
	return orNone(strings.Join(ids, ", "))
}

// sameJSON reports whether two values are stored as the same bytes: a plan that was read
// from the store and one of the configuration may differ in empty and missing lists.
func sameJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// durationText returns a promised duration; "none" for none.
func durationText(d time.Duration) string {
	if d <= 0 {
		return "none"
	}
	return FormatDuration(d)
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
