package commands

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/workflow"
)

// Field is one thing a form asks for. Its value goes where the flag of that
// name goes; a name that is no flag stands for what the line takes in order.
type Field struct {
	Name     string // the flag's name, or a name of its own for what the line takes in order
	Label    string // as shown, such as "Next update in"
	Kind     FieldKind
	Choices  []Choice // for Choose; else empty
	Required bool
	Many     bool   // may have several values
	Hint     string // how it may look, or what it does; may be empty
}

// FieldKind says what a field takes, and so how it is best shown.
type FieldKind string

// What a field can take.
const (
	Line     FieldKind = "line"     // one line of text
	Text     FieldKind = "text"     // several
	Choose   FieldKind = "choose"   // one of Choices
	Person   FieldKind = "person"   // somebody, such as "@ana"
	Target   FieldKind = "target"   // whoever can be paged: a person, a team, a policy
	Service  FieldKind = "service"  // a service, by ID or name
	Incident FieldKind = "incident" // an open incident
	Duration FieldKind = "duration" // such as "30m"
	Check    FieldKind = "check"    // a switch
)

// aWord is the kind of what takes a word of the language; no form asks for one.
const commandName FieldKind = "word"

// Choice is one value of a field, and how it is shown.
type Choice struct{ Value, Label string }

// fill adds what a form was filled in with. Blank values count as not given.
// What is no flag becomes one word of the line for each value, whatever is in
// it. Of an option that the line gives too, the form's value holds: it is what
// somebody saw last.
func (a *args) readForm() error {
	for _, name := range slices.Sorted(maps.Keys(a.ctx.Fields)) {
		if !slices.ContainsFunc(a.spec.Form, func(f Field) bool { return f.Name == name }) {
			shown, _ := workflow.CleanLine(name, 30)
			return a.refuse(fmt.Sprintf("The form of `%s` has no field %q.", a.spec.Name, shown))
		}
	}
	for _, field := range a.spec.Form {
		values := trimBlank(a.ctx.Fields[field.Name])
		if len(values) > 1 && !field.Many {
			return a.refuse(fmt.Sprintf("%q takes one value.", field.Label))
		}
		flag, ok := a.spec.flag(field.Name)
		switch {
		case len(values) == 0:
		case !ok:
			for _, v := range values {
				a.words = append(a.words, token{text: v, raw: v, quoted: true, field: field.Name})
			}
		case flag.Arg == "":
			if !strings.EqualFold(values[0], "false") && !strings.EqualFold(values[0], "off") {
				a.flags[flag.Name] = []string{"true"}
			}
		case flag.Many:
			a.flags[flag.Name] = append(a.flags[flag.Name], values...)
		default:
			a.flags[flag.Name] = values
		}
	}
	return nil
}

// given returns the values that are not blank, without the space around them.
func trimBlank(values []string) []string {
	var all []string
	for _, v := range values {
		if v = strings.TrimSpace(v[:min(len(v), maxBytes)]); v != "" {
			all = append(all, v)
		}
	}
	return all
}

// pick lists values to choose from. Each is shown as itself, with a capital.
func choicesOf(values ...string) []Choice {
	all := make([]Choice, 0, len(values))
	for _, v := range values {
		all = append(all, Choice{Value: v, Label: strings.ToUpper(v[:1]) + v[1:]})
	}
	return all
}

func severities() []Choice {
	var all []Choice
	for s := workflow.SEV1; s <= workflow.SEV5; s++ {
		all = append(all, Choice{Value: fmt.Sprint(int(s)), Label: s.String()})
	}
	all[0].Label += " (worst)"
	return all
}

func levels() []Choice {
	return choicesOf(string(workflow.High), string(workflow.Medium), string(workflow.Low))
}

// statuses are those that somebody can move an incident to, or all there are.
func statuses(all bool) []string {
	var names []string
	for _, s := range workflow.Statuses() {
		if all || s.IsOpen() || s == workflow.Resolved {
			names = append(names, string(s))
		}
	}
	return names
}

func categories() []Choice {
	return append(choicesOf("hardware", "software", "network", "security"), Choice{Value: "service-interruption", Label: "Service interruption"})
}
