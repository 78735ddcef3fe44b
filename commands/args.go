package commands

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tocsin/workflow"
)

// args holds the arguments of a command while they are parsed.
type args struct {
	spec          Spec
	ctx           Context
	flags         map[string][]string // values by name of the flag
	words         []token             // what is not a flag and not taken yet: typed words, then values of the form
	otherIncident string              // ID of the second incident of a command that takes two
	openFlag      string              // a flag at the end of the line that lacks its value
}

// readTokens sorts tokens into flags and words.
func (a *args) readTokens(tokens []token) error {
	for n := 0; n < len(tokens); n++ {
		t := tokens[n]
		if t.quoted || !strings.HasPrefix(t.text, "--") || len(t.text) < 3 {
			a.words = append(a.words, t)
			continue
		}
		name, value, hasValue := strings.Cut(t.text[2:], "=")
		f, ok := a.spec.flag(strings.ToLower(name))
		switch {
		case !ok:
			if err := a.checkUnknownFlag(name); err != nil {
				return err
			}
			a.words = append(a.words, t)
			continue
		case f.Arg == "":
			value = "true"
		case !hasValue && n+1 < len(tokens):
			n++
			value = tokens[n].text
		case !hasValue:
			a.openFlag = f.Name
			return a.refuse("--" + f.Name + " needs a value: " + f.Arg + ".")
		}
		if len(a.flags[f.Name]) > 0 && !f.Many {
			return a.refuse("--" + f.Name + " is given twice.")
		}
		a.flags[f.Name] = append(a.flags[f.Name], value)
	}
	return nil
}

// checkUnknownFlag refuses an unknown flag if it looks like a misspelled one, or if the
// command is strict. Otherwise it is part of the text.
func (a *args) checkUnknownFlag(name string) error {
	var names []string
	for _, f := range a.spec.Flags {
		names = append(names, f.Name)
	}
	shown, _ := workflow.CleanLine(name, 30)
	if near := Nearest(strings.ToLower(name), names); near != "" {
		return a.refuse(fmt.Sprintf("`%s` has no option --%s. Did you mean --%s?", a.spec.Name, shown, near))
	}
	if !a.spec.strict {
		return nil
	}
	if len(names) == 0 {
		return a.refuse(fmt.Sprintf("`%s` has no option --%s: it takes no options.", a.spec.Name, shown))
	}
	return a.refuse(fmt.Sprintf("`%s` has no option --%s. Its options are --%s.", a.spec.Name, shown, strings.Join(names, ", --")))
}

// refuse returns a refusal with the example of the command.
func (a *args) refuse(message string) error {
	return refuse(message, "For example: `"+a.spec.Example+"`.")
}

// takeIncident takes the ID of the incident that the command is for from the words, and
// sets otherIncident for a command that takes two. Without an ID it returns the incident
// of the room.
func (a *args) takeIncident() (string, error) {
	if a.spec.scope == noIncident {
		return "", nil
	}
	if err := a.takeVerb(); err != nil {
		return "", err
	}
	limit := 1
	if a.spec.scope == twoIncidents {
		if err := a.takeOtherIncident(); err != nil {
			return "", err
		}
		if a.otherIncident == "" {
			limit = 2
		}
	}
	ids := a.takeIDs(limit)
	if limit == 2 && (len(ids) == 2 || len(ids) == 1 && a.ctx.Room != "") {
		a.otherIncident = ids[len(ids)-1]
		ids = ids[:len(ids)-1]
	}
	switch {
	case a.has(allFlag) && len(ids) > 0:
		return "", a.refuse("Name an incident, or give --all, not both.")
	case a.has(allFlag):
		return "", nil
	case len(ids) > 0:
		return ids[0], nil
	case a.ctx.Room != "" || a.spec.scope == optionalIncident:
		return a.ctx.Room, nil
	}
	return "", refuse(fmt.Sprintf("Which incident? `%s` needs one here.", a.spec.Name),
		"Name it, such as `"+strings.TrimSpace(a.spec.Name+" "+a.spec.verb)+" INC-7`; `list` shows the open ones.")
}

// allFlag is the flag by which a command for one incident takes every open one.
const allFlag = "all"

// takeVerb takes the word that the command has before its incident.
func (a *args) takeVerb() error {
	if a.spec.verb == "" {
		return nil
	}
	if len(a.words) == 0 || !strings.EqualFold(a.words[0].text, a.spec.verb) {
		return a.refuse(fmt.Sprintf("`%s` needs the word `%s` after it.", a.spec.Name, a.spec.verb))
	}
	a.words = a.words[1:]
	return nil
}

// takeIDs takes the IDs that the line begins with, at most limit. A value of a form is
// never taken for one.
func (a *args) takeIDs(limit int) []string {
	var ids []string
	for len(a.words) > 0 && len(ids) < limit && a.words[0].field == "" {
		id := ParseID(strings.TrimSuffix(a.words[0].text, ":"))
		if id == "" && strings.TrimPrefix(a.spec.Args, a.spec.verb+" ") == "[INC-n]" { // it has no other argument that could be a number
			id = parseBareNumber(a.words[0].text)
		}
		if id == "" {
			break
		}
		ids, a.words = append(ids, id), a.words[1:]
		if limit == 2 && len(a.words) > 1 && strings.EqualFold(a.words[0].text, "into") {
			a.words = a.words[1:]
		}
	}
	return ids
}

// takeOtherIncident sets otherIncident from the form, if the form has a value for it.
func (a *args) takeOtherIncident() error {
	n := slices.IndexFunc(a.words, func(t token) bool { return t.field != "" })
	if n < 0 {
		return nil
	}
	text := a.take(a.words[n].field)
	if a.otherIncident = cmp.Or(ParseID(text), parseBareNumber(text)); a.otherIncident == "" {
		return a.refuse(fmt.Sprintf("%q is not an incident.", shorten(text)))
	}
	return nil
}

// text returns the words that are left: as typed, or without quotes if they are one
// quoted text.
func (a *args) text() string {
	if len(a.words) == 1 {
		return a.words[0].text
	}
	parts := make([]string, 0, len(a.words))
	for _, t := range a.words {
		parts = append(parts, t.raw)
	}
	return strings.Join(parts, " ")
}

// take takes and returns the form's value of a field, or else the next typed word; ""
// if there is neither.
func (a *args) take(field string) string {
	n := -1
	if len(a.ctx.Fields) > 0 {
		n = slices.IndexFunc(a.words, func(t token) bool { return t.field == field })
	}
	if n < 0 && len(a.words) > 0 && a.words[0].field == "" {
		n = 0
	}
	if n < 0 {
		return ""
	}
	text := a.words[n].text
	if n == 0 {
		a.words = a.words[1:]
	} else {
		a.words = slices.Delete(a.words, n, n+1)
	}
	return text
}

// requireEnd refuses words that are left over.
func (a *args) requireEnd() error {
	if len(a.words) == 0 {
		return nil
	}
	shown, _ := workflow.CleanLine(a.text(), 40)
	return a.refuse(fmt.Sprintf("`%s` does not take %q.", a.spec.Name, shown))
}

// has reports whether a flag was given.
func (a *args) has(flag string) bool { return len(a.flags[flag]) > 0 }

// get returns the value of a flag, or "".
func (a *args) get(flag string) string {
	if v := a.flags[flag]; len(v) > 0 {
		return v[0]
	}
	return ""
}
