package commands

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns a name in the one form in which names are compared, so that people find
// what they name from any keyboard: composed (NFKC), without upper case, full width and
// invisible characters, with ß as ss, the dotless ı as i, every kind of dash, quote and space
// as the plain one, and single spaces. It is for comparing only, never for showing
// (C3: a name in another form is the same name).
func Fold(text string) string {
	text = norm.NFKC.String(strings.Map(foldRune, strings.ToValidUTF8(text, "")))
	text = strings.ReplaceAll(cases.Fold().String(text), "i\u0307", "i")
	return strings.Join(strings.Fields(text), " ")
}

// MatchNames returns which of n things a typed name means, by their index: those that have the
// name in another form, else those whose name differs in accents alone. names returns the
// names of one thing. More than one index means that the name is ambiguous
// (C3: a name in another form is the same name).
func MatchNames(typed string, n int, names func(index int) []string) []int {
	for _, fold := range []func(string) string{Fold, foldAccents} {
		var found []int
		want := strings.TrimPrefix(fold(typed), "@")
		for i := range n {
			if want != "" && slices.ContainsFunc(names(i), func(name string) bool { return fold(name) == want }) {
				found = append(found, i)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// foldAccents returns a name as [Fold] does, and without the accents of Latin, Greek and Cyrillic
// letters.
func foldAccents(text string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if r >= '\u0300' && r <= '\u036f' {
			return -1
		}
		return r
	}, norm.NFD.String(Fold(text))))
}

// PlainName returns a name that a person has chosen without what a line would read as a flag, a
// quote or a list, so that it can stand in a line that another person gives
// (P1: access is checked first).
func PlainName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case isInvisible(r), strings.ContainsRune("`"+doubleQuotes+guillemets, r):
			return -1
		case strings.ContainsRune(commas, r):
			return ' '
		}
		return r
	}, name)
	return strings.Join(slices.DeleteFunc(strings.Fields(name), func(word string) bool {
		first, _ := utf8.DecodeRuneInString(strings.TrimLeft(word, marks))
		return isDash(first)
	}), " ")
}

// foldRune returns the plain form of a dash, quote or space, and -1 for a character that
// is not visible.
func foldRune(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case isInvisible(r):
		return -1
	case isDash(r):
		return '-'
	case strings.ContainsRune(singleQuotes, r):
		return '\''
	case strings.ContainsRune(doubleQuotes, r):
		return '"'
	case r == 'ı' || r == 'İ':
		return 'i'
	}
	return r
}

// The quotes of keyboards, telephones and word processors. A text in double quotes is one
// token; single ones are apostrophes too, and quote only the value of a flag.
const (
	doubleQuotes = "\"“”„‟＂〝〞"
	guillemets   = "«»"
	singleQuotes = "'‘’‚‛＇´ʼ"
)

// isDash reports whether a character may stand for the hyphen of a flag: dashes of every
// length and width, and what keyboards of other scripts type in its place.
func isDash(r rune) bool {
	return unicode.Is(unicode.Pd, r) || strings.ContainsRune("−⁃➖ーｰ─━˗⁻₋⎯", r)
}

// isInvisible reports whether a character is not shown: it has no width, changes the
// direction of text, or is no valid character.
func isInvisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && !unicode.IsSpace(r) || unicode.Is(unicode.Variation_Selector, r) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || r == '\u2800' || r == utf8.RuneError
}
