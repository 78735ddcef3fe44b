package workflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// decide turns a command into facts, or refuses it.
func (t *transition) decide(c Command) error {
	if _, declares := c.(Declare); !declares && t.now.Status == "" {
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

func refuse(message, hint string) error { return &Refusal{Message: message, Hint: hint} }

// needOpen refuses what makes no sense once the incident has ended.
func (t *transition) needOpen(what string) error {
	if t.now.IsOpen() {
		return nil
	}
	if t.now.Status == Merged {
		return refuse(fmt.Sprintf("%s was merged into %s.", t.now.ID, t.now.Merge.Into),
			fmt.Sprintf("Go on there: `%s %s`.", what, t.now.Merge.Into))
	}
	return refuse(fmt.Sprintf("%s is %s.", t.now.ID, t.now.Status),
		fmt.Sprintf("If it is not over, `reopen %s` first.", t.now.ID))
}

func (t *transition) declare(c Declare) error {
	if t.now.Status != "" {
		return refuse(t.now.ID+" is declared already.", "")
	}
	var cut []string
	note := func(name string, was bool) {
		if was {
			cut = append(cut, name)
		}
	}
	var was bool
	d := c
	d.Matrix = nil
	d.Title, was = CleanLine(c.Title, MaxTitle)
	note("title", was)
	d.Description, was = CleanText(c.Description, MaxText)
	note("description", was)
	d.Symptoms = lines(c.Symptoms, 10)
	d.Services = lines(c.Services, 20)
	d.Category = label(c.Category, maxLine)
	d.Reporter = Reporter{
		Person: label(c.Reporter.Person, 80), Handle: label(c.Reporter.Handle, 80), Name: shortName(c.Reporter.Name),
		Contact: label(c.Reporter.Contact, 80), Department: shortName(c.Reporter.Department),
	}
	d.Group, d.Links = excerpt(c.Group, 600), c.Links[:min(len(c.Links), 5)]
	if d.Title == "" {
		return refuse("An incident needs a title.", "For example: `declare Checkout is down --sev 2`.")
	}
	d.Kind, d.Source = cmp.Or(d.Kind, Real), cmp.Or(d.Source, SourcePerson)
	if d.Detected.IsZero() || d.Detected.After(t.in.At) {
		d.Detected = t.in.At
	}
	f := Declared{Plan: t.in.Known.Plan.Hash(), Cut: cut}
	d.Severity, f.Basis = grade(c)
	f.Declare, f.SeverityPlan = d, t.in.Known.Plan.Severity(d.Severity)
	for n, text := range t.in.Known.Plan.Checklist {
		if n < 20 {
			line := label(text, maxLine)
			f.Checklist = append(f.Checklist, line)
		}
	}
	t.record(f)
	t.requestRooms()
	if len(t.in.Mail) == 0 { // else the mail says how urgent it is
		t.startEscalation("declared")
	}
	return nil
}

// grade finds the severity of a declaration, and where it comes from.
func grade(c Declare) (Severity, Basis) {
	switch {
	case c.Severity != 0 && c.Source == SourceAlert:
		return c.Severity, FromAlert
	case c.Severity != 0:
		return c.Severity, FromPerson
	case c.Impact != "" || c.Urgency != "":
		return c.Matrix.of(c.Impact, c.Urgency), FromMatrix
	}
	return SEV3, FromDefault
}

// of looks a severity up; what is not stated counts as medium.
func (m Matrix) of(impact, urgency Level) Severity {
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

// lines cleans a list of short texts and drops the empty and the repeated.
func lines(in []string, most int) []string {
	var out []string
	for _, text := range in {
		line := label(text, maxLine)
		if line != "" && !slices.Contains(out, line) && len(out) < most {
			out = append(out, line)
		}
	}
	return out
}

func (t *transition) setStatus(to Status) error {
	if to == Resolved {
		return t.resolve(Resolve{})
	}
	if err := t.needOpen("status"); err != nil {
		return err
	}
	from := t.now.Status
	if from == to {
		return refuse(fmt.Sprintf("%s is %s already.", t.now.ID, to), "")
	}
	if !to.IsOpen() || !from.CanMoveTo(to) {
		var may []string
		for _, s := range from.Next() {
			may = append(may, string(s))
		}
		return refuse(fmt.Sprintf("%s cannot go from %s to %s.", t.now.ID, from, to),
			"From here it can go to "+strings.Join(may, ", ")+".")
	}
	t.record(StatusChanged{From: from, To: to})
	if from == Monitoring && !t.now.IsAcknowledged() && t.now.Paging.State == Stopped {
		t.startEscalation("moved back to " + string(to))
	}
	return nil
}

func (t *transition) setSeverity(c SetSeverity) error {
	if err := t.needOpen("severity"); err != nil {
		return err
	}
	if c.Severity == 0 && c.Impact == "" && c.Urgency == "" {
		return refuse("Which severity?", "For example: `severity 2`, or `severity --impact high --urgency medium`.")
	}
	to, basis := c.Severity, FromPerson
	if to == 0 {
		if c.Impact == "" {
			c.Impact = t.now.Impact
		}
		if c.Urgency == "" {
			c.Urgency = t.now.Urgency
		}
		to, basis = c.Matrix.of(c.Impact, c.Urgency), FromMatrix
	}
	if to == t.now.Severity && len(t.now.Alerts.Unmapped) == 0 && c.Impact == "" && c.Urgency == "" {
		return refuse(fmt.Sprintf("%s is %s already.", t.now.ID, to), "")
	}
	reason := label(c.Reason, MaxTitle)
	t.grade(to, SeverityChanged{Impact: c.Impact, Urgency: c.Urgency, Basis: basis, Reason: reason})
	return nil
}

// grade records a new severity. A rise to high urgency pages at once if nobody
// has acknowledged, else tells the acknowledger and the commander.
func (t *transition) grade(to Severity, f SeverityChanged) {
	was := t.urgency()
	f.From, f.To, f.Plan = t.now.Severity, to, t.in.Known.Plan.Severity(to)
	t.record(f)
	if was == High || t.urgency() != High {
		return
	}
	if !t.now.IsAcknowledged() {
		t.startEscalation("raised to " + to.String())
		return
	}
	told := []string{t.now.Acknowledgement.Person}
	if c := t.now.Roles[Commander]; c != "" && c != told[0] {
		told = append(told, c)
	}
	t.notify(told, 0, "Raised to "+to.String()+".")
}

// urgency decides which notification methods are used. A severity word that
// nobody mapped pages as high (rule I11).
func (t *transition) urgency() Level {
	if len(t.now.Alerts.Unmapped) > 0 {
		return High
	}
	return t.in.Known.Plan.Severity(t.now.Severity).Urgency
}
