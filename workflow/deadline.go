package workflow

import (
	"slices"
	"strconv"
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
	defer func() { t.late = 0 }()
	passed := func(at time.Time) bool {
		t.late = lateness(at, t.in.At)
		return !at.IsZero() && !at.After(t.in.At)
	}
	t.sendPlannedPages()
	if passed(t.incident.Paging.NextAt) {
		t.continueEscalation()
	}
	if passed(t.incident.Promises.AcknowledgeBy) {
		t.recordBySystem(AcknowledgeOverdue{Due: t.incident.Promises.AcknowledgeBy, LateBy: t.late})
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
		t.recordBySystem(AlertsReleased{Firing: t.incident.Alerts.Firing, LateBy: t.late})
	}
}

// sendPlannedPages sends the pages by later contact methods whose delay has passed.
func (t *transition) sendPlannedPages() {
	var ids []string
	for _, p := range t.incident.Paging.Pages {
		if p.State == DeliveryPlanned && !p.Due.After(t.in.At) {
			t.late = max(t.late, lateness(p.Due, t.in.At))
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
	t.recordBySystem(PagesQueued{IDs: ids, Why: why, LateBy: t.late})
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

// What notices of an overdue update say.
const (
	overdueText     = "The status update is overdue."
	passedCommander = "The commander cannot be notified."
)

// reportOverdueUpdate records that the status update is overdue, sets the next
// deadline one interval of the severity later, and notifies the first who can act: the
// commander, else the acknowledger, else the other responders, else the catch-all (S10: an
// overdue update finds the next who can act).
func (t *transition) reportOverdueUpdate() {
	f := UpdateOverdue{Due: t.incident.Promises.UpdateBy, LateBy: t.late}
	if every := t.in.Known.Plan.Severity(t.incident.Severity).Update; every > 0 {
		f.Next = f.Due.Add(every)
		if !f.Next.After(t.in.At) {
			f.Next = t.in.At.Add(every)
		}
	}
	text := overdueText
	var people []string
	var passed []string // those who cannot be notified
	for _, group := range [][]string{{t.incident.Roles[Commander]}, {t.incident.Acknowledgement.Person}, t.incident.responders()} {
		for _, id := range group {
			switch {
			case id == "":
			case t.canNotify(id):
				people = append(people, id)
			default:
				passed = append(passed, id)
			}
		}
		if len(people) > 0 {
			break
		}
	}
	if len(people) == 0 && len(passed) > 0 {
		f.Pages = t.overduePages()
	}
	if slices.Contains(passed, t.incident.Roles[Commander]) {
		text += " " + passedCommander
	}
	t.recordBySystem(f)
	if len(people) > 0 {
		t.notify(people, 0, text)
	}
	if holder := t.incident.Acknowledgement; holder.Person != "" && slices.Contains(passed, holder.Person) {
		t.withdrawAcknowledgement("no way to notify " + holder.Name)
	}
}

// overduePages returns the notices of an overdue update to the catch-all.
func (t *transition) overduePages() []PageState {
	n := t.incident.Paging.Manual + 1
	var pages []PageState
	for _, r := range t.catchAll() {
		pages = append(pages, t.pagesFor(r, PurposeNotice, "k"+strconv.Itoa(n), PageCoordinates{Run: t.incident.Paging.Run, Repeat: n})...)
	}
	pages, _ = t.supersede(pages)
	return pages
}

// canNotify reports whether a person is known and has a contact method.
func (t *transition) canNotify(person string) bool {
	return slices.ContainsFunc(t.in.Known.Answers[personTarget(person)].Recipients, func(r Recipient) bool { return len(r.High)+len(r.Low) > 0 })
}

// responders returns the people who work on the incident beside the commander and the
// acknowledger, in a stable order: those in the other roles, and those who answered when
// they were asked to join.
func (i *Incident) responders() []string {
	var all []string
	for role, person := range i.Roles {
		if role != Commander && !slices.Contains(all, person) {
			all = append(all, person)
		}
	}
	slices.Sort(all)
	for _, p := range i.Paging.Pages {
		if p.Purpose == PurposeJoin && p.Why == "answered" && !slices.Contains(all, p.To) {
			all = append(all, p.To)
		}
	}
	return all
}
