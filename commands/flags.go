package commands

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/workflow"
)

// endOfFlags is the word after which everything is text.
const endOfFlags = "--"

// readTokens sorts the tokens of a line into flags and words.
func (a *args) readTokens(tokens []token) error {
	if a.spec.isProse() {
		return a.readProse(tokens)
	}
	for len(tokens) > 0 {
		if a.spec.title && len(a.words) == 0 && tokens[0].raw == endOfFlags {
			return a.takeLiteral(tokens)
		}
		taken, err := a.takeFlag(tokens)
		if err != nil {
			return err
		}
		if taken == 0 {
			a.words = append(a.words, tokens[0])
		}
		tokens = tokens[max(taken, 1):]
	}
	if a.spec.title {
		return a.checkTitle()
	}
	return nil
}

// takeLiteral takes the words after "--", which are text whatever they look like. "-- private"
// may be a flag that a telephone has put a space into.
func (a *args) takeLiteral(tokens []token) error {
	if f, ok := a.findApart(tokens); ok {
		return a.refuseApart(f, tokens)
	}
	a.words = tokens[1:]
	return nil
}

// readProse sorts the tokens of a command whose text may be anything, such as the output
// of another program: flags count before the text and at its end, and whatever is between is
// text (C2: pasted text is kept as it is).
func (a *args) readProse(tokens []token) error {
	for len(tokens) > 0 {
		if len(a.words) == 0 && a.spec.IsForIncident() && a.readID(tokens[0]) != "" {
			a.words, tokens = append(a.words, tokens[0]), tokens[1:]
			continue
		}
		if tokens[0].raw == endOfFlags && a.needsEnd(tokens[1:]) {
			a.words = append(a.words, tokens[1:]...)
			return nil
		}
		taken, err := a.takeFlag(tokens)
		if err != nil {
			return err
		}
		if taken == 0 {
			break
		}
		tokens = tokens[taken:]
	}
	end := a.trailingFlags(tokens, false)
	if end > 1 && tokens[0].quoted && a.trailingFlags(tokens, true) == 1 {
		return a.refuseLate(tokens[1:])
	}
	a.words = append(a.words, tokens[:end]...)
	for rest := tokens[end:]; len(rest) > 0; {
		taken, err := a.takeFlag(rest)
		if err != nil {
			return err
		}
		rest = rest[taken:]
	}
	return nil
}

// refuseLate refuses a flag that counts only before the text, after a text in quotes: there it
// is not part of anything that was pasted.
func (a *args) refuseLate(tokens []token) error {
	for _, t := range tokens {
		if f, ok := a.spec.flag(t.flag.name); ok && f.before {
			return refuse(fmt.Sprintf("--%s counts only before the text.", f.Name), fmt.Sprintf("For example: `%s --%s %s \"…\"`.", a.spec.Name, f.Name, f.Arg))
		}
	}
	return nil
}

// needsEnd reports whether a text without "--" before it would not be taken as it is. Otherwise
// the dashes are part of the text, such as those of a comment in SQL.
func (a *args) needsEnd(tokens []token) bool {
	if len(tokens) == 0 {
		return false
	}
	b := *a // a copy: takeFlag changes the flags
	b.flags = map[string][]string{}
	taken, err := b.takeFlag(tokens)
	return taken > 0 || err != nil || a.trailingFlags(tokens, false) < len(tokens)
}

// trailingFlags returns where the flags at the end of a text begin. A flag that only counts
// before the text, one that is given already, and one in back-ticks are part of the text; with
// late set, the first is not.
func (a *args) trailingFlags(tokens []token, late bool) int {
	end, seen := len(tokens), map[string]bool{}
	isFlag := func(n int, hasValue bool) bool {
		if n < 0 || tokens[n].flag.name == "" || tokens[n].flag.marks != "" || strings.Contains(tokens[n].raw, "`") {
			return false
		}
		f, ok := a.spec.flag(tokens[n].flag.name)
		ok = ok && (late || !f.before) && (f.Many || !seen[f.Name] && !a.has(f.Name)) && (f.Arg == "" || tokens[n].flag.hasValue) != hasValue
		seen[f.Name] = seen[f.Name] || ok
		return ok
	}
	for {
		switch {
		case isFlag(end-1, false), end == len(tokens) && isFlag(end-1, true): // the second lacks its value
			end--
		case end > 0 && tokens[end-1].flag.name == "" && !strings.Contains(tokens[end-1].raw, "`") && isFlag(end-2, true):
			end -= 2
		default:
			return end
		}
	}
}

// takeFlag takes the flag that tokens begin with, and returns how many of them it is made of;
// 0 if they do not begin with a flag.
func (a *args) takeFlag(tokens []token) (taken int, err error) {
	t := tokens[0]
	f, ok := a.spec.flag(t.flag.name)
	inTicks := strings.Trim(t.flag.marks, "`") == ""
	switch {
	case t.flag.name == "", a.spec.isProse() && t.flag.marks != "":
		return 0, nil
	case !ok:
		return 0, a.checkUnknownFlag(t)
	case !inTicks:
		return 0, a.refuseAsText(fmt.Sprintf("%q may mean --%s: write that by itself.", shorten(t.raw), f.Name))
	case t.flag.isOpen:
		return 0, a.refuseOpenQuote(f)
	}
	taken, value := 1, "true"
	switch {
	case f.Arg == "" && t.flag.hasValue && !slices.Contains([]string{"true", "yes", "on"}, Fold(t.flag.value)):
		return 0, a.refuse(fmt.Sprintf("--%s takes no value: give it, or leave it out.", f.Name))
	case f.Arg == "":
	case !t.flag.hasValue:
		if taken, value, err = a.readValue(f, tokens[1:]); err != nil {
			return 0, err
		}
		taken++
		if t.flag.marks != "" {
			value = strings.TrimRight(value, "`")
		}
	case !t.flag.isQuoted && readFlagWord(t.flag.value).name != "":
		return 0, a.refuseFlagAsValue(f, t.flag.value)
	default:
		value = t.flag.value
	}
	if err := a.checkApostrophes(tokens[:taken], value); err != nil {
		return 0, err
	}
	if len(a.flags[f.Name]) > 0 && !f.Many {
		return 0, a.refuse("--" + f.Name + " is given twice.")
	}
	a.flags[f.Name] = append(a.flags[f.Name], value)
	return taken, nil
}

// readValue reads the value of a flag from the tokens after it, and returns how many they
// are. A word that looks like a flag is none: taken for a value, --private would be lost.
func (a *args) readValue(f Flag, tokens []token) (taken int, value string, err error) {
	if len(tokens) == 0 {
		a.openFlag = f.Name
		return 0, "", a.refuse("--" + f.Name + " needs a value: " + f.Arg + ".")
	}
	t := tokens[0]
	switch {
	case t.quoted:
		return 1, t.text, nil
	case t.flag.name != "":
		return 0, "", a.refuseFlagAsValue(f, t.raw)
	case !opensQuote(t.raw):
		return 1, t.text, nil
	}
	inner, raw, ok := readValueQuote(a.line[t.at:])
	if !ok {
		return 0, "", a.refuseOpenQuote(f)
	}
	for taken < len(tokens) && tokens[taken].at < t.at+len(raw) {
		taken++
	}
	return taken, inner, nil
}

// checkApostrophes refuses --private in a value in single quotes, which may be the apostrophes
// of two words far apart.
func (a *args) checkApostrophes(tokens []token, value string) error {
	raw := tokens[len(tokens)-1].raw
	if len(tokens) > 1 {
		raw = tokens[1].raw
	} else if _, after, ok := cutEquals(raw); ok {
		raw = after
	}
	name, found := a.findGuard(value)
	if _, size := quotes(raw); !found || size > 0 {
		return nil
	}
	return a.refuse(fmt.Sprintf("%q may mean --%s: write that outside the quotes, or use double quotes.", shorten(value), name))
}

// checkUnknownFlag refuses an unknown flag if it looks like a misspelled one, or if the
// command does not take just any text. Otherwise it is part of the text.
func (a *args) checkUnknownFlag(t token) error {
	var names []string
	for _, f := range a.spec.Flags {
		names = append(names, f.Name)
	}
	shown, _ := workflow.CleanLine(t.flag.name, 30)
	first, _ := utf8.DecodeRuneInString(t.flag.name)
	if near := Nearest(t.flag.name, names); near != "" {
		return a.refuseAsText(fmt.Sprintf("`%s` has no option --%s. Did you mean --%s?", a.spec.Name, shown, near))
	}
	switch {
	case a.spec.isProse(), a.spec.title && (t.flag.marks != "" || !unicode.Is(unicode.Latin, first)):
		return nil
	case a.spec.title:
		return a.refuseAsText(fmt.Sprintf("`%s` has no option --%s.", a.spec.Name, shown))
	case len(names) == 0:
		return a.refuse(fmt.Sprintf("`%s` has no option --%s: it takes no options.", a.spec.Name, shown))
	}
	return a.refuse(fmt.Sprintf("`%s` has no option --%s. Its options are --%s.", a.spec.Name, shown, strings.Join(names, ", --")))
}

// checkTitle refuses a title in which a flag may be hidden: one that a punctuation mark
// or a missing space joins to a word, and --private after a dash that stands apart, which may
// be prose (C1: what looks like a flag is one or is refused).
func (a *args) checkTitle() error {
	for n, t := range a.words {
		if t.quoted {
			if name, ok := a.findGuard(t.text); ok && len(a.words) > 1 {
				return a.refuseAsText(fmt.Sprintf("%q may mean --%s: write that outside the quotes.", shorten(t.raw), name))
			}
			continue
		}
		if f, glued := a.findGlued(t.raw, n == len(a.words)-1); glued {
			return a.refuseAsText(fmt.Sprintf("%q may mean --%s: write a space before it.", shorten(t.raw), f.Name))
		}
		if f, ok := a.findApart(a.words[n:]); ok {
			return a.refuseApart(f, a.words[n:])
		}
	}
	return nil
}

// findApart returns the guarding flag that words begin with when a space is left out: "— private".
func (a *args) findApart(words []token) (f Flag, found bool) {
	if len(words) < 2 || !isLoneDash(words[0].raw) {
		return Flag{}, false
	}
	name, _, _ := cutEquals(words[1].raw)
	f, ok := a.spec.flag(Fold(strings.Trim(name, marks+stops)))
	return f, ok && f.guard
}

// refuseApart refuses what findApart has found.
func (a *args) refuseApart(f Flag, words []token) error {
	return a.refuseAsText(fmt.Sprintf("%q may mean --%s: write that without a space.", shorten(words[0].raw+" "+words[1].raw), f.Name))
}

// findGuard returns the name of a guarding flag that stands in a text.
func (a *args) findGuard(text string) (name string, found bool) {
	for word := range strings.FieldsSeq(text) {
		if f, ok := a.spec.flag(readFlagWord(word).name); ok && f.guard {
			return f.Name, true
		}
	}
	return "", false
}

// findGlued returns a flag that a word has in its middle. Dashes between two letters are
// prose, such as EU—private, unless they are several, or nothing follows --private.
func (a *args) findGlued(word string, isLast bool) (f Flag, found bool) {
	word, _, _ = cutEquals(word)
	word = strings.TrimRightFunc(word, func(r rune) bool { return isDash(r) || isInvisible(r) })
	at := strings.LastIndexFunc(word, isDash)
	if at < 0 {
		return Flag{}, false
	}
	f, ok := a.spec.flag(readFlagWord(word[at:]).name)
	head := strings.TrimRightFunc(word[:at], func(r rune) bool { return isDash(r) || isInvisible(r) })
	if !ok || head == "" {
		return Flag{}, false
	}
	before, _ := utf8.DecodeLastRuneInString(head)
	inWord := unicode.IsLetter(before) || unicode.IsDigit(before)
	several := strings.ContainsFunc(word[len(head):at], isDash)
	return f, !inWord || several || f.guard && isLast
}

// isLoneDash reports whether a word is nothing but dashes.
func isLoneDash(word string) bool {
	return strings.ContainsFunc(word, isDash) &&
		strings.TrimFunc(word, func(r rune) bool { return isDash(r) || isInvisible(r) || strings.ContainsRune(marks, r) }) == ""
}

// refuseAsText refuses what looks like a flag and may be text, and says how to write it
// as text.
func (a *args) refuseAsText(message string) error {
	if a.spec.title {
		return refuse(message, fmt.Sprintf("If it is part of the title, put the title in quotes: `%s \"…\"`.", a.spec.Name))
	}
	if a.spec.isProse() {
		return refuse(message, fmt.Sprintf("If it is text, write -- before the text: `%s -- …`.", a.spec.Name))
	}
	return a.refuse(message)
}

// refuseFlagAsValue refuses a flag in the place of another one's value.
func (a *args) refuseFlagAsValue(f Flag, value string) error {
	return a.refuse(fmt.Sprintf("--%s needs a value: %s. %q looks like an option: if it is the value, put it in quotes.", f.Name, f.Arg, shorten(value)))
}

// refuseOpenQuote refuses the value of a flag that begins with a quote and does not end
// with one.
func (a *args) refuseOpenQuote(f Flag) error {
	return a.refuse(fmt.Sprintf("The value of --%s begins with a quote that is not closed: write it as --%s \"two words\".", f.Name, f.Name))
}
