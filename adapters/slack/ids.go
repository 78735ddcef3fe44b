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

// isChannel reports whether text names a channel of Slack: its name, with or
// without #, or its ID. Names follow
// https://docs.slack.dev/reference/methods/conversations.create: small letters,
// digits, hyphens and underscores, at most 80. The letters of scripts without
// capitals are among them. IDs follow
// https://docs.slack.dev/reference/objects/conversation-object: C, or G for
// private channels from before March 2021, and capitals and digits.
func isChannel(text string) bool {
	name := strings.TrimPrefix(text, "#")
	if isChannelID(text) {
		return true
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

// isChannelID reports whether text is the ID of a channel. No name looks like one: names
// have no capitals.
func isChannelID(text string) bool { return isID(text, "CG") }

// channelRef returns a channel as "#name" or as its ID: people leave the # out.
func channelRef(text string) string {
	if text == "" || strings.HasPrefix(text, "#") || isChannelID(text) {
		return text
	}
	return "#" + text
}

func isID(text, kinds string) bool {
	return len(text) >= 5 && len(text) <= 40 && strings.Contains(kinds, text[:1]) && strings.Trim(text, capitalsAndDigits) == ""
}
