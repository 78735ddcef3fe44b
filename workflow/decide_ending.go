package workflow

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// resolve says that users are well again. Alerts that still fire are named and
// stay quiet for a while (rule I6).
func (t *transition) resolve(c Resolve) error {
	if err := t.needOpen("resolve"); err != nil {
		return err
	}
	t.resolveAs(c.Text, false)
	return nil
}

// settle resolves the incident, by a person or by the timer of rule G7.
func (t *transition) resolveAs(text string, byTimer bool) {
	f := IncidentResolved{From: t.now.Status, ByTimer: byTimer, StillFiring: t.now.Alerts.Firing}
	f.Text, f.Cut = CleanText(text, MaxText)
	rules := t.in.Known.Plan.Rules.OrDefault()
	if f.StillFiring > 0 {
		for _, a := range t.now.Alerts.Samples {
			if !a.Resolved && len(f.Firing) < 5 {
				f.Firing = append(f.Firing, a.Title)
			}
		}
		f.QuietUntil = t.in.At.Add(rules.QuietAfter)
	}
	if byTimer {
		f.KeepUntil = t.in.At.Add(rules.ReopenWindow)
		t.recordBySystem(f)
	} else {
		t.record(f)
	}
	t.cancelPages("resolved", anyPurpose)
}

// HoldsGroupUntil says how long the incident answers for its alert group: for
// ever while open (the second result is then true), until some instant after
// the timer resolved it, else not at all.
func (i Incident) HoldsGroupUntil(rules Rules) (until time.Time, always bool) {
	switch {
	case i.Alerts.Group == "" || i.Status == "":
		return time.Time{}, false
	case i.IsOpen() || i.Status == Merged && !i.Merge.TargetEnded:
		return time.Time{}, true
	case i.Status == Merged:
		return i.Merge.HoldUntil, false
	case i.Ending.ByTimer:
		return i.Ending.ResolvedAt.Add(rules.OrDefault().ReopenWindow), false
	}
	return time.Time{}, false
}

// missing lists what verification asks for before an incident is closed.
func (i Incident) missing() []string {
	var m []string
	if i.Paperwork.Cause == "" {
		m = append(m, "no cause (`cause TEXT`)")
	}
	if i.Ending.Resolution == "" {
		m = append(m, "no resolution (`resolve TEXT`)")
	}
	for _, task := range i.Paperwork.ActionItems {
		if !task.Done && !task.FollowUp {
			m = append(m, fmt.Sprintf("task %d is open: %s (`task done %d`)", task.N, task.Text, task.N))
		}
	}
	for n, c := range i.Paperwork.Checklist {
		switch c.State {
		case CheckPassed:
		case CheckFailed:
			m = append(m, fmt.Sprintf("check %d failed: %s", n+1, c.Text))
		default:
			m = append(m, fmt.Sprintf("check %d is not verified: %s (`verify %d passed`)", n+1, c.Text, n+1))
		}
	}
	return m
}

// close ends the paperwork, once what must be known is written down.
func (t *transition) close(c Close) error {
	id := t.now.ID
	if t.now.IsOpen() {
		return refuse(fmt.Sprintf("%s is %s, not resolved.", id, t.now.Status), fmt.Sprintf("`resolve %s` first.", id))
	}
	if t.now.Status != Resolved {
		return t.needOpen("close")
	}
	missing := t.now.missing()
	reason, _ := CleanLine(c.Reason, MaxTitle)
	switch {
	case len(missing) == 0:
		t.record(IncidentClosed{Reason: reason})
	case !c.Force:
		most := min(len(missing), 6)
		text := strings.Join(missing[:most], "; ")
		if rest := len(missing) - most; rest > 0 {
			text += fmt.Sprintf("; and %d more", rest)
		}
		return refuse(fmt.Sprintf("%s cannot be closed yet: %s.", id, text),
			fmt.Sprintf("A commander may `close %s --force --reason WHY`.", id))
	case reason == "":
		return refuse("Closing by force needs a reason.", fmt.Sprintf("`close %s --force --reason \"duplicate of a drill\"`.", id))
	default:
		t.record(IncidentClosed{Forced: true, Reason: reason, Missing: clip(missing, 10)})
	}
	return nil
}

// clip keeps the first most lines, each short.
func clip(in []string, most int) []string {
	out := make([]string, 0, min(len(in), most))
	for _, s := range in[:min(len(in), most)] {
		out = append(out, excerpt(s, 200))
	}
	return out
}

func (t *transition) reopen(c Reopen) error {
	if t.now.IsOpen() {
		return refuse(fmt.Sprintf("%s is open (%s).", t.now.ID, t.now.Status), "")
	}
	if t.now.Status == Merged {
		return t.needOpen("reopen")
	}
	why, _ := CleanLine(c.Reason, MaxTitle)
	t.revive(why)
	return nil
}

// revive makes an ended incident active again, and pages.
func (t *transition) revive(why string) {
	t.record(IncidentReopened{From: t.now.Status, To: Investigating, Why: why})
	t.startEscalation("reopened")
}

func (t *transition) cancel(c Cancel) error {
	if err := t.needOpen("cancel"); err != nil {
		return err
	}
	reason, _ := CleanLine(c.Reason, MaxTitle)
	f := IncidentCanceled{From: t.now.Status, Reason: reason}
	if t.now.Alerts.Firing > 0 {
		f.QuietUntil = t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().QuietAfter)
	}
	t.record(f)
	t.cancelPages("canceled", anyPurpose)
	return nil
}

func (t *transition) merge(c Merge) error {
	if err := t.needOpen("merge"); err != nil {
		return err
	}
	other, known := t.in.Known.Others[c.Into]
	switch {
	case c.Into == t.now.ID:
		return refuse("An incident cannot be merged into itself.", "")
	case !known:
		return refuse(c.Into+" does not exist.", "`list` shows the open incidents.")
	case !other.Status.IsOpen():
		return refuse(fmt.Sprintf("%s is %s.", c.Into, other.Status), "Merge into an open incident, or reopen it first.")
	case other.MergedCount >= maxMerged:
		return refuse(fmt.Sprintf("%s has taken in %d incidents, which is as many as it can hold.", c.Into, other.MergedCount), "Merge into another.")
	case t.now.Visibility == Private && !other.Private:
		return refuse(fmt.Sprintf("%s is private and %s is not: everybody would read of it there.", t.now.ID, c.Into),
			fmt.Sprintf("`private %s` first, or `private %s off`.", c.Into, t.now.ID))
	}
	a := t.now.Alerts
	t.record(IncidentMerged{From: t.now.Status, Into: c.Into, Title: t.now.Title, Mail: Mail{
		At: t.in.At, Started: a.Firing, Worst: a.Worst, Unmapped: t.now.Alerts.Unmapped, Samples: a.Samples,
	}})
	t.cancelPages("merged into "+c.Into, anyPurpose)
	return nil
}

// absorb is the other side of a merge. Alerts that come this way to an ended
// incident open it again: nothing is swallowed. An incident that was itself
// merged passes everything on, unless it has come in a circle: two that were
// merged into each other at the same time both go on.
func (t *transition) absorb(c Absorb) {
	if t.now.Status == Merged && (c.From == t.now.ID || slices.Contains(c.Via, t.now.ID)) {
		t.revive("it was merged in a circle")
	}
	if t.now.Status == Merged {
		if c.Began || c.Mail.counts() {
			t.recordBySystem(AlertsForwarded{
				Mail: c.Mail, To: t.now.Merge.Into, From: c.From, Title: c.Title, Began: c.Began, Via: append(slices.Clone(c.Via), t.now.ID),
			})
		}
		return
	}
	if c.From == t.now.ID {
		return // its own alerts, which it has counted
	}
	if c.Began {
		t.record(IncidentAbsorbed{From: c.From, Title: c.Title})
	}
	t.countMail(c.Mail, c.From)
}

// follow goes after the incident that this one was merged into.
func (t *transition) updateMergeTarget(c UpdateMergeTarget) {
	if t.now.Status == Merged && (c.Ended != t.now.Merge.TargetEnded || !c.Until.Equal(t.now.Merge.HoldUntil) || c.Release) {
		t.recordBySystem(MergeTargetUpdated(c))
	}
}
