// Package commands is the language people type. One [Catalog] says which words
// exist, what each takes, who may use it and how it reads in help; the same
// catalog parses typed text, button clicks and forms. It is pure: it turns a
// line into a [workflow.Command] or a [Query] and does nothing.
package commands

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/workflow"
)

// Word is one word of the language.
type Spec struct {
	Name     string
	Args     string // as shown in help, such as "[INC-n] TEXT"
	Summary  string // one sentence
	Example  string
	Access   Access
	Variants []Variant // other lines that it begins
	Flags    []Flag
	Form     []Field // what a form asks for; empty: a click is enough
	Section  string  // of the help

	scope     scope
	strict    bool    // unknown flags are mistakes, not text
	completed []Field // what can be completed although no form asks for it
	build     func(*args) (workflow.Command, *Query, error)
}

// TakesIncident reports whether a word is about one incident: the one that is
// named, or the room's.
func (w Spec) IsForIncident() bool { return w.scope == oneIncident || w.scope == twoIncidents }

// flag returns the word's option of that name.
func (w Spec) flag(name string) (Flag, bool) {
	n := slices.IndexFunc(w.Flags, func(f Flag) bool { return f.Name == name })
	if n < 0 {
		return Flag{}, false
	}
	return w.Flags[n], true
}

// field returns what is known of an option's value; nothing where there is
// nothing to choose from.
func (w Spec) field(name string) Field {
	for _, f := range slices.Concat(w.Form, w.completed) {
		if f.Name == name {
			return f
		}
	}
	return Field{}
}

// inOrder are the fields that stand for what the line takes in order.
func (w Spec) positional() []Field {
	return slices.DeleteFunc(slices.Concat(w.Form, w.completed), func(f Field) bool {
		_, ok := w.flag(f.Name)
		return ok
	})
}

// Way is another line that a word begins, and what it does.
type Variant struct{ Line, Help string }

// Flag is an option of a word.
type Flag struct {
	Name string
	Arg  string // what it takes; "" for a switch
	Help string
	Many bool // may be given several times
}

// scope says which incidents a word wants.
type scope int

const (
	noIncident       scope = iota // none
	oneIncident                   // one: named, or the room's
	twoIncidents                  // one, and another as an argument
	optionalIncident              // one where it is named or typed in a room, else none
)

// Catalog is every word, in the order of the help.
type Catalog []Spec

// New returns the catalog.
func New() Catalog {
	return slices.Concat(incidentSpecs(), peopleSpecs(), recordSpecs(), querySpecs())
}

// Find returns a word by its name.
func (c Catalog) Find(name string) (Spec, bool) {
	n := slices.IndexFunc(c, func(w Spec) bool { return w.Name == name })
	if n < 0 {
		return Spec{}, false
	}
	return c[n], true
}

// said finds a word as somebody typed it, such as "Ack" or "/ack".
func (c Catalog) findTyped(word string) (Spec, bool) {
	return c.Find(strings.ToLower(strings.TrimPrefix(word, "/")))
}

func (c Catalog) refuseUnknown(word string) error {
	names := make([]string, 0, len(c))
	for _, w := range c {
		names = append(names, w.Name)
	}
	shown, _ := workflow.CleanLine(word, 30)
	if near := Nearest(strings.TrimPrefix(word, "/"), names); near != "" {
		w, _ := c.Find(near)
		return refuse(fmt.Sprintf("There is no command %q. Did you mean `%s`?", shown, near), "For example: `"+w.Example+"`.")
	}
	return refuse(fmt.Sprintf("There is no command %q.", shown), "`help` lists them; for example `declare Checkout is down --sev 2`.")
}

func refuse(message, hint string) error {
	return &workflow.Refusal{Message: message, Hint: hint}
}
