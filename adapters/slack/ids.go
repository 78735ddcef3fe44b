package slack

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const capitalsAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// isUserID reports whether text is the ID of a user of Slack. It follows
// https://docs.slack.dev/reference/objects/user-object: U, or W in an
// enterprise, and capitals and digits.
func isUserID(text string) bool { return isID(text, "UW") }

// isGroupID reports whether text is the ID of a user group of Slack. It
// follows https://docs.slack.dev/reference/objects/usergroup-object: S, and
// capitals and digits.
func isGroupID(text string) bool { return isID(text, "S") }

// isChannel reports whether text names a channel of Slack: # and its name,
// or its ID. Names follow
// https://docs.slack.dev/reference/methods/conversations.create: small letters,
// digits, hyphens and underscores, at most 80. The letters of scripts without
// capitals are among them. IDs follow
// https://docs.slack.dev/reference/objects/conversation-object: C, or G for
// private channels from before March 2021, and capitals and digits.
func isChannel(text string) bool {
	name, named := strings.CutPrefix(text, "#")
	if !named {
		return isID(text, "CG")
	}
	for _, c := range name {
		switch {
		case c == '-', c == '_', unicode.IsNumber(c), unicode.IsMark(c):
		case unicode.IsLetter(c) && !unicode.IsUpper(c) && !unicode.IsTitle(c):
		default:
			return false
		}
	}
	return name != "" && utf8.RuneCountInString(name) <= 80
}

func isID(text, kinds string) bool {
	return len(text) >= 5 && len(text) <= 40 && strings.Contains(kinds, text[:1]) && strings.Trim(text, capitalsAndDigits) == ""
}
