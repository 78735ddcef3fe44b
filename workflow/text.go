package workflow

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lengths at which texts are cut, with a notice. A long text is never refused.
const (
	MaxTitle = 200  // characters
	MaxText  = 4000 // characters
)

// CleanLine makes text safe to show on one line: without control, invisible and
// direction-changing characters, with single spaces, and at most limit characters
// long. cut reports whether it was too long.
func CleanLine(text string, limit int) (clean string, cut bool) {
	clean, cut = CleanText(text, limit*4)
	clean = strings.Join(strings.Fields(clean), " ")
	if s, c := truncate(clean, limit); c {
		return s, true
	}
	return clean, cut
}

// CleanText does the same as [CleanLine] and keeps line breaks, runs of spaces and tabs, so that a
// pasted table stays one. Invalid UTF-8 is removed.
func CleanText(text string, limit int) (clean string, cut bool) {
	if len(text) > limit*4+64 { // no character has more than four bytes: do not walk through megabytes
		text, cut = text[:limit*4+64], true
	}
	if !isPlainASCII(text) {
		text = strings.Map(func(r rune) rune {
			switch {
			case r == '\n' || r == '\t':
				return r
			case r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
				return '\n'
			case unicode.IsControl(r), isInvisible(r), r == utf8.RuneError:
				return -1
			}
			return r
		}, strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n"))
	}
	s, c := truncate(TrimText(text), limit)
	return s, cut || c
}

// TrimText returns text without the space around it. The first of several lines keeps its
// indentation, as the table that it may be part of needs it.
func TrimText(text string) string {
	trimmed := strings.TrimSpace(text)
	if !strings.Contains(trimmed, "\n") {
		return trimmed
	}
	before, _, _ := strings.Cut(text, trimmed)
	return before[strings.LastIndexByte(before, '\n')+1:] + trimmed
}

// isInvisible reports whether a character changes the direction of text, or has no
// width.
func isInvisible(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' ||
		r == '\u200e' || r == '\u200f' || r == '\u061c' || r == '\ufeff' || r == '\u200b'
}

// isPlainASCII reports whether text is printable ASCII, which needs no cleaning.
func isPlainASCII(text string) bool {
	for n := range len(text) {
		if c := text[n]; c < ' ' && c != '\n' || c >= 0x7f {
			return false
		}
	}
	return true
}

// truncate cuts s to at most n characters, of which the last is then an ellipsis.
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

// cleanName makes a name safe and short.
func cleanName(text string) string { return cleanLabel(text, 40) }

// cleanLabel is [CleanLine] without the report whether the text was cut.
func cleanLabel(text string, limit int) string {
	clean, _ := CleanLine(text, limit)
	return clean
}

// excerpt cuts s to at most n bytes, between two characters; an ellipsis marks the cut.
func excerpt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n -= len("…"); n > 0 && !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n] + "…"
}
