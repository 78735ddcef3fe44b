// Package commands parses the commands that people type, click and fill into forms.
//
// A [Catalog] lists every command: its arguments, flags, form, help and the [Access]
// that it needs. [Catalog.Parse] turns a line into a [workflow.Command], which changes
// an incident, or into a [Query], which only reads. [Catalog.Help] explains commands
// and [Catalog.Complete] completes a line that is being typed. The package carries
// nothing out, and knows people, services and incidents only through [Context].
package commands

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/workflow"
)

// Spec describes one command, such as ack or declare.
type Spec struct {
	Name     string
	Args     string    // positional arguments as shown in help, such as "[INC-n] TEXT"
	Summary  string    // one sentence
	Example  string    // a line that parses
	Access   Access    // the lowest access that may use it
	Members  bool      // members of the incident may use it whatever their access
	Variants []Variant // further lines that begin with its name, as shown in help
	Flags    []Flag
	Form     []Field // the fields of its form; empty: a click needs no form
	Section  string  // the heading under which help lists it

	scope     scope
	verb      string  // the word that comes before the incident, such as "apply"; "" for none
	strict    bool    // it takes no text: an unknown flag is a mistake
	title     bool    // its text is short: flags stand anywhere in it, and an unknown one is a mistake
	completed []Field // arguments and flags that are completed although the form does not have them
	build     builder
}

// IsForIncident reports whether the command needs an incident: the one that the line
// names, or that of the room.
func (s Spec) IsForIncident() bool { return s.scope == oneIncident || s.scope == twoIncidents }

// isProse reports whether the command's text may be anything, see [args.readProse].
func (s Spec) isProse() bool { return !s.strict && !s.title }

// flag returns the flag with a name.
func (s Spec) flag(name string) (Flag, bool) {
	n := slices.IndexFunc(s.Flags, func(f Flag) bool { return f.Name == name })
	if n < 0 {
		return Flag{}, false
	}
	return s.Flags[n], true
}

// field returns the field for the value of a flag, or the zero Field if its values
// cannot be completed.
func (s Spec) field(name string) Field {
	for _, f := range slices.Concat(s.Form, s.completed) {
		if f.Name == name {
			return f
		}
	}
	return Field{}
}

// positional returns the fields that stand for positional arguments, in order.
func (s Spec) positional() []Field {
	return slices.DeleteFunc(slices.Concat(s.Form, s.completed), func(f Field) bool {
		_, ok := s.flag(f.Name)
		return ok
	})
}

// Variant is a further line that begins with a command's name, such as
// "web sessions", and what it does.
type Variant struct{ Line, Help string }

// Flag is an option of a command, such as --sev.
type Flag struct {
	Name string // without the dashes
	Arg  string // its value as shown in help, such as "1-5"; "" for a switch
	Help string
	Many bool // may be given more than once

	before bool // counts only before the text: pasted output at its end must not set it
	guard  bool // keeps the incident from others: a line that may mean it is refused, never misread
}

// scope says which incidents a command takes.
type scope int

const (
	noIncident       scope = iota
	oneIncident            // the one that the line names, or that of the room
	twoIncidents           // one as above, and another as an argument
	optionalIncident       // as oneIncident, but it may be missing
)

// Catalog is the list of all commands, in the order of the help.
type Catalog []Spec

// New returns the catalog of Tocsin's commands.
func New() Catalog {
	return slices.Concat(incidentSpecs(), peopleSpecs(), recordSpecs(), querySpecs())
}

// Find returns the command with a name, in lower case; ok is false if there is none.
func (c Catalog) Find(name string) (s Spec, ok bool) {
	n := slices.IndexFunc(c, func(s Spec) bool { return s.Name == name })
	if n < 0 {
		return Spec{}, false
	}
	return c[n], true
}

// findTyped returns the command with a name as people type it, such as "Ack" or "/ack".
func (c Catalog) findTyped(name string) (Spec, bool) {
	return c.Find(cleanCommand(name))
}

// cleanCommand returns the name of a command without the marks around it: "/Ack" and
// "`ack`:" are "ack".
func cleanCommand(word string) string {
	word = Fold(strings.Trim(word, marks+stops))
	return strings.TrimPrefix(word, "/")
}

// refuseUnknown returns the refusal of a command that does not exist, with the one that
// was probably meant.
func (c Catalog) refuseUnknown(name string) error {
	names := make([]string, 0, len(c))
	for _, s := range c {
		names = append(names, s.Name)
	}
	shown, _ := workflow.CleanLine(name, 30)
	if near := Nearest(cleanCommand(name), names); near != "" {
		s, _ := c.Find(near)
		return refuse(fmt.Sprintf("There is no command %q. Did you mean `%s`?", shown, near), "For example: `"+s.Example+"`.")
	}
	return refuse(fmt.Sprintf("There is no command %q.", shown), "`help` lists them; for example `declare Checkout is down --sev 2`.")
}

// refuse returns a [*workflow.Refusal].
func refuse(message, hint string) error {
	return &workflow.Refusal{Message: message, Hint: hint}
}
