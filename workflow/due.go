package workflow

import (
	"slices"
	"time"
)

// due carries out every deadline that has passed, and leaves none behind:
// afterwards WakeAt is zero or later than now. What was missed while nobody
// was awake happens once and says how late it is.
func (t *transition) carryOutDeadlines() {
	passed := func(at time.Time) bool { return !at.IsZero() && !at.After(t.in.At) }
	t.sendPlannedPages()
	if passed(t.now.Paging.NextAt) {
		t.continueEscalation()
	}
	if passed(t.now.Promises.AcknowledgeBy) {
		t.recordBySystem(AcknowledgeOverdue{Due: t.now.Promises.AcknowledgeBy, Late: lateness(t.now.Promises.AcknowledgeBy, t.in.At)})
	}
	if passed(t.now.Promises.UpdateBy) {
		t.reportOverdueUpdate()
	}
	if passed(t.now.Alerts.Notice.DueAt) && t.now.IsAcknowledged() {
		t.notify([]string{t.now.Acknowledgement.Person}, t.now.Alerts.Notice.Pending, "")
	}
	if passed(t.now.Ending.ResolveAt) {
		t.resolveAs("", true)
	}
	t.archiveDueRooms()
	if passed(t.now.Alerts.QuietUntil) {
		t.recordBySystem(AlertsReleased{Firing: t.now.Alerts.Firing})
	}
}

// dueMethods owes the later methods whose delay has passed.
func (t *transition) sendPlannedPages() {
	var ids []string
	for _, p := range t.now.Paging.Pages {
		if p.State == DeliveryPlanned && !p.Due.After(t.in.At) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) > 0 {
		t.queuePages(ids, "")
	}
}

// owe hands planned pages over. An older page that keeps failing the same way
// gives way to them.
func (t *transition) queuePages(ids []string, why string) {
	var old []string
	for _, p := range t.now.Paging.Pages {
		if !slices.Contains(ids, p.ID) {
			continue
		}
		for _, q := range t.now.Paging.Pages {
			if q.State == DeliveryRetrying && q.To == p.To && q.Via == p.Via && q.Purpose == p.Purpose && q.Purpose != PurposeJoin {
				old = append(old, q.ID)
			}
		}
	}
	if len(old) > 0 {
		t.recordBySystem(PagesCanceled{IDs: old, Why: "replaced by a newer page"})
	}
	t.recordBySystem(PagesQueued{IDs: ids, Why: why})
}

// dueEscalation fires the next step, starts again, or reminds.
func (t *transition) continueEscalation() {
	p := &t.now.Paging
	switch {
	case p.State == Exhausted:
		t.exhausted()
	case p.RestartPending:
		t.startEscalation("nobody was reached")
	default:
		t.fire(p.Repeat, p.Step+1, "")
	}
}

// dueUpdate says that the promised update is overdue, and when it will say so
// again: once in a cadence, however long nobody was awake.
func (t *transition) reportOverdueUpdate() {
	f := UpdateOverdue{Due: t.now.Promises.UpdateBy, Late: lateness(t.now.Promises.UpdateBy, t.in.At)}
	if every := t.in.Known.Plan.Severity(t.now.Severity).Update; every > 0 {
		f.Next = f.Due.Add(every)
		if !f.Next.After(t.in.At) {
			f.Next = t.in.At.Add(every)
		}
	}
	holder := t.now.Roles[Commander]
	if holder == "" {
		holder = t.now.Acknowledgement.Person
	}
	t.recordBySystem(f)
	if holder != "" {
		t.notify([]string{holder}, 0, "The update promised for now is overdue.")
	}
}
