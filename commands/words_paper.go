package commands

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"tocsin/workflow"
)

// peopleWords bring people in.
func peopleSpecs() []Spec {
	const section = "People"
	return []Spec{
		{
			Name: "lead", Args: "[INC-n]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Become the commander.", Example: "lead INC-7",
			build: buildWithoutText(func(a *args) (workflow.Command, error) {
				if a.ctx.Speaker.Person == "" {
					return nil, refuse("Only a configured person can lead.", "Add yourself under `people:`, or `assign commander @ana`.")
				}
				return workflow.Assign{Role: workflow.Commander, Person: a.ctx.Speaker.Person, Name: a.ctx.Speaker.Name}, nil
			}),
		},
		{
			Name: "assign", Args: "[INC-n] ROLE @PERSON|nobody", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Assign a role: commander, communications, operations, scribe, or your own.",
			Example: "assign INC-7 communications @ana",
			Form: []Field{
				{
					Name: "role", Label: "Role", Kind: Choose, Required: true,
					Choices: choicesOf(workflow.Commander, "communications", "operations", "scribe"),
				},
				{Name: "person", Label: "Assignee", Kind: Person, Hint: "leave empty to remove the role"},
			},
			build: buildCommand(buildAssign),
		},
		{
			Name: "page", Args: "[INC-n] @WHO… [WHY]", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Page more people, teams or policies, even if it is acknowledged.",
			Example: "page INC-7 @ben we need the database team",
			Form: []Field{
				{Name: "who", Label: "Who to page", Kind: Target, Required: true, Many: true, Hint: "people, teams or policies; at most ten"},
				{Name: "why", Label: "Why", Kind: Text, Hint: "shown in the page"},
			},
			build: buildCommand(buildPage),
		},
		{
			Name: "invite", Args: "[INC-n] @PERSON…", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Invite people to see and join the incident.", Example: "invite INC-7 @ben",
			Form:  []Field{{Name: "person", Label: "People", Kind: Person, Required: true, Many: true}},
			build: buildCommand(buildInvite),
		},
		{
			Name: "private", Args: "[INC-n] [off]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Make it visible to its members only, or to everyone again.", Example: "private INC-7",
			Form: []Field{{
				Name: "private", Label: "Visible to", Kind: Choose,
				Choices: []Choice{{"on", "Its members"}, {"off", "Everyone"}}, Hint: "leave empty for its members",
			}},
			build: buildCommand(func(a *args) (workflow.Command, error) {
				switch strings.ToLower(a.take("private")) {
				case "", "on":
					return workflow.SetVisibility{To: workflow.Private}, a.requireEnd()
				case "off":
					return workflow.SetVisibility{To: workflow.Public}, a.requireEnd()
				}
				return nil, a.refuse("`private` is on or off.")
			}),
		},
	}
}

// buildAssign gives a role. A form that leaves the person empty takes it away.
func buildAssign(a *args) (workflow.Command, error) {
	role, handle := a.take("role"), a.take("person")
	if strings.HasPrefix(role, "@") { // assign @ana commander
		role, handle = handle, role
	}
	if err := a.requireEnd(); err != nil {
		return nil, err
	}
	if strings.EqualFold(role, "lead") {
		role = workflow.Commander
	}
	if len(a.ctx.Fields) > 0 && handle == "" {
		handle = "nobody"
	}
	if role == "" || handle == "" || strings.HasPrefix(role, "@") {
		return nil, a.refuse("Which role, and who gets it?")
	}
	if strings.EqualFold(handle, "nobody") {
		return workflow.Assign{Role: role}, nil
	}
	id, name, err := a.findPerson(handle)
	return workflow.Assign{Role: role, Person: id, Name: name}, err
}

// buildPage pages whoever a form names, then whoever the line begins with: its
// first word, unless the form names somebody, and what looks like a target.
func buildPage(a *args) (workflow.Command, error) {
	var c workflow.Page
	for {
		n := slices.IndexFunc(a.words, func(t token) bool { return t.field == "who" })
		if n < 0 && len(a.words) > 0 && a.words[0].field == "" && (len(c.Targets) == 0 || isTarget(a.words[0].text)) {
			n = 0
		}
		if n < 0 {
			break
		}
		word := a.words[n].text
		if a.ctx.Target == nil {
			return nil, a.refuse(fmt.Sprintf("There is no one called %q.", shorten(word)))
		}
		t, ok := a.ctx.Target(word)
		switch {
		case !ok:
			return nil, a.refuse(fmt.Sprintf("There is no one called %q.", shorten(word)))
		case len(c.Targets) == 10:
			return nil, a.refuse("One command pages at most ten: page the rest with another.")
		}
		c.Targets = append(c.Targets, t)
		a.words = slices.Delete(a.words, n, n+1)
	}
	if len(c.Targets) == 0 {
		return nil, a.refuse("Who is to be paged?")
	}
	c.Text = a.text()
	return c, nil
}

// aims reports whether a word names whom to page: "@ana" or "policy:payments",
// but neither "urgent:" nor an address.
func isTarget(word string) bool {
	kind, id, found := strings.Cut(word, ":")
	return strings.HasPrefix(word, "@") || found && kind != "" && id != "" && !strings.HasPrefix(id, "/") &&
		strings.IndexFunc(kind, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

func buildInvite(a *args) (workflow.Command, error) {
	var c workflow.Invite
	for len(a.words) > 0 {
		id, _, err := a.findPerson(a.take("person"))
		if err != nil {
			return nil, err
		}
		c.People = append(c.People, id)
	}
	if len(c.People) == 0 {
		return nil, a.refuse("Who is to be invited?")
	}
	return c, nil
}

// paperWords write down what happened.
func recordSpecs() []Spec {
	const section = "Record"
	return []Spec{
		{
			Name: "note", Args: "[INC-n] TEXT", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Add a note to the timeline.", Example: "note INC-7 Restarted the database",
			Flags: []Flag{{Name: "pin", Help: "also show it on the card"}},
			Form: []Field{
				{Name: "text", Label: "Note", Kind: Text, Required: true},
				{Name: "pin", Label: "Also show it on the card", Kind: Check},
			},
			build: buildCommand(func(a *args) (workflow.Command, error) {
				if strings.TrimSpace(a.text()) == "" {
					return nil, a.refuse("A note needs a text.")
				}
				return workflow.AddNote{Text: a.text(), Pin: a.has("pin")}, nil
			}),
		},
		{
			Name: "task", Args: "[INC-n] TEXT | done N | undo N", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Add an action item, or mark it as done.", Example: "task INC-7 Call the vendor --for @ana",
			Flags: []Flag{{Name: "for", Arg: "@PERSON", Help: "assignee"}}, Form: actionItemForm(), build: buildCommand(buildTask),
		},
		{
			Name: "followup", Args: "[INC-n] TEXT", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Add an action item for after the incident.", Example: "followup INC-7 Alert on certificate expiry --for @ana",
			Flags: []Flag{{Name: "for", Arg: "@PERSON", Help: "assignee"}}, Form: actionItemForm(),
			build: buildCommand(func(a *args) (workflow.Command, error) { return buildAddTask(a, true) }),
		},
		{
			Name: "cause", Args: "[INC-n] TEXT", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Record the cause.", Example: "cause INC-7 Expired certificate on the load balancer",
			Form:  []Field{{Name: "text", Label: "Cause", Kind: Text, Required: true}},
			build: buildText("A cause needs a text.", func(t string) workflow.Command { return workflow.SetCause{Text: t} }),
		},
		{
			Name: "link", Args: "[INC-n] URL|INC-m [TITLE]", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Link a web address or another incident.", Example: "link INC-7 https://wiki.example.com/checkout Runbook",
			Form: []Field{
				{Name: "target", Label: "Address or incident", Kind: Line, Required: true, Hint: "https://… or INC-3"},
				{Name: "title", Label: "Title", Kind: Line},
			},
			build: buildCommand(func(a *args) (workflow.Command, error) {
				target := a.take("target")
				if target == "" {
					return nil, a.refuse("Link what?")
				}
				if id := ParseID(target); id != "" {
					return workflow.AddLink{Incident: id, Title: a.text()}, nil
				}
				return workflow.AddLink{URL: strings.Trim(target, "<>"), Title: a.text()}, nil
			}),
		},
		{
			Name: "edit", Args: "[INC-n]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Edit the title, description, category, services or symptoms.",
			Example: `edit INC-7 --title "Payments fail" --service payments`,
			Flags: []Flag{
				{Name: "title", Arg: "TEXT", Help: "the new title"},
				{Name: "description", Arg: "TEXT", Help: "what is known"},
				{Name: "category", Arg: "WORD", Help: "hardware, software, network, security, service-interruption"},
				{Name: "service", Arg: "ID", Help: "another service that is affected", Many: true},
				{Name: "symptom", Arg: "TEXT", Help: "another thing that users see", Many: true},
			},
			Form: []Field{
				{Name: "title", Label: "Title", Kind: Line, Hint: "leave a field empty to keep its value"},
				{Name: "description", Label: "Description", Kind: Text},
				{Name: "category", Label: "Category", Kind: Choose, Choices: categories()},
				{Name: "service", Label: "Add services", Kind: Service, Many: true},
				{Name: "symptom", Label: "Add symptoms", Kind: Line, Many: true},
			},
			build: buildWithoutText(func(a *args) (workflow.Command, error) {
				return workflow.SetDetails{
					Title: a.get("title"), Description: a.get("description"), Category: a.get("category"),
					AddServices: a.findServices("service"), AddSymptoms: a.flags["symptom"],
				}, nil
			}),
		},
		{
			Name: "verify", Args: "[INC-n] N passed|failed", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Record the result of a check on the checklist.", Example: "verify INC-7 1 passed",
			Form: []Field{
				{Name: "number", Label: "Check", Kind: Line, Required: true, Hint: "its number on the checklist"},
				{Name: "outcome", Label: "Result", Kind: Choose, Choices: choicesOf("passed", "failed"), Required: true},
			},
			build: buildCommand(buildVerify),
		},
		{
			Name: "close", Args: "[INC-n]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Close the incident, once the write-up is complete.", Example: `close INC-7`,
			Flags: []Flag{
				{Name: "force", Help: "although the write-up is incomplete; commanders only"},
				{Name: "reason", Arg: "TEXT", Help: "why"},
			},
			Form: []Field{
				{Name: "force", Label: "Close although it is incomplete", Kind: Check, Hint: "commanders only; needs a reason"},
				{Name: "reason", Label: "Why", Kind: Text},
			},
			build: buildWithoutText(func(a *args) (workflow.Command, error) {
				return workflow.Close{Force: a.has("force"), Reason: a.get("reason")}, nil
			}),
		},
	}
}

func actionItemForm() []Field {
	return []Field{
		{Name: "text", Label: "Action item", Kind: Line, Required: true},
		{Name: "for", Label: "Assignee", Kind: Person},
	}
}

func buildTask(a *args) (workflow.Command, error) {
	if len(a.words) == 2 && a.words[1].field == "" {
		switch strings.ToLower(a.words[0].text) {
		case "done", "undo":
			undo := strings.EqualFold(a.take(""), "undo")
			n, err := a.parseIndex("task")
			return workflow.CompleteActionItem{N: n, Undo: undo}, err
		}
	}
	return buildAddTask(a, false)
}

func buildAddTask(a *args, followUp bool) (workflow.Command, error) {
	c := workflow.AddActionItem{Text: a.text(), FollowUp: followUp}
	if strings.TrimSpace(c.Text) == "" {
		return nil, a.refuse("An action item needs a text.")
	}
	if a.has("for") {
		id, _, err := a.findPerson(a.get("for"))
		if err != nil {
			return nil, err
		}
		c.Assignee = id
	}
	return c, nil
}

func buildVerify(a *args) (workflow.Command, error) {
	n, err := a.parseIndex("check")
	if err != nil {
		return nil, err
	}
	c := workflow.Verify{N: n}
	switch strings.ToLower(a.take("outcome")) {
	case "passed", "pass", "ok":
		c.State = workflow.CheckPassed
	case "failed", "fail":
		c.State = workflow.CheckFailed
	default:
		return nil, a.refuse("The result of a check is passed or failed.")
	}
	return c, a.requireEnd()
}
