package commands

import (
	"strings"

	"tocsin/workflow"
)

// recordSpecs returns the commands for notes, action items and the write-up.
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
			build: commandBuilder(func(a *args) (workflow.Command, error) {
				if strings.TrimSpace(a.text()) == "" {
					return nil, a.refuse("A note needs a text.")
				}
				return workflow.AddNote{Text: a.text(), Pin: a.has("pin")}, nil
			}),
		},
		{
			Name: "task", Args: "[INC-n] TEXT | done N | undo N", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Add an action item, or mark it as done.", Example: "task INC-7 Call the vendor --for @ana",
			Flags: []Flag{{Name: "for", Arg: "@PERSON", Help: "assignee"}}, Form: actionItemForm(), build: commandBuilder(buildTask),
		},
		{
			Name: "followup", Args: "[INC-n] TEXT", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Add an action item for after the incident.", Example: "followup INC-7 Alert on certificate expiry --for @ana",
			Flags: []Flag{{Name: "for", Arg: "@PERSON", Help: "assignee"}}, Form: actionItemForm(),
			build: commandBuilder(func(a *args) (workflow.Command, error) { return buildAddTask(a, true) }),
		},
		{
			Name: "cause", Args: "[INC-n] TEXT", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Record the cause.", Example: "cause INC-7 Expired certificate on the load balancer",
			Form:  []Field{{Name: "text", Label: "Cause", Kind: Text, Required: true}},
			build: textBuilder("A cause needs a text.", func(t string) workflow.Command { return workflow.SetCause{Text: t} }),
		},
		{
			Name: "link", Args: "[INC-n] URL|INC-m [TITLE]", Section: section, Access: Responder, scope: oneIncident,
			Summary: "Link a web address or another incident.", Example: "link INC-7 https://wiki.example.com/checkout Runbook",
			Form: []Field{
				{Name: "target", Label: "Address or incident", Kind: Line, Required: true, Hint: "https://… or INC-3"},
				{Name: "title", Label: "Title", Kind: Line},
			},
			build: commandBuilder(func(a *args) (workflow.Command, error) {
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
			build: noTextBuilder(func(a *args) (workflow.Command, error) {
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
			build: commandBuilder(buildVerify),
		},
		{
			Name: "close", Args: "[INC-n]", Section: section, Access: Responder, scope: oneIncident, strict: true,
			Summary: "Close the incident, once the write-up is complete.", Example: `close INC-7`,
			Flags: []Flag{
				{Name: "force", Help: "although the write-up is incomplete; commanders only"},
				{Name: "reason", Arg: "TEXT", Help: "why"},
			},
			Form: []Field{
				{Name: "force", Label: "Close although it is incomplete", Kind: Check, Access: Commander, Hint: "needs a reason"},
				{Name: "reason", Label: "Why", Kind: Text},
			},
			build: noTextBuilder(func(a *args) (workflow.Command, error) {
				return workflow.Close{Force: a.has("force"), Reason: a.get("reason")}, nil
			}),
		},
	}
}

// actionItemForm returns the fields for a new action item.
func actionItemForm() []Field {
	return []Field{
		{Name: "text", Label: "Action item", Kind: Line, Required: true},
		{Name: "for", Label: "Assignee", Kind: Person},
	}
}

// buildTask builds [workflow.CompleteActionItem] from "done N" and "undo N", and
// [workflow.AddActionItem] from any other text.
func buildTask(a *args) (workflow.Command, error) {
	if len(a.words) == 2 && a.words[1].field == "" {
		switch Fold(a.words[0].text) {
		case "done", "undo":
			undo := Fold(a.take("")) == "undo"
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
	switch Fold(a.take("outcome")) {
	case "passed", "pass", "ok":
		c.State = workflow.CheckPassed
	case "failed", "fail":
		c.State = workflow.CheckFailed
	default:
		return nil, a.refuse("The result of a check is passed or failed.")
	}
	return c, a.requireEnd()
}
