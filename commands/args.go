package commands

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tocsin/workflow"
)

// args is a line being understood.
type args struct {
	spec          Spec
	ctx           Context
	flags         map[string][]string
	words         []token
	otherIncident string // the second incident of a word that takes two
	openFlag      string // the flag that waits for its value at the end of the line
}

// read separates flags from words.
func (a *args) readTokens(tokens []token) error {
	for n := 0; n < len(tokens); n++ {
		t := tokens[n]
		if t.quoted || !strings.HasPrefix(t.text, "--") || len(t.text) < 3 {
			a.words = append(a.words, t)
			continue
		}
		name, value, has := strings.Cut(t.text[2:], "=")
		f, known := a.spec.flag(strings.ToLower(name))
		switch {
		case !known:
			if err := a.checkUnknownFlag(name); err != nil {
				return err
			}
			a.words = append(a.words, t)
			continue
		case f.Arg == "":
			value = "true"
		case !has && n+1 < len(tokens):
			n++
			value = tokens[n].text
		case !has:
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

// unknownFlag refuses a flag that looks like a misspelled one. In a text, other
// words that begin with dashes are text.
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

// mistake refuses with the word's own example.
func (a *args) refuse(message string) error {
	return refuse(message, "For example: `"+a.spec.Example+"`.")
}

// incident takes the incident that a line is about out of its words.
func (a *args) takeIncident() (string, error) {
	if a.spec.scope == noIncident {
		return "", nil
	}
	most := 1
	if a.spec.scope == twoIncidents {
		if err := a.takeOtherIncident(); err != nil {
			return "", err
		}
		if a.otherIncident == "" {
			most = 2
		}
	}
	ids := a.takeIDs(most)
	if most == 2 && (len(ids) == 2 || len(ids) == 1 && a.ctx.Room != "") {
		a.otherIncident = ids[len(ids)-1]
		ids = ids[:len(ids)-1]
	}
	switch {
	case len(ids) > 0:
		return ids[0], nil
	case a.ctx.Room != "" || a.spec.scope == optionalIncident:
		return a.ctx.Room, nil
	}
	return "", refuse(fmt.Sprintf("Which incident? `%s` needs one here.", a.spec.Name),
		"Name it, such as `"+a.spec.Name+" INC-7`; `list` shows the open ones.")
}

// ids takes the incidents that the line begins with, at most so many. What a
// form gave is never taken for one.
func (a *args) takeIDs(most int) []string {
	var ids []string
	for len(a.words) > 0 && len(ids) < most && a.words[0].field == "" {
		id := ParseID(strings.TrimSuffix(a.words[0].text, ":"))
		if id == "" && a.spec.Args == "[INC-n]" { // a word in which no other number can stand
			id = parseBareNumber(a.words[0].text)
		}
		if id == "" {
			break
		}
		ids, a.words = append(ids, id), a.words[1:]
		if most == 2 && len(a.words) > 1 && strings.EqualFold(a.words[0].text, "into") {
			a.words = a.words[1:]
		}
	}
	return ids
}

// second takes the other incident out of what a form gave.
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

// text is what remains of the line: as typed, or without its quotes when it is
// one quoted text.
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

// next takes what a form gave for a field, else the next word of the line; ""
// when there is neither. What a form gave comes behind the line's words.
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

// nothing refuses words that a command does not take.
func (a *args) requireEnd() error {
	if len(a.words) == 0 {
		return nil
	}
	shown, _ := workflow.CleanLine(a.text(), 40)
	return a.refuse(fmt.Sprintf("`%s` does not take %q.", a.spec.Name, shown))
}

func (a *args) has(flag string) bool { return len(a.flags[flag]) > 0 }

func (a *args) get(flag string) string {
	if v := a.flags[flag]; len(v) > 0 {
		return v[0]
	}
	return ""
}
