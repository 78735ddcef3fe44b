package workflow

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest texts. They are cut with a notice, never refused.
const (
	MaxTitle           = 200   // characters
	MaxText            = 4000  // characters
	maxLine            = 120   // characters of a task, a symptom or a check
	maxURL             = 400   // bytes
	maxActionItemBytes = 12000 // bytes of all tasks together
)

// CleanLine makes text safe to show on one line: no control characters, no
// direction overrides, single spaces, at most limit characters. cut reports
// whether something was lost at the end.
func CleanLine(text string, limit int) (clean string, cut bool) {
	clean, cut = CleanText(text, limit*4)
	clean = strings.Join(strings.Fields(clean), " ")
	if s, c := truncate(clean, limit); c {
		return s, true
	}
	return clean, cut
}

// CleanText makes text safe to show: like [CleanLine], but it keeps line
// breaks. Invalid UTF-8 is replaced.
func CleanText(text string, limit int) (clean string, cut bool) {
	if len(text) > limit*4+64 { // no character is longer: do not walk through megabytes
		text, cut = text[:limit*4+64], true
	}
	if !isPlainASCII(text) {
		text = strings.Map(func(r rune) rune {
			switch {
			case r == '\n':
				return r
			case r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
				return ' '
			case unicode.IsControl(r), isInvisible(r), r == utf8.RuneError:
				return -1
			}
			return r
		}, strings.ToValidUTF8(text, ""))
	}
	s, c := truncate(strings.TrimSpace(text), limit)
	return s, cut || c
}

// override reports the characters that turn the direction of text around or
// hide in it.
func isInvisible(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' ||
		r == '\u200e' || r == '\u200f' || r == '\u061c' || r == '\ufeff' || r == '\u200b'
}

// safe reports plain ASCII text, which needs no cleaning.
func isPlainASCII(text string) bool {
	for n := range len(text) {
		if c := text[n]; c < ' ' && c != '\n' || c >= 0x7f {
			return false
		}
	}
	return true
}

// firstRunes cuts s to at most n characters; an ellipsis takes the last place.
func truncate(s string, n int) (string, bool) {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s, false
	}
	count := 0
	for at := range s {
		count++
		if count == n {
			return strings.TrimSpace(s[:at]) + "…", true
		}
	}
	return s, false
}

// shortName makes a person's or a room's name safe and short.
func cleanName(text string) string { return cleanLabel(text, 40) }

// label makes text safe, on one line, and at most limit characters long.
func cleanLabel(text string, limit int) string {
	clean, _ := CleanLine(text, limit)
	return clean
}

// excerpt cuts s to at most n bytes at a character's edge.
func excerpt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n -= len("…"); n > 0 && !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n] + "…"
}
