package commands

import (
	"strings"
	"unicode"
)

// token is one word of a line.
type token struct {
	text   string // without its quotes
	raw    string // as typed
	quoted bool
	field  string // the field of a form that it was given for; "" for what was typed
}

// split cuts a line into tokens. Double quotes, straight or curly, keep words
// together when they begin one; an unclosed quote is an ordinary character.
func tokenize(line string) []token {
	var tokens []token
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeftFunc(line, unicode.IsSpace) {
		t := readToken(line)
		tokens = append(tokens, t)
		line = line[len(t.raw):]
	}
	return tokens
}

// first reads the token that a line begins with.
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

// flagToken keeps --flag="two words" in one token.
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

// quote returns the size of the double quote that s begins with, or 0.
func quoteSize(s string) int {
	for _, q := range []string{`"`, "“", "”"} {
		if strings.HasPrefix(s, q) {
			return len(q)
		}
	}
	return 0
}
