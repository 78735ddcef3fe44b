package slack

import (
	"cmp"
	"strings"
)

// labelOf is how a word is called in a form's title.
func labelOf(word string) string {
	return cmp.Or(map[string]string{
		"assign": "Roles", "followup": "Follow-up", "edit": "Correct", "verify": "Check", "private": "Who sees it",
	}[word], capital(word))
}

// titleOf is the title of a form that is about no incident yet.
func titleOf(word string) string {
	if word == "declare" {
		return "Declare an incident"
	}
	return labelOf(word)
}

// submitOf is what a form's button says.
func submitOf(word string) string {
	return cmp.Or(map[string]string{
		"update": "Post the update", "status": "Move there", "severity": "Set the severity", "assign": "Give the role", "page": "Page them",
		"note": "Write it down", "task": "Add the task", "followup": "Add the follow-up", "cause": "Write it down", "link": "Add the link",
		"edit": "Correct it", "close": "Close the incident", "escalate": "Page the next step", "invite": "Invite them", "merge": "Merge it",
		"cancel": "Cancel the incident", "private": "Set it", "verify": "Record it",
	}[word], capital(word))
}

func capital(word string) string {
	if word == "" {
		return "Send"
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
