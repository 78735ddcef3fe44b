package workflow

import (
	"slices"
	"time"
)

// WakeAt returns the earliest deadline; zero means that there is none.
func (i Incident) WakeAt() time.Time {
	var first time.Time
	for _, d := range i.Deadlines() {
		if first.IsZero() || d.At.Before(first) {
			first = d.At
		}
	}
	return first
}

// Deadline is a time at which something happens without a command, and what.
type Deadline struct {
	At   time.Time
	Kind DeadlineKind
	Page *PageState // for DuePage: the page that will be sent
}

// DeadlineKind says what happens at a deadline.
type DeadlineKind string

// The kinds of deadline.
const (
	DueStep    DeadlineKind = "escalate"    // the next escalation step fires
	DueRestart DeadlineKind = "restart"     // escalation starts again after it reached no one (E4: a failed page moves on at once)
	DueRemind  DeadlineKind = "remind"      // the catch-all is reminded (E7: never silent until a person answers)
	DuePage    DeadlineKind = "page"        // a person is paged by their next contact method
	DueAck     DeadlineKind = "acknowledge" // the acknowledgement is overdue
	DueUpdate  DeadlineKind = "update"      // the next status update is overdue
	DueNotice  DeadlineKind = "notice"      // the acknowledger is notified of more alerts
	DueResolve DeadlineKind = "resolve"     // the incident resolves (G7: all alerts resolved means monitoring)
	DueQuiet   DeadlineKind = "quiet"       // alerts that still fire are given up (I6: firing again reopens or links)
	DueJudge   DeadlineKind = "judge"       // held firing notices are judged again (I5c: an old start is judged again after a minute)
	DueArchive DeadlineKind = "archive"     // a room is archived
)

// Deadlines lists every deadline of the incident, in no particular order.
func (i Incident) Deadlines() []Deadline {
	var all []Deadline
	add := func(at time.Time, kind DeadlineKind) {
		if !at.IsZero() {
			all = append(all, Deadline{At: at, Kind: kind})
		}
	}
	next := DueStep
	switch {
	case i.Paging.State == Exhausted:
		next = DueRemind
	case i.Paging.RestartPending:
		next = DueRestart
	}
	add(i.Paging.NextAt, next)
	add(i.Promises.AcknowledgeBy, DueAck)
	add(i.Promises.UpdateBy, DueUpdate)
	add(i.Alerts.Notice.DueAt, DueNotice)
	add(i.Ending.ResolveAt, DueResolve)
	add(i.Alerts.QuietUntil, DueQuiet)
	add(i.Alerts.JudgeAt, DueJudge)
	for _, r := range i.Rooms {
		add(r.ArchiveAt, DueArchive)
	}
	for n := range i.Paging.Pages {
		if p := i.Paging.Pages[n]; p.State == DeliveryPlanned {
			all = append(all, Deadline{At: p.Due, Kind: DuePage, Page: &p})
		}
	}
	return all
}

// IsStuck reports whether the incident is open and not acknowledged, and has no
// deadline at which anything would happen. No step leads there, and the auditor
// reports it (E13: the auditor repairs and reports).
func (i Incident) IsStuck() bool {
	return i.IsOpen() && !i.IsAcknowledged() && i.WakeAt().IsZero()
}

// carryOutDeadlines carries out every deadline that has passed: afterwards WakeAt is
// zero or later than now. A deadline that passed while no process was running is
// carried out once, and the fact says how late (X1: a crash loses nothing).
func (t *transition) carryOutDeadlines() {
	passed := func(at time.Time) bool { return !at.IsZero() && !at.After(t.in.At) }
	t.sendPlannedPages()
	if passed(t.incident.Paging.NextAt) {
		t.continueEscalation()
	}
	if passed(t.incident.Promises.AcknowledgeBy) {
		t.recordBySystem(AcknowledgeOverdue{Due: t.incident.Promises.AcknowledgeBy, LateBy: lateness(t.incident.Promises.AcknowledgeBy, t.in.At)})
	}
	if passed(t.incident.Promises.UpdateBy) {
		t.reportOverdueUpdate()
	}
	if passed(t.incident.Alerts.Notice.DueAt) && t.incident.IsAcknowledged() {
		t.notify([]string{t.incident.Acknowledgement.Person}, t.incident.Alerts.Notice.Pending, "")
	}
	if passed(t.incident.Ending.ResolveAt) {
		t.resolveAs("", true)
	}
	if passed(t.incident.Alerts.JudgeAt) {
		t.judgeHeldAlerts()
	}
	t.archiveDueRooms()
	if passed(t.incident.Alerts.QuietUntil) {
		t.recordBySystem(AlertsReleased{Firing: t.incident.Alerts.Firing})
	}
}

// sendPlannedPages sends the pages by later contact methods whose delay has passed.
func (t *transition) sendPlannedPages() {
	var ids []string
	for _, p := range t.incident.Paging.Pages {
		if p.State == DeliveryPlanned && !p.Due.After(t.in.At) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) > 0 {
		t.queuePages(ids, "")
	}
}

// queuePages sends planned pages. A page to the same person by the same method that
// the agenda is still retrying is canceled, because the new one replaces it.
func (t *transition) queuePages(ids []string, why string) {
	var old []string
	for _, p := range t.incident.Paging.Pages {
		if !slices.Contains(ids, p.ID) {
			continue
		}
		for _, q := range t.incident.Paging.Pages {
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

// continueEscalation fires the next step, restarts the run, or reminds the catch-all.
func (t *transition) continueEscalation() {
	p := &t.incident.Paging
	switch {
	case p.State == Exhausted:
		t.reportExhausted()
	case p.RestartPending:
		t.startEscalation("no one was reached")
	default:
		t.fireFrom(p.Repeat, p.Step+1, "")
	}
}

// reportOverdueUpdate records that the status update is overdue, sets the next
// deadline one interval of the severity later, and notifies the commander, else the
// acknowledger.
func (t *transition) reportOverdueUpdate() {
	f := UpdateOverdue{Due: t.incident.Promises.UpdateBy, LateBy: lateness(t.incident.Promises.UpdateBy, t.in.At)}
	if every := t.in.Known.Plan.Severity(t.incident.Severity).Update; every > 0 {
		f.Next = f.Due.Add(every)
		if !f.Next.After(t.in.At) {
			f.Next = t.in.At.Add(every)
		}
	}
	holder := t.incident.Roles[Commander]
	if holder == "" {
		holder = t.incident.Acknowledgement.Person
	}
	t.recordBySystem(f)
	if holder != "" {
		t.notify([]string{holder}, 0, "The status update is overdue.")
	}
}
