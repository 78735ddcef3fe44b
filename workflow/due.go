package workflow

import (
	"slices"
	"time"
)

// due carries out every deadline that has passed, and leaves none behind:
// afterwards WakeAt is zero or later than now. What was missed while nobody
// was awake happens once and says how late it is.
func (t *turn) due() {
	passed := func(at time.Time) bool { return !at.IsZero() && !at.After(t.in.At) }
	t.dueMethods()
	if passed(t.now.Paging.NextAt) {
		t.dueEscalation()
	}
	if passed(t.now.AckDue) {
		t.conclude(AcknowledgeOverdue{Due: t.now.AckDue, Late: lateness(t.now.AckDue, t.in.At)})
	}
	if passed(t.now.UpdateDue) {
		t.dueUpdate()
	}
	if passed(t.now.Telling.DueAt) && t.now.Acknowledged() {
		t.tell([]string{t.now.AcknowledgedBy}, t.now.Telling.Pending, "")
	}
	if passed(t.now.ResolveAt) {
		t.settle("", true)
	}
	t.dueRooms()
	if passed(t.now.QuietTill) {
		t.conclude(AlertsReleased{Firing: t.now.Alerts.Firing})
	}
}

// dueMethods owes the later methods whose delay has passed.
func (t *turn) dueMethods() {
	var ids []string
	for _, p := range t.now.Paging.Pages {
		if p.State == Planned && !p.Due.After(t.in.At) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) > 0 {
		t.owe(ids, "")
	}
}

// owe hands planned pages over. An older page that keeps failing the same way
// gives way to them.
func (t *turn) owe(ids []string, why string) {
	var old []string
	for _, p := range t.now.Paging.Pages {
		if !slices.Contains(ids, p.ID) {
			continue
		}
		for _, q := range t.now.Paging.Pages {
			if q.State == Failing && q.To == p.To && q.Via == p.Via && q.Purpose == p.Purpose && q.Purpose != ToJoin {
				old = append(old, q.ID)
			}
		}
	}
	if len(old) > 0 {
		t.conclude(PagesCanceled{IDs: old, Why: "replaced by a newer page"})
	}
	t.conclude(PagesOwed{IDs: ids, Why: why})
}

// dueEscalation fires the next step, starts again, or reminds.
func (t *turn) dueEscalation() {
	p := &t.now.Paging
	switch {
	case p.State == Exhausted:
		t.exhausted()
	case p.Unreached:
		t.startEscalation("nobody was reached")
	default:
		t.fire(p.Repeat, p.Step+1, "")
	}
}

// dueUpdate says that the promised update is overdue, and when it will say so
// again: once in a cadence, however long nobody was awake.
func (t *turn) dueUpdate() {
	f := UpdateOverdue{Due: t.now.UpdateDue, Late: lateness(t.now.UpdateDue, t.in.At)}
	if every := t.in.Known.Plan.Severity(t.now.Severity).Update; every > 0 {
		f.Next = f.Due.Add(every)
		if !f.Next.After(t.in.At) {
			f.Next = t.in.At.Add(every)
		}
	}
	holder := t.now.Roles[Commander]
	if holder == "" {
		holder = t.now.AcknowledgedBy
	}
	t.conclude(f)
	if holder != "" {
		t.tell([]string{holder}, 0, "The update promised for now is overdue.")
	}
}
