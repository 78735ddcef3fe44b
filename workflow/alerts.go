package workflow

import (
	"slices"
	"strconv"
	"time"
)

// readMail drains the mailbox, all of it as one piece. A new incident is
// declared first, so that there is something to count into.
func (t *turn) readMail() {
	mail := combine(t.in.Mail)
	declare, isNew := t.in.Command.(Declare)
	if t.now.Status == "" {
		if !isNew || len(t.in.Mail) == 0 {
			return
		}
		if mail.Worst.Worse(declare.Severity) {
			declare.Severity = mail.Worst
		}
		if t.declare(declare) != nil {
			return
		}
		t.in.Command = nil
	}
	t.read(mail, "")
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
	if more.Worst.Worse(m.Worst) {
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
func (t *turn) read(m Mail, from string) {
	if !m.counts() {
		return
	}
	if t.now.Status == Merged {
		t.conclude(AlertsForwarded{Mail: m, To: t.now.MergedInto, From: from, Via: []string{t.now.ID}})
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
		t.fired(was, m, fired)
	}
	if t.now.Alerts.Firing == 0 && m.Ended > 0 {
		t.allResolved()
	}
}

// raise follows the worst alert, until a person has judged the severity.
func (t *turn) raise(m Mail) {
	if t.now.Basis != FromHand && t.now.Basis != FromMatrix && t.now.Open() && m.Worst.Worse(t.now.Severity) {
		t.grade(m.Worst, SeverityChanged{Basis: FromAlert, Reason: "the worst alert"})
	}
}

// fired decides what alerts that began, or began again, ask for (rules I6, G3).
func (t *turn) fired(was Incident, m Mail, count int) {
	rules := t.in.Known.Plan.Rules.OrDefault()
	switch {
	case !t.now.Open():
		t.conclude(IncidentReopened{From: t.now.Status, To: Investigating, Why: "alerts fire again"})
		run := t.now.Paging.Run
		t.raise(m)
		if t.now.Paging.Run == run { // else the rise has begun it
			t.startEscalation("alerts fire again")
		}
		return
	case was.Status == Monitoring && t.now.Status == Monitoring:
		back := was.Before
		if !back.Open() || back == Monitoring {
			back = Investigating
		}
		t.conclude(StatusChanged{From: Monitoring, To: back, Why: "alerts fire again"})
	}
	t.raise(m)
	worse := was.Alerts.Worst != 0 && m.Worst.Worse(was.Alerts.Worst)
	if !t.now.Acknowledged() {
		state := t.now.Paging.State
		if state != Running && state != Exhausted || state == Exhausted && worse {
			t.startEscalation("alerts fire")
		}
		return
	}
	stale := t.in.At.Sub(t.now.MovedAt) >= rules.StaleAfter
	if !worse && !stale {
		t.tellAlerts(count)
		return
	}
	why := "a more severe alert than any so far"
	if !worse {
		why = "a new alert, and nobody has moved for " + minutes(rules.StaleAfter)
	}
	t.giveBack(why)
}

// giveBack takes the acknowledgement away and pages again.
func (t *turn) giveBack(why string) {
	t.conclude(Unacknowledged{Person: t.now.AcknowledgedBy, Why: why})
	t.startEscalation(why)
}

// allResolved moves to monitoring and stops paging (rule G7). An incident that
// has ended already is no longer waiting for its alerts.
func (t *turn) allResolved() {
	f := AlertsAllResolved{}
	if t.now.Open() {
		f.ResolveAt = t.in.At.Add(t.in.Known.Plan.Rules.OrDefault().ResolveAfter)
	}
	t.conclude(f)
	if !t.now.Open() {
		return
	}
	if t.now.Status != Monitoring {
		t.conclude(StatusChanged{From: t.now.Status, To: Monitoring, Why: "all alerts resolved"})
	}
	t.cancelPages("all alerts resolved", everyPurpose)
}

// tellAlerts tells the acknowledger of new alerts: at once, then at most every
// two minutes, so that a flood is one message.
func (t *turn) tellAlerts(count int) {
	last := t.now.Telling.LastAt
	if !last.IsZero() && t.in.At.Sub(last) < tellEvery {
		t.conclude(TellPostponed{Due: last.Add(tellEvery), Alerts: count})
		return
	}
	t.tell([]string{t.now.AcknowledgedBy}, count+t.now.Telling.Pending, "")
}

// minutes writes a duration in whole minutes.
func minutes(d time.Duration) string { return strconv.Itoa(int(d/time.Minute)) + " minutes" }
