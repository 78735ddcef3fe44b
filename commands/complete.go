package commands

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tocsin/workflow"
)

// Completion is one way to go on with a line.
type Completion struct {
	Line  string // the whole line after choosing it; it ends in a space where more can be typed
	Label string // what is chosen, as shown
	Help  string // what it does; may be empty
}

// enough is how many completions somebody is offered: no platform shows more.
const maxCompletions = 25

// Complete returns the ways to go on with a line that is being typed, at most
// 25, the best first: words, the incident, what the word takes, options and
// their values. Words above the access are not offered. There are none in free
// text, nor after a mistake.
func (c Catalog) Complete(line string, ctx Context, access Access) []Completion {
	if len(line) > maxBytes {
		return nil
	}
	t := c.readPartial(line, ctx, access)
	var all []Completion
	switch {
	case len(t.tokens) == 0:
		all = t.completeName()
	case t.args == nil:
	case t.args.openFlag != "":
		all = t.completeValue("", t.args.spec.field(t.args.openFlag), t.args.flags[t.args.openFlag])
	case !t.quoted && strings.HasPrefix(t.last, "--"):
		all = t.completeOption()
	default:
		all = t.completeArgument()
	}
	return all[:min(len(all), maxCompletions)]
}

// words completes the word that a line is about: the one that is typed, those
// that begin so, else the nearest.
func (t *partialLine) completeName() []Completion {
	typed, slashed := strings.CutPrefix(strings.ToLower(t.last), "/")
	names := t.usableNames()
	found := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, typed) })
	if n := slices.Index(found, typed); n > 0 {
		found = slices.Insert(slices.Delete(found, n, n+1), 0, typed)
	}
	if near := Nearest(typed, names); len(found) == 0 && near != "" {
		found = []string{near}
	}
	var all []Completion
	for _, name := range found {
		w, _ := t.catalog.Find(name)
		line := t.head + name
		if slashed {
			line = t.head + "/" + name
		}
		all = append(all, Completion{Line: t.addSpace(line), Label: strings.TrimSpace(name + " " + w.Args), Help: w.Summary})
	}
	return all
}

// options completes "--ne" and "--next=3".
func (t *partialLine) completeOption() []Completion {
	name, value, valued := strings.Cut(strings.ToLower(t.last), "=")
	if valued {
		f, known := t.args.spec.flag(name[2:])
		if !known || f.Arg == "" || !t.args.canTake(f.Name) {
			return nil
		}
		t.last = value
		return t.completeValue("--"+f.Name+"=", t.args.spec.field(f.Name), t.args.flags[f.Name])
	}
	var all []Completion
	for _, f := range t.args.spec.Flags {
		if strings.HasPrefix("--"+f.Name, name) && t.args.canTake(f.Name) {
			all = append(all, t.optionCompletion(f))
		}
	}
	return all
}

func (t *partialLine) optionCompletion(f Flag) Completion {
	return Completion{Line: t.addSpace(t.head + "--" + f.Name), Label: strings.TrimSpace("--" + f.Name + " " + f.Arg), Help: f.Help}
}

// arguments completes what the word takes in order. A word that takes nothing
// but options offers them unasked; not its switches, which somebody might
// choose by mistake.
func (t *partialLine) completeArgument() []Completion {
	fields, _ := t.args.nextFields()
	taken := []string{t.ctx.Room}
	for _, token := range t.tokens[1:] {
		taken = append(taken, token.text)
	}
	var all []Completion
	for _, f := range fields {
		all = append(all, t.completeValue("", f, taken)...)
	}
	if w := t.args.spec; len(fields) == 0 && len(w.positional()) == 0 && t.last == "" {
		for _, f := range w.Flags {
			if f.Arg != "" && w.field(f.Name).Name != "" && t.args.canTake(f.Name) {
				all = append(all, t.optionCompletion(f))
			}
		}
	}
	return all
}

// values completes a value of a field, typed behind an option such as
// "--next=" or a space. What is taken is not offered again.
func (t *partialLine) completeValue(option string, f Field, taken []string) []Completion {
	type ranked struct {
		Completion
		rank int
	}
	var all []ranked
	for _, c := range t.choices(f) {
		written, ok := quoteValue(option, c.Value)
		if r := rank(t.last, c); ok && r < noMatch && !slices.Contains(taken, c.Value) {
			all = append(all, ranked{Completion{Line: t.head + written, Label: cmp.Or(c.Label, c.Value), Help: f.Label}, r})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	var best []Completion
	for _, r := range all[:min(len(all), maxCompletions)] {
		r.Line = t.addSpace(r.Line)
		best = append(best, r.Completion)
	}
	return best
}

// choices are the values that a field can have, as far as they can be listed.
func (t *partialLine) choices(f Field) []Choice {
	switch f.Kind {
	case Choose:
		return f.Choices
	case Duration:
		return []Choice{{Value: "15m"}, {Value: "30m"}, {Value: "1h"}, {Value: "4h"}}
	case commandName:
		var all []Choice
		for _, name := range t.usableNames() {
			all = append(all, Choice{Value: name})
		}
		return all
	case Person, Target, Service, Incident:
		if t.ctx.Choices != nil {
			return t.ctx.Choices(f.Kind)
		}
	case Line, Text, Check: // free text
	}
	return nil
}

// far is the rank of what was not meant.
const noMatch = 4

// rank says how well a choice fits what was typed, 0 the best: "INC-7" is found
// by "inc7", "7" and a word of its title, "@ana" by "an" and her surname.
func rank(typed string, c Choice) int {
	typed = strings.ToLower(typed)
	value, label := strings.ToLower(c.Value), strings.ToLower(c.Label)
	bare := strings.TrimPrefix(value, "@")
	if n := workflow.ParseID(value); n > 0 {
		bare = strconv.Itoa(n)
	}
	if _, id, found := strings.Cut(bare, ":"); found {
		bare = id
	}
	begins := func(word string) bool { return strings.HasPrefix(word, typed) }
	switch {
	case typed == value, c.Value == ParseID(typed) && c.Value != "":
		return 0
	case begins(value):
		return 1
	case bare != value && strings.HasPrefix(bare, strings.TrimLeft(typed, "@#")):
		return 2
	case begins(label), slices.ContainsFunc(strings.FieldsFunc(label, isSeparator), begins):
		return 3
	}
	return noMatch
}

func isSeparator(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// write writes a value so that it is read as one, in quotes where it needs them;
// ok is false where that cannot be done.
func quoteValue(option, value string) (written string, ok bool) {
	for _, written = range []string{option + value, option + `"` + value + `"`} {
		t := tokenize(written)
		if len(t) == 1 && t[0].text == option+value && (option != "" || t[0].quoted || !strings.HasPrefix(value, "--")) {
			return written, true
		}
	}
	return "", false
}
