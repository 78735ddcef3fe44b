package commands

import "cmp"

// labels returns the labels of the commands that have a form, by name of the command.
func labels() map[string]string {
	return map[string]string{
		"declare": "Declare an incident", "update": "Post update", "resolve": "Resolve", "status": "Change status", "severity": "Change severity",
		"assign": "Assign role", "page": "Page someone", "note": "Add note", "task": "Add task", "followup": "Add follow-up", "cause": "Set cause",
		"link": "Add link", "edit": "Edit details", "verify": "Record check", "close": "Close incident", "escalate": "Escalate", "invite": "Invite",
		"private": "Set visibility", "reopen": "Reopen", "cancel": "Cancel incident", "merge": "Merge",
	}
}

// submitLabels returns the labels of submit buttons that differ from the label of the
// command.
func submitLabels() map[string]string {
	return map[string]string{
		"declare": "Declare", "page": "Page", "edit": "Save details", "status": "Set status", "severity": "Set severity",
	}
}

// Label returns the title of the command's form, which is also the label of the button
// or link that opens it; "" for a command without a form.
func (s Spec) Label() string { return labels()[s.Name] }

// SubmitLabel returns the label of the button that submits the command's form.
func (s Spec) SubmitLabel() string { return cmp.Or(submitLabels()[s.Name], s.Label()) }
