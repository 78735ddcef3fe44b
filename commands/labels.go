package commands

import "cmp"

// labels are how the words with a form are called where people press or open them.
func labels() map[string]string {
	return map[string]string{
		"declare": "Declare an incident", "update": "Post update", "resolve": "Resolve", "status": "Change status", "severity": "Change severity",
		"assign": "Assign role", "page": "Page someone", "note": "Add note", "task": "Add task", "followup": "Add follow-up", "cause": "Set cause",
		"link": "Add link", "edit": "Edit details", "verify": "Record check", "close": "Close incident", "escalate": "Escalate", "invite": "Invite",
		"private": "Set visibility", "reopen": "Reopen", "cancel": "Cancel incident", "merge": "Merge",
	}
}

// submitLabels are what the button of a form says, where that is not its label.
func submitLabels() map[string]string {
	return map[string]string{
		"declare": "Declare", "page": "Page", "edit": "Save details", "status": "Set status", "severity": "Set severity",
	}
}

// Label is the title of the word's form, and of the button or link that opens it;
// "" for a word without a form.
func (w Spec) Label() string { return labels()[w.Name] }

// SubmitLabel is what the button of the word's form says.
func (w Spec) SubmitLabel() string { return cmp.Or(submitLabels()[w.Name], w.Label()) }
