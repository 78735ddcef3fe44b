package commands

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/workflow"
)

// Field is one field of a command's form. A field with the name of a flag stands for
// that flag; the others stand for positional arguments, in order.
type Field struct {
	Name     string
	Label    string // as shown, such as "Next update in"
	Kind     FieldKind
	Choices  []Choice // the possible values of a field of the kind Choose
	Required bool
	Many     bool   // may have several values
	Hint     string // an example or an explanation; may be empty
	Access   Access // the lowest access that may fill it in, where that is more than the command's
}

// FieldKind says what values a field takes, and so which control shows it best.
type FieldKind string

// The kinds of field.
const (
	Line     FieldKind = "line"     // one line of text
	Text     FieldKind = "text"     // text of several lines
	Choose   FieldKind = "choose"   // one of Field.Choices
	Person   FieldKind = "person"   // a person, such as "@ana"
	Target   FieldKind = "target"   // what can be paged: a person, a team or a policy
	Service  FieldKind = "service"  // a service, by ID or name
	Incident FieldKind = "incident" // an open incident
	Duration FieldKind = "duration" // such as "30m"
	Check    FieldKind = "check"    // on or off
)

// commandName is the kind of an argument that is the name of a command. No form has it.
const commandName FieldKind = "command"

// Choice is a possible value of a field, and the label that is shown for it.
type Choice struct{ Value, Label string }

// readForm adds the values of the submitted form, see [Context.Fields]. A value of a
// positional argument becomes one token, whatever it contains. A flag that the line sets
// too gets the value of the form, because the person saw that one last.
func (a *args) readForm() error {
	for _, name := range slices.Sorted(maps.Keys(a.ctx.Fields)) {
		if !slices.ContainsFunc(a.spec.Form, func(f Field) bool { return f.Name == name }) {
			shown, _ := workflow.CleanLine(name, 30)
			return a.refuse(fmt.Sprintf("The form of `%s` has no field %q.", a.spec.Name, shown))
		}
	}
	for _, field := range a.spec.Form {
		values := trimBlank(a.ctx.Fields[field.Name], field.Kind)
		if len(values) > 1 && !field.Many {
			return a.refuse(fmt.Sprintf("%q takes one value.", field.Label))
		}
		flag, isFlag := a.spec.flag(field.Name)
		switch {
		case len(values) == 0:
		case !isFlag:
			for _, v := range values {
				a.words = append(a.words, token{text: v, raw: v, quoted: true, field: field.Name})
			}
		case flag.Arg == "":
			if v := Fold(values[0]); v != "false" && v != "off" {
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

// trimBlank returns the values that are not blank, without the space around them. A text keeps
// the indentation of a table.
func trimBlank(values []string, kind FieldKind) []string {
	var all []string
	for _, v := range values {
		v = v[:min(len(v), maxBytes)]
		switch trimmed := strings.TrimSpace(v); {
		case trimmed == "":
		case kind == Text:
			all = append(all, workflow.TrimText(v))
		default:
			all = append(all, trimmed)
		}
	}
	return all
}

// choicesOf returns values as choices. The label of each is the value with a capital.
func choicesOf(values ...string) []Choice {
	all := make([]Choice, 0, len(values))
	for _, v := range values {
		all = append(all, Choice{Value: v, Label: strings.ToUpper(v[:1]) + v[1:]})
	}
	return all
}

// severities returns the severities as choices, the worst first.
func severities() []Choice {
	var all []Choice
	for s := workflow.SEV1; s <= workflow.SEV5; s++ {
		all = append(all, Choice{Value: fmt.Sprint(int(s)), Label: s.String()})
	}
	all[0].Label += " (worst)"
	return all
}

// levels returns the levels of impact and urgency as choices.
func levels() []Choice {
	return choicesOf(string(workflow.High), string(workflow.Medium), string(workflow.Low))
}

// statuses returns the names of all statuses, or of those that the command status can
// move an incident to.
func statuses(all bool) []string {
	var names []string
	for _, s := range workflow.Statuses() {
		if all || s.IsOpen() || s == workflow.Resolved {
			names = append(names, string(s))
		}
	}
	return names
}

// categories returns the categories of incidents as choices.
func categories() []Choice {
	return append(choicesOf("hardware", "software", "network", "security"), Choice{Value: "service-interruption", Label: "Service interruption"})
}
