package slacktest

import "strings"

// escape writes the three characters that Slack's markup takes for itself (messaging/formatting-message-text).
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func unescape(text string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(text)
}

// normalize is what Slack does to the text of a message before it keeps it: an ampersand that begins no entity is
// escaped.
func normalize(text string) string {
	var b strings.Builder
	for i := range len(text) {
		rest := text[i:]
		b.WriteByte(text[i])
		entity := strings.HasPrefix(rest, "&amp;") || strings.HasPrefix(rest, "&lt;") || strings.HasPrefix(rest, "&gt;")
		if text[i] == '&' && !entity {
			b.WriteString("amp;")
		}
	}
	return b.String()
}
