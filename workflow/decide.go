package workflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// decide records the facts that a command makes true, or refuses it.
func (t *transition) decide(c Command) error {
	if _, ok := c.(Declare); !ok && t.incident.Status == "" {
		return refuse("That incident does not exist yet.", "Declare one with `declare TITLE`.")
	}
	switch c := c.(type) {
	case LifecycleCommand:
		return t.decideLifecycle(c)
	case PagingCommand:
		return t.decidePaging(c)
	case RoomCommand:
		return t.decideRoom(c)
	case RecordCommand:
		return t.decideRecord(c)
	}
	return nil
}

func (t *transition) decideLifecycle(c LifecycleCommand) error {
	switch c := c.(type) {
	case Declare:
		return t.declare(c)
	case Wake:
		t.carryOutDeadlines()
	case SetStatus:
		return t.setStatus(c.To)
	case SetSeverity:
		return t.setSeverity(c)
	case ApplyPolicy:
		return t.applyPolicy()
	case Resolve:
		return t.resolve(c)
	case Close:
		return t.close(c)
	case Reopen:
		return t.reopen(c)
	case Cancel:
		return t.cancel(c)
	case Merge:
		return t.merge(c)
	case Absorb:
		t.absorb(c)
	case UpdateMergeTarget:
		t.updateMergeTarget(c)
	}
	return nil
}

// refuse returns a [*Refusal].
func refuse(message, hint string) error { return &Refusal{Message: message, Hint: hint} }

// requireOpen refuses a command that makes no sense once the incident has ended. For a
// merged incident the refusal shows the same command for the incident that continues
// it.
func (t *transition) requireOpen(command string) error {
	if t.incident.IsOpen() {
		return nil
	}
	if t.incident.Status == Merged {
		return refuse(fmt.Sprintf("%s was merged into %s.", t.incident.ID, t.incident.Merge.Into),
			fmt.Sprintf("Continue there: `%s %s`.", command, t.incident.Merge.Into))
	}
	return refuse(fmt.Sprintf("%s is %s.", t.incident.ID, t.incident.Status),
		fmt.Sprintf("If it is not over, `reopen %s` first.", t.incident.ID))
}

func (t *transition) declare(c Declare) error {
	if t.incident.Status != "" {
		return refuse(t.incident.ID+" is declared already.", "")
	}
	d, cut := c, []string(nil)
	d.Matrix = nil
	var tooLong bool
	if d.Title, tooLong = CleanLine(c.Title, MaxTitle); tooLong {
		cut = append(cut, "title")
	}
	if d.Description, tooLong = CleanText(c.Description, MaxText); tooLong {
		cut = append(cut, "description")
	}
	d.Symptoms = cleanLines(c.Symptoms, 10)
	d.Services = cleanLines(c.Services, 20)
	d.Category = cleanLabel(c.Category, maxLine)
	d.Reporter = Reporter{
		Person: cleanLabel(c.Reporter.Person, 80), Handle: cleanLabel(c.Reporter.Handle, 80), Name: cleanName(c.Reporter.Name),
		Contact: cleanLabel(c.Reporter.Contact, 80), Department: cleanName(c.Reporter.Department),
	}
	d.Group, d.Links = excerpt(c.Group, 600), c.Links[:min(len(c.Links), 5)]
	if d.Title == "" {
		return refuse("An incident needs a title.", "For example: `declare Checkout is down --sev 2`.")
	}
	d.Kind, d.Source = cmp.Or(d.Kind, Real), cmp.Or(d.Source, SourcePerson)
	if d.Detected.IsZero() || d.Detected.After(t.in.At) {
		d.Detected = t.in.At
	}
	f := Declared{Plan: t.in.Known.Plan.Hash(), Truncated: cut}
	d.Severity, f.Basis = declaredSeverity(c)
	f.Declare, f.SeverityPlan = d, t.in.Known.Plan.Severity(d.Severity)
	for n, text := range t.in.Known.Plan.Checklist {
		if n < 20 {
			line := cleanLabel(text, maxLine)
			f.Checklist = append(f.Checklist, line)
		}
	}
	t.record(f)
	t.requestRooms()
	if len(t.in.Mail) == 0 { // otherwise drainMailbox starts it, once the mail has set the severity
		t.startEscalation("declared")
	}
	return nil
}

// declaredSeverity returns the severity of a declaration, and what it is derived from.
func declaredSeverity(c Declare) (Severity, Basis) {
	switch {
	case c.Severity != 0 && c.Source == SourceAlert:
		return c.Severity, FromAlert
	case c.Severity != 0:
		return c.Severity, FromPerson
	case c.Impact != "" || c.Urgency != "":
		return c.Matrix.severity(c.Impact, c.Urgency), FromMatrix
	}
	return SEV3, FromDefault
}

// severity returns the severity for an impact and an urgency. What is not stated counts
// as medium.
func (m Matrix) severity(impact, urgency Level) Severity {
	if m == nil {
		m = DefaultMatrix()
	}
	if impact == "" {
		impact = Medium
	}
	if urgency == "" {
		urgency = Medium
	}
	if s := m[impact][urgency]; s != 0 {
		return s
	}
	return SEV3
}

// cleanLines cleans a list of short texts, drops the empty and the repeated, and keeps
// at most limit of them.
func cleanLines(in []string, limit int) []string {
	var out []string
	for _, text := range in {
		line := cleanLabel(text, maxLine)
		if line != "" && !slices.Contains(out, line) && len(out) < limit {
			out = append(out, line)
		}
	}
	return out
}

func (t *transition) setStatus(to Status) error {
	if to == Resolved {
		return t.resolve(Resolve{})
	}
	if err := t.requireOpen("status"); err != nil {
		return err
	}
	from := t.incident.Status
	if from == to {
		return refuse(fmt.Sprintf("%s is %s already.", t.incident.ID, to), "")
	}
	if !to.IsOpen() || !from.CanMoveTo(to) {
		var next []string
		for _, s := range from.Next() {
			next = append(next, string(s))
		}
		return refuse(fmt.Sprintf("%s cannot go from %s to %s.", t.incident.ID, from, to),
			"From here it can go to "+strings.Join(next, ", ")+".")
	}
	t.record(StatusChanged{From: from, To: to})
	if from == Monitoring && !t.incident.IsAcknowledged() && t.incident.Paging.State == Stopped {
		t.startEscalation("moved back to " + string(to))
	}
	return nil
}

func (t *transition) setSeverity(c SetSeverity) error {
	if err := t.requireOpen("severity"); err != nil {
		return err
	}
	if c.Severity == 0 && c.Impact == "" && c.Urgency == "" {
		return refuse("Which severity?", "For example: `severity 2`, or `severity --impact high --urgency medium`.")
	}
	to, basis := c.Severity, FromPerson
	if to == 0 {
		if c.Impact == "" {
			c.Impact = t.incident.Impact
		}
		if c.Urgency == "" {
			c.Urgency = t.incident.Urgency
		}
		to, basis = c.Matrix.severity(c.Impact, c.Urgency), FromMatrix
	}
	if to == t.incident.Severity && len(t.incident.Alerts.Unmapped) == 0 && c.Impact == "" && c.Urgency == "" {
		return refuse(fmt.Sprintf("%s is %s already.", t.incident.ID, to), "")
	}
	reason := cleanLabel(c.Reason, MaxTitle)
	t.changeSeverity(to, SeverityChanged{Impact: c.Impact, Urgency: c.Urgency, Basis: basis, Reason: reason})
	return nil
}

// changeSeverity records a new severity. A rise to high urgency, or to SEV1, starts
// escalation; if the incident is acknowledged, it notifies the acknowledger and the
// commander instead (E11: a rise acts at once). It reports whether it did one of them.
func (t *transition) changeSeverity(to Severity, f SeverityChanged) bool {
	was := t.urgency()
	f.From, f.To, f.Plan = t.incident.Severity, to, t.in.Known.Plan.Severity(to)
	t.record(f)
	isRise := was != High && t.urgency() == High || to == SEV1 && to.IsWorseThan(f.From)
	if !isRise {
		return false
	}
	t.callAttention("raised to "+to.String(), "Raised to "+to.String()+".")
	return true
}

// callAttention starts escalation; if the incident is acknowledged, it notifies the
// acknowledger and the commander instead.
func (t *transition) callAttention(why, notice string) {
	if !t.incident.IsAcknowledged() {
		t.startEscalation(why)
		return
	}
	people := []string{t.incident.Acknowledgement.Person}
	if commander := t.incident.Roles[Commander]; commander != "" && commander != people[0] {
		people = append(people, commander)
	}
	t.notify(people, 0, notice)
}

// urgency returns the urgency of the incident, which selects the contact methods. It is
// high while an alert has a severity word without a mapping (I11: severity words are
// mapped).
func (t *transition) urgency() Level {
	if len(t.incident.Alerts.Unmapped) > 0 {
		return High
	}
	return t.in.Known.Plan.Severity(t.incident.Severity).Urgency
}
