package slack

import (
	"cmp"
	"strings"
)

// labelOf returns the name of a word in a form's title.
func labelOf(word string) string {
	return cmp.Or(map[string]string{
		"assign": "Roles", "followup": "Follow-up", "edit": "Edit details", "verify": "Verification", "private": "Visibility",
	}[word], capital(word))
}

// titleOf returns the title of a form that is about no incident yet.
func titleOf(word string) string {
	if word == "declare" {
		return "Declare an incident"
	}
	return labelOf(word)
}

// submitOf returns the label of a form's button.
func submitOf(word string) string {
	return cmp.Or(map[string]string{
		"update": "Post update", "status": "Change status", "severity": "Set severity", "assign": "Assign role", "page": "Page",
		"note": "Add note", "task": "Add task", "followup": "Add follow-up", "cause": "Record cause", "link": "Add link",
		"edit": "Save", "close": "Close incident", "escalate": "Escalate", "invite": "Invite", "merge": "Merge incident",
		"cancel": "Cancel incident", "private": "Save", "verify": "Record",
	}[word], capital(word))
}

// capital returns a word with a capital letter.
func capital(word string) string {
	if word == "" {
		return "Send"
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
