package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is one word of a line, one quoted text, or one value of a form.
type token struct {
	text   string // without quotes
	raw    string // as typed
	at     int    // where raw begins in the line
	quoted bool
	field  string   // name of the form's field that it is a value of; "" if it was typed
	flag   flagWord // set if it looks like a flag
}

// flagWord is what a word that looks like a flag says. A telephone turns -- into a dash, so any
// dashes do (C1: what looks like a flag is one or is refused).
type flagWord struct {
	name     string // folded; "" if the word does not look like a flag
	value    string // after "="
	hasValue bool
	isQuoted bool   // the value is in quotes
	isOpen   bool   // the value begins with a quote that does not end
	marks    string // what stands around it, such as "`" or "("
}

// tokenize splits a line into tokens. A text in double quotes is one token if the quote
// begins a word. A quote that is not closed is an ordinary character.
func tokenize(line string) []token {
	var tokens []token
	for at := 0; ; {
		at += len(line[at:]) - len(strings.TrimLeftFunc(line[at:], unicode.IsSpace))
		if at == len(line) {
			return tokens
		}
		t := readToken(line[at:])
		t.at = at
		tokens = append(tokens, t)
		at += len(t.raw)
	}
}

// readToken returns the first token of a line that begins with one.
func readToken(line string) token {
	if inner, raw, ok := readQuote(line); ok {
		return token{text: inner, raw: raw, quoted: true}
	}
	word := line[:wordEnd(line)]
	f := readFlagWord(word)
	if before, after, ok := cutEquals(line[:len(word)]); ok && f.name != "" {
		value := line[len(word)-len(after):]
		if inner, raw, ok := readValueQuote(value); ok {
			f.value, f.isQuoted, word = inner, true, line[:len(line)-len(value)+len(raw)]
		} else {
			f.isOpen = opensQuote(value)
		}
		return token{text: before + "=" + f.value, raw: word, flag: f}
	}
	return token{text: word, raw: word, flag: f}
}

// wordEnd returns where the first word of a line ends: at a space, or at an invisible character
// that stands for one between a text and a flag.
func wordEnd(line string) int {
	hidden, last, begun := -1, rune(0), false // where invisible characters begin; the last visible one; whether it is text
	for n, r := range line {
		switch {
		case unicode.IsSpace(r):
			return n
		case isInvisible(r):
			if hidden < 0 {
				hidden = n
			}
			continue
		case hidden >= 0 && begun && isDash(r) && !isDash(last):
			return hidden
		}
		hidden, last, begun = -1, r, begun || !isDash(r) && !strings.ContainsRune(marks, r)
	}
	return len(line)
}

// commas are what separates the parts of a list, in any script.
const commas = ",،，、;；"

// marks are the characters of emphasis, quotation and brackets that people put around a
// flag; stops are those that may follow it.
const (
	marks = "`*_~()[]{}<>" + doubleQuotes + guillemets + singleQuotes
	stops = commas + ".:!?…：。"
)

// readFlagWord reads a word as a flag: dashes of any kind, then a letter.
func readFlagWord(word string) flagWord {
	var around strings.Builder
	dashes := 0
	for n, r := range word {
		switch {
		case isInvisible(r), dashes > 0 && unicode.Is(unicode.Mn, r):
		case isDash(r):
			dashes++
		case strings.ContainsRune(marks, r):
			around.WriteRune(r)
		case dashes > 0 && unicode.IsLetter(r):
			f := flagWord{marks: around.String()}
			f.name, f.value, f.hasValue = cutEquals(word[n:])
			if strings.Contains(f.marks, "`") {
				f.value = strings.TrimRight(f.value, "`")
			}
			f.name = Fold(strings.TrimRight(f.name, marks+stops))
			return f
		default:
			return flagWord{}
		}
	}
	return flagWord{}
}

// cutEquals cuts a word at its first sign of equality.
func cutEquals(word string) (before, after string, found bool) {
	at := strings.IndexAny(word, "=＝﹦")
	if at < 0 {
		return word, "", false
	}
	_, size := utf8.DecodeRuneInString(word[at:])
	return word[:at], word[at+size:], true
}

// quotes returns the double quotes that can close the one that s begins with; "" if s begins with
// none.
func quotes(s string) (closing string, size int) {
	r, size := utf8.DecodeRuneInString(s)
	for _, closing := range []string{doubleQuotes, guillemets} {
		if s != "" && strings.ContainsRune(closing, r) {
			return closing, size
		}
	}
	return "", 0
}

// How far the end of a quote is looked for, in bytes: after an inner quotation, and for a value
// in single quotes. Without limits a line of nothing but quotes would take seconds.
const (
	maxQuotation = 1 << 10
	maxValue     = 4 << 10
)

// readQuote reads a text in double quotes. One that follows a space begins an inner quotation,
// if that is closed too.
func readQuote(s string) (inner, raw string, ok bool) {
	closing, size := quotes(s)
	if closing == "" {
		return "", "", false
	}
	first, depth, before := -1, 1, rune(0)
	for n, r := range s[size:] {
		if first >= 0 && n > first+maxQuotation {
			break
		}
		if strings.ContainsRune(closing, r) {
			if first < 0 {
				first = n
			}
			depth--
			if unicode.IsSpace(before) {
				depth += 2
			}
			if depth == 0 {
				first = n
				break
			}
		}
		before = r
	}
	if first < 0 {
		return "", "", false
	}
	_, end := utf8.DecodeRuneInString(s[size+first:])
	return s[size : size+first], s[:size+first+end], true
}

// readValueQuote reads the value of a flag that is in quotes of any kind. A single quote or
// a back-tick ends it at the end of a word only: elsewhere it is an apostrophe.
func readValueQuote(s string) (inner, raw string, ok bool) {
	if inner, raw, ok = readQuote(s); ok || !opensQuote(s) {
		return inner, raw, ok
	}
	open, size := utf8.DecodeRuneInString(s)
	closing := singleQuotes
	if open == '`' {
		closing = "`"
	}
	for n, r := range s[size:min(len(s), maxValue)] {
		end := size + n + utf8.RuneLen(r)
		if next, _ := utf8.DecodeRuneInString(s[min(end, len(s)):]); strings.ContainsRune(closing, r) && (end >= len(s) || unicode.IsSpace(next)) {
			return s[size : size+n], s[:end], true
		}
	}
	return "", "", false
}

// opensQuote reports whether s begins with a quote or a back-tick.
func opensQuote(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && strings.ContainsRune("`"+doubleQuotes+guillemets+singleQuotes, r)
}

// unwrap returns a line without the back-ticks around all of it, as a command that was copied
// from a document has them.
func unwrap(line string) string {
	line = strings.TrimLeftFunc(strings.TrimSpace(line), func(r rune) bool { return unicode.IsSpace(r) || isInvisible(r) })
	inner := strings.Trim(line, "`")
	size := (len(line) - len(inner)) / 2
	if size == 0 || strings.Contains(inner, "`") || line != line[:size]+inner+line[:size] {
		return line
	}
	return strings.TrimSpace(inner)
}
