package commands

import (
	"strings"
	"unicode"
)

// token is one word of a line, one quoted text, or one value of a form.
type token struct {
	text   string // without quotes
	raw    string // as typed
	quoted bool
	field  string // name of the form's field that it is a value of; "" if it was typed
}

// tokenize splits a line into tokens. A text in double quotes, straight or curly, is one
// token if the quote begins a word. A quote that is not closed is an ordinary character.
func tokenize(line string) []token {
	var tokens []token
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeftFunc(line, unicode.IsSpace) {
		t := readToken(line)
		tokens = append(tokens, t)
		line = line[len(t.raw):]
	}
	return tokens
}

// readToken returns the first token of a line that begins with one.
func readToken(line string) token {
	if size := quoteSize(line); size > 0 {
		if end := strings.IndexAny(line[size:], `"”“`); end >= 0 {
			stop := size + end + quoteSize(line[size+end:])
			return token{text: line[size : size+end], raw: line[:stop], quoted: true}
		}
	}
	end := strings.IndexFunc(line, unicode.IsSpace)
	if end < 0 {
		end = len(line)
	}
	return readFlagToken(line[:end], line)
}

// readFlagToken returns the first token of a line whose first word is known. It keeps
// --flag="two words" in one token.
func readFlagToken(word, line string) token {
	if strings.HasPrefix(word, "--") {
		if at := strings.Index(word, `="`); at > 0 {
			if stop := strings.Index(line[at+2:], `"`); stop >= 0 {
				return token{text: line[:at+1] + line[at+2:at+2+stop], raw: line[:at+2+stop+1]}
			}
		}
	}
	return token{text: word, raw: word}
}

// quoteSize returns the size in bytes of the double quote that s begins with, or 0.
func quoteSize(s string) int {
	for _, q := range []string{`"`, "“", "”"} {
		if strings.HasPrefix(s, q) {
			return len(q)
		}
	}
	return 0
}
