package commands

import (
	"strings"

	"tocsin/workflow"
)

// peopleWords bring people in.
func peopleWords() []Word {
	const section = "People"
	return []Word{
		{
			Name: "lead", Args: "[INC-n]", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Take command.", Example: "lead INC-7",
			build: plain(func(a *args) (workflow.Command, error) {
				if a.ctx.Speaker.Person == "" {
					return nil, refuse("Only a configured person can lead.", "Add yourself under `people:`, or `assign commander @somebody`.")
				}
				return workflow.Assign{Role: workflow.Commander, Person: a.ctx.Speaker.Person, Name: a.ctx.Speaker.Name}, nil
			}),
		},
		{
			Name: "assign", Args: "[INC-n] ROLE @PERSON|nobody", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Give a role: commander, communications, operations, scribe, or your own.",
			Example: "assign INC-7 communications @ana", build: one(buildAssign),
		},
		{
			Name: "page", Args: "[INC-n] @WHO… [WHY]", Section: section, Access: Responder, takes: anIncident,
			Summary: "Page more people, teams or policies, whoever has acknowledged.",
			Example: "page INC-7 @ben we need the database team", build: one(buildPage),
		},
		{
			Name: "invite", Args: "[INC-n] @PERSON…", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Let people see and join.", Example: "invite INC-7 @ben", build: one(buildInvite),
		},
		{
			Name: "private", Args: "[INC-n] [off]", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Hide it from everybody but its members, or show it again.", Example: "private INC-7",
			build: one(func(a *args) (workflow.Command, error) {
				switch strings.ToLower(a.next()) {
				case "", "on":
					return workflow.SetVisibility{To: workflow.Private}, a.nothing()
				case "off":
					return workflow.SetVisibility{To: workflow.Public}, a.nothing()
				}
				return nil, a.mistake("`private` is on or off.")
			}),
		},
	}
}

func buildAssign(a *args) (workflow.Command, error) {
	role, handle := a.next(), a.next()
	if strings.HasPrefix(role, "@") { // assign @ana commander
		role, handle = handle, role
	}
	if err := a.nothing(); err != nil {
		return nil, err
	}
	if strings.EqualFold(role, "lead") {
		role = workflow.Commander
	}
	if role == "" || handle == "" {
		return nil, a.mistake("Which role, and to whom?")
	}
	if strings.EqualFold(handle, "nobody") {
		return workflow.Assign{Role: role}, nil
	}
	id, name, err := a.person(handle)
	return workflow.Assign{Role: role, Person: id, Name: name}, err
}

func buildPage(a *args) (workflow.Command, error) {
	var c workflow.Page
	for len(a.rest) > 0 && len(c.Targets) < 10 {
		word := a.rest[0].text
		explicit := strings.HasPrefix(word, "@") || strings.Contains(word, ":")
		if len(c.Targets) > 0 && !explicit || a.ctx.Target == nil {
			break
		}
		t, ok := a.ctx.Target(word)
		if !ok {
			return nil, a.mistake("I know nobody called \"" + short(word) + "\".")
		}
		c.Targets = append(c.Targets, t)
		a.rest = a.rest[1:]
	}
	if len(c.Targets) == 0 {
		return nil, a.mistake("Page whom?")
	}
	c.Text = a.text()
	return c, nil
}

func buildInvite(a *args) (workflow.Command, error) {
	var c workflow.Invite
	for len(a.rest) > 0 {
		id, _, err := a.person(a.next())
		if err != nil {
			return nil, err
		}
		c.People = append(c.People, id)
	}
	if len(c.People) == 0 {
		return nil, a.mistake("Invite whom?")
	}
	return c, nil
}

// paperWords write down what happened.
func paperWords() []Word {
	const section = "Write it down"
	return []Word{
		{
			Name: "note", Args: "[INC-n] TEXT", Section: section, Access: Responder, takes: anIncident,
			Summary: "Write to the timeline.", Example: "note INC-7 Restarted the database",
			Flags: []Flag{{Name: "pin", Help: "keep it in view"}},
			build: one(func(a *args) (workflow.Command, error) {
				if strings.TrimSpace(a.text()) == "" {
					return nil, a.mistake("A note needs a text.")
				}
				return workflow.AddNote{Text: a.text(), Pin: a.has("pin")}, nil
			}),
		},
		{
			Name: "task", Args: "[INC-n] TEXT | done N | undo N", Section: section, Access: Responder, takes: anIncident,
			Summary: "Add something to be done, or tick it off.", Example: "task INC-7 Call the vendor --for @ana",
			Flags: []Flag{{Name: "for", Arg: "@PERSON", Help: "who does it"}}, build: one(buildTask),
		},
		{
			Name: "followup", Args: "[INC-n] TEXT", Section: section, Access: Responder, takes: anIncident,
			Summary: "Add something to be done after the incident.", Example: "followup INC-7 Alert on certificate expiry --for @ana",
			Flags: []Flag{{Name: "for", Arg: "@PERSON", Help: "who does it"}},
			build: one(func(a *args) (workflow.Command, error) { return buildAddTask(a, true) }),
		},
		{
			Name: "cause", Args: "[INC-n] TEXT", Section: section, Access: Responder, takes: anIncident,
			Summary: "Write down why it happened.", Example: "cause INC-7 Expired certificate on the load balancer",
			build: text("A cause needs a text.", func(t string) workflow.Command { return workflow.SetCause{Text: t} }),
		},
		{
			Name: "link", Args: "[INC-n] URL|INC-m [TITLE]", Section: section, Access: Responder, takes: anIncident,
			Summary: "Link an address or another incident.", Example: "link INC-7 https://wiki.example.com/checkout Runbook",
			build: one(func(a *args) (workflow.Command, error) {
				target := a.next()
				if id := ParseID(target); id != "" {
					return workflow.AddLink{Incident: id, Title: a.text()}, nil
				}
				return workflow.AddLink{URL: strings.Trim(target, "<>"), Title: a.text()}, nil
			}),
		},
		{
			Name: "edit", Args: "[INC-n]", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Correct the title, description, category, services or symptoms.",
			Example: `edit INC-7 --title "Payments fail" --service payments`,
			Flags: []Flag{
				{Name: "title", Arg: "TEXT", Help: "a better title"},
				{Name: "description", Arg: "TEXT", Help: "what is known"},
				{Name: "category", Arg: "WORD", Help: "what kind of fault"},
				{Name: "service", Arg: "ID", Help: "also affected", Many: true},
				{Name: "symptom", Arg: "TEXT", Help: "what people see", Many: true},
			},
			build: plain(func(a *args) (workflow.Command, error) {
				return workflow.SetDetails{
					Title: a.get("title"), Description: a.get("description"), Category: a.get("category"),
					AddServices: a.services("service"), AddSymptoms: a.flags["symptom"],
				}, nil
			}),
		},
		{
			Name: "verify", Args: "[INC-n] N passed|failed", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "Record the outcome of a line of the checklist.", Example: "verify INC-7 1 passed", build: one(buildVerify),
		},
		{
			Name: "close", Args: "[INC-n]", Section: section, Access: Responder, takes: anIncident, noText: true,
			Summary: "End the paperwork. What is missing is named.", Example: `close INC-7`,
			Flags: []Flag{
				{Name: "force", Help: "in spite of what is missing; for commanders"},
				{Name: "reason", Arg: "TEXT", Help: "why"},
			},
			build: plain(func(a *args) (workflow.Command, error) {
				return workflow.Close{Force: a.has("force"), Reason: a.get("reason")}, nil
			}),
		},
	}
}

func buildTask(a *args) (workflow.Command, error) {
	if len(a.rest) == 2 {
		switch strings.ToLower(a.rest[0].text) {
		case "done", "undo":
			undo := strings.EqualFold(a.next(), "undo")
			n, err := a.index("task")
			return workflow.FinishTask{N: n, Undo: undo}, err
		}
	}
	return buildAddTask(a, false)
}

func buildAddTask(a *args, followUp bool) (workflow.Command, error) {
	c := workflow.AddTask{Text: a.text(), FollowUp: followUp}
	if strings.TrimSpace(c.Text) == "" {
		return nil, a.mistake("What is to be done?")
	}
	if a.has("for") {
		id, _, err := a.person(a.get("for"))
		if err != nil {
			return nil, err
		}
		c.Assignee = id
	}
	return c, nil
}

func buildVerify(a *args) (workflow.Command, error) {
	n, err := a.index("check")
	if err != nil {
		return nil, err
	}
	c := workflow.Verify{N: n}
	switch strings.ToLower(a.next()) {
	case "passed", "pass", "ok":
		c.State = workflow.CheckPassed
	case "failed", "fail":
		c.State = workflow.CheckFailed
	default:
		return nil, a.mistake("A check has passed or failed.")
	}
	return c, a.nothing()
}
