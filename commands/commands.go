// Package commands is the language people type. One [Catalog] says which words
// exist, what each takes, who may use it and how it reads in help; the same
// catalog parses typed text, button clicks and forms. It is pure: it turns a
// line into a [workflow.Command] or a [Query] and does nothing.
package commands

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/workflow"
)

// Access is what somebody may do. A higher access may do all of the lower.
type Access int

// The levels of access.
const (
	Guest Access = iota
	Stakeholder
	Responder
	Commander
	Admin
)

// String returns the word used in the configuration.
func (a Access) String() string {
	return [...]string{"guest", "stakeholder", "responder", "commander", "admin"}[min(max(a, Guest), Admin)]
}

// ParseAccess reads the word used in the configuration.
func ParseAccess(word string) (Access, bool) {
	for a := Guest; a <= Admin; a++ {
		if a.String() == word {
			return a, true
		}
	}
	return Guest, false
}

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

// Query is a command that changes nothing: the bot answers it by reading.
type Query struct {
	Kind     string // the word: list, show, timeline, timers, who, web or help
	Topic    string // help: a word; web: "" for a link, sessions or revoke
	ID       string // web revoke: the session, or "all"
	Status   string
	Severity workflow.Severity
	Service  string
	All      bool // list: ended ones too
	Limit    int
}

// Context is where a line was typed, and by whom.
type Context struct {
	Room   string    // the incident whose room it is, or ""
	Now    time.Time // for times that are relative
	Zone   *time.Location
	Matrix workflow.Matrix
	// Person resolves "@ana"; Target resolves a person, team, policy or
	// webhook that can be paged. A nil func resolves nothing.
	Person func(handle string) (id, name string, ok bool)
	Target func(handle string) (workflow.Target, bool)
	// Service resolves a service by ID or name; unknown ones are kept as typed.
	Service func(text string) (id string, ok bool)
	Speaker workflow.Reporter
	// Fields is what a form was filled in with, by the names of the word's
	// fields. It adds to what the line says: texts follow one another, an option
	// that both give is the form's, and a field that the word's Form lacks is
	// refused. A value is taken literally, without the space around it; a blank
	// one counts as not given.
	Fields map[string][]string
	// Choices lists what only the house knows, for [Catalog.Complete]: people,
	// targets, services, and the open incidents that the speaker may see. What
	// stands first is offered first. A nil func lists nothing.
	Choices func(kind FieldKind) []Choice
}

// Call is a line understood.
type Call struct {
	Spec     Spec
	Incident string           // what it is about; "" for none
	Command  workflow.Command // nil for a query
	Query    *Query
	Access   Access // what it needs: the word's, or more because of a flag
}

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

// longest is how much of a line, and of each value of a form, is read.
const maxBytes = 64 << 10

// Parse understands a line, and what a form adds to it. A mistake is a
// [*workflow.Refusal] that names the nearest right word and an example.
func (c Catalog) Parse(text string, ctx Context) (Call, error) {
	tokens := tokenize(text[:min(len(text), maxBytes)])
	if len(tokens) == 0 {
		return Call{}, refuse("Say what to do.", "`help` lists the commands; for example `declare Checkout is down --sev 2`.")
	}
	if isBotName(tokens[0].text) {
		if tokens = tokens[1:]; len(tokens) == 0 {
			tokens = tokenize("help")
		}
	}
	w, ok := c.findTyped(tokens[0].text)
	if !ok {
		return Call{}, c.refuseUnknown(tokens[0].text)
	}
	a := &args{spec: w, ctx: ctx, flags: map[string][]string{}}
	if err := a.readTokens(tokens[1:]); err != nil {
		return Call{}, err
	}
	if err := a.readForm(); err != nil {
		return Call{}, err
	}
	incident, err := a.takeIncident()
	if err != nil {
		return Call{}, err
	}
	call := Call{Spec: w, Incident: incident, Access: w.Access}
	call.Command, call.Query, err = w.build(a)
	if err != nil {
		return Call{}, err
	}
	if cl, ok := call.Command.(workflow.Close); ok && cl.Force {
		call.Access = Commander
	}
	return call, nil
}

// calls reports whether a line that begins so is addressed to the bot: its word
// comes next.
func isBotName(word string) bool {
	word = strings.ToLower(word)
	return word == "/incident" || word == "/inc" || word == "incident"
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
