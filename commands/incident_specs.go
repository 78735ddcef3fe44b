package commands

import (
	"strings"

	"tocsin/workflow"
)

// incidentSpecs returns the commands that open an incident and work on it.
func incidentSpecs() []Spec {
	const section = "Work on an incident"
	seen := Flag{Name: "seen", Arg: "N", Help: "the last event that you saw; buttons fill it in"}
	return []Spec{
		{
			Name: "declare", Args: "TITLE", Section: section, Access: Guest, scope: noIncident,
			Summary: "Open an incident and page the people responsible.",
			Example: `declare Checkout is down --sev 2 --service checkout`,
			Flags:   declareFlags(), Form: declareForm(), title: true, build: commandBuilder(buildDeclare),
		},
		{
			Name: "ack", Args: "[INC-n]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Acknowledge: you are on it, and paging stops.", Example: "ack INC-7", Flags: []Flag{seen},
			build: noTextBuilder(func(a *args) (workflow.Command, error) {
				n, err := a.parseNumber("seen")
				return workflow.Acknowledge{Seen: n}, err
			}),
		},
		{
			Name: "unack", Args: "[INC-n]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Give up the acknowledgement: paging starts again.", Example: "unack INC-7",
			build: noTextBuilder(func(*args) (workflow.Command, error) { return workflow.Unacknowledge{}, nil }),
		},
		{
			Name: "status", Args: "[INC-n] STATUS", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Set the status: triage, investigating, identified, monitoring or resolved.",
			Example: "status INC-7 identified",
			Form:    []Field{{Name: "status", Label: "Status", Kind: Choose, Choices: choicesOf(statuses(false)...), Required: true}},
			build:   commandBuilder(buildStatus),
		},
		{
			Name: "severity", Args: "[INC-n] 1-5", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Set the severity, directly or by impact and urgency.", Example: "severity INC-7 2",
			Flags: []Flag{
				{Name: "impact", Arg: "high|medium|low", Help: "how much is affected"},
				{Name: "urgency", Arg: "high|medium|low", Help: "how fast it gets worse"},
				{Name: "reason", Arg: "TEXT", Help: "why"},
			},
			Form: []Field{
				{Name: "sev", Label: "Severity", Kind: Choose, Choices: severities(), Hint: "or leave it empty and choose impact and urgency"},
				{Name: "impact", Label: "Impact", Kind: Choose, Choices: levels(), Hint: "how much is affected"},
				{Name: "urgency", Label: "Urgency", Kind: Choose, Choices: levels(), Hint: "how fast it gets worse"},
				{Name: "reason", Label: "Why", Kind: Line},
			},
			build: commandBuilder(buildSeverity),
		},
		{
			Name: "update", Args: "[INC-n] TEXT", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Post a status update, and say when the next one is due.",
			Example: `update INC-7 We found the cause, fix in 20 minutes --next 30m`,
			Flags: []Flag{
				{Name: "next", Arg: "30m", Help: "when the next update is due"},
				{Name: "status", Arg: "STATUS", Help: "also set this status"},
				{Name: "to", Arg: "AUDIENCE", Help: "who it is for; before the text", before: true},
			},
			Form: []Field{
				{Name: "text", Label: "Status update", Kind: Text, Required: true},
				{Name: "next", Label: "Next update in", Kind: Duration, Hint: "such as 30m or 2h"},
				{Name: "status", Label: "Status", Kind: Choose, Choices: choicesOf(statuses(false)...)},
				{Name: "to", Label: "Audience", Kind: Line, Hint: "such as support; leave empty for everyone"},
			},
			build: commandBuilder(buildUpdate),
		},
		{
			Name: "escalate", Args: "[INC-n] [WHY]", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Page the next step of the escalation policy now.", Example: "escalate INC-7 I cannot log in", Flags: []Flag{seen},
			Form: []Field{{Name: "why", Label: "Why", Kind: Text, Hint: "shown to the people who are paged"}},
			build: commandBuilder(func(a *args) (workflow.Command, error) {
				n, err := a.parseNumber("seen")
				return workflow.Escalate{Seen: n, Reason: a.text()}, err
			}),
		},
		{
			Name: "policy", Args: "apply [INC-n]", Section: section, Access: Commander, scope: oneIncident, verb: "apply", strict: true,
			Summary: "Give it the escalation policy and promises that are configured now.", Example: "policy apply INC-7",
			Flags: []Flag{{Name: allFlag, Help: "every open incident, instead of one"}},
			build: noTextBuilder(func(*args) (workflow.Command, error) { return workflow.ApplyPolicy{}, nil }),
		},
		{
			Name: "resolve", Args: "[INC-n] [HOW]", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Resolve the incident: users are no longer affected.", Example: "resolve INC-7 Rolled back to 4.2",
			Form:  []Field{{Name: "how", Label: "Resolution", Kind: Text, Hint: "leave empty to keep what is recorded"}},
			build: textBuilder("", func(t string) workflow.Command { return workflow.Resolve{Text: t} }),
		},
		{
			Name: "reopen", Args: "[INC-n] [WHY]", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Reopen the incident: paging starts again.", Example: "reopen INC-7 Fails again",
			Form:  []Field{{Name: "why", Label: "Why", Kind: Text, Hint: "shown to the people who are paged"}},
			build: textBuilder("", func(t string) workflow.Command { return workflow.Reopen{Reason: t} }),
		},
		{
			Name: "retry", Args: "[INC-n]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Retry what failed for its rooms.", Example: "retry INC-7",
			build: noTextBuilder(func(*args) (workflow.Command, error) { return workflow.RetryRooms{}, nil }),
		},
		{
			Name: "cancel", Args: "[INC-n] [WHY]", Section: section, Access: Commander, scope: oneIncident,
			Summary: "Cancel it: it was not an incident.", Example: "cancel INC-7 Test alert",
			Form:  []Field{{Name: "why", Label: "Why was it not an incident?", Kind: Text}},
			build: textBuilder("", func(t string) workflow.Command { return workflow.Cancel{Reason: t} }),
		},
		{
			Name: "merge", Args: "[INC-n] INC-m", Section: section, Access: Commander, scope: twoIncidents, strict: true,
			Summary: "Merge it into another incident, which receives its alerts.", Example: "merge INC-8 INC-7",
			Form: []Field{{Name: "into", Label: "Merge into", Kind: Incident, Required: true, Hint: "it receives the alerts"}},
			build: noTextBuilder(func(a *args) (workflow.Command, error) {
				if a.otherIncident == "" {
					return nil, a.refuse("Merge into which incident?")
				}
				return workflow.Merge{Into: a.otherIncident}, nil
			}),
		},
	}
}

// declareFlags returns the flags of the command declare.
func declareFlags() []Flag {
	return []Flag{
		{Name: "sev", Arg: "1-5", Help: "severity, 1 is the worst; without it, SEV3"},
		{Name: "impact", Arg: "high|medium|low", Help: "instead of --sev: how much is affected"},
		{Name: "urgency", Arg: "high|medium|low", Help: "instead of --sev: how fast it gets worse"},
		{Name: "service", Arg: "ID", Help: "what is affected", Many: true},
		{Name: "description", Arg: "TEXT", Help: "what is known"},
		{Name: "symptom", Arg: "TEXT", Help: "what people see", Many: true},
		{Name: "category", Arg: "WORD", Help: "hardware, software, network, security, service-interruption"},
		{Name: "detected", Arg: "02:55|20m", Help: "when it was noticed"},
		{Name: "private", Help: "visible to its members only", guard: true},
		{Name: "drill", Help: "an exercise"},
		{Name: "proactive", Help: "found before users were affected"},
		{Name: "reporter", Arg: "NAME", Help: "who reported it, if not you"},
		{Name: "contact", Arg: "TEXT", Help: "how to reach the reporter"},
		{Name: "department", Arg: "TEXT", Help: "where the reporter works"},
	}
}

// declareForm returns the fields of the declare form, the most important first: a
// platform whose forms have room for a few fields shows the first ones.
func declareForm() []Field {
	return []Field{
		{Name: "title", Label: "What is wrong?", Kind: Line, Required: true, Hint: "such as Checkout is down"},
		{Name: "sev", Label: "Severity", Kind: Choose, Choices: severities(), Hint: "empty: SEV3, or by impact and urgency"},
		{Name: "service", Label: "Services affected", Kind: Service, Many: true},
		{Name: "description", Label: "Description", Kind: Text},
		{Name: "private", Label: "Private", Kind: Check, Hint: "visible to its members only"},
		{Name: "impact", Label: "Impact", Kind: Choose, Choices: levels(), Hint: "how much is affected"},
		{Name: "urgency", Label: "Urgency", Kind: Choose, Choices: levels(), Hint: "how fast it gets worse"},
		{Name: "symptom", Label: "Symptoms", Kind: Line, Many: true},
		{Name: "category", Label: "Category", Kind: Choose, Choices: categories(), Hint: "leave empty to use that of the service"},
		{Name: "detected", Label: "Noticed at", Kind: Line, Hint: "such as 02:55, or 20m for twenty minutes ago"},
		{Name: "drill", Label: "Drill", Kind: Check, Hint: "an exercise"},
		{Name: "proactive", Label: "Proactive", Kind: Check, Hint: "found before users were affected"},
		{Name: "reporter", Label: "Reporter, if not you", Kind: Line, Hint: "a name, or a handle such as @ana"},
		{Name: "contact", Label: "Contact of the reporter", Kind: Line},
		{Name: "department", Label: "Department of the reporter", Kind: Line},
	}
}

func buildDeclare(a *args) (workflow.Command, error) {
	d := workflow.Declare{
		Title: a.text(), Description: a.get("description"), Symptoms: a.flags["symptom"], Category: a.get("category"),
		Private: a.has("private"), Source: workflow.SourcePerson, Kind: workflow.Real, Reporter: a.ctx.Speaker, Matrix: a.ctx.Matrix,
	}
	if strings.TrimSpace(d.Title) == "" {
		return nil, a.refuse("An incident needs a title.")
	}
	if a.has("proactive") {
		d.Source = workflow.SourceProactive
	}
	if a.has("drill") {
		d.Kind = workflow.Drill
	}
	if a.has("reporter") {
		d.Reporter = workflow.Reporter{Name: a.get("reporter")}
		if id, name, err := a.findPerson(d.Reporter.Name); err == nil {
			d.Reporter = workflow.Reporter{Person: id, Name: name}
		}
	}
	if a.has("contact") {
		d.Reporter.Contact = a.get("contact")
	}
	if a.has("department") {
		d.Reporter.Department = a.get("department")
	}
	var err error
	if a.has("sev") {
		if d.Severity, err = a.parseSeverity(a.get("sev")); err != nil {
			return nil, err
		}
	}
	if d.Impact, err = a.parseLevel("impact"); err != nil {
		return nil, err
	}
	if d.Urgency, err = a.parseLevel("urgency"); err != nil {
		return nil, err
	}
	d.Services = a.findServices("service")
	d.Detected, err = a.parsePast("detected")
	return d, err
}

func buildStatus(a *args) (workflow.Command, error) {
	text := a.take("status")
	if err := a.requireEnd(); err != nil {
		return nil, err
	}
	status, err := a.parseStatus(text)
	if err != nil {
		return nil, err
	}
	return workflow.SetStatus{To: status}, nil
}

func buildSeverity(a *args) (workflow.Command, error) {
	c := workflow.SetSeverity{Matrix: a.ctx.Matrix, Reason: a.get("reason")}
	var err error
	if c.Impact, err = a.parseLevel("impact"); err != nil {
		return nil, err
	}
	if c.Urgency, err = a.parseLevel("urgency"); err != nil {
		return nil, err
	}
	if word := a.take("sev"); word != "" {
		if c.Severity, err = a.parseSeverity(word); err != nil {
			return nil, err
		}
		if c.Impact != "" || c.Urgency != "" {
			return nil, a.refuse("Give the severity, or impact and urgency, not both.")
		}
	} else if c.Impact == "" && c.Urgency == "" {
		return nil, a.refuse("Which severity?")
	}
	return c, a.requireEnd()
}

func buildUpdate(a *args) (workflow.Command, error) {
	c := workflow.PostUpdate{Text: a.text(), Audience: a.get("to")}
	if strings.TrimSpace(c.Text) == "" {
		return nil, a.refuse("An update needs a text.")
	}
	var err error
	if c.Next, err = a.parseDuration("next"); err != nil {
		return nil, err
	}
	if a.has("status") {
		c.Status, err = a.parseStatus(a.get("status"))
	}
	return c, err
}
