package commands

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tocsin/workflow"
)

// Completion is one way to continue a line that is being typed.
type Completion struct {
	Line  string // the whole line after the choice; it ends in a space if more can follow
	Label string // the choice as shown, such as "INC-7 Checkout is down"
	Help  string // an explanation; may be empty
}

// maxCompletions is how many completions are offered: no chat platform shows more.
const maxCompletions = 25

// Complete returns the completions of a line that is being typed, at most 25, the best
// first: commands, incidents, arguments, flags and their values. Commands for which
// canUse is false are left out. There are no completions inside free text, or after a mistake.
func (c Catalog) Complete(line string, ctx Context, canUse func(Spec) bool) []Completion {
	if len(line) > maxBytes {
		return nil
	}
	p := c.readPartial(line, ctx, canUse)
	if p.last != "" && Fold(p.last) == "" { // invisible characters are the beginning of nothing
		return nil
	}
	var all []Completion
	switch {
	case len(p.tokens) == 0:
		all = p.completeName()
	case p.args == nil:
	case p.args.openFlag != "":
		all = p.completeValue("", p.args.spec.field(p.args.openFlag), p.args.flags[p.args.openFlag])
	case !p.quoted && isFlagStart(p.last):
		all = p.completeFlag()
	default:
		all = p.completeArgument()
	}
	return all[:min(len(all), maxCompletions)]
}

// completeName completes the name of the command: with those that begin with what is
// typed, else with the nearest.
func (p *partialLine) completeName() []Completion {
	typed, hasSlash := strings.CutPrefix(Fold(p.last), "/")
	names := p.usableNames()
	found := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, typed) })
	if n := slices.Index(found, typed); n > 0 {
		found = slices.Insert(slices.Delete(found, n, n+1), 0, typed)
	}
	if near := Nearest(typed, names); len(found) == 0 && near != "" {
		found = []string{near}
	}
	var all []Completion
	for _, name := range found {
		w, _ := p.catalog.Find(name)
		line := p.head + name
		if hasSlash {
			line = p.head + "/" + name
		}
		all = append(all, Completion{Line: p.addSpace(line), Label: strings.TrimSpace(name + " " + w.Args), Help: w.Summary})
	}
	return all
}

// completeFlag completes "--ne" to --next, and "--next=3" to --next=30m.
func (p *partialLine) completeFlag() []Completion {
	name, value, hasValue := cutEquals(strings.TrimLeftFunc(p.last, isDash))
	name = Fold(name)
	if hasValue {
		f, ok := p.args.spec.flag(name)
		if !ok || f.Arg == "" || !p.args.canTake(f.Name) {
			return nil
		}
		p.last = value
		return p.completeValue("--"+f.Name+"=", p.args.spec.field(f.Name), p.args.flags[f.Name])
	}
	var all []Completion
	for _, f := range p.args.spec.Flags {
		if strings.HasPrefix(f.Name, name) && p.args.canTake(f.Name) {
			all = append(all, p.flagCompletion(f))
		}
	}
	return all
}

// isFlagStart reports whether a word that is being typed may become a flag. One plain hyphen
// alone may begin anything.
func isFlagStart(word string) bool {
	rest := strings.TrimLeftFunc(word, isDash)
	dashes := word[:len(word)-len(rest)]
	return dashes != "" && (dashes != "-" || rest != "")
}

// flagCompletion returns the completion that appends a flag.
func (p *partialLine) flagCompletion(f Flag) Completion {
	return Completion{Line: p.addSpace(p.head + "--" + f.Name), Label: strings.TrimSpace("--" + f.Name + " " + f.Arg), Help: f.Help}
}

// completeArgument completes a positional argument. For a command that takes none it
// offers the flags that have values, and no switches, which could be chosen by mistake.
func (p *partialLine) completeArgument() []Completion {
	fields, _ := p.args.nextFields()
	taken := []string{p.ctx.Room}
	for _, token := range p.tokens[1:] {
		taken = append(taken, token.text)
	}
	var all []Completion
	for _, f := range fields {
		all = append(all, p.completeValue("", f, taken)...)
	}
	if w := p.args.spec; len(fields) == 0 && len(w.positional()) == 0 && p.last == "" {
		for _, f := range w.Flags {
			if f.Arg != "" && w.field(f.Name).Name != "" && p.args.canTake(f.Name) {
				all = append(all, p.flagCompletion(f))
			}
		}
	}
	return all
}

// completeValue completes the value of a field. It follows prefix, which is "--next=" or
// empty. Values that the line contains already, in taken, are not offered.
func (p *partialLine) completeValue(prefix string, f Field, taken []string) []Completion {
	type ranked struct {
		Completion
		rank int
	}
	var all []ranked
	for _, c := range p.choices(f) {
		quoted, ok := quoteValue(prefix, c.Value)
		if r := rank(p.last, c); ok && r < noMatch && !slices.Contains(taken, c.Value) {
			all = append(all, ranked{Completion{Line: p.head + quoted, Label: cmp.Or(c.Label, c.Value), Help: f.Label}, r})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	var best []Completion
	for _, r := range all[:min(len(all), maxCompletions)] {
		r.Line = p.addSpace(r.Line)
		best = append(best, r.Completion)
	}
	return best
}

// choices returns the possible values of a field, or none if they cannot be listed.
func (p *partialLine) choices(f Field) []Choice {
	switch f.Kind {
	case Choose:
		return f.Choices
	case Duration:
		return []Choice{{Value: "15m"}, {Value: "30m"}, {Value: "1h"}, {Value: "4h"}}
	case commandName:
		var all []Choice
		for _, name := range p.usableNames() {
			all = append(all, Choice{Value: name})
		}
		return all
	case Person, Target, Service, Incident:
		if p.ctx.Choices != nil {
			return p.ctx.Choices(f.Kind)
		}
	case Line, Text, Check: // free text
	}
	return nil
}

// noMatch is the rank of a choice that does not match.
const noMatch = 4

// rank returns how well a choice matches what was typed: 0 is the best, noMatch no match.
// "INC-7" is matched by "inc7", "7" and a word of its title; "@ana" by "an" and her
// surname.
func rank(typed string, c Choice) int {
	typed = Fold(typed)
	value, label := Fold(c.Value), Fold(c.Label)
	bare := strings.TrimPrefix(value, "@")
	if n := workflow.ParseNumber(value); n > 0 {
		bare = strconv.Itoa(n)
	}
	if _, id, found := strings.Cut(bare, ":"); found {
		bare = id
	}
	isPrefixOf := func(word string) bool { return strings.HasPrefix(word, typed) }
	switch {
	case typed == value, c.Value == ParseID(typed) && c.Value != "":
		return 0
	case isPrefixOf(value):
		return 1
	case bare != value && strings.HasPrefix(bare, strings.TrimLeft(typed, "@#")):
		return 2
	case isPrefixOf(label), slices.ContainsFunc(strings.FieldsFunc(label, isSeparator), isPrefixOf):
		return 3
	}
	return noMatch
}

// isSeparator reports whether a character separates words in a label.
func isSeparator(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// quoteValue returns prefix and value so that they are parsed as one token, with quotes
// around the value if it needs them. ok is false if no quotes help.
func quoteValue(prefix, value string) (quoted string, ok bool) {
	for _, quoted = range []string{prefix + value, prefix + `"` + value + `"`} {
		t := tokenize(quoted)
		if len(t) == 1 && t[0].text == prefix+value && (prefix != "" || t[0].flag.name == "") {
			return quoted, true
		}
	}
	return "", false
}
