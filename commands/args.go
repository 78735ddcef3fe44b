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
	line          string              // the line that the words stand in
	flags         map[string][]string // values by name of the flag
	words         []token             // what is not a flag and not taken yet: typed words, then values of the form
	otherIncident string              // ID of the second incident of a command that takes two
	openFlag      string              // a flag at the end of the line that lacks its value
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
	if len(a.words) == 0 || Fold(a.words[0].text) != a.spec.verb {
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
		id := a.readID(a.words[0])
		if id == "" {
			break
		}
		ids, a.words = append(ids, id), a.words[1:]
		if limit == 2 && len(a.words) > 1 && Fold(a.words[0].text) == "into" {
			a.words = a.words[1:]
		}
	}
	return ids
}

// readID returns the ID of the incident that a word names, or "". A bare number is one when
// the command has no other argument that could be a number.
func (a *args) readID(t token) string {
	word := strings.Trim(t.text, "`*:：")
	id := ParseID(word)
	if id == "" && strings.TrimPrefix(a.spec.Args, a.spec.verb+" ") == "[INC-n]" {
		id = ParseBareNumber(word)
	}
	return id
}

// takeOtherIncident sets otherIncident from the form, if the form has a value for it.
func (a *args) takeOtherIncident() error {
	n := slices.IndexFunc(a.words, func(t token) bool { return t.field != "" })
	if n < 0 {
		return nil
	}
	text := a.take(a.words[n].field)
	if a.otherIncident = cmp.Or(ParseID(text), ParseBareNumber(text)); a.otherIncident == "" {
		return a.refuse(fmt.Sprintf("%q is not an incident.", shorten(text)))
	}
	return nil
}

// text returns the words that are left: exactly as typed, or without quotes if they are one
// quoted text. In a command whose flags stand between the words, these are joined by spaces.
func (a *args) text() string {
	if len(a.words) == 1 {
		return a.words[0].text
	}
	var parts []string
	typed := 0 // how many words were typed
	for n, t := range a.words {
		if t.field == "" {
			typed = n + 1
		}
		parts = append(parts, t.raw)
	}
	if typed > 0 && a.spec.isProse() {
		parts = append([]string{a.slice(a.words[:typed])}, parts[typed:]...)
	}
	return strings.Join(parts, " ")
}

// slice returns the part of the line that typed words stand in. When it has several lines,
// the first keeps its indentation, as the table that it may be part of needs it.
func (a *args) slice(words []token) string {
	first, last := words[0].at, words[len(words)-1]
	text := a.line[first : last.at+len(last.raw)]
	if before := strings.TrimRight(a.line[:first], " \t"); strings.HasSuffix(before, "\n") && strings.Contains(text, "\n") {
		return a.line[len(before):first] + text
	}
	return text
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
