package workflow

import (
	"slices"
	"time"
)

// noticeEvery is the shortest time between two notices of new alerts to the
// acknowledger.
const noticeEvery = 2 * time.Minute

// drainMailbox counts all unread mail, as if it were one. If the incident does not
// exist yet, the command of the input declares it first.
func (t *transition) drainMailbox() {
	mail := combine(t.in.Mail)
	declare, declares := t.in.Command.(Declare)
	if t.incident.Status == "" {
		if !declares || len(t.in.Mail) == 0 {
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
	if t.in.Command == nil && declares && t.incident.Paging.State == Idle && t.incident.Status != Monitoring {
		t.startEscalation("declared")
	}
}

// combine returns the sum of several mails.
func combine(all []Mail) Mail {
	if len(all) == 0 {
		return Mail{}
	}
	sum := all[0]
	sum.Unmapped, sum.Samples, sum.Held = slices.Clone(sum.Unmapped), slices.Clone(sum.Samples), slices.Clone(sum.Held)
	for _, m := range all[1:] {
		sum.Add(m)
	}
	return sum
}

// HasChanges reports whether the mail changes anything.
func (m Mail) HasChanges() bool {
	return m.countsAlerts() || m.Changed+len(m.Held) > 0
}

// countsAlerts reports whether the mail says more than that alerts read differently or
// are held. Only such mail is posted.
func (m Mail) countsAlerts() bool { return m.Started+m.Refired+m.Ended+m.Raised+m.Truncated > 0 }

// Add adds more mail to m. The first 20 samples are kept.
func (m *Mail) Add(more Mail) {
	m.Started += more.Started
	m.Refired += more.Refired
	m.Ended += more.Ended
	m.Raised += more.Raised
	m.Changed += more.Changed
	m.WasHeld += more.WasHeld
	m.Held = append(m.Held, more.Held...)
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

// What an incident holds of firing notices that may be late.
const (
	judgeAfter   = time.Minute // how long each is held
	maxHeld      = 200         // how many there are at most
	maxHeldBytes = 12000       // bytes of their keys, groups and titles together
)

// holdAlerts notes firing notices that are judged again (I5c: an old start is judged again
// after a minute). Those for which there is no room are judged at once, in parts, so that
// neither the incident nor one event of it grows without bound.
func (t *transition) holdAlerts(held []HeldAlert) {
	kept := t.incident.Alerts.Held
	count, size := 0, heldBytes(kept)
	for _, h := range held {
		size += heldBytes([]HeldAlert{h})
		if len(kept)+count >= maxHeld || size > maxHeldBytes {
			break
		}
		count++
	}
	if count > 0 {
		f := AlertsHeld{Alerts: held[:count], JudgeAt: t.incident.Alerts.JudgeAt}
		if f.JudgeAt.IsZero() {
			f.JudgeAt = held[0].Since.Add(judgeAfter)
		}
		t.recordBySystem(f)
	}
	for surplus := range slices.Chunk(held[count:], maxHeld) {
		t.recordBySystem(AlertsJudged{Alerts: surplus, Next: t.incident.Alerts.JudgeAt})
	}
}

// heldBytes returns how many bytes of text held notices have.
func heldBytes(held []HeldAlert) int {
	sum := 0
	for _, h := range held {
		sum += len(h.Integration) + len(h.Key) + len(h.Group) + len(h.Title)
	}
	return sum
}

// judgeHeldAlerts passes the held notices whose minute is over through alert intake
// again.
func (t *transition) judgeHeldAlerts() {
	f := AlertsJudged{LateBy: t.late}
	for _, h := range t.incident.Alerts.Held {
		due := h.Since.Add(judgeAfter)
		switch {
		case !due.After(t.in.At):
			f.Alerts = append(f.Alerts, h)
		case f.Next.IsZero() || due.Before(f.Next):
			f.Next = due
		}
	}
	t.recordBySystem(f)
}

// countMail counts one mail and decides what follows from it: paging, monitoring or
// reopening. A merged incident forwards it instead. The ID of the merged incident
// that forwarded it here is from, or "".
func (t *transition) countMail(m Mail, from string) {
	t.holdAlerts(m.Held)
	m.Held = nil
	if !m.HasChanges() {
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
	firing := m.Started + m.Refired
	t.recordBy(by, AlertsArrived{
		Mail: m, From: from, MoreFire: m.Ended > 0 && t.in.Known.Firing && t.incident.Alerts.Firing+firing <= m.Ended && t.incident.hasAlerts(),
	})
	switch {
	case firing > 0:
		t.handleFiringAlerts(was, m, firing)
	case m.Raised > 0 && t.isRaisedBy(m, was):
		t.handleFiringAlerts(was, m, m.Raised)
	}
	// With merged incidents the count may be too high as well: see asksFiring.
	if m.Ended > 0 && !t.in.Known.Firing && (t.incident.Alerts.Firing == 0 || len(t.incident.Merge.From) > 0) {
		t.handleAllResolved()
	}
}

// isRaisedBy reports whether alerts that have become worse ask for attention (I6b: a worse
// repeat raises the incident): when one is worse than all before, or a person has ended
// the incident while they fire. Those that it has given up open another incident.
func (t *transition) isRaisedBy(m Mail, was Incident) bool {
	if !t.incident.IsOpen() {
		return was.hasAlerts()
	}
	return m.Worst.IsWorseThan(was.Alerts.Worst)
}

// hasAlerts reports whether the alerts that fire for the incident are its own: when it has
// ended it gives them up after a while, and they open or join another.
func (i *Incident) hasAlerts() bool { return i.IsOpen() || !i.Alerts.QuietUntil.IsZero() }

// raiseSeverity raises the severity to that of the worst alert, unless a person has
// set it (E11: a rise acts at once).
func (t *transition) raiseSeverity(m Mail) {
	if t.incident.SeverityBasis != FromPerson && t.incident.SeverityBasis != FromMatrix && t.incident.IsOpen() && m.Worst.IsWorseThan(t.incident.Severity) {
		t.changeSeverity(m.Worst, SeverityChanged{Basis: FromAlert, Reason: "the worst alert"})
	}
}

// handleFiringAlerts decides what follows from alerts that began to fire. An ended
// incident reopens and a monitored one returns to its previous status (I6: firing again
// reopens or links). If it is not acknowledged, escalation starts. If it is, the
// acknowledger is notified, or loses the acknowledgement when the alert is worse than
// all before or no person has done anything for a while (G3: an acknowledgement
// swallows nothing).
func (t *transition) handleFiringAlerts(was Incident, m Mail, count int) {
	rules := t.in.Known.Plan.Rules.OrDefault()
	why := "alerts fire again"
	if m.Started+m.Refired == 0 {
		why = "an alert became worse"
	}
	switch {
	case !t.incident.IsOpen():
		t.recordBySystem(IncidentReopened{From: t.incident.Status, To: Investigating, Why: why})
		run := t.incident.Paging.Run
		t.raiseSeverity(m)
		if t.incident.Paging.Run == run { // the rise of the severity has not started it yet
			t.startEscalation(why)
		}
		return
	case was.Status == Monitoring && t.incident.Status == Monitoring:
		back := was.PreviousStatus
		if !back.IsOpen() || back == Monitoring {
			back = Investigating
		}
		t.recordBySystem(StatusChanged{From: Monitoring, To: back, Why: why})
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
	why = "a more severe alert than any so far"
	if !worse {
		why = "a new alert, after " + FormatDuration(rules.StaleAfter) + " in which no one did anything"
	}
	t.withdrawAcknowledgement(why)
}

// withdrawAcknowledgement ends the acknowledgement and starts paging again.
func (t *transition) withdrawAcknowledgement(why string) {
	t.recordBySystem(Unacknowledged{Person: t.incident.Acknowledgement.Person, Why: why})
	t.startEscalation(why)
}

// handleAllResolved moves an open incident to monitoring, stops paging and sets the
// time at which the incident resolves (G7: all alerts resolved means monitoring).
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

// notifyOfAlerts notifies the acknowledger of new alerts: at once, then at most every
// two minutes, so that a flood of alerts is one message.
func (t *transition) notifyOfAlerts(count int) {
	last := t.incident.Alerts.Notice.LastAt
	if !last.IsZero() && t.in.At.Sub(last) < noticeEvery {
		t.recordBySystem(NoticePostponed{Due: last.Add(noticeEvery), Alerts: count})
		return
	}
	t.notify([]string{t.incident.Acknowledgement.Person}, count+t.incident.Alerts.Notice.Pending, "")
}
