package workflow

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// resolve resolves the incident by a person.
func (t *transition) resolve(c Resolve) error {
	if err := t.requireOpen("resolve"); err != nil {
		return err
	}
	t.resolveAs(c.Text, false)
	return nil
}

// resolveAs resolves the incident, by a person or by the timer. Alerts that still fire
// are named in the fact and change nothing for a while (I6: firing again reopens or
// links).
func (t *transition) resolveAs(text string, byTimer bool) {
	f := IncidentResolved{From: t.incident.Status, ByTimer: byTimer, StillFiring: t.incident.Alerts.Firing}
	f.Text, f.Truncated = CleanText(text, MaxText)
	rules := t.in.Known.Plan.Rules.OrDefault()
	if f.StillFiring > 0 {
		for _, a := range t.incident.Alerts.Samples {
			if !a.Resolved && len(f.Firing) < 5 {
				f.Firing = append(f.Firing, a.Title)
			}
		}
		f.QuietUntil = t.in.At.Add(rules.QuietAfter)
	}
	if byTimer {
		f.HoldUntil, f.LateBy = t.in.At.Add(rules.ReopenWindow), t.late
		t.recordBySystem(f)
	} else {
		t.record(f)
	}
	t.cancelPages("resolved", anyPurpose)
}

// HoldsGroupUntil returns how long alerts of the incident's alert group come to this
// incident instead of opening another one. While it is open, always is true. After the
// timer has resolved it, they reopen it until a certain time. In all other cases until
// is zero.
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

// missingForClose lists what is incomplete, in words for a refusal.
func (i Incident) missingForClose() []string {
	var m []string
	if i.Paperwork.Cause == "" {
		m = append(m, "no cause (`cause TEXT`)")
	}
	if i.Ending.Resolution == "" {
		m = append(m, "no resolution (`resolve TEXT`)")
	}
	for _, item := range i.Paperwork.ActionItems {
		if !item.Done && !item.FollowUp {
			m = append(m, fmt.Sprintf("task %d is open: %s (`task done %d`)", item.N, item.Text, item.N))
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

// close completes the write-up.
func (t *transition) close(c Close) error {
	id := t.incident.ID
	if t.incident.IsOpen() {
		return refuse(fmt.Sprintf("%s is %s, not resolved.", id, t.incident.Status), fmt.Sprintf("`resolve %s` first.", id))
	}
	if t.incident.Status != Resolved {
		return t.requireOpen("close")
	}
	missing := t.incident.missingForClose()
	reason, _ := CleanLine(c.Reason, MaxTitle)
	switch {
	case len(missing) == 0:
		t.record(IncidentClosed{Reason: reason})
	case !c.Force:
		shown := min(len(missing), 6)
		text := strings.Join(missing[:shown], "; ")
		if rest := len(missing) - shown; rest > 0 {
			text += fmt.Sprintf("; and %d more", rest)
		}
		return refuse(fmt.Sprintf("%s cannot be closed yet: %s.", id, text),
			fmt.Sprintf("A commander may `close %s --force --reason WHY`.", id))
	case reason == "":
		return refuse("Closing by force needs a reason.", fmt.Sprintf("`close %s --force --reason \"duplicate of a drill\"`.", id))
	default:
		t.record(IncidentClosed{Forced: true, Reason: reason, Missing: excerpts(missing, 10)})
	}
	return nil
}

// excerpts returns excerpts of the first texts, at most limit.
func excerpts(in []string, limit int) []string {
	out := make([]string, 0, min(len(in), limit))
	for _, s := range in[:min(len(in), limit)] {
		out = append(out, excerpt(s, 200))
	}
	return out
}

func (t *transition) reopen(c Reopen) error {
	if t.incident.IsOpen() {
		return refuse(fmt.Sprintf("%s is open (%s).", t.incident.ID, t.incident.Status), "")
	}
	if t.incident.Status == Merged {
		return t.requireOpen("reopen")
	}
	why, _ := CleanLine(c.Reason, MaxTitle)
	t.reopenAndPage(why)
	return nil
}

// reopenAndPage makes an ended incident active again and starts escalation.
func (t *transition) reopenAndPage(why string) {
	t.record(IncidentReopened{From: t.incident.Status, To: Investigating, Why: why})
	t.startEscalation("reopened")
}

func (t *transition) cancel(c Cancel) error {
	if err := t.requireOpen("cancel"); err != nil {
		return err
	}
	reason, _ := CleanLine(c.Reason, MaxTitle)
	f := IncidentCanceled{From: t.incident.Status, Reason: reason}
	if t.incident.Alerts.Firing > 0 {
		f.QuietUntil = t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().QuietAfter)
	}
	t.record(f)
	t.cancelPages("canceled", anyPurpose)
	return nil
}

func (t *transition) merge(c Merge) error {
	if err := t.requireOpen("merge"); err != nil {
		return err
	}
	other, ok := t.in.Known.Others[c.Into]
	switch {
	case c.Into == t.incident.ID:
		return refuse("An incident cannot be merged into itself.", "")
	case !ok:
		return refuse(c.Into+" does not exist.", "`list` shows the open incidents.")
	case !other.Status.IsOpen():
		return refuse(fmt.Sprintf("%s is %s.", c.Into, other.Status), "Merge into an open incident, or reopen it first.")
	case other.MergedCount >= maxMerged:
		return refuse(fmt.Sprintf("%d incidents were merged into %s already, which is the limit.", other.MergedCount, c.Into), "Merge into another.")
	case t.incident.Visibility == Private && !other.Private:
		return refuse(fmt.Sprintf("%s is private and %s is not: everyone could read about it there.", t.incident.ID, c.Into),
			fmt.Sprintf("`private %s` first, or `private %s off`.", c.Into, t.incident.ID))
	}
	a := t.incident.Alerts
	t.record(IncidentMerged{From: t.incident.Status, Into: c.Into, Mail: Mail{
		At: t.in.At, Started: a.Firing, Worst: a.Worst, Unmapped: t.incident.Alerts.Unmapped, Samples: a.Samples,
	}})
	t.cancelPages("merged into "+c.Into, anyPurpose)
	return nil
}

// absorb counts the alerts of an incident that was merged into this one. If this one
// has ended, alerts that fire reopen it, so that none is lost. If this one is merged
// itself, it forwards everything; but if what it receives has come in a circle, because
// incidents were merged into each other at the same moment, it reopens instead.
func (t *transition) absorb(c Absorb) {
	if t.incident.Status == Merged && (c.From == t.incident.ID || slices.Contains(c.Via, t.incident.ID)) {
		t.reopenAndPage("it and the other incident were merged into each other")
	}
	if t.incident.Status == Merged {
		if c.Began || c.Mail.HasChanges() {
			t.recordBySystem(AlertsForwarded{
				Mail: c.Mail, To: t.incident.Merge.Into, From: c.From, Title: c.Title, Began: c.Began, Via: append(slices.Clone(c.Via), t.incident.ID),
				Severity: c.Severity, Unanswered: c.Unanswered,
			})
		}
		return
	}
	if c.From == t.incident.ID {
		return // its own alerts, which are counted already
	}
	run, notices := t.incident.Paging.Run, t.incident.Paging.Manual
	if c.Began {
		t.record(IncidentAbsorbed{From: c.From, Title: c.Title})
	}
	t.countMail(c.Mail, c.From)
	if c.Began && run == t.incident.Paging.Run && notices == t.incident.Paging.Manual { // otherwise its alerts have called someone already
		t.takeOverUrgency(c)
	}
}

// takeOverUrgency makes this incident as severe as the one that was merged into it, and
// sees to it that someone learns of a page that no one had answered there (E11: a rise
// acts at once).
func (t *transition) takeOverUrgency(c Absorb) {
	what := c.From + ", merged into this incident, is " + c.Severity.String()
	if !t.incident.IsOpen() {
		if c.Unanswered {
			t.reopenAndPage(c.From + ", which no one had acknowledged, was merged into it")
		}
		return
	}
	if c.Severity.IsWorseThan(t.incident.Severity) {
		if t.changeSeverity(c.Severity, SeverityChanged{Basis: t.incident.SeverityBasis, Reason: what}) {
			return
		}
	}
	isPaged := t.incident.IsAcknowledged() || isPaging(t.incident.Paging.State)
	if c.Unanswered && (t.incident.IsAcknowledged() || !isPaged) {
		t.callAttention(what+", and no one had acknowledged it", c.From+" ("+c.Severity.String()+"), which no one had acknowledged, was merged into this incident.")
	}
}

// updateMergeTarget records what became of the incident that this one was merged into.
func (t *transition) updateMergeTarget(c UpdateMergeTarget) {
	if t.incident.Status == Merged && (c.Ended != t.incident.Merge.TargetEnded || !c.HoldUntil.Equal(t.incident.Merge.HoldUntil) || c.Release) {
		t.recordBySystem(MergeTargetUpdated(c))
	}
}
