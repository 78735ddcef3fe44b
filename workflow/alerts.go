package workflow

import (
	"slices"
	"strconv"
	"time"
)

// noticeEvery is the shortest time between two notices of new alerts to the
// acknowledger.
const noticeEvery = 2 * time.Minute

// readMail drains the mailbox, all of it as one piece. A new incident is
// declared first, so that there is something to count into.
func (t *transition) drainMailbox() {
	mail := combine(t.in.Mail)
	declare, isNew := t.in.Command.(Declare)
	if t.incident.Status == "" {
		if !isNew || len(t.in.Mail) == 0 {
			return
		}
		if mail.Worst.IsWorseThan(declare.Severity) {
			declare.Severity = mail.Worst
		}
		if t.declare(declare) != nil {
			return
		}
		t.in.Command = nil
	}
	t.countMail(mail, "")
	if t.in.Command == nil && isNew && t.incident.Paging.State == Idle && t.incident.Status != Monitoring {
		t.startEscalation("declared")
	}
}

// combine adds mail up: what counts is the difference that all of it made.
func combine(all []Mail) Mail {
	if len(all) == 0 {
		return Mail{}
	}
	sum := all[0]
	sum.Unmapped, sum.Samples = slices.Clone(sum.Unmapped), slices.Clone(sum.Samples)
	for _, m := range all[1:] {
		sum.Add(m)
	}
	return sum
}

// counts reports whether mail says anything.
func (m Mail) hasChanges() bool { return m.Started+m.Again+m.Ended+m.Truncated > 0 }

// Add counts more mail into m. The first 20 samples stay.
func (m *Mail) Add(more Mail) {
	m.Started += more.Started
	m.Again += more.Again
	m.Ended += more.Ended
	m.Truncated = max(m.Truncated, more.Truncated)
	if more.Worst.IsWorseThan(m.Worst) {
		m.Worst = more.Worst
	}
	for _, w := range more.Unmapped {
		if !slices.Contains(m.Unmapped, w) && len(m.Unmapped) < 5 {
			m.Unmapped = append(m.Unmapped, w)
		}
	}
	room := max(0, maxSamples-len(m.Samples))
	m.Samples = append(m.Samples, more.Samples[:min(room, len(more.Samples))]...)
}

// read counts one piece of mail in and decides what it means.
func (t *transition) countMail(m Mail, from string) {
	if !m.hasChanges() {
		return
	}
	if t.incident.Status == Merged {
		t.recordBySystem(AlertsForwarded{Mail: m, To: t.incident.Merge.Into, From: from, Via: []string{t.incident.ID}})
		return
	}
	was := t.incident
	by := Actor{Kind: ByAlert}
	if len(m.Samples) > 0 {
		by.ID, by.Name = m.Samples[0].Integration, m.Samples[0].Integration
	}
	t.recordBy(by, AlertsArrived{Mail: m, From: from})
	fired := m.Started + m.Again
	if fired > 0 {
		t.handleFiringAlerts(was, m, fired)
	}
	if t.incident.Alerts.Firing == 0 && m.Ended > 0 {
		t.handleAllResolved()
	}
}

// raise follows the worst alert, until a person has judged the severity.
func (t *transition) raiseSeverity(m Mail) {
	if t.incident.SeverityBasis != FromPerson && t.incident.SeverityBasis != FromMatrix && t.incident.IsOpen() && m.Worst.IsWorseThan(t.incident.Severity) {
		t.changeSeverity(m.Worst, SeverityChanged{Basis: FromAlert, Reason: "the worst alert"})
	}
}

// fired decides what alerts that began, or began again, ask for (rules I6, G3).
func (t *transition) handleFiringAlerts(was Incident, m Mail, count int) {
	rules := t.in.Known.Plan.Rules.OrDefault()
	switch {
	case !t.incident.IsOpen():
		t.recordBySystem(IncidentReopened{From: t.incident.Status, To: Investigating, Why: "alerts fire again"})
		run := t.incident.Paging.Run
		t.raiseSeverity(m)
		if t.incident.Paging.Run == run { // else the rise has begun it
			t.startEscalation("alerts fire again")
		}
		return
	case was.Status == Monitoring && t.incident.Status == Monitoring:
		back := was.PreviousStatus
		if !back.IsOpen() || back == Monitoring {
			back = Investigating
		}
		t.recordBySystem(StatusChanged{From: Monitoring, To: back, Why: "alerts fire again"})
	}
	t.raiseSeverity(m)
	worse := was.Alerts.Worst != 0 && m.Worst.IsWorseThan(was.Alerts.Worst)
	if !t.incident.IsAcknowledged() {
		state := t.incident.Paging.State
		if state != Running && state != Exhausted || state == Exhausted && worse {
			t.startEscalation("alerts fire")
		}
		return
	}
	stale := t.in.At.Sub(t.incident.LastActivityAt) >= rules.StaleAfter
	if !worse && !stale {
		t.notifyOfAlerts(count)
		return
	}
	why := "a more severe alert than any so far"
	if !worse {
		why = "a new alert, and nobody has moved for " + formatMinutes(rules.StaleAfter)
	}
	t.withdrawAcknowledgement(why)
}

// giveBack takes the acknowledgement away and pages again.
func (t *transition) withdrawAcknowledgement(why string) {
	t.recordBySystem(Unacknowledged{Person: t.incident.Acknowledgement.Person, Why: why})
	t.startEscalation(why)
}

// allResolved moves to monitoring and stops paging (rule G7). An incident that
// has ended already is no longer waiting for its alerts.
func (t *transition) handleAllResolved() {
	f := AlertsAllResolved{}
	if t.incident.IsOpen() {
		f.ResolveAt = t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().ResolveAfter)
	}
	t.recordBySystem(f)
	if !t.incident.IsOpen() {
		return
	}
	if t.incident.Status != Monitoring {
		t.recordBySystem(StatusChanged{From: t.incident.Status, To: Monitoring, Why: "all alerts resolved"})
	}
	t.cancelPages("all alerts resolved", anyPurpose)
}

// tellAlerts tells the acknowledger of new alerts: at once, then at most every
// two minutes, so that a flood is one message.
func (t *transition) notifyOfAlerts(count int) {
	last := t.incident.Alerts.Notice.LastAt
	if !last.IsZero() && t.in.At.Sub(last) < noticeEvery {
		t.recordBySystem(NoticePostponed{Due: last.Add(noticeEvery), Alerts: count})
		return
	}
	t.notify([]string{t.incident.Acknowledgement.Person}, count+t.incident.Alerts.Notice.Pending, "")
}

// minutes writes a duration in whole minutes.
func formatMinutes(d time.Duration) string { return strconv.Itoa(int(d/time.Minute)) + " minutes" }
