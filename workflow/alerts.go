package workflow

import (
	"slices"
	"strconv"
	"time"
)

// readMail drains the mailbox, all of it as one piece. A new incident is
// declared first, so that there is something to count into.
func (t *transition) drainMailbox() {
	mail := combine(t.in.Mail)
	declare, isNew := t.in.Command.(Declare)
	if t.now.Status == "" {
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
	if t.in.Command == nil && isNew && t.now.Paging.State == Idle && t.now.Status != Monitoring {
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
func (m Mail) counts() bool { return m.Started+m.Again+m.Ended+m.Truncated > 0 }

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
	if !m.counts() {
		return
	}
	if t.now.Status == Merged {
		t.recordBySystem(AlertsForwarded{Mail: m, To: t.now.Merge.Into, From: from, Via: []string{t.now.ID}})
		return
	}
	was := t.now
	by := Actor{Kind: ByAlert}
	if len(m.Samples) > 0 {
		by.ID, by.Name = m.Samples[0].Integration, m.Samples[0].Integration
	}
	t.recordBy(by, AlertsArrived{Mail: m, From: from})
	fired := m.Started + m.Again
	if fired > 0 {
		t.alertsFired(was, m, fired)
	}
	if t.now.Alerts.Firing == 0 && m.Ended > 0 {
		t.allResolved()
	}
}

// raise follows the worst alert, until a person has judged the severity.
func (t *transition) raise(m Mail) {
	if t.now.SeverityBasis != FromPerson && t.now.SeverityBasis != FromMatrix && t.now.IsOpen() && m.Worst.IsWorseThan(t.now.Severity) {
		t.grade(m.Worst, SeverityChanged{Basis: FromAlert, Reason: "the worst alert"})
	}
}

// fired decides what alerts that began, or began again, ask for (rules I6, G3).
func (t *transition) alertsFired(was Incident, m Mail, count int) {
	rules := t.in.Known.Plan.Rules.OrDefault()
	switch {
	case !t.now.IsOpen():
		t.recordBySystem(IncidentReopened{From: t.now.Status, To: Investigating, Why: "alerts fire again"})
		run := t.now.Paging.Run
		t.raise(m)
		if t.now.Paging.Run == run { // else the rise has begun it
			t.startEscalation("alerts fire again")
		}
		return
	case was.Status == Monitoring && t.now.Status == Monitoring:
		back := was.PreviousStatus
		if !back.IsOpen() || back == Monitoring {
			back = Investigating
		}
		t.recordBySystem(StatusChanged{From: Monitoring, To: back, Why: "alerts fire again"})
	}
	t.raise(m)
	worse := was.Alerts.Worst != 0 && m.Worst.IsWorseThan(was.Alerts.Worst)
	if !t.now.IsAcknowledged() {
		state := t.now.Paging.State
		if state != Running && state != Exhausted || state == Exhausted && worse {
			t.startEscalation("alerts fire")
		}
		return
	}
	stale := t.in.At.Sub(t.now.LastActivityAt) >= rules.StaleAfter
	if !worse && !stale {
		t.notifyOfAlerts(count)
		return
	}
	why := "a more severe alert than any so far"
	if !worse {
		why = "a new alert, and nobody has moved for " + minutes(rules.StaleAfter)
	}
	t.withdrawAcknowledgement(why)
}

// giveBack takes the acknowledgement away and pages again.
func (t *transition) withdrawAcknowledgement(why string) {
	t.recordBySystem(Unacknowledged{Person: t.now.Acknowledgement.Person, Why: why})
	t.startEscalation(why)
}

// allResolved moves to monitoring and stops paging (rule G7). An incident that
// has ended already is no longer waiting for its alerts.
func (t *transition) allResolved() {
	f := AlertsAllResolved{}
	if t.now.IsOpen() {
		f.ResolveAt = t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().ResolveAfter)
	}
	t.recordBySystem(f)
	if !t.now.IsOpen() {
		return
	}
	if t.now.Status != Monitoring {
		t.recordBySystem(StatusChanged{From: t.now.Status, To: Monitoring, Why: "all alerts resolved"})
	}
	t.cancelPages("all alerts resolved", anyPurpose)
}

// tellAlerts tells the acknowledger of new alerts: at once, then at most every
// two minutes, so that a flood is one message.
func (t *transition) notifyOfAlerts(count int) {
	last := t.now.Alerts.Notice.LastAt
	if !last.IsZero() && t.in.At.Sub(last) < noticeEvery {
		t.recordBySystem(NoticePostponed{Due: last.Add(noticeEvery), Alerts: count})
		return
	}
	t.notify([]string{t.now.Acknowledgement.Person}, count+t.now.Alerts.Notice.Pending, "")
}

// minutes writes a duration in whole minutes.
func minutes(d time.Duration) string { return strconv.Itoa(int(d/time.Minute)) + " minutes" }
